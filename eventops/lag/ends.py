"""When a log's end passed an offset: points (poll, end) of one partition: ages are interpolated from them."""

from __future__ import annotations

from array import array
from typing import Final

KEPT: Final = 24
"""Points a partition. When there are more, the third goes that says least: near the line between its neighbours."""


class Ends:
    """The end of one log over the polls. A flat run is two points: its first and its last poll.

    >>> ends = Ends(at=100.0, end=50)
    >>> for at, end in ((110.0, 50), (120.0, 150), (130.0, 150)): ends.add(at, end)
    >>> ends.passed(50), ends.passed(100), ends.passed(150)
    (110.0, 115.0, None)
    >>> ends.passed(49) is None      # it passed that before it was watched
    True
    """

    __slots__ = ("_ends", "_times")

    def __init__(self, at: float, end: int) -> None:
        self._times = array("d", (at,))
        self._ends = array("q", (end,))

    @property
    def last(self) -> int:
        """The end at the last poll."""
        return self._ends[-1]

    @property
    def last_at(self) -> float:
        """The last poll."""
        return self._times[-1]

    def add(self, at: float, end: int) -> None:
        """One more poll, later than the last, of the same log."""
        if len(self._ends) > 1 and self._ends[-1] == self._ends[-2] == end:
            self._times[-1] = at
            return
        self._times.append(at)
        self._ends.append(end)
        if len(self._times) > KEPT:
            self._thin()

    def passed(self, offset: int) -> float | None:
        """When the record at ``offset`` came, in seconds since the epoch; None: before the first poll, or not yet.

        The end moved evenly from one poll to the next: that is the interpolation.
        """
        if offset < self._ends[0] or offset >= self._ends[-1]:
            return None
        after = next(index for index, end in enumerate(self._ends) if end > offset)
        (t0, t1), (e0, e1) = self._times[after - 1 : after + 1], self._ends[after - 1 : after + 1]
        return float(t0 + (t1 - t0) * (offset - e0) / (e1 - e0))

    def _thin(self) -> None:
        inner = sorted(range(1, len(self._times) - 1), key=self._says)
        gone: set[int] = set()
        for index in inner:
            if len(gone) < KEPT // 3 and not {index - 1, index + 1} & gone:
                gone.add(index)
        kept = [index for index in range(len(self._times)) if index not in gone]
        self._times = array("d", (self._times[index] for index in kept))
        self._ends = array("q", (self._ends[index] for index in kept))

    def _says(self, index: int) -> float:
        """By how many seconds an interpolation would be wrong without that point."""
        (t0, t1, t2), (e0, e1, e2) = self._times[index - 1 : index + 2], self._ends[index - 1 : index + 2]
        without = t0 if e2 == e0 else t0 + (t2 - t0) * (e1 - e0) / (e2 - e0)
        return abs(t1 - without)
