"""Replays on the real broker: once each, in order, whoever else is at it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq.families import BUILT_IN
from eventops.dlq.letter_log import Reading
from eventops.dlq.model import Selection, State
from eventops.dlq.pace import Pace
from eventops.dlq.replay_model import Action, Plan, ReplayReport, Step
from eventops.dlq.service import DeadLetterService
from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted
from eventops.events import REPLAY_ID, REPLAY_LINK, Position
from eventops.ports import Outgoing, TransactionalProducer, TransactionLost
from tests.dlq.workshop import TRACEPARENT, Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker


def now() -> datetime:
    return datetime.now(UTC)


def planned(service: DeadLetterService, topic: str, run: str = "run-1") -> Plan:
    return service.plan(Selection(topic), now(), run)


def finished(steps: Iterator[Step]) -> ReplayReport:
    """Goes to the end; the last step has the report."""
    *_, last = steps
    assert last.report is not None
    return last.report


def counts(service: DeadLetterService, topic: str) -> dict[State, int]:
    return next(one.counts for one in service.list(now()).topics if one.topic == topic)


def test_a_replay_brings_open_to_zero_and_a_second_one_says_so(
    workshop: Workshop, service: DeadLetterService, own_ledger: str
) -> None:
    orders, letters = workshop.orders_with_letters(12)
    assert counts(service, letters) == {State.OPEN: 12}
    plan = planned(service, letters)
    assert not workshop.exists(own_ledger), "reading and planning make no topic"

    report = finished(service.execute(plan, Pace(chunk=5)))

    assert (len(report.replayed), report.remaining, report.interrupted) == (12, 0, False)
    assert counts(service, letters) == {State.REPLAYED: 12}
    again = planned(service, letters, "run-2")
    assert (len(again.already_replayed), again.planned) == (12, ())
    assert len(replayed(workshop.committed(orders))) == 12


def test_key_payload_and_headers_come_back_and_each_key_in_order(
    workshop: Workshop, service: DeadLetterService
) -> None:
    orders, letters = workshop.orders_with_letters(20, partitions=2, keys=3)
    finished(service.execute(planned(service, letters), Pace(chunk=7)))

    records = workshop.committed(orders)
    before = [one for one in records if one.header(REPLAY_ID) is None]
    after = replayed(records)
    order_before = [(one.position.partition, one.key, one.value) for one in before]
    assert [(one.position.partition, one.key, one.value) for one in after] == order_before
    for one in after:
        names = [name for name, _ in one.headers]
        assert TRACEPARENT in one.headers
        assert ("ce_specversion", b"1.0") in one.headers
        assert not any(name.startswith("kafka_dlt-") or name == "kafka_deliveryAttempt" for name in names)
    assert len({one.header(REPLAY_ID) for one in after}) == len(after)


def test_targets_in_the_report_are_where_the_records_stand(workshop: Workshop, service: DeadLetterService) -> None:
    orders, letters = workshop.orders_with_letters(4)
    report = finished(service.execute(planned(service, letters)))

    links = {str(one.position): one.header(REPLAY_LINK) for one in replayed(workshop.committed(orders))}
    assert {str(one.target): str(one.source).encode() for one in report.replayed} == links


def test_stopping_between_transactions_leaves_nothing_half_done_and_the_rest_can_be_resumed(
    workshop: Workshop, service: DeadLetterService
) -> None:
    orders, letters = workshop.orders_with_letters(10)
    asked: list[bool] = []
    steps = service.execute(planned(service, letters), Pace(chunk=4), is_stopped=lambda: bool(asked))
    for step in steps:
        if step.done:
            asked.append(True)
        report = step.report
    assert report is not None
    assert (len(report.replayed), report.interrupted, report.remaining) == (4, True, 6)
    assert report.resume_command == f"eventops dlq replay {letters} --all --chunk 4 --execute"
    assert len(replayed(workshop.committed(orders))) == 4

    rest = finished(service.execute(planned(service, letters, "run-2")))
    assert len(rest.replayed) == 6
    assert len(replayed(workshop.committed(orders))) == 10


def test_an_abandoned_iterator_leaves_nothing_half_done(workshop: Workshop, service: DeadLetterService) -> None:
    orders, letters = workshop.orders_with_letters(6)
    steps = service.execute(planned(service, letters), Pace(chunk=2))
    while next(steps).done == 0:
        pass
    assert isinstance(steps, Iterator)
    steps.close()  # type: ignore[attr-defined]

    finished(service.execute(planned(service, letters, "run-2")))
    assert len(replayed(workshop.committed(orders))) == 6


def test_a_plan_that_was_overtaken_puts_nothing_back_twice(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService
) -> None:
    orders, letters = workshop.orders_with_letters(5)
    stale = planned(service, letters, "run-1")
    other = DeadLetterService(broker, operator="bob@test")
    finished(other.execute(planned(other, letters, "run-2")))

    report = finished(service.execute(stale))

    assert (report.overtaken, len(report.replayed), report.remaining) == (5, 0, 0)
    assert len(replayed(workshop.committed(orders))) == 5


def test_two_operators_at_once_double_nothing(
    workshop: Workshop, bootstrap_servers: str, service: DeadLetterService
) -> None:
    orders, letters = workshop.orders_with_letters(60)
    reports: list[ReplayReport] = []
    at_the_start = threading.Barrier(2)

    def operate(name: str) -> None:
        broker = KafkaBroker({"bootstrap.servers": bootstrap_servers})
        try:
            desk = DeadLetterService(broker, operator=name)
            plan = planned(desk, letters, name)
            at_the_start.wait(20)
            reports.append(finished(desk.execute(plan, Pace(chunk=3, rate=60))))
        finally:
            broker.close()

    operators = [threading.Thread(target=operate, args=(name,)) for name in ("ada", "bob")]
    for operator in operators:
        operator.start()
    for operator in operators:
        operator.join(60)

    times = Counter(one.header(REPLAY_LINK) for one in replayed(workshop.committed(orders)))
    assert set(times.values()) == {1}
    assert len(times) == 60, [report.stopped for report in reports]
    assert sum(len(report.replayed) for report in reports) == 60
    assert sorted(report.stopped is None for report in reports) == [False, True]


def test_a_foreign_open_transaction_on_the_ledger_is_waited_for(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    orders, letters = workshop.orders_with_letters(3)
    stale = planned(service, letters, "run-stale")
    finished(service.execute(planned(service, letters, "run-1"), Pace(chunk=1)))
    foreign = broker.transactional_producer(workshop.unique("foreign"))
    foreign.begin()
    foreign.append([Outgoing(own_ledger, b"x", b"{}", partition=number) for number in range(2)])
    other = DeadLetterService(broker, operator="bob@test")

    with pytest.raises(EventopsError, match="has been open for more than"):
        finished(other.execute(stale, Pace(patience=0.5)))
    foreign.commit()
    foreign.close()
    report = finished(other.execute(stale))

    assert (report.overtaken, len(report.replayed)) == (3, 0)
    assert len(replayed(workshop.committed(orders))) == 3


def test_our_own_rows_behind_a_foreign_transaction_are_not_overlooked(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, own_ledger: str
) -> None:
    """The trap: a reader of committed records doesn't see rows that were committed after an open transaction began."""
    orders, letters = workshop.orders_with_letters(3)
    stale = planned(service, letters, "run-stale")
    finished(service.execute(service.plan(Selection(letters, limit=1), now(), "run-0")))
    foreign = broker.transactional_producer(workshop.unique("foreign"))
    foreign.begin()
    foreign.append([Outgoing(own_ledger, b"x", b"{}", partition=number) for number in range(2)])
    stopped: list[ReplayReport] = []
    runner = threading.Thread(target=lambda: stopped.append(finished(service.execute(stale, Pace(chunk=1)))))
    runner.start()
    runner.join(1.0)
    assert runner.is_alive(), "it waits for the transaction that hides what was committed"
    assert len(replayed(workshop.committed(orders))) == 1
    foreign.abort()
    foreign.close()
    runner.join(30)

    assert stopped[0].overtaken == 1
    assert len(replayed(workshop.committed(orders))) == 3


def test_a_letter_that_its_target_refuses_is_parked_and_the_others_go_through(
    workshop: Workshop, service: DeadLetterService
) -> None:
    orders = workshop.topic(workshop.unique("orders"), max_message_bytes="2000")
    letters = workshop.topic(f"{orders}-dlt")
    values = [b"x" * (50_000 if number in (2, 3) else 10) for number in range(8)]
    workshop.put(
        letters,
        [(b"k", value, spring_headers(Position(orders, 0, number))) for number, value in enumerate(values)],
    )

    report = finished(service.execute(planned(service, letters)))

    assert (len(report.replayed), len(report.parked), report.remaining) == (6, 2, 2)
    assert [one.letter.position.offset for one in report.parked] == [2, 3]
    assert counts(service, letters) == {State.REPLAYED: 6, State.PARKED: 2}
    assert [one.value for one in workshop.committed(orders)] == [v for v in values if len(v) == 10]
    later = planned(service, letters, "run-2")
    assert (len(later.already_replayed), len(later.refused)) == (6, 2)


def test_a_dead_letter_topic_made_anew_is_not_mistaken_for_the_old_one(
    workshop: Workshop, service: DeadLetterService
) -> None:
    orders, letters = workshop.orders_with_letters(3)
    finished(service.execute(planned(service, letters)))
    workshop.drop(letters)
    workshop.topic(letters)
    workshop.put(letters, [(b"k", b"new", spring_headers(Position(orders, 0, 0)))])

    assert counts(service, letters) == {State.OPEN: 1}
    assert len(planned(service, letters, "run-2").planned) == 1


def test_a_replayed_record_that_fails_again_is_a_letter_linked_to_the_first(
    workshop: Workshop, service: DeadLetterService
) -> None:
    orders, letters = workshop.orders_with_letters(1)
    finished(service.execute(planned(service, letters)))
    [back] = replayed(workshop.committed(orders))
    workshop.put(letters, [(back.key, back.value, back.headers + spring_headers(back.position))])

    assert counts(service, letters) == {State.REPLAYED: 1, State.FAILED_AGAIN: 1}
    again, _ = service.letter(Position(letters, 0, 1))
    assert again.replay_of == Position(letters, 0, 0)
    plan = planned(service, letters, "run-2")
    assert (len(plan.planned), len(plan.already_replayed)) == (1, 1)
    assert "failed again" in "\n".join(plan.warnings)
    finished(service.execute(plan))
    assert counts(service, letters) == {State.REPLAYED: 2}


def test_a_discard_is_a_row_in_the_ledger_and_the_letter_stays(workshop: Workshop, service: DeadLetterService) -> None:
    orders, letters = workshop.orders_with_letters(2)
    plan = service.plan_bookkeeping(Action.DISCARD, Selection(letters), now(), "run-1", "test data")
    report = finished(service.execute(plan))

    assert (report.written_off, report.remaining) == (2, 0)
    assert counts(service, letters) == {State.DISCARDED: 2}
    assert service.letter(Position(letters, 0, 0))[0].state_reason == "test data (ada@test)"
    assert "test data" in planned(service, letters, "run-2").refused[0].reason
    assert len(workshop.committed(letters)) == 2
    assert replayed(workshop.committed(orders)) == ()


def test_a_holder_that_was_fenced_gives_way(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService
) -> None:
    _orders, letters = workshop.orders_with_letters(4)
    plan = planned(service, letters)
    source = plan.planned[0].source
    steps = service.execute(plan, Pace(chunk=1))
    while next(steps).done == 0:
        pass
    taken = broker.transactional_producer(f"eventops-replay/{source.cluster_id}/{source.topic_id}")
    report = finished(steps)
    taken.close()

    assert report.stopped is not None
    assert "took over" in report.stopped
    assert (len(report.replayed), len(report.failed)) == (1, 3)


def test_topics_are_found_by_name_and_by_what_they_hold(
    workshop: Workshop, service: DeadLetterService, unique: Callable[[str], str]
) -> None:
    orders, letters = workshop.orders_with_letters(1)
    oddly_named = workshop.topic(unique("failures"))
    workshop.put(oddly_named, [(b"k", b"v", spring_headers(Position(orders, 0, 0)))])

    found = {one.topic: one for one in service.list(now()).topics}

    assert {letters, oddly_named} <= set(found)
    assert orders not in found
    assert found[letters].per_hour == 1.0


class _AnswersLost:
    """A real producer whose first commits go unanswered: ``through`` says, for each, whether it went through."""

    is_atomic = True

    def __init__(self, producer: TransactionalProducer, through: list[bool]) -> None:
        self._producer = producer
        self._through = through
        self.begin, self.append, self.abort, self.close = (
            producer.begin,
            producer.append,
            producer.abort,
            producer.close,
        )

    def commit(self) -> None:
        if not self._through:
            return self._producer.commit()
        if self._through.pop(0):
            self._producer.commit()
        raise TransactionLost("nobody answered")


@pytest.mark.parametrize("through", [[True], [False], [True, False, True]])
def test_a_commit_without_an_answer_is_found_in_the_ledger_or_done_again(
    workshop: Workshop,
    broker: KafkaBroker,
    service: DeadLetterService,
    monkeypatch: pytest.MonkeyPatch,
    through: list[bool],
) -> None:
    orders, letters = workshop.orders_with_letters(10)
    real, left = broker.transactional_producer, list(through)
    monkeypatch.setattr(broker, "transactional_producer", lambda name, **how: _AnswersLost(real(name, **how), left))

    report = finished(service.execute(planned(service, letters), Pace(chunk=2, tries=6)))

    back = replayed(workshop.committed(orders))
    assert not left
    assert (len(report.replayed), report.overtaken, report.remaining) == (10, 0, 0)
    assert {str(one.target) for one in report.replayed} == {str(one.position) for one in back}
    assert len(back) == 10


def test_a_replay_that_gets_no_answer_at_all_ends_and_says_so(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, monkeypatch: pytest.MonkeyPatch
) -> None:
    _orders, letters = workshop.orders_with_letters(2)
    real = broker.transactional_producer
    monkeypatch.setattr(
        broker, "transactional_producer", lambda name, **how: _AnswersLost(real(name, **how), [False] * 9)
    )

    report = finished(service.execute(planned(service, letters), Pace(tries=2)))

    assert report.stopped is not None
    assert "lost" in report.stopped
    assert (len(report.failed), report.interrupted) == (2, False)
    assert report.resume_command is not None


def test_a_broker_that_falls_silent_midway_still_gets_a_report(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, letters = workshop.orders_with_letters(6)
    real = broker.transactional_producer
    held: list[TransactionalProducer] = []

    def once(name: str, **how: Any) -> TransactionalProducer:
        if held:
            raise BrokerUnreachable("nobody answers at kafka:9092 within 10 s")
        held.append(real(name, **how))
        return _SilentFromTheSecondCommit(held[0])

    monkeypatch.setattr(broker, "transactional_producer", once)
    report = finished(service.execute(planned(service, letters), Pace(chunk=2)))

    assert (len(report.replayed), len(report.failed), report.interrupted) == (2, 4, False)
    assert report.stopped == "nobody answers at kafka:9092 within 10 s"
    assert report.resume_command is not None
    assert len(workshop.committed(orders)) == 6 + 2

    monkeypatch.setattr(broker, "transactional_producer", real)
    finished(service.execute(planned(service, letters)))
    assert len(replayed(workshop.committed(orders))) == 6, "each once, whatever became of the commit in doubt"


class _SilentFromTheSecondCommit(_AnswersLost):
    """The first commit is answered, the second isn't made."""

    def __init__(self, producer: TransactionalProducer) -> None:
        super().__init__(producer, [])
        self._commits = 0

    def commit(self) -> None:
        self._commits += 1
        if self._commits > 1:
            raise TransactionLost("nobody answered")
        super().commit()


def test_a_ledger_that_would_forget_is_not_used(
    workshop: Workshop, service: DeadLetterService, own_ledger: str
) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    workshop.topic(own_ledger, 2, cleanup_policy="compact,delete")

    with pytest.raises(EventopsError, match="would forget what was replayed"):
        finished(service.execute(planned(service, letters)))


def test_a_topic_deleted_while_it_is_read_is_left_out_and_no_gap(workshop: Workshop, broker: KafkaBroker) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    reading = Reading(broker, BUILT_IN)
    topics = broker.topics([letters])
    workshop.drop(letters)

    assert list(reading.records(topics)) == []
    assert reading.forget_deleted() == {letters}
    assert reading.coverage.complete


def test_a_forbidden_transactional_id_is_named_with_its_remedy(
    workshop: Workshop, broker: KafkaBroker, service: DeadLetterService, monkeypatch: pytest.MonkeyPatch
) -> None:
    _orders, letters = workshop.orders_with_letters(1)

    def refuse(name: str, **_how: Any) -> TransactionalProducer:
        raise NotPermitted("Transactional Id authorization failed", remedy="ask for it")

    monkeypatch.setattr(broker, "transactional_producer", refuse)
    with pytest.raises(NotPermitted, match=r"id eventops-replay/.*grant DESCRIBE and WRITE"):
        finished(service.execute(planned(service, letters)))
