"""Looks at the first record that waits on each partition: its timestamp is the age of the lag.

A committed offset may point at a transaction's marker instead of a record, so a few offsets from there on are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventops.events import Partition, Position, Record
from eventops.lag import rules
from eventops.lag.model import AgeMethod, LagAge, PartitionOffsets
from eventops.ports import Bounds, Broker

Place = tuple[Partition, int]
"""A partition and the first offset that waits there."""

AT_MOST: Final = 200
"""Partitions that are looked at in one snapshot, the furthest behind first; the age of the others is unknown."""

MARKERS: Final = 8
"""Offsets that are read from the committed one on."""

_TOO_MANY: Final = f"only the {AT_MOST} partitions that are furthest behind are asked for it"
_NO_RECORD: Final = "no record could be read at the committed offset: it is compacted, or in an open transaction"


@dataclass(frozen=True, slots=True)
class Tails:
    """What was found: ages, the places where nothing but markers waits, and the records that were read for it."""

    ages: Mapping[Place, LagAge]
    only_markers: frozenset[Place]
    records: tuple[Record, ...]


def look(broker: Broker, offsets: Collection[PartitionOffsets], bounds: Bounds, now: datetime) -> Tails:
    """Read the first records that wait, all at once, and tell their ages."""
    ends: dict[Place, int] = {}
    for found in sorted(offsets, key=lambda o: (-(rules.lag(o) or 0), o.partition)):
        first = rules.next_offset(found)
        if first is not None:
            ends.setdefault((found.partition, first), found.log_end or 0)
    asked, skipped = list(ends)[:AT_MOST], list(ends)[AT_MOST:]
    records = broker.read([at for place in asked for at in _positions(place)]) if asked else {}
    ages = {place: _age(place, records, now) for place in asked}
    ages.update((place, LagAge(None, AgeMethod.UNKNOWN, _TOO_MANY)) for place in skipped)
    empty = {p for p in asked if not _has_record(p, records) and _is_whole(p, ends[p], bounds)}
    return Tails(ages, frozenset(empty), tuple(records.values()))


def _positions(place: Place) -> list[Position]:
    partition, offset = place
    return [Position(partition.topic, partition.partition, offset + step) for step in range(MARKERS)]


def _has_record(place: Place, records: Mapping[Position, Record]) -> bool:
    return any(at in records for at in _positions(place))


def _is_whole(place: Place, end: int, bounds: Bounds) -> bool:
    """Whether all that waits there was read: few offsets, and none of them in an open transaction."""
    partition, first = place
    return end - first <= MARKERS and end <= bounds.bounds[partition].last_stable


def _age(place: Place, records: Mapping[Position, Record], now: datetime) -> LagAge:
    oldest = next((records[at] for at in _positions(place) if at in records), None)
    if oldest is None:
        return LagAge(None, AgeMethod.UNKNOWN, _NO_RECORD)
    return rules.age(oldest.timestamp, now)
