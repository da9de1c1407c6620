"""Executes a plan, each letter once: records and the ledger's rows about them become visible together or not at all.

The order is what makes it safe. First the transactional id is taken over, which ends whatever an earlier holder left
open; only then is the ledger read, up to the high watermark; then chunk after chunk is committed. Anything but a clean
commit means starting from the takeover again: what was committed after all is found in the ledger.

Without transactions records are appended first and the rows after them: killed between the two, it doubles.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from eventops.dlq import command, lease, ledger
from eventops.dlq.gathering import uncollected
from eventops.dlq.ledger_log import LedgerLog
from eventops.dlq.model import State
from eventops.dlq.pace import Chunks, Pace
from eventops.dlq.ramp import Climb, Watch
from eventops.dlq.replay_model import AT_LEAST_ONCE, Action, Plan, Planned, Step
from eventops.dlq.rows import home_partition
from eventops.dlq.scribe import Scribe, is_alive, outgoing, reason_of
from eventops.dlq.tally import Tally
from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted
from eventops.events import Position
from eventops.ports import Appended, Broker, Fenced, Outgoing, Rejected, TransactionalProducer, TransactionLost

_FIRST_BACKOFF_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.05
_MOMENT: Final = 0.5
"""Seconds between two looks at what became of a stage."""


class Replay:
    """One execution of one plan by one operator. ``watch`` looks at what became of what was put back."""

    def __init__(
        self, broker: Broker, log: LedgerLog, plan: Plan, operator: str, pace: Pace, watch: Watch | None = None
    ) -> None:
        self._broker = broker
        self._log = log
        self._plan = plan
        self._operator = operator
        self._pace = pace
        self._chunks = Chunks(pace)
        self._tally = Tally(plan)
        self._climb = Climb(pace.ramp, watch) if pace.ramp is not None and watch is not None else None
        self._parts: list[int] = []
        self._refusals: dict[str, str] = {}
        self._lost_in_a_row = 0
        self._stopped: str | None = None
        self._is_stopped: Callable[[], bool] = lambda: False
        self._now: Callable[[], datetime]
        self._scribe: Scribe
        self._renewed = 0.0

    def steps(self, now: Callable[[], datetime], is_stopped: Callable[[], bool], program: str) -> Iterator[Step]:
        """A step a transaction; the last one carries the report. ``is_stopped`` is asked between transactions; dropping
        the iterator between steps leaves nothing half done either.

        Raises:
            NotPermitted: the transactional id, the ledger or the target may not be used.
            BrokerUnreachable: nobody answered from the beginning.
            EventopsError: somebody else is at it, or the ledger can't be trusted or read; nothing was done that it
                doesn't tell.
        """
        self._now, self._is_stopped = now, is_stopped
        gc.freeze()  # else Python's collector walks through the whole plan again and again
        try:
            yield from self._all_steps(program)
        finally:
            gc.unfreeze()

    def _all_steps(self, program: str) -> Iterator[Step]:
        if self._tally.left:
            self._prepare()
        while self._goes_on():
            try:
                yield from self._round()
            except BrokerUnreachable as silence:
                if not self._has_begun:
                    raise
                self._stopped = silence.what
        resume = command.of_plan(self._plan, program, self._pace, len(self._tally.left)) if self._tally.left else None
        failed_again = self._climb.failed_again if self._climb else ()
        yield Step(*self._progress, report=self._tally.report(self._stopped, failed_again, resume))

    def _prepare(self) -> None:
        self._respect_rights()
        topic = self._log.prepare()
        source = self._tally.left[0].source
        home = home_partition(source.topic_id, len(topic.partitions))
        self._scribe = Scribe(self._plan, self._operator, home, self._now)
        rows, _gaps = self._log.rows()
        held = rows.leases.get(source.topic_id)
        if not self._pace.take_over and held and lease.is_held(held, self._plan.run_id, self._now(), is_alive):
            raise EventopsError(
                lease.objection(held, self._now()), "wait for the end, or end it and go on from there with --take-over"
            )

    def _respect_rights(self) -> None:
        """Before anything is made or written.

        Raises:
            NotPermitted: naming every topic that may not be written to.
        """
        targets = {one.target_topic for one in self._tally.left} if self._plan.is_replay else set()
        if missing := self._broker.unwritable({ledger.TOPIC, *targets}):
            raise NotPermitted("nothing was written: it takes " + ", and ".join(sorted(missing.values())))

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
        return self._tally.has_written or self._lost_in_a_row > 0

    @property
    def _progress(self) -> tuple[int, int]:
        return self._tally.done, len(self._plan.planned)

    def _goes_on(self) -> bool:
        return bool(self._tally.left) and self._stopped is None and not self._is_stopped()

    def _hold_the_id(self) -> Iterator[Step]:
        """Take over the id, learn from the ledger what is done, and replay what is left."""
        producer = self._take_over()
        try:
            if not self._learn():
                return
            yield Step(*self._progress)
            while self._goes_on():
                chunk = self._next_chunk()
                started = time.monotonic()
                with uncollected():
                    is_put = self._put(producer, chunk)
                if not is_put:
                    return
                seconds = time.monotonic() - started
                self._lost_in_a_row = 0
                yield Step(*self._progress, seconds)
                self._chunks.learn(len(chunk), seconds)
                yield from self._watch_the_stage(producer)
                self._keep_the_rate(producer, len(chunk) if self._plan.is_replay else 0, seconds)
            if self._tally.left:
                self._give_back(producer)
        except GeneratorExit:  # dropped between two transactions
            self._give_back(producer)
            raise
        finally:
            producer.close()

    def _take_over(self) -> TransactionalProducer:
        source, batch_bytes = self._tally.left[0].source, self._plan.batch_bytes
        if self._plan.guarantee == AT_LEAST_ONCE:
            return self._broker.plain_producer(batch_bytes=batch_bytes, is_stopped=self._is_stopped)
        name = f"eventops-replay/{source.cluster_id}/{source.topic_id}"
        try:
            return self._broker.transactional_producer(name, batch_bytes=batch_bytes, is_stopped=self._is_stopped)
        except NotPermitted as refused:
            raise NotPermitted(
                f"a replay writes in transactions, and this one's id {name} may not be used ({refused.what})",
                "grant DESCRIBE and WRITE on transactional ids that begin with eventops-replay/; "
                "--at-least-once does without, and may double what is in hand when it is killed",
            ) from refused

    def _learn(self) -> bool:
        """What is done already; False where it was stopped while waiting."""
        rows = self._log.settled(self._pace.patience, self._is_stopped)
        if rows is None:
            return False
        self._tally.learn(rows)
        return True

    def _next_chunk(self) -> Sequence[Planned]:
        """What goes next: a letter to be parked, a part of a chunk that was refused, or as much as the pace allows."""
        if self._tally.left[0].replay_id in self._refusals:
            return self._tally.first(1)
        if self._parts:
            return self._tally.first(self._parts.pop())
        return self._tally.first(min(self._chunks.size, self._climb.room if self._climb else self._chunks.size))

    def _put(self, producer: TransactionalProducer, chunk: Sequence[Planned]) -> bool:
        """Commit a chunk and its rows in one transaction; False where the target refused some of it.

        The producer is spent then: Kafka refuses whole batches and the sequence numbers of what follows don't fit.
        """
        self._tally.in_doubt = len(chunk)
        producer.begin()
        nowhere = [None] * len(chunk)
        if (refusal := self._refusals.get(chunk[0].replay_id)) is not None:
            self._commit(producer, chunk, list(self._scribe.rows(chunk, State.PARKED, nowhere, refusal)))
            self._park(chunk[0], refusal)
            return True
        if not self._plan.is_replay:
            state = State.DISCARDED if self._plan.action is Action.DISCARD else State.OPEN
            self._commit(producer, chunk, list(self._scribe.rows(chunk, state, nowhere)))
            self._tally.write_off(chunk)
            return True
        answers = producer.append([outgoing(one) for one in chunk])
        targets = [answer for answer in answers if isinstance(answer, Position)]
        if len(targets) < len(chunk):
            return self._refused(producer, chunk, answers)
        self._commit(producer, chunk, list(self._scribe.rows(chunk, State.REPLAYED, targets)))
        self._tally.put(chunk, targets)
        if self._climb is not None:
            self._climb.note(chunk, targets)
        return True

    def _refused(self, producer: TransactionalProducer, chunk: Sequence[Planned], answers: Sequence[Appended]) -> bool:
        """Find the record at fault by halving: alone, it will be parked with the broker's reason. What was appended
        without a transaction stays, so its rows are written before that."""
        if not producer.is_atomic:
            self._keep_what_came_through(producer, chunk, answers)
            return False
        if len(chunk) == 1:
            self._refusals[chunk[0].replay_id] = reason_of(answers[0])
        else:
            middle = len(chunk) // 2
            self._parts += [len(chunk) - middle, middle]
        producer.abort()
        self._tally.in_doubt = 0
        return False

    def _keep_what_came_through(
        self, producer: TransactionalProducer, chunk: Sequence[Planned], answers: Sequence[Appended]
    ) -> None:
        through = [(one, said) for one, said in zip(chunk, answers, strict=True) if isinstance(said, Position)]
        faulty = [(one, said) for one, said in zip(chunk, answers, strict=True) if isinstance(said, Rejected)]
        self._tally.bring_forward([one for one, _at in through])
        if len(faulty) == 1 or len(chunk) == 1:
            self._refusals[faulty[0][0].replay_id] = reason_of(faulty[0][1])
        else:
            middle = len(faulty) // 2
            self._parts += [len(faulty) - middle, middle]
        if through:
            done, targets = [one for one, _at in through], [at for _one, at in through]
            self._commit(producer, done, list(self._scribe.rows(done, State.REPLAYED, targets)))
            self._tally.put(done, targets)

    def _commit(self, producer: TransactionalProducer, chunk: Sequence[Planned], rows: list[Outgoing]) -> None:
        is_last = len(chunk) == len(self._tally.left)
        rows.append(self._scribe.give_back() if is_last else self._scribe.lease())
        answers = producer.append(rows)
        if refusal := next((answer.reason for answer in answers if isinstance(answer, Rejected)), None):
            producer.abort()
            raise EventopsError(
                f"the ledger {ledger.TOPIC} refuses a row ({refusal}); "
                + (
                    "nothing of this chunk was replayed"
                    if producer.is_atomic
                    else "what it doesn't tell may be doubled"
                )
            )
        producer.commit()
        self._tally.in_doubt = 0
        self._renewed = time.monotonic()

    def _park(self, one: Planned, refusal: str) -> None:
        self._tally.park(one, refusal)
        number = len(self._tally.parked)
        if number >= self._pace.max_parked and self._tally.left:
            self._stopped = f"{number} letters were refused by their target, the last one: {refusal}"

    def _watch_the_stage(self, producer: TransactionalProducer) -> Iterator[Step]:
        """Where a ramp is climbed and a stage is full: wait what becomes of it."""
        climb = self._climb
        if climb is None or climb.room or not self._goes_on():
            return
        while self._goes_on() and not climb.is_over(time.monotonic()):
            yield Step(*self._progress, told=climb.told)
            self._pause(_MOMENT, producer)
        self._stopped = self._stopped or climb.verdict

    def _start_again(self, lost: TransactionLost) -> None:
        """Whether the last transaction was committed isn't known; the next takeover and the ledger will tell."""
        self._lost_in_a_row += 1
        if self._is_stopped():
            return
        if self._lost_in_a_row < self._pace.tries:
            self._pause(_FIRST_BACKOFF_SECONDS * 2 ** (self._lost_in_a_row - 1))
            return
        self._learn()
        if self._tally.left:
            self._stopped = f"{self._lost_in_a_row} transactions in a row were lost, the last one: {lost}"

    def _give_way(self) -> None:
        """Somebody else took over the id, and would be fenced if we took it back; what they left to us is reported."""
        self._learn()
        if self._tally.left:
            self._stopped = "another operator began to replay this topic and took over"

    def _give_back(self, producer: TransactionalProducer) -> None:
        """Nobody has to wait for a lease of who ended early."""
        with contextlib.suppress(TransactionLost, Fenced):
            producer.begin()
            producer.append([self._scribe.give_back()])
            producer.commit()

    def _keep_the_rate(self, producer: TransactionalProducer, letters: int, seconds: float) -> None:
        """Between transactions, since an open one holds readers back."""
        if self._pace.rate is not None and self._tally.left:
            self._pause(letters / self._pace.rate - seconds, producer)

    def _pause(self, seconds: float, producer: TransactionalProducer | None = None) -> None:
        """Somebody who waits between transactions shows that he is there."""
        deadline = time.monotonic() + seconds
        while not self._is_stopped() and (rest := deadline - time.monotonic()) > 0:
            if producer is not None and time.monotonic() - self._renewed > lease.RENEWAL_SECONDS:
                producer.begin()
                producer.append([self._scribe.lease()])
                producer.commit()
                self._renewed = time.monotonic()
            time.sleep(min(rest, _POLL_SECONDS))
