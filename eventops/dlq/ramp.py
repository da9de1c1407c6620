"""A replay in stages: the next one begins when nothing of the last one failed again, and the last one is watched as
well. Pure but for the watch it asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from eventops.dlq.pace import Ramp
from eventops.dlq.replay_model import Plan, Planned
from eventops.events import Position
from eventops.wording import duration, plural


def with_caution(plan: Plan, ramp: Ramp | None) -> Plan:
    """The plan with a warning, where a ramp can't wait until its letters are read."""
    told = caution(unasked(plan), ramp)
    return plan if told is None else replace(plan, warnings=(*plan.warnings, told))


def unasked(plan: Plan) -> int:
    """Letters that would be put back, of which nobody can be asked whether they were read."""
    return sum(one.letter.group is None for one in plan.planned) if plan.is_replay else 0


def caution(letters: int, ramp: Ramp | None) -> str | None:
    """What is to be known of a ramp over so many letters that don't tell their group; None: nothing.

    >>> caution(0, Ramp()) is None and caution(3, None) is None
    True
    """
    if ramp is None or not letters:
        return None
    does = "doesn't" if letters == 1 else "don't"
    return (
        f"{plural(letters, 'letter')} {does} tell which group had failed, so the ramp can't see whether they were "
        f"read: each stage waits {duration(ramp.settle)} for letters to come back, and what fails later isn't seen; "
        "`eventops dlq rules add --fails-into` says which group it is"
    )


class Watch(Protocol):
    """Looks at what became of records that were put back."""

    def follow(self, chunk: Sequence[Planned], targets: Sequence[Position]) -> None:
        """Have an eye on these as well."""

    def failed_again(self) -> Sequence[Position]:
        """The letters that came back so far."""

    def pending(self) -> int:
        """How many weren't read by the group that had failed, as far as that can be known."""

    def absent(self) -> str | None:
        """A group that had failed, has something left to read, and isn't there any more; None: each is there, or
        that isn't known."""


class Climb:
    """Stages of 1, 10, 100, … letters."""

    def __init__(self, ramp: Ramp, watch: Watch) -> None:
        self._ramp = ramp
        self._watch = watch
        self._stage = 1
        self.room = 1
        """Letters that still fit into this stage."""
        self.failed_again: tuple[Position, ...] = ()
        self.verdict: str | None = None
        """Why it doesn't go on."""
        self._pending = 0
        self._unasked = 0
        self._since: float | None = None
        self._read_at: float | None = None

    @property
    def told(self) -> str:
        """What is waited for."""
        if self._pending:
            are = "is" if self._pending == 1 else "are"
            return f"waiting until {plural(self._pending, 'letter')} of this stage of {self._stage:,} {are} read"
        told = f"waiting {duration(self._ramp.settle)} for letters to come back"
        if not self._unasked:
            return told
        does = "doesn't" if self._unasked == 1 else "don't"
        whose = f"{plural(self._unasked, 'letter')} of this stage {does} tell which group had failed"
        return f"{told}: {whose}, so nobody can say whether they were read"

    def note(self, chunk: Sequence[Planned], targets: Sequence[Position]) -> None:
        """These were put back."""
        self._watch.follow(chunk, targets)
        self._unasked += sum(one.letter.group is None for one in chunk)
        self.room = max(self.room - len(chunk), 0)

    def is_over(self, now: float) -> bool:
        """Whether the stage is judged; ``now`` in seconds of any clock."""
        is_first_look = self._since is None
        self._since = now if self._since is None else self._since
        self.failed_again = tuple(self._watch.failed_again())
        if self.failed_again:
            self.verdict = f"{plural(len(self.failed_again), 'letter')} failed again: {self.failed_again[0]}"
            return True
        self._pending = self._watch.pending()
        if self._pending:
            if is_first_look and (group := self._watch.absent()):
                self.verdict = f"there is no group {group}: nobody reads what was put back"
                return True
            if now - self._since <= self._ramp.wait:
                return False
            was = "wasn't" if self._pending == 1 else "weren't"
            self.verdict = f"{plural(self._pending, 'letter')} {was} read within {duration(self._ramp.wait)}"
            return True
        self._read_at = now if self._read_at is None else self._read_at
        if now - self._read_at < self._ramp.settle:
            return False
        self._begin(self._stage * self._ramp.factor)
        return True

    def _begin(self, stage: int) -> None:
        self._stage = self.room = stage
        self._unasked = 0
        self._since = self._read_at = None
