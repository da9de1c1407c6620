"""What polls saw of one group on one partition, kept small: flat runs are one entry, and moves are thinned.

A poller sees offsets, not commits. A *move* is a poll whose committed offset differs from the poll's before: the commit
happened somewhere between the two. A commit that leaves the offset where it is can't be seen at all.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

WINDOW: Final = 12
"""Steps between the moves that are kept (Burrow has ten): so many steps cover twice the span a verdict takes."""

_KEPT: Final = WINDOW + 1

_FIELDS: Final = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What a verdict takes: ``span`` seconds of observation, and more than ``allowed_lag`` records that wait."""

    span: float = 60.0
    allowed_lag: int = 0

    @property
    def step(self) -> float:
        """One move is kept of each so many seconds."""
        return 2 * self.span / WINDOW


class Sample(Struct, frozen=True, gc=False):
    """Where the group and the log's end stood at one poll; ``at`` in seconds since the epoch."""

    at: float
    committed: int
    end: int

    @property
    def lag(self) -> int:
        """Offsets not yet consumed, at least 0."""
        return max(self.end - self.committed, 0)


class Track(Struct, frozen=True, gc=False):
    """The history of one group on one partition.

    ``moves`` are the last ones, oldest first, beginning with the first poll; ``last`` is the last poll; ``rests_from``
    is the last move, or the first poll where ``has_moved`` is false; ``idle_at`` is the last poll at which nothing
    waited (None: there was none), ``waits_from`` the first after it at which something did.
    """

    moves: tuple[Sample, ...]
    last: Sample
    rests_from: Sample
    has_moved: bool
    idle_at: float | None
    waits_from: float
    first_at: float
    polls: int

    def waiting_since(self) -> float:
        """Since when it was seen to rest although records wait: a topic without records is idle, not stopped."""
        return max(self.rests_from.at, self.waits_from)

    def arrived(self) -> int:
        """Offsets that came while it rested with records waiting."""
        if self.idle_at is not None and self.idle_at > self.rests_from.at:
            return self.last.lag
        return max(self.last.end - self.rests_from.end, 0)


class Trail:
    """The mutable side of a :class:`Track`: half a kilobyte, for clusters with tens of thousands of them.

    Moves are packed as doubles, which hold offsets exactly up to 2**53.
    """

    __slots__ = (
        "committed",
        "end",
        "first_at",
        "first_committed",
        "first_start",
        "idle_at",
        "last_at",
        "moves",
        "polls",
        "rest",
        "start",
        "waits_from",
    )

    def __init__(self, at: float, committed: int, end: int, start: int, *, is_idle: bool) -> None:
        self.first_at = self.last_at = self.waits_from = at
        self.committed, self.end, self.start = committed, end, start
        self.first_committed, self.first_start = committed, start
        self.idle_at: float | None = at if is_idle else None
        self.moves = array("d", (at, committed, end))
        self.rest: tuple[float, int] | None = None
        self.polls = 1

    def observe(self, at: float, committed: int, end: int, start: int, *, is_idle: bool, step: float) -> int | None:
        """One more poll of the same log (see :meth:`is_of_another_log`). ``is_idle``: nothing waits there; ``step``:
        see :class:`Terms`. Returns by how many offsets the group got on, None where it was set back."""
        consumed = committed - self.committed
        if consumed:
            self._move(at, committed, end, step)
        if self.idle_at == self.last_at:
            self.waits_from = at
        if is_idle:
            self.idle_at = at
        self.last_at, self.committed, self.end, self.start = at, committed, end, start
        self.polls += 1
        return consumed if consumed >= 0 else None

    def is_of_another_log(self, end: int, start: int) -> bool:
        """Whether the log went backwards: cut short, or made anew under the same name."""
        return end < self.end or start < self.start

    def track(self) -> Track:
        """A frozen copy."""
        moves = tuple(self._samples())
        last = Sample(self.last_at, self.committed, self.end)
        rests_from = moves[0] if self.rest is None else Sample(self.rest[0], self.committed, self.rest[1])
        return Track(
            moves, last, rests_from, self.rest is not None, self.idle_at, self.waits_from, self.first_at, self.polls
        )

    def _move(self, at: float, committed: int, end: int, step: float) -> None:
        """Keep the first move of each ``step``; a fall is always kept, with what it fell from."""
        is_fall = committed < self.committed
        if is_fall and self.moves[-2] != self.committed:
            self.moves.extend((self.last_at, self.committed, self.end))
        if is_fall or (at - self.first_at) // step > (self.moves[-_FIELDS] - self.first_at) // step:
            self.moves.extend((at, committed, end))
        del self.moves[: max(len(self.moves) - _KEPT * _FIELDS, 0)]
        self.rest = (at, end)

    def _samples(self) -> Iterator[Sample]:
        for index in range(0, len(self.moves), _FIELDS):
            at, committed, end = self.moves[index : index + _FIELDS]
            yield Sample(at, int(committed), int(end))
