"""Reads the records around offsets: a few on each side, past markers, aborted records and what compaction left.

Offsets aren't records: the window that is read begins small, and grows where it held too few.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from eventops.events import Partition, Record
from eventops.ports import Broker, Gap, LogBounds, Range

FIRST_WINDOW: Final = 16
GROWTH: Final = 8
AT_MOST: Final = 50_000
"""Offsets that are looked through on each side of a place before it is left at what was found."""


class Look:
    """How far the looking around one offset has come. An offset outside of its log is moved to the log's edge."""

    def __init__(self, partition: Partition, offset: int, bounds: LogBounds, before: int, after: int) -> None:
        self._partition = partition
        self._bounds = bounds
        self._wanted = before, after
        self._window = FIRST_WINDOW
        self._newest: deque[Record] = deque(maxlen=before)
        self.first = min(max(offset, bounds.start), bounds.last_stable)
        self._low = self._high = self.first
        self.before: list[Record] = []
        self.after: list[Record] = []
        self.gap: Gap | None = None

    @property
    def looked(self) -> tuple[int, int] | None:
        """From where to where everything was read; None where something of it wasn't."""
        return None if self.gap is not None else (self._low, self._high)

    @property
    def is_cut_short(self) -> bool:
        """Whether it was left before enough was found, though the log goes on."""
        before, after = self._wanted
        short_before = len(self.before) < before and self._low > self._bounds.start
        return short_before or (len(self.after) < after and self._high < self._bounds.last_stable)

    def next_ranges(self) -> Iterator[Range]:
        """What is to be read next, on each side that lacks records; nothing when that is all there is."""
        before, after = self._wanted
        lowest = max(self._bounds.start, self.first - AT_MOST)
        highest = min(self._bounds.last_stable, self.first + AT_MOST)
        if self.gap is None and len(self.before) < before and self._low > lowest:
            yield Range(self._partition, max(lowest, self._low - self._window), self._low)
        if self.gap is None and len(self.after) < after and self._high < highest:
            yield Range(self._partition, self._high, min(highest, self._high + self._window))

    def take(self, record: Record) -> None:
        """A record of one of those ranges, in the order of the log."""
        if record.position.offset < self.first:
            self._newest.append(record)
        elif len(self.after) < self._wanted[1]:
            self.after.append(record)

    def settle(self, ranges: list[Range]) -> None:
        """Those ranges were read: what was read later stands earlier in the log, and the next window is wider."""
        self.before = [*self._newest, *self.before][-self._wanted[0] :] if self._wanted[0] else []
        self._newest.clear()
        self._low = min([self._low, *(wanted.first for wanted in ranges)])
        self._high = max([self._high, *(wanted.end for wanted in ranges)])
        self._window *= GROWTH


def around(
    broker: Broker, places: Mapping[Partition, int], bounds: Mapping[Partition, LogBounds], before: int, after: int
) -> dict[Partition, Look]:
    """Up to ``before`` records below each offset and ``after`` from it on, all partitions at once; a partition without
    bounds is left out."""
    looks = {p: Look(p, offset, bounds[p], before, after) for p, offset in places.items() if p in bounds}
    while ranges := {p: wanted for p, look in looks.items() if (wanted := list(look.next_ranges()))}:
        for batch in broker.scan([one for of_partition in ranges.values() for one in of_partition]):
            for record in batch.records:
                looks[record.position.home].take(record)
            for gap in batch.gaps:
                for partition in ranges:
                    if gap.subject == partition.topic and gap.partition in (None, partition.partition):
                        looks[partition].gap = gap
        for partition, wanted in ranges.items():
            looks[partition].settle(wanted)
    return looks
