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
from collections.abc import Callable, Collection, Generator, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from eventops.dlq import command, lease, ledger
from eventops.dlq.committing import Committer, Halted, Put
from eventops.dlq.gathering import uncollected
from eventops.dlq.ledger_log import LedgerLog, hung
from eventops.dlq.pace import Chunks, Pace
from eventops.dlq.ramp import Climb, Watch
from eventops.dlq.replay_model import AT_LEAST_ONCE, Plan, Step
from eventops.dlq.rows import home_partition
from eventops.dlq.scribe import Scribe, is_alive
from eventops.dlq.tally import Tally
from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted
from eventops.events import Partition
from eventops.ports import Broker, Fenced, TransactionalProducer, TransactionLost

_FIRST_BACKOFF_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.05
_SILENT_SECONDS: Final = 2.0
"""A wait that takes longer is told."""
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
        self._targets = set(map(attrgetter("record.topic"), plan.planned)) if plan.is_replay else set()
        self._climb = Climb(pace.ramp, watch) if pace.ramp is not None and watch is not None else None
        self._committer: Committer | None = None
        self._ledger_id: str | None = None
        self._lost_in_a_row = 0
        self._stopped: str | None = None
        self._is_stopped: Callable[[], bool] = lambda: False
        self._now: Callable[[], datetime]

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
            except EventopsError as error:
                if not self._has_begun:
                    raise
                self._stopped = error.what if isinstance(error, BrokerUnreachable) else str(error)
        left = len(self._tally.left)
        resume = command.that_goes_on(self._plan, program, self._pace, left) if left else None
        failed_again = self._climb.failed_again if self._climb else ()
        yield self._step(report=self._tally.report(self._stopped, failed_again, resume))

    def _prepare(self) -> None:
        """Nothing is made or written yet."""
        self._respect_rights()
        if distrust := self._log.distrust():
            raise distrust
        rows = self._log.by_now()
        source = self._tally.left[0].source
        held = rows.leases.get(source.topic_id)
        if not self._pace.take_over and held and lease.is_held(held, self._plan.run_id, self._now(), is_alive):
            raise EventopsError(
                lease.objection(held, self._now()), "wait for the end, or end it and go on from there with --take-over"
            )

    def _respect_rights(self) -> None:
        """
        Raises:
            NotPermitted: naming every topic that may not be written to.
        """
        if missing := self._broker.unwritable({ledger.TOPIC, *self._targets}, {ledger.TOPIC}):
            raise NotPermitted("nothing was written: it takes " + ", and ".join(sorted(missing.values())))

    def _round(self) -> Iterator[Step]:
        try:
            yield from self._hold_the_id()
        except TransactionLost as lost:
            yield from self._start_again(lost)
        except Fenced:
            yield from self._leave("another operator began to replay this topic and took over")
        except Halted as halted:
            self._stopped = str(halted)
            self._let_go()

    @property
    def _has_begun(self) -> bool:
        """Whether something was, or may have been, written: then there is a report, whatever happens."""
        return self._tally.has_written or self._lost_in_a_row > 0

    def _step(self, **more: Any) -> Step:
        parked = self._tally.parked
        last = parked[-1].reason if parked else None
        return Step(self._tally.done, len(self._plan.planned), parked=len(parked), refusal=last, **more)

    def _goes_on(self) -> bool:
        return bool(self._tally.left) and self._stopped is None and not self._is_stopped()

    def _hold_the_id(self) -> Iterator[Step]:
        """Take over the id, learn from the ledger what is done, and replay what is left."""
        producer = self._take_over()
        try:
            committer = self._books()
            if not (yield from self._learn()):
                return
            yield self._step()
            while self._goes_on():
                chunk = committer.next_chunk(self._room)
                started = time.monotonic()
                with uncollected():
                    put = committer.put(producer, chunk)
                if put is None:
                    return
                self._note(put)
                seconds = time.monotonic() - started
                self._lost_in_a_row = 0
                yield self._step(seconds=seconds)
                self._chunks.learn(len(chunk), seconds)
                if (yield from self._watch_the_stage(producer)):
                    yield self._step()
                if (rest := self._rest(len(chunk), seconds)) > 0:
                    yield self._step(is_pause=True)
                    self._pause(rest, producer)
                    yield self._step()
            if self._tally.left:
                self._give_back(producer)
        except GeneratorExit:  # dropped between two transactions
            self._give_back(producer)
            raise
        finally:
            producer.close()

    def _books(self) -> Committer:
        """Who writes records and rows; the ledger is made by the first who is allowed to write."""
        if self._committer is None:
            topic = self._log.prepare()
            self._ledger_id = topic.topic_id
            self._respect_rights()  # of a topic that wasn't there nobody could say who may read it
            home = home_partition(self._tally.left[0].source.topic_id, len(topic.partitions))
            self._committer = Committer(self._plan, self._tally, Scribe(self._plan, self._operator, home, self._now))
        return self._committer

    @property
    def _room(self) -> int:
        return min(self._chunks.size, self._climb.room) if self._climb else self._chunks.size

    def _note(self, put: Put) -> None:
        if self._climb is not None:
            self._climb.note(*put)
        number = len(self._tally.parked)
        if number >= self._pace.max_parked and self._tally.left:
            last = self._tally.parked[-1].reason
            self._stopped = f"{number} letters were refused by their target, the last one: {last}"

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

    def _learn(self) -> Generator[Step, None, bool]:
        """What is done already; False where it was stopped while waiting for somebody's open transaction, which hides
        what was committed after it began.

        Raises:
            EventopsError: it stayed open, or the ledger isn't the one that this run wrote to.
        """
        goal = self._log.goal()
        if self._ledger_id is not None and goal.topic_id != self._ledger_id:
            raise EventopsError(
                f"the ledger {ledger.TOPIC} was deleted or made anew: what it told isn't known any more"
            )
        began, waiting = time.monotonic(), tuple(sorted(goal.hidden))
        while waiting:
            if self._is_stopped():
                return False
            if (waited := time.monotonic() - began) >= self._pace.patience:
                raise hung(waiting, self._pace.patience)
            if waited > _SILENT_SECONDS:
                yield self._step(told=self._awaited(waiting))
            time.sleep(_POLL_SECONDS)
            waiting = self._log.still_hidden(goal, waiting)
        self._tally.learn(self._log.up_to(goal))
        return True

    def _awaited(self, partitions: Collection[Partition]) -> str:
        where = f"partition{'s' if len(partitions) > 1 else ''} {', '.join(str(at.partition) for at in partitions)}"
        return f"waiting for somebody's open transaction on the ledger ({where}), up to {self._pace.patience:.0f} s"

    def _watch_the_stage(self, producer: TransactionalProducer) -> Generator[Step, None, bool]:
        """Where a ramp is climbed and a stage is full, or is the last one: wait what becomes of it. The last one's
        transaction gave the lease back, so it isn't renewed then. Says whether it waited."""
        climb = self._climb
        if climb is None or self._stopped is not None or (climb.room and self._tally.left):
            return False
        while not self._is_stopped() and not climb.is_over(time.monotonic()):
            yield self._step(told=climb.told)
            self._pause(_MOMENT, producer if self._tally.left else None)
        self._stopped = climb.verdict
        return True

    def _start_again(self, lost: TransactionLost) -> Iterator[Step]:
        """Whether the last transaction was committed isn't known; the next takeover and the ledger will tell."""
        self._lost_in_a_row += 1
        if self._is_stopped():
            return
        if self._lost_in_a_row < self._pace.tries:
            yield self._step(is_pause=True)
            self._pause(_FIRST_BACKOFF_SECONDS * 2 ** (self._lost_in_a_row - 1))
            return
        yield from self._leave(f"{self._lost_in_a_row} transactions in a row were lost, the last one: {lost}")

    def _leave(self, why: str) -> Iterator[Step]:
        """Nothing more is tried: of an id that somebody else took over, for he would be fenced if we took it back. What
        is done by now is reported as far as the ledger can be read."""
        try:
            yield from self._learn()
        except EventopsError as unread:
            why = f"{why}; and what became of the rest can't be told, for {unread.what}"
        if self._tally.left:
            self._stopped = why

    def _let_go(self) -> None:
        """The producer is spent: another one says that nobody is at it any more."""
        with contextlib.suppress(EventopsError, TransactionLost):
            producer = self._take_over()
            try:
                self._give_back(producer)
            finally:
                producer.close()

    def _give_back(self, producer: TransactionalProducer) -> None:
        if self._committer is None or not self._committer.renewed:
            return
        with contextlib.suppress(TransactionLost, Fenced, EventopsError):
            self._committer.give_back(producer)

    def _rest(self, letters: int, seconds: float) -> float:
        """Seconds that keep the rate, after so many letters in so many seconds: between transactions, since an open one
        holds readers back."""
        rate = self._pace.rate
        if rate is None or not self._plan.is_replay or not self._tally.left:
            return 0.0
        return letters / rate - seconds

    def _pause(self, seconds: float, producer: TransactionalProducer | None = None) -> None:
        """Somebody who waits between transactions shows that he is there."""
        deadline = time.monotonic() + seconds
        while not self._is_stopped() and (rest := deadline - time.monotonic()) > 0:
            if producer is not None and time.monotonic() - self._books().renewed > lease.RENEWAL_SECONDS:
                self._books().renew(producer)
            time.sleep(min(rest, _POLL_SECONDS))
