"""Looks at the first record that waits on each partition: its timestamp is the age of the lag.

A committed offset may point at a transaction's marker instead of a record, so a few offsets from there on are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventops.events import Partition, Record
from eventops.lag import rules
from eventops.lag.model import AgeMethod, LagAge, PartitionOffsets
from eventops.ports import Broker, LogBounds, Range

Place = tuple[Partition, int]
"""A partition and the first offset that waits there."""

MARKERS: Final = 8
"""Offsets that are read from the committed one on."""

_NO_RECORD: Final = (
    "no record could be read at the committed offset: not permitted, compacted, or in an open transaction"
)


@dataclass(frozen=True, slots=True)
class Tails:
    """What was found: ages, the places where nothing but markers waits, and the records that were read for it."""

    ages: Mapping[Place, LagAge]
    only_markers: frozenset[Place]
    records: tuple[Record, ...]


def look(
    broker: Broker,
    offsets: Collection[PartitionOffsets],
    bounds: Mapping[Partition, LogBounds],
    now: datetime,
    at_most: int,
) -> Tails:
    """Read the first records that wait, all at once, and tell their ages; on ``at_most`` partitions, the furthest
    behind first."""
    ends: dict[Place, int] = {}
    waiting = [(found, first) for found in offsets if (first := rules.next_offset(found)) is not None]
    for found, first in sorted(waiting, key=_furthest_behind_first):
        ends.setdefault((found.partition, first), found.log_end or 0)
    asked, skipped = list(ends)[:at_most], list(ends)[at_most:]
    records, reached = _read(broker, [_range(place, bounds) for place in asked])
    ages = {place: LagAge(None, AgeMethod.UNKNOWN, _not_asked(at_most)) for place in skipped}
    only_markers = set()
    for place in asked:
        oldest = next((record for record in records if _waits(place, record)), None)
        if oldest is not None:
            ages[place] = rules.age(oldest.timestamp, now)
        elif reached.get(place[0], 0) >= ends[place]:
            only_markers.add(place)
        else:
            ages[place] = LagAge(None, AgeMethod.UNKNOWN, _NO_RECORD)
    return Tails(ages, frozenset(only_markers), tuple(records))


def _not_asked(at_most: int) -> str:
    return (
        f"only the {at_most} partitions that are furthest behind are asked for it" if at_most else "it wasn't asked for"
    )


def _furthest_behind_first(waiting: tuple[PartitionOffsets, int]) -> tuple[int, Partition]:
    found, first = waiting
    return first - (found.log_end or 0), found.partition


def _range(place: Place, bounds: Mapping[Partition, LogBounds]) -> Range:
    """The first few offsets, and none of an open transaction: those can't be read before it ends."""
    partition, first = place
    return Range(partition, first, max(first, min(first + MARKERS, bounds[partition].last_stable)))


def _read(broker: Broker, ranges: Collection[Range]) -> tuple[list[Record], dict[Partition, int]]:
    """The records in the order of their positions, and how far each partition was read without a gap."""
    records: list[Record] = []
    reached: dict[Partition, int] = {}
    unread: set[Partition] = set()
    for batch in broker.scan(ranges):
        records += batch.records
        reached.update(batch.positions)
        unread |= {Partition(gap.subject, gap.partition) for gap in batch.gaps if gap.partition is not None}
    return sorted(records, key=lambda r: r.position), {p: at for p, at in reached.items() if p not in unread}


def _waits(place: Place, record: Record) -> bool:
    partition, first = place
    return record.position.home == partition and first <= record.position.offset < first + MARKERS
