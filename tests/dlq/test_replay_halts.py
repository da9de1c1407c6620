"""What ends a replay in the middle: a target that is gone, a ledger that takes no rows. There is always a report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq import telling
from eventops.dlq.model import Selection, State
from eventops.dlq.pace import Pace
from eventops.dlq.replay_document import replay_document
from eventops.dlq.replay_model import Plan, ReplayReport, Step, Wishes
from eventops.dlq.service import DeadLetterService
from eventops.errors import BrokerUnreachable, EventopsError
from eventops.ports import TransactionalProducer, TransactionLost
from tests.dlq.workshop import Workshop, replayed

pytestmark = pytest.mark.broker


def now() -> datetime:
    return datetime.now(UTC)


def planned(service: DeadLetterService, topic: str, run: str = "run-1", wishes: Wishes = Wishes()) -> Plan:  # noqa: B008
    return service.plan(Selection(topic), now(), run, wishes)


def after_the_first(steps: Iterator[Step]) -> None:
    """Goes on until some letters are put back."""
    while next(steps).done == 0:
        pass


def ended(steps: Iterator[Step]) -> ReplayReport:
    *_, last = steps
    assert last.report is not None
    return last.report


def said(report: ReplayReport) -> list[tuple[int, str]]:
    return list(telling.outcome(replay_document(report)))


@pytest.mark.parametrize("at_least_once", [False, True])
def test_a_target_that_vanishes_stops_the_run_and_parks_nothing(
    workshop: Workshop, service: DeadLetterService, at_least_once: bool
) -> None:
    orders, letters = workshop.orders_with_letters(40)
    plan = planned(service, letters, wishes=Wishes(at_least_once=at_least_once))
    steps = service.execute(plan, Pace(chunk=10))
    after_the_first(steps)
    workshop.drop(orders)
    began = time.monotonic()
    report = ended(steps)

    assert time.monotonic() - began < 15
    assert (len(report.replayed), len(report.parked), report.remaining) == (10, 0, 30)
    assert report.stopped == f"the topic {orders} takes no records (no such topic or partition)"
    assert report.resume_command is not None
    assert (30, f"not tried: {report.stopped}") in said(report)
    counted = next(one.counts for one in service.list(now()).topics if one.topic == letters)
    assert counted == {State.REPLAYED: 10, State.OPEN: 30}
    assert service._log.rows()[0].leases == {} or at_least_once


@pytest.mark.parametrize("at_least_once", [False, True])
def test_a_ledger_that_takes_no_more_rows_leaves_a_report(
    workshop: Workshop, service: DeadLetterService, own_ledger: str, at_least_once: bool
) -> None:
    orders, letters = workshop.orders_with_letters(80)
    plan = planned(service, letters, wishes=Wishes(at_least_once=at_least_once))
    steps = service.execute(plan, Pace(chunk=4, rate=40))
    after_the_first(steps)
    workshop.take_only(own_ledger, 100)
    report = ended(steps)

    assert report.stopped is not None
    assert f"the ledger {own_ledger} refuses a row" in report.stopped
    assert report.resume_command is not None
    back = len(replayed(workshop.committed(orders)))
    assert 4 <= len(report.replayed) == back < 80
    assert ("4 letters of these aren't in it" in report.stopped) is at_least_once
    assert report.in_doubt == 0
    if not at_least_once:
        workshop.take_only(own_ledger, 1_000_000)
        assert (
            len(ended(service.execute(planned(service, letters, "run-2"), Pace(take_over=True))).replayed) == 80 - back
        )
        assert len(replayed(workshop.committed(orders))) == 80


def test_a_ledger_that_takes_no_row_at_all_is_an_error_and_nothing_is_put_back(
    workshop: Workshop, service: DeadLetterService, own_ledger: str
) -> None:
    orders, letters = workshop.orders_with_letters(2)
    workshop.topic(own_ledger, 2, cleanup_policy="compact", max_message_bytes="100")
    with pytest.raises(EventopsError, match="refuses a row"):
        ended(service.execute(planned(service, letters)))
    assert not replayed(workshop.committed(orders))


def test_a_ledger_that_is_deleted_in_the_middle_leaves_a_report(
    workshop: Workshop, service: DeadLetterService, own_ledger: str
) -> None:
    orders, letters = workshop.orders_with_letters(6)
    steps = service.execute(planned(service, letters), Pace(chunk=2))
    after_the_first(steps)
    workshop.drop(own_ledger)
    report = ended(steps)

    assert (len(report.replayed), report.remaining) == (2, 4)
    assert report.stopped == f"the ledger {own_ledger} refuses a row (no such topic or partition)"
    assert report.resume_command is not None
    assert len(replayed(workshop.committed(orders))) == 2


class _LosesTheSecondCommit:
    """A real producer whose second commit goes through and isn't answered; ``meanwhile`` happens then."""

    is_atomic = True

    def __init__(self, producer: TransactionalProducer, meanwhile: object) -> None:
        self._producer = producer
        self._meanwhile = meanwhile
        self._commits = 0
        self.begin, self.append, self.abort, self.close = (
            producer.begin,
            producer.append,
            producer.abort,
            producer.close,
        )

    def commit(self) -> None:
        self._producer.commit()
        self._commits += 1
        if self._commits == 2:
            assert callable(self._meanwhile)
            self._meanwhile()
            raise TransactionLost("nobody answered")


@pytest.mark.parametrize("how", ["made anew", "unreadable"])
def test_a_ledger_that_is_lost_while_a_commit_is_in_doubt_doubles_nothing(
    workshop: Workshop,
    broker: KafkaBroker,
    service: DeadLetterService,
    own_ledger: str,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    orders, letters = workshop.orders_with_letters(6)
    real = broker.transactional_producer

    def lose() -> None:
        if how == "unreadable":
            monkeypatch.setattr(service._log, "goal", _silent)
            return
        workshop.drop(own_ledger)
        workshop.topic(own_ledger, 2, cleanup_policy="compact")

    monkeypatch.setattr(
        broker, "transactional_producer", lambda name, **given: _LosesTheSecondCommit(real(name, **given), lose)
    )
    report = ended(service.execute(planned(service, letters), Pace(chunk=2, tries=3)))

    assert report.stopped is not None
    assert ("made anew" if how == "made anew" else "nobody answers") in report.stopped
    assert (len(report.replayed), report.in_doubt) == (2, 2)
    assert [number for number, what in said(report) if what.startswith("not tried")] == [2]
    assert len(replayed(workshop.committed(orders))) == 4


def _silent() -> object:
    raise BrokerUnreachable("nobody answers")


def test_a_ledger_that_would_forget_is_told_in_the_plan_and_before_the_id_is_taken_over(
    workshop: Workshop,
    broker: KafkaBroker,
    service: DeadLetterService,
    own_ledger: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    workshop.topic(own_ledger, 2, cleanup_policy="delete")
    taken: list[str] = []
    monkeypatch.setattr(broker, "transactional_producer", lambda name, **_given: taken.append(name))

    plan = planned(service, letters)
    assert plan.warnings[0].startswith(f"the ledger topic {own_ledger} has cleanup.policy=delete")
    with pytest.raises(EventopsError, match="would forget what was replayed"):
        ended(service.execute(plan))
    assert taken == []
