"""Streams are appended to in order, by whoever saw their end, and can be rebuilt at any past version."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from eventops.events import Envelope
from reference_services.kit.database import open_database
from reference_services.orders.event_store import ConcurrencyConflict, EventStore
from reference_services.orders.order import Cart, Customer, NotAllowed, Order, Status, cancel, pay, place, rebuild
from reference_services.orders.store import OrderStore

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
ANN = Customer("u1", "ann@example.com")


def event(name: str = "something.happened") -> Envelope:
    return Envelope(name, "test", {"name": name}, "req-1", NOW)


@contextmanager
def fresh_engine() -> Iterator[Engine]:
    with TemporaryDirectory() as home:
        engine = open_database(f"sqlite:///{Path(home) / 'events.db'}")
        yield engine
        engine.dispose()


def test_events_come_back_in_order_and_whole(engine: Engine) -> None:
    events = [event(f"e{number}") for number in range(5)]
    with engine.begin() as transaction:
        store = EventStore(transaction)
        assert [store.append_event("s", e, version) for version, e in enumerate(events)] == [1, 2, 3, 4, 5]
        assert [stored.event for stored in store.get_events("s")] == events
        assert [stored.version for stored in store.get_events("s", from_version=4)] == [4, 5]
        assert store.get_events("another") == []


@pytest.mark.parametrize("expected_version", [0, 1, 3, 99])
def test_a_writer_who_saw_another_version_is_refused(engine: Engine, expected_version: int) -> None:
    with engine.begin() as transaction:
        for version in range(2):
            EventStore(transaction).append_event("s", event(), version)
    with pytest.raises(ConcurrencyConflict, match="at version 2"), engine.begin() as transaction:
        EventStore(transaction).append_event("s", event(), expected_version)
    with engine.connect() as connection:
        assert EventStore(connection).version("s") == 2


def test_of_many_writers_at_once_exactly_one_wins(engine: Engine) -> None:
    def write(_: int) -> bool:
        try:
            with engine.begin() as transaction:
                EventStore(transaction).append_event("s", event(), 0)
        except ConcurrencyConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as writers:
        assert sum(writers.map(write, range(24))) == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), max_size=25))
def test_whatever_is_tried_each_stream_is_gapless(tries: list[tuple[str, int]]) -> None:
    model: dict[str, list[Envelope]] = {"a": [], "b": [], "c": []}
    with fresh_engine() as engine:
        for stream, expected in tries:
            tried = event()
            try:
                with engine.begin() as transaction:
                    EventStore(transaction).append_event(stream, tried, expected)
            except ConcurrencyConflict:
                assert expected != len(model[stream])
            else:
                model[stream].append(tried)
        with engine.connect() as connection:
            for stream, events in model.items():
                stored = EventStore(connection).get_events(stream)
                assert [s.version for s in stored] == list(range(1, len(events) + 1))
                assert [s.event for s in stored] == events


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([pay, cancel]), max_size=4))
def test_an_order_can_be_rebuilt_as_it_was_at_each_version(
    tries: list[object],
) -> None:
    with fresh_engine() as engine:
        store = OrderStore(engine)
        seen = [store.open("o1", place("o1", ANN, Cart([], 12.5), "req-1", NOW))]
        for change in tries:
            decide = pay if change is pay else cancel
            try:
                seen.append(store.change("o1", lambda order, decide=decide: decide(order, None, NOW)))  # type: ignore[misc]
            except NotAllowed:
                continue
        assert [store.get("o1", version) for version in range(1, len(seen) + 1)] == seen
        assert store.get("o1") == seen[-1]
        assert store.get("o1", 0) is None


def test_an_order_is_paid_or_cancelled_once(engine: Engine) -> None:
    store = OrderStore(engine)
    store.open("o1", place("o1", ANN, Cart([], 12.5), "req-1", NOW))

    def change(number: int) -> bool:
        decide = pay if number % 2 else cancel
        try:
            store.change("o1", lambda order: decide(order, None, NOW))
        except (NotAllowed, ConcurrencyConflict):
            return False
        return True

    with ThreadPoolExecutor(6) as customers:
        assert sum(customers.map(change, range(12))) == 1
    order = store.get("o1")
    assert order is not None
    assert order.version == 2
    assert order.status in (Status.PAID, Status.CANCELLED)


def test_payment_continues_the_orders_chain_unless_the_caller_began_another() -> None:
    placed = place("o1", ANN, Cart([], 12.5), "req-1", NOW)
    order = rebuild([placed])
    assert isinstance(order, Order)
    for brought, correlation, causation in [
        (None, "req-1", placed.event_id),
        ("req-1", "req-1", placed.event_id),
        ("req-2", "req-2", None),
    ]:
        paid = pay(order, brought, NOW)
        assert (paid.correlation_id, paid.causation_id) == (correlation, causation)
