"""What is due to be read of a log that grows faster than anybody reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from eventops.events import Partition
from eventops.ports import Isolation, LogBounds, Range


def due(
    bounds: Mapping[Partition, LogBounds], at: Mapping[Partition, int], most: int, before: int
) -> tuple[tuple[Range, ...], dict[Partition, int], int]:
    """The latest offsets of each partition, about ``most`` in all; where to go on from; how many are passed over.

    ``at`` is where the last glance ended. A partition that it doesn't know begins ``before`` offsets before its end,
    one that was made anew, or cut beyond it, begins at its start.

    >>> home, log = Partition("orders", 0), LogBounds(0, 1000, 1000)
    >>> due({home: log}, {home: 990}, 100, 0)[0]
    (Range(partition=Partition(topic='orders', partition=0), first=990, end=1000),)
    >>> due({home: log}, {home: 200}, 100, 0)[2]
    700
    >>> due({home: log}, {home: 1000}, 100, 0)[0]
    ()
    """
    ends = {home: log.end(Isolation.READ_COMMITTED) for home, log in bounds.items()}
    firsts = {home: _first(log, at.get(home), ends[home], before) for home, log in bounds.items()}
    waiting = [home for home, end in ends.items() if firsts[home] < end]
    ranges: list[Range] = []
    passed, left = 0, max(most, 1)
    for number, home in enumerate(sorted(waiting, key=lambda home: ends[home] - firsts[home])):
        share = max(left // (len(waiting) - number), 1)
        first = max(firsts[home], ends[home] - share)
        ranges.append(Range(home, first, ends[home]))
        passed += first - firsts[home]
        left -= ends[home] - first
    return tuple(ranges), {**at, **ends}, passed


def _first(log: LogBounds, at: int | None, end: int, before: int) -> int:
    if at is None:
        return max(log.start, end - before)
    return log.start if at > log.high_watermark else max(at, log.start)
