"""The live tail and the search through records, by keys alone, on a real broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.tui import combing
from eventops.tui.app import Dashboard
from eventops.tui.events import EventsPage
from eventops.tui.query import Query
from eventops.tui.records import RecordPage
from eventops.tui.tail import MOST, TailPage
from eventops.tui.trace import TracePage
from tests.dlq.workshop import Workshop
from tests.tui.stage import current, front, shown, table, type_text, until

pytestmark = [pytest.mark.broker, pytest.mark.asyncio]


def dashboard(servers: str) -> tuple[Desk, Dashboard]:
    """On the real broker, as the command opens it."""
    desk = Desk(Context("test", {BOOTSTRAP: servers}))
    return desk, Dashboard(desk, refresh=0.5)


@contextmanager
def firehose(servers: str, topic: str) -> Iterator[None]:
    """As many records as this machine gives, until it is left."""
    ended = threading.Event()

    def pour() -> None:
        producer = Producer({BOOTSTRAP: servers, "linger.ms": 20, "compression.type": "lz4"})
        number = 0
        while not ended.is_set():
            try:
                producer.produce(topic, b'{"number": %d}' % number, b"k")
                number += 1
            except BufferError:
                producer.poll(0.05)
        producer.purge()
        producer.flush(10)

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)


async def test_what_comes_is_shown_and_leads_to_its_trace(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, _letters = workshop.orders_with_letters(5)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await pilot.press("5", "slash")
            await type_text(pilot, f"^{orders}$")
            await until(pilot, lambda: table(app, "topics").current is not None, "the topic")
            await pilot.press("l")
            await until(pilot, lambda: len(table(app, "records").rows) == 5, "what stands there already")
            assert front(app, TailPage).topic == orders
            workshop.put(orders, [(b"k", b'{"metadata": {"correlationId": "%s-live"}}' % orders.encode(), ())])
            await until(pilot, lambda: f"{orders}-live" in shown(pilot), "what came")
            await until(pilot, lambda: current(app, "records").position.offset == 5, "the cursor follows")
            await pilot.press("enter")
            assert "correlationId" in shown(pilot)
            front(app, RecordPage)
            await pilot.press("t")
            assert front(app, TracePage).identifier == f"{orders}-live"


async def test_a_tail_goes_on_where_it_was_left_and_counts_nothing_twice(
    bootstrap_servers: str, workshop: Workshop
) -> None:
    orders, _letters = workshop.orders_with_letters(5)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await pilot.press("colon")
            await type_text(pilot, f"tail {orders}")
            await until(pilot, lambda: len(table(app, "records").rows) == 5, "what stands there already")
            page = front(app, TailPage)
            await pilot.press("up", "enter")
            front(app, RecordPage)
            workshop.put(orders, [(b"k", b"meanwhile", ())])
            await pilot.press("escape")
            await until(pilot, lambda: "held; 1 since, f shows them" in shown(pilot), "what came, and it alone")
            assert page.ring.taken == 6
            await pilot.press("f")
            await until(pilot, lambda: len(table(app, "records").rows) == 6, "all of it")


async def test_more_than_a_screen_can_show_is_passed_over_and_keys_go_on(
    bootstrap_servers: str, workshop: Workshop
) -> None:
    topic = workshop.topic(workshop.unique("hose"), 2)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await app.open("topics", TailPage(topic))
            page = front(app, TailPage)
            with firehose(bootstrap_servers, topic):
                await until(pilot, lambda: page._passed > 20 * MOST, "far more than is read")
                assert "passed over" in shown(pilot)
                await pilot.press("up")
                await until(pilot, lambda: not page.is_following, "it is held")
                held = [str(row.position) for row in table(app, "records").rows]
                taken = page.ring.taken
                await until(pilot, lambda: page.ring.taken > taken, "it goes on behind what is held")
                assert [str(row.position) for row in table(app, "records").rows] == held
            assert len(page.ring.events) <= 1000


async def test_a_condition_narrows_the_tail(bootstrap_servers: str, workshop: Workshop) -> None:
    topic = workshop.topic(workshop.unique("numbers"))
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await app.open("topics", TailPage(topic))
            await until(pilot, lambda: front(app, TailPage)._looked_at is not None, "the first look")
            await pilot.press("w")
            await type_text(pilot, 'value=="7"'.replace('"', "'"))
            workshop.put(topic, [(None, str(number).encode(), ()) for number in range(20)])
            await until(pilot, lambda: len(table(app, "records").rows) == 1, "the one that was asked for")
            assert current(app, "records").record.value == b"7"


async def test_records_are_found_by_a_condition(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, letters = workshop.orders_with_letters(30)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await app.open("events")
            page = front(app, EventsPage)
            page.search(Query('"kafka_dlt-original-topic" in headers && offset >= 27', f"{orders}*", "beginning"))
            await until(pilot, lambda: not page.is_searching, "its end")
            found = [str(row.position) for row in table(app, "records").rows]
            assert found == [f"{letters}/0/{number}" for number in (27, 28, 29)]
            assert "done   100 % of 60 offsets" in shown(pilot)
            page.search(Query("value.nothing > 1", orders, "beginning"))
            await until(pilot, lambda: "30 records couldn't be judged" in shown(pilot), "what it can't be applied to")
            page.search(Query("true", workshop.unique("no-such-topic"), "beginning"))
            await until(pilot, lambda: "! there is no topic" in shown(pilot), "why not")


async def test_many_found_are_told_by_and_by(
    bootstrap_servers: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combing, "FOUND", 10)
    orders, _letters = workshop.orders_with_letters(25)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await app.open("events")
            page = front(app, EventsPage)
            page.search(Query("", orders, "beginning"))
            for number in (10, 20):
                await until(pilot, lambda n=number: f"{n} found: n goes on" in shown(pilot), "it waits")  # type: ignore[misc]
                await pilot.press("n")
            await until(pilot, lambda: not page.is_searching, "its end")
            assert [row.position.offset for row in table(app, "records").rows] == list(range(25))
            page.search(Query("", orders, "beginning"))
            await until(pilot, lambda: "10 found" in shown(pilot), "it waits")
            await pilot.press("escape")
            assert "stopped" in shown(pilot)
            assert not page.is_searching
