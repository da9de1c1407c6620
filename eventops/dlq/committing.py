"""Puts chunk after chunk back, each in one transaction with the ledger's rows about it, and finds the letter at fault
where a target refuses some of a chunk.

Kafka refuses whole batches, so a refused chunk is halved until the letter at fault stands alone; that one is parked,
with the broker's reason in its row. Where the refusal is about a topic, no letter is at fault: the run ends.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Final

from eventops.dlq import ledger
from eventops.dlq.model import State
from eventops.dlq.replay_model import Action, Plan, Planned
from eventops.dlq.scribe import Beginning, Scribe, beginning, outgoing, reason_of
from eventops.dlq.tally import Tally
from eventops.errors import EventopsError
from eventops.events import Position
from eventops.ports import Appended, Outgoing, Positions, Rejected, TransactionalProducer, TransactionLost
from eventops.wording import plural

Put = tuple[Sequence[Planned], Sequence[Position]]
"""Letters that were put back, and where their records stand."""
_NOTHING: Final[Put] = ((), ())


class Halted(Exception):
    """A target takes no record, whichever letter it is: nothing of what was in hand is committed."""


class Committer:
    """Works down what is left in a tally. ``renewed`` is when others last heard of this run, on the monotonic clock."""

    def __init__(self, plan: Plan, tally: Tally, scribe: Scribe) -> None:
        self._plan = plan
        self._tally = tally
        self._scribe = scribe
        self._parts: list[int] = []
        """Sizes of the parts of a chunk that was refused, the next one last."""
        self._refusals: dict[str, str] = {}
        """Of letters that are to be parked: by replay id the broker's reason."""
        self.renewed = 0.0

    def next_chunk(self, most: int) -> Sequence[Planned]:
        """A letter to be parked, a part of a chunk that was refused, or as many as may go at once."""
        if self._tally.left[0].replay_id in self._refusals:
            return self._tally.first(1)
        return self._tally.first(self._parts.pop() if self._parts else most)

    def put(self, producer: TransactionalProducer, chunk: Sequence[Planned]) -> Put | None:
        """Commit a chunk and its rows in one transaction. None: the target refused some of it, and the producer is
        spent, since the sequence numbers of what follows don't fit.

        Raises:
            Fenced, TransactionLost: whether it was committed isn't known.
            Halted: the target takes no record at all.
            EventopsError: the ledger doesn't take the rows.
        """
        self._tally.in_doubt = len(chunk)
        producer.begin()
        if (refusal := self._refusals.get(chunk[0].replay_id)) is not None:
            return self._without_records(producer, chunk, State.PARKED, refusal)
        if not self._plan.is_replay:
            state = State.DISCARDED if self._plan.action is Action.DISCARD else State.OPEN
            return self._without_records(producer, chunk, state, None)
        begun: list[Beginning] = []
        answers = producer.append(outgoing(chunk, begun))
        if not isinstance(answers, Positions):
            self._refused(producer, chunk, answers)
            return None
        rows = self._scribe.rows(begun, State.REPLAYED, answers.places)
        self._commit_what_was_put(producer, chunk, answers, rows)
        return chunk, answers

    def renew(self, producer: TransactionalProducer) -> None:
        """Show others that this run lives."""
        self._alone(producer, self._scribe.lease())

    def give_back(self, producer: TransactionalProducer) -> None:
        """Nobody has to wait for a lease of who ended early."""
        self._alone(producer, self._scribe.give_back())

    def _without_records(
        self, producer: TransactionalProducer, chunk: Sequence[Planned], state: State, reason: str | None
    ) -> Put:
        self._commit(producer, chunk, self._scribe.rows(map(beginning, chunk), state, [None] * len(chunk), reason))
        if state is State.PARKED:
            self._tally.park(chunk[0], reason or "")
        else:
            self._tally.write_off(chunk)
        return _NOTHING

    def _refused(self, producer: TransactionalProducer, chunk: Sequence[Planned], answers: Sequence[Appended]) -> None:
        """What was appended without a transaction stays, so its rows are written."""
        halted = next(
            (
                Halted(f"the topic {one.target_topic} takes no records ({said.reason})")
                for one, said in zip(chunk, answers, strict=True)
                if isinstance(said, Rejected) and said.is_of_topic
            ),
            None,
        )
        if not producer.is_atomic:
            self._keep_what_came_through(producer, chunk, answers, is_over=halted is not None)
        elif halted is None:
            self._narrow_down(chunk, answers)
            producer.abort()
        else:
            _give_up(producer)
        self._tally.in_doubt = 0
        if halted is not None:
            raise halted

    def _keep_what_came_through(
        self, producer: TransactionalProducer, chunk: Sequence[Planned], answers: Sequence[Appended], *, is_over: bool
    ) -> None:
        through = [(one, said) for one, said in zip(chunk, answers, strict=True) if isinstance(said, Position)]
        faulty = [(one, said) for one, said in zip(chunk, answers, strict=True) if isinstance(said, Rejected)]
        done, targets = [one for one, _at in through], [at for _one, at in through]
        self._tally.bring_forward(done)
        if not is_over:
            self._narrow_down([one for one, _said in faulty], [said for _one, said in faulty])
        if through:
            places = [(at.partition, at.offset) for at in targets]
            rows = self._scribe.rows(map(beginning, done), State.REPLAYED, places)
            self._commit_what_was_put(producer, done, targets, rows)

    def _narrow_down(self, suspects: Sequence[Planned], answers: Sequence[Appended]) -> None:
        if len(suspects) == 1:
            self._refusals[suspects[0].replay_id] = reason_of(answers[0])
        else:
            middle = len(suspects) // 2
            self._parts += [len(suspects) - middle, middle]

    def _commit_what_was_put(
        self,
        producer: TransactionalProducer,
        chunk: Sequence[Planned],
        targets: Sequence[Position],
        rows: Iterator[Outgoing],
    ) -> None:
        try:
            self._commit(producer, chunk, rows)
        except EventopsError as refused:
            if producer.is_atomic:
                raise
            self._tally.put(chunk, targets)
            untold = f"{plural(len(chunk), 'letter')} of these aren't in it, and would be put back once more"
            raise EventopsError(f"{refused.what}: {untold}") from refused
        self._tally.put(chunk, targets)

    def _commit(self, producer: TransactionalProducer, chunk: Sequence[Planned], rows: Iterator[Outgoing]) -> None:
        is_last = len(chunk) == len(self._tally.left)
        answers = producer.append([*rows, self._scribe.give_back() if is_last else self._scribe.lease()])
        self._require_rows(producer, answers)
        producer.commit()
        self._tally.in_doubt = 0
        self.renewed = time.monotonic()

    def _require_rows(self, producer: TransactionalProducer, answers: Sequence[Appended]) -> None:
        """
        Raises:
            EventopsError: the ledger took not all of them; nothing of the transaction will be visible.
        """
        if refusal := next((answer.reason for answer in answers if isinstance(answer, Rejected)), None):
            _give_up(producer)
            self._tally.in_doubt = 0
            raise EventopsError(f"the ledger {ledger.TOPIC} refuses a row ({refusal})")

    def _alone(self, producer: TransactionalProducer, record: Outgoing) -> None:
        producer.begin()
        self._require_rows(producer, producer.append([record]))
        producer.commit()
        self.renewed = time.monotonic()


def _give_up(producer: TransactionalProducer) -> None:
    """A transaction whose end wasn't asked for is never committed, however its abort goes.

    Raises:
        Fenced: somebody else is at it.
    """
    with contextlib.suppress(TransactionLost):
        producer.abort()
