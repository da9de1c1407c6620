"""What of some ranges wasn't read yet: the books of a search, so that nothing is left out silently. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from eventops.adapters.kafka.cursor import cursors
from eventops.events import Partition
from eventops.ports import Range


class Remaining:
    """
    >>> here = Partition("orders", 0)
    >>> remaining = Remaining([Range(here, 0, 10)])
    >>> remaining.cross_off(Range(here, 4, 6)), [(r.first, r.end) for r in remaining.ranges()]
    (2, [(0, 4), (6, 10)])
    """

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._left: dict[Partition, list[Range]] = {cursor.partition: cursor.ranges for cursor in cursors(ranges)}

    def ranges(self) -> list[Range]:
        """By partition, in the log's order."""
        return [range_ for ranges in self._left.values() for range_ in ranges if range_.first < range_.end]

    def offsets(self) -> int:
        """How many are left."""
        return sum(range_.end - range_.first for range_ in self.ranges())

    def cross_off(self, done: Range) -> int:
        """How many offsets of it were left, and are no more."""
        kept: list[Range] = []
        crossed = 0
        for left in self._left.get(done.partition, []):
            first, end = max(left.first, done.first), min(left.end, done.end)
            if first >= end:
                kept.append(left)
                continue
            crossed += end - first
            kept += [Range(left.partition, left.first, first)] if left.first < first else []
            kept += [Range(left.partition, end, left.end)] if end < left.end else []
        self._left[done.partition] = kept
        return crossed
