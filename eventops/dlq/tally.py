"""What a run has done so far, and what that makes of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import filterfalse, islice
from typing import overload

from eventops.dlq.ledger import Ledger
from eventops.dlq.ledger_log import is_hiding
from eventops.dlq.model import State
from eventops.dlq.replay_model import Plan, Planned, Refused, Replayed, ReplayReport
from eventops.dlq.rows import Row
from eventops.dlq.rules import UNSETTLED
from eventops.events import Position

Chunk = tuple[Sequence[Planned], Sequence[Position]]
"""Letters, and where their records stand."""


class PutBack(Sequence[Replayed]):
    """What was put back, in its order: made up when somebody looks, since most want the number alone."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = tuple(chunks)
        self._number = sum(len(chunk) for chunk, _targets in chunks)

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Replayed]:
        for chunk, targets in self._chunks:
            for one, target in zip(chunk, targets, strict=True):
                yield Replayed(one.letter.position, target)

    @overload
    def __getitem__(self, index: int) -> Replayed: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Replayed]: ...

    def __getitem__(self, index: int | slice) -> Replayed | Sequence[Replayed]:
        return tuple(self)[index]


class Tally:
    """``left`` is what is still to do, in order."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.left = deque(plan.planned)
        self.parked: list[Refused] = []
        self.in_doubt = 0
        """Letters of the last transaction that wasn't answered."""
        self._put: list[Chunk] = []
        self._written_off = 0
        self._overtaken = 0
        self._has_learnt = False
        """The whole ledger was read, whatever hid a part of it from the plan."""

    @property
    def has_written(self) -> bool:
        """Something was done by this run."""
        return bool(self._put or self.parked or self._written_off)

    @property
    def done(self) -> int:
        """Letters that aren't left."""
        return len(self.plan.planned) - len(self.left)

    def first(self, number: int) -> Sequence[Planned]:
        """So many of what is left."""
        return list(islice(self.left, number))

    def put(self, chunk: Sequence[Planned], targets: Sequence[Position]) -> None:
        """The first letters of what is left were appended there."""
        self._drop(chunk)
        self._put.append((chunk, targets))

    def bring_forward(self, chosen: Sequence[Planned]) -> None:
        """Have these among the first ones, in their order, before the rest."""
        names = {one.replay_id for one in chosen}
        self.left = deque([*chosen, *(one for one in self.left if one.replay_id not in names)])

    def write_off(self, chunk: Sequence[Planned]) -> None:
        """The first letters of what is left were written off, or taken back from there."""
        self._drop(chunk)
        self._written_off += len(chunk)

    def park(self, one: Planned, refusal: str) -> None:
        """The first of what is left was refused by its target for good."""
        self._drop([one])
        self.parked.append(Refused(one.letter, refusal))

    def learn(self, rows: Ledger) -> None:
        """Drop what the ledger says is done, by this run (a commit whose answer was lost) or another."""
        self.in_doubt = 0
        self._has_learnt = True
        if not self.left or not rows.is_about(self.left[0].source.topic_id):
            return
        left = list(self.left)
        self.left.clear()
        for one in left:
            row = rows.row((one.source, one.target_topic, one.attempt))
            if row is not None and row.run_id == self.plan.run_id:
                self._note(one, row)
            elif _is_overtaken(one, row, self.plan, rows):
                self._overtaken += 1
            else:
                self.left.append(one)

    def report(self, stopped: str | None, failed_again: Iterable[Position], resume_command: str | None) -> ReplayReport:
        """What it came to."""
        plan, coverage = self.plan, self.plan.coverage
        if self._has_learnt and any(map(is_hiding, coverage.gaps)):
            plan = replace(plan, coverage=replace(coverage, gaps=tuple(filterfalse(is_hiding, coverage.gaps))))
        return ReplayReport(
            plan=plan,
            executed=True,
            replayed=PutBack(self._put),
            parked=tuple(self.parked),
            failed=tuple(Refused(one.letter, stopped) for one in self.left) if stopped else (),
            overtaken=self._overtaken,
            written_off=self._written_off,
            interrupted=bool(self.left) and stopped is None,
            in_doubt=self.in_doubt if self.left else 0,
            stopped=stopped,
            failed_again=tuple(failed_again),
            resume_command=resume_command,
        )

    def _drop(self, chunk: Sequence[Planned]) -> None:
        for one in chunk:
            if self.left.popleft() is not one:
                raise AssertionError("a chunk is the first of what is left")

    def _note(self, one: Planned, row: Row) -> None:
        if row.state is State.PARKED:
            self.parked.append(Refused(one.letter, row.reason or "the broker gave no reason"))
        elif row.target is not None:
            self._put.append(([one], [row.target]))
        else:
            self._written_off += 1


def _is_overtaken(one: Planned, row: Row | None, plan: Plan, rows: Ledger) -> bool:
    """Somebody dealt with the letter since it was planned; ``row`` is about the very deed."""
    if plan.is_replay and row is not None and row.state is State.REPLAYED:
        return True
    latest = rows.latest(one.source)
    return one.letter.state in UNSETTLED and latest is not None and latest.state is not State.OPEN
