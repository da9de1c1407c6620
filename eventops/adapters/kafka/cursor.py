"""How far the reading of one partition has come. Pure: no client, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from eventops.events import Partition, Position
from eventops.ports import Bounds, Gap, LogBounds, Range


@dataclass(slots=True)
class Cursor:
    """What is left to be read of one partition: ranges in the order of the log, and the next offset to come."""

    partition: Partition
    ranges: list[Range]
    position: int

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to be read."""
        return not self.ranges

    @property
    def first(self) -> int:
        """The first wanted offset of what is left."""
        return self.ranges[0].first

    @property
    def end(self) -> int:
        """Where the range being read ends."""
        return self.ranges[0].end

    def move(self, position: int) -> None:
        """The next offset to come is ``position``: finish every range that ends at or before it."""
        self.position = max(self.position, position)
        while self.ranges and self.ranges[0].end <= self.position:
            self.ranges.pop(0)

    def cut(self, start: int) -> Gap | None:
        """The log starts at ``start``: what stood before it is a gap, what is left is still read."""
        if self.is_finished or start <= max(self.position, self.first):
            return None
        lost_from = max(self.position, self.first)
        lost_to = min(start, self.ranges[-1].end)
        self.move(start)
        return Gap(self.partition.topic, self.partition.partition, lost(lost_from, lost_to))


def lost(first: int, end: int) -> str:
    """
    >>> lost(3, 7)
    'offsets 3 to 6 are no longer kept'
    """
    return f"offsets {first} to {end - 1} are no longer kept"


def between(range_: Range) -> str:
    """
    >>> between(Range(Partition("orders", 0), 3, 7))
    'offsets 3 to 6'
    """
    return f"offsets {range_.first} to {range_.end - 1}"


def cursors(ranges: Iterable[Range]) -> list[Cursor]:
    """One cursor a partition; overlapping ranges are read once.

    >>> p = Partition("orders", 0)
    >>> [(r.first, r.end) for r in cursors([Range(p, 5, 9), Range(p, 0, 6), Range(p, 20, 21)])[0].ranges]
    [(0, 9), (20, 21)]
    """
    by_partition: dict[Partition, list[Range]] = {}
    for wanted in sorted(ranges, key=lambda r: (r.partition, r.first)):
        mine = by_partition.setdefault(wanted.partition, [])
        if mine and wanted.first <= mine[-1].end:
            mine[-1] = Range(wanted.partition, mine[-1].first, max(mine[-1].end, wanted.end))
        else:
            mine.append(wanted)
    return [Cursor(partition, mine, mine[0].first) for partition, mine in by_partition.items()]


def fitted(wanted: Collection[Cursor], bounds: Bounds) -> tuple[list[Cursor], list[Gap]]:
    """Cursors cut to what the logs still hold; those without bounds, and the empty, are done with."""
    gaps: list[Gap] = []
    missing = {Partition(gap.subject, gap.partition): gap for gap in bounds.gaps if gap.partition is not None}
    for cursor in wanted:
        cursor.move(cursor.position)
        held: LogBounds | None = bounds.bounds.get(cursor.partition)
        if cursor.is_finished:
            continue
        if held is None:
            gaps.append(missing.get(cursor.partition) or Gap(cursor.partition.topic, None, "its bounds aren't known"))
            cursor.ranges.clear()
        elif (gap := cursor.cut(held.start)) is not None:
            gaps.append(gap)
    return [cursor for cursor in wanted if not cursor.is_finished], gaps


def joined(ranges: Iterable[Range], nearby: int, apart: Collection[Range] = ()) -> list[Range]:
    """Neighbours within ``nearby`` offsets are one range, since seeking costs more; not over what has to be kept
    ``apart``.

    >>> p = Partition("t", 0)
    >>> [(r.first, r.end) for r in joined([Range(p, 7, 8), Range(p, 9, 12), Range(p, 900, 901)], nearby=100)]
    [(7, 12), (900, 901)]
    """
    found: list[Range] = []
    for range_ in sorted(ranges, key=lambda r: (r.partition, r.first)):
        last = found[-1] if found else None
        if last and last.partition == range_.partition and range_.first - last.end < nearby:
            both = Range(last.partition, last.first, max(last.end, range_.end))
            if not any(b.partition == both.partition and b.first < both.end and both.first < b.end for b in apart):
                found[-1] = both
                continue
        found.append(range_)
    return found


def together(positions: Iterable[Position], nearby: int) -> list[Range]:
    """Ranges that cover single positions; neighbours within ``nearby`` offsets share one, since seeking costs more.

    >>> places = [Position("t", 0, 7), Position("t", 0, 9), Position("t", 0, 900)]
    >>> [(r.first, r.end) for r in together(places, nearby=100)]
    [(7, 10), (900, 901)]
    """
    ranges: list[Range] = []
    for position in sorted(positions):
        last = ranges[-1] if ranges else None
        if last and last.partition == position.home and position.offset - last.end < nearby:
            ranges[-1] = Range(last.partition, last.first, max(last.end, position.offset + 1))
        else:
            ranges.append(Range(position.home, position.offset, position.offset + 1))
    return ranges


def newest(ranges: Iterable[Range], most: int) -> list[Range]:
    """Of each partition the last range, or so many offsets of its end.

    >>> p = Partition("t", 0)
    >>> [(r.first, r.end) for r in newest([Range(p, 0, 10), Range(p, 50, 900)], 100)]
    [(800, 900)]
    """
    last = {range_.partition: range_ for range_ in sorted(ranges, key=lambda r: r.first)}
    return [Range(home, max(range_.first, range_.end - most), range_.end) for home, range_ in last.items()]
