"""Executes a plan, each letter once: records and the ledger's rows about them become visible together or not at all.

The order is what makes it safe. First the transactional id is taken over, which ends whatever an earlier holder left
open; only then is the ledger read, up to the high watermark; then chunk after chunk is committed. Anything but a clean
commit means starting from the takeover again: what was committed after all is found in the ledger.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventops.dlq import ledger, planning
from eventops.dlq.ledger import Ledger, Row, content_hash, home_partition
from eventops.dlq.ledger_log import LedgerLog
from eventops.dlq.model import Plan, Planned, Refused, Replayed, ReplayReport, State, Step
from eventops.dlq.rules import UNSETTLED
from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted, Unsupported
from eventops.events import Position
from eventops.ports import Broker, Capability, Fenced, Outgoing, TransactionalProducer, TransactionLost

_LONG_TRANSACTION_SECONDS = 2.0
_FIRST_BACKOFF_SECONDS = 0.5
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """``chunk`` letters a transaction at most; ``rate`` letters a second, None for no limit; ``patience`` seconds for
    others' open transactions (brokers end them after 60 s by default); ``tries`` after lost transactions in a row;
    ``max_parked`` letters may be refused by their target before the whole replay ends."""

    chunk: int = 500
    rate: float | None = None
    patience: float = 75.0
    tries: int = 5
    max_parked: int = 20


class Replay:
    """One execution of one plan by one operator."""

    def __init__(self, broker: Broker, log: LedgerLog, plan: Plan, operator: str, pace: Pace = Pace()) -> None:
        self._broker = broker
        self._log = log
        self._plan = plan
        self._operator = operator
        self._pace = pace
        self._chunk = pace.chunk
        self._left = deque(plan.planned)
        self._replayed: list[Replayed] = []
        self._parked: list[Refused] = []
        self._parts: list[int] = []
        self._refusals: dict[bytes, str] = {}
        self._discarded = 0
        self._overtaken = 0
        self._lost_in_a_row = 0
        self._stopped: str | None = None
        self._is_stopped: Callable[[], bool] = lambda: False
        self._now: Callable[[], datetime]
        self._ledger_partition = 0

    def steps(self, now: Callable[[], datetime], is_stopped: Callable[[], bool], program: str) -> Iterator[Step]:
        """A step a transaction; the last one carries the report. ``is_stopped`` is asked between transactions; dropping
        the iterator between steps leaves nothing half done either.

        Raises:
            Unsupported: the broker has no transactions.
            NotPermitted: the transactional id, the ledger or the target may not be used.
            BrokerUnreachable: nobody answered from the beginning.
            EventopsError: the ledger can't be trusted or read; nothing was done that it doesn't tell.
        """
        if Capability.TRANSACTIONS not in self._broker.capabilities:
            raise Unsupported("this broker has no transactions, so a replay can't be exactly once")
        self._now, self._is_stopped = now, is_stopped
        if self._left:
            topic = self._log.prepare()
            self._ledger_partition = home_partition(self._left[0].source.topic_id, len(topic.partitions))
        while self._goes_on():
            try:
                yield from self._round()
            except BrokerUnreachable as silence:
                if not self._has_begun:
                    raise
                self._stopped = silence.what
        yield self._step(report=self._report(program))

    def _round(self) -> Iterator[Step]:
        try:
            yield from self._hold_the_id()
        except TransactionLost as lost:
            self._start_again(lost)
        except Fenced:
            self._give_way()

    @property
    def _has_begun(self) -> bool:
        """Whether something was, or may have been, written: then there is a report, whatever happens."""
        return bool(self._replayed or self._parked or self._discarded or self._lost_in_a_row)

    def _goes_on(self) -> bool:
        return bool(self._left) and self._stopped is None and not self._is_stopped()

    def _hold_the_id(self) -> Iterator[Step]:
        """Take over the id, learn from the ledger what is done, and replay what is left."""
        producer = self._take_over()
        try:
            if not self._learn():
                return
            yield self._step()
            while self._goes_on():
                chunk = self._next_chunk()
                started = time.monotonic()
                if not self._put(producer, chunk):
                    return
                seconds = time.monotonic() - started
                self._lost_in_a_row = 0
                yield self._step(seconds)
                self._slow_down(len(chunk), seconds)
        finally:
            producer.close()

    def _take_over(self) -> TransactionalProducer:
        source = self._left[0].source
        name = f"eventops-replay/{source.cluster_id}/{source.topic_id}"
        try:
            return self._broker.transactional_producer(name)
        except NotPermitted as refused:
            raise NotPermitted(
                f"a replay writes in transactions, and this one's id {name} may not be used ({refused.what})",
                remedy="grant DESCRIBE and WRITE on transactional ids that begin with eventops-replay/",
            ) from refused

    def _learn(self) -> bool:
        """Drop what the ledger says is done, by this run (a commit whose answer was lost) or another.

        False where it was stopped while waiting.
        """
        rows = self._log.settled(self._pace.patience, self._is_stopped)
        if rows is None:
            return False
        left = list(self._left)
        self._left.clear()
        for one in left:
            row = rows.rows.get(one.ledger_key)
            if row is not None and row.run_id == self._plan.run_id:
                self._note(one, row)
            elif _is_overtaken(one, rows):
                self._overtaken += 1
            else:
                self._left.append(one)
        return True

    def _next_chunk(self) -> Sequence[Planned]:
        """What goes next: a letter to be parked, a part of a chunk that was refused, or as much as the pace allows."""
        if self._left[0].ledger_key in self._refusals:
            return [self._left[0]]
        size = self._chunk if self._pace.rate is None else min(self._chunk, math.ceil(self._pace.rate))
        if self._parts:
            size = self._parts.pop()
        return [self._left[index] for index in range(min(size, len(self._left)))]

    def _put(self, producer: TransactionalProducer, chunk: Sequence[Planned]) -> bool:
        """Commit a chunk and its rows in one transaction; False where the target refused some of it.

        The producer is spent then: Kafka refuses whole batches and the sequence numbers of what follows don't fit.
        """
        producer.begin()
        refusal = self._refusals.get(chunk[0].ledger_key)
        if refusal is not None:
            self._commit(producer, chunk, [self._row(chunk[0], State.PARKED, None, refusal)])
            return True
        if self._plan.is_discard:
            self._commit(producer, chunk, [self._row(one, State.DISCARDED, None) for one in chunk])
            return True
        answers = producer.append([_outgoing(one) for one in chunk])
        refused = [answer for answer in answers if answer.position is None]
        if refused:
            self._divide(chunk, refused[0].rejection or "the broker gave no reason")
            producer.abort()
            return False
        rows = [self._row(one, State.REPLAYED, answer.position) for one, answer in zip(chunk, answers, strict=True)]
        self._commit(producer, chunk, rows)
        return True

    def _divide(self, chunk: Sequence[Planned], refusal: str) -> None:
        """Find the record at fault by halving; alone, it will be parked with the broker's reason."""
        if len(chunk) == 1:
            self._refusals[chunk[0].ledger_key] = refusal
            return
        middle = len(chunk) // 2
        self._parts += [len(chunk) - middle, middle]

    def _commit(self, producer: TransactionalProducer, chunk: Sequence[Planned], rows: Sequence[Row]) -> None:
        answers = producer.append([self._ledger_record(row) for row in rows])
        if refusal := next((answer.rejection for answer in answers if answer.position is None), None):
            producer.abort()
            raise EventopsError(
                f"the ledger {ledger.TOPIC} refuses a row ({refusal}); nothing of this chunk was replayed"
            )
        producer.commit()
        for one, row in zip(chunk, rows, strict=True):
            assert self._left[0] is one
            self._left.popleft()
            self._note(one, row)

    def _note(self, one: Planned, row: Row) -> None:
        if row.state is State.PARKED:
            self._park(one, row.reason or "the broker gave no reason")
        elif row.target is not None:
            self._replayed.append(Replayed(one.letter.position, row.target))
        else:
            self._discarded += 1

    def _park(self, one: Planned, refusal: str) -> None:
        self._parked.append(Refused(one.letter, refusal))
        if len(self._parked) >= self._pace.max_parked and self._left:
            self._stopped = f"{len(self._parked)} letters were refused by their target, the last one: {refusal}"

    def _row(self, one: Planned, state: State, target: Position | None, reason: str | None = None) -> Row:
        return Row(
            letter=one.source,
            topic=one.letter.position.topic,
            state=state,
            content=content_hash(one.letter.event.record),
            target_topic=one.target_topic,
            target=target,
            replay_id=one.replay_id,
            operator=self._operator,
            at=self._now(),
            run_id=self._plan.run_id,
            reason=reason or self._plan.discard_reason,
        )

    def _ledger_record(self, row: Row) -> Outgoing:
        return Outgoing(ledger.TOPIC, row.key, ledger.encode(row), partition=self._ledger_partition)

    def _start_again(self, lost: TransactionLost) -> None:
        """Whether the last transaction was committed isn't known; the next takeover and the ledger will tell."""
        self._lost_in_a_row += 1
        if self._lost_in_a_row < self._pace.tries:
            self._pause(_FIRST_BACKOFF_SECONDS * 2 ** (self._lost_in_a_row - 1))
            return
        self._learn()
        if self._left:
            self._stopped = f"{self._lost_in_a_row} transactions in a row were lost, the last one: {lost}"

    def _give_way(self) -> None:
        """Somebody else took over the id, and would be fenced if we took it back; what they left to us is reported."""
        self._learn()
        if self._left:
            self._stopped = "another operator began to replay this topic and took over"

    def _slow_down(self, letters: int, seconds: float) -> None:
        """Smaller chunks where a transaction held readers back too long; the rate is kept between transactions."""
        if seconds > _LONG_TRANSACTION_SECONDS:
            self._chunk = max(letters // 2, 1)
        if self._pace.rate is not None and self._left:
            self._pause(letters / self._pace.rate - seconds)

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_stopped() and (rest := deadline - time.monotonic()) > 0:
            time.sleep(min(rest, _POLL_SECONDS))

    def _step(self, seconds: float | None = None, report: ReplayReport | None = None) -> Step:
        total = len(self._plan.planned)
        return Step(total - len(self._left), total, seconds, report)

    def _report(self, program: str) -> ReplayReport:
        interrupted = bool(self._left) and self._stopped is None
        return ReplayReport(
            plan=self._plan,
            executed=True,
            replayed=tuple(self._replayed),
            parked=tuple(self._parked),
            failed=tuple(Refused(one.letter, self._stopped) for one in self._left) if self._stopped else (),
            overtaken=self._overtaken,
            discarded=self._discarded,
            interrupted=interrupted,
            stopped=self._stopped,
            resume_command=planning.command(self._plan, program, len(self._left)) if self._left else None,
        )


def _outgoing(one: Planned) -> Outgoing:
    return Outgoing(one.target_topic, one.key, one.value, one.headers, one.target_partition)


def _is_overtaken(one: Planned, rows: Ledger) -> bool:
    """Somebody dealt with the letter since it was planned."""
    if rows.replayed(one.ledger_key) is not None:
        return True
    return one.letter.state in UNSETTLED and rows.latest(one.source) is not None
