"""Somebody's open transaction on the ledger, which hides what was committed after it began."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq import ledger_log, replay
from eventops.dlq.model import Selection, State
from eventops.dlq.pace import Pace
from eventops.dlq.replay_model import Action, ReplayReport
from eventops.dlq.service import DeadLetterService
from eventops.events import Position
from eventops.ports import Gap, Outgoing
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def foreign_transaction(broker: KafkaBroker, workshop: Workshop, ledger: str, *partitions: int) -> Iterator[None]:
    """Open on those partitions of the ledger until the end; then aborted."""
    producer = broker.transactional_producer(workshop.unique("foreign"))
    producer.begin()
    producer.append([Outgoing(ledger, b"?", None, partition=number) for number in partitions])
    try:
        yield
    finally:
        producer.abort()
        producer.close()


def replay_all(service: DeadLetterService, topic: str, pace: Pace = Pace(), run: str = "run") -> ReplayReport:  # noqa: B008
    *_, last = service.execute(service.plan(Selection(topic), now(), run), pace)
    assert last.report is not None
    return last.report


def another(workshop: Workshop) -> str:
    """One more dead-letter topic, with one letter."""
    target = workshop.topic(workshop.unique("payments"))
    letters = workshop.topic(f"{target}-dlt")
    workshop.put(letters, [(b"k", b"{}", spring_headers(Position(target, 0, 0)))])
    return letters


def hides(gaps: tuple[Gap, ...]) -> list[tuple[int | None, bool]]:
    return [(gap.partition, "an open transaction hides 1 offset of the ledger" in gap.reason) for gap in gaps]


def test_what_an_open_transaction_hides_is_a_gap_wherever_the_ledger_is_asked(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    _orders, letters = workshop.orders_with_letters(3)
    replay_all(service, letters)
    with foreign_transaction(broker, workshop, own_ledger, 0, 1):
        found = service.list(now())
        _rows, gaps = service.history(letters)
        plan = service.plan(Selection(letters), now(), "run-2")
        books = service.plan_bookkeeping(Action.DISCARD, Selection(letters), now(), "run-3", "test")
        causes = service.causes(Selection(letters), now())
        told = [found.coverage.gaps, gaps, plan.coverage.gaps, books.coverage.gaps]
        assert [hides(gaps) for gaps in told] == [[(0, True), (1, True)]] * 4
        assert not causes.coverage.complete
    assert service.list(now()).coverage.complete


def test_letters_that_seem_open_say_that_it_is_as_far_as_is_known(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    _orders, letters = workshop.orders_with_letters(2)
    replay_all(service, letters)
    more = another(workshop)
    with foreign_transaction(broker, workshop, own_ledger, 0, 1):
        (done, _), (seems,) = (service.letters(Selection(topic), now()).letters for topic in (letters, more))
    assert (done.state, done.state_reason) == (State.REPLAYED, done.state_reason)
    assert seems.state is State.OPEN
    assert "as far as is known" in (seems.state_reason or "")


def test_nobody_waits_twice_for_the_same_transaction_and_nobody_where_there_is_none(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    replay_all(service, letters)
    moment = ledger_log._MOMENT_SECONDS

    def seconds() -> float:
        began = time.monotonic()
        service.history(letters)
        return time.monotonic() - began

    assert seconds() < moment / 2
    with foreign_transaction(broker, workshop, own_ledger, 0):
        assert seconds() >= moment
        assert seconds() < moment / 2


def test_a_transaction_that_ends_within_a_moment_makes_nothing_partial(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    """As those of a replay do."""
    _orders, letters = workshop.orders_with_letters(1)
    replay_all(service, letters)
    asked = threading.Event()
    real = broker.log_bounds

    def ends_when_it_was_seen() -> None:
        with foreign_transaction(broker, workshop, own_ledger, 0, 1):
            is_open.set()
            assert asked.wait(20)

    def seen(*partitions: object) -> object:
        found = real(*partitions)  # type: ignore[arg-type]
        asked.set()
        return found

    is_open = threading.Event()
    somebody = threading.Thread(target=ends_when_it_was_seen)
    somebody.start()
    assert is_open.wait(20)
    broker.log_bounds = seen  # type: ignore[method-assign, assignment]
    try:
        assert service.history(letters)[1] == ()
    finally:
        somebody.join(20)


def test_a_replay_among_others_makes_no_look_at_the_ledger_partial(
    workshop: Workshop, service: DeadLetterService, bootstrap_servers: str
) -> None:
    _orders, letters = workshop.orders_with_letters(300)
    replay_all(service, another(workshop))
    watcher = KafkaBroker({"bootstrap.servers": bootstrap_servers})
    reports: list[ReplayReport] = []
    runner = threading.Thread(target=lambda: reports.append(replay_all(service, letters, Pace(chunk=3))))
    try:
        desk = DeadLetterService(watcher, operator="bob@test")
        runner.start()
        gaps: list[Gap] = []
        while runner.is_alive():
            gaps += desk.history()[1]
    finally:
        runner.join(60)
        watcher.close()
    assert gaps == []
    assert len(reports[0].replayed) == 300


def test_who_waits_says_what_for_and_is_told_the_end(
    workshop: Workshop,
    broker: KafkaBroker,
    service: DeadLetterService,
    own_ledger: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "_SILENT_SECONDS", 0.0)
    orders, letters = workshop.orders_with_letters(3)
    plan = service.plan(Selection(letters), now(), "run-1")
    *_, last = service.execute(service.plan(Selection(letters, limit=1), now(), "run-0"))
    with foreign_transaction(broker, workshop, own_ledger, 1):
        steps = service.execute(plan, Pace(patience=60))
        waiting = next(steps)
    assert waiting.told == "waiting for somebody's open transaction on the ledger (partition 1), up to 60 s"
    *_, last = steps
    assert last.report is not None
    assert (last.report.overtaken, len(last.report.replayed), last.told) == (1, 2, None)
    assert len(replayed(workshop.committed(orders))) == 3


def test_a_wait_that_is_stopped_has_written_nothing(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    orders, letters = workshop.orders_with_letters(2)
    replay_all(service, another(workshop))
    with foreign_transaction(broker, workshop, own_ledger, 0, 1):
        asked: list[bool] = []
        plan = service.plan(Selection(letters), now(), "run-1")
        for step in service.execute(plan, is_stopped=lambda: bool(asked)):
            asked.append(step.told is not None)
            report = step.report
    assert report is not None
    assert (report.interrupted, len(report.replayed), report.remaining, report.in_doubt) == (True, 0, 2, 0)
    assert report.resume_command is not None
    assert not replayed(workshop.committed(orders))


def test_what_hid_a_part_of_the_ledger_from_the_plan_is_no_gap_of_what_was_carried_out(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    orders, letters = workshop.orders_with_letters(4)
    replay_all(service, another(workshop))
    with foreign_transaction(broker, workshop, own_ledger, 0, 1):
        other = service.execute(service.plan(Selection(letters, limit=1), now(), "run-0"))
        ends = threading.Thread(target=lambda: list(other))
        ends.start()
        plan = service.plan(Selection(letters), now(), "run-1")
    ends.join(60)
    assert not plan.coverage.complete
    *_, last = service.execute(plan)
    assert last.report is not None
    assert last.report.plan.coverage.complete
    assert (last.report.overtaken, len(last.report.replayed)) == (1, 3)
    assert len(replayed(workshop.committed(orders))) == 4
