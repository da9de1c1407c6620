"""Looks at the first record that waits on each partition: its timestamp is the age of the lag.

A committed offset may point at a transaction's marker, or at offsets that compaction took, instead of a record: a few
offsets from there on are read, and where none of them is a record, on to the first one. Aborted records count as
records: Kafka doesn't tell whether a group reads committed, and who doesn't is given them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventops.events import Partition, Record
from eventops.lag import rules
from eventops.lag.model import AgeMethod, LagAge, PartitionOffsets
from eventops.ports import Broker, Head, Isolation, Range

Place = tuple[Partition, int]
"""A partition and the first offset that waits there."""

MARKERS: Final = 50
"""Offsets from the committed one on that may all be markers: so many are looked at."""

_ANYWHERE: Final = 1 << 62
FURTHER: Final = 5_000
"""Records that are read at most, in all, to find those that come later."""


CLOSE: Final = 2_000
"""Places a snapshot that are read for no age, but because so little is left there that it may be no record at all, and
the broker doesn't tell without it."""

_TOLD: Final = 20_000
"""Such places of which the broker is asked to tell it."""

_AT_ONCE: Final = 500
"""Such places that are read at a time."""


@dataclass(frozen=True, slots=True)
class Tails:
    """What was found: ages, the places where nothing but markers waits, and how many were looked at for that alone.
    ``records`` and ``bytes`` were read for it."""

    ages: Mapping[Place, LagAge]
    only_markers: Collection[Place]
    close: int
    records: int
    bytes: int


def look(
    broker: Broker, offsets: Collection[PartitionOffsets], now: datetime, at_most: int, close_at_most: int = CLOSE
) -> Tails:
    """Read the first records that wait, and tell their ages; on ``at_most`` partitions, the furthest
    behind first.

    Whether any record waits at all is another question, which no budget of ages decides: places with no more than
    :data:`MARKERS` offsets left are looked at besides, the closest first. The broker tells of most; ``close_at_most``
    of the others are read.
    """
    ends: dict[Place, int] = {}
    waiting = [(found, first) for found in offsets if (first := rules.next_offset(found)) is not None]
    for found, first in sorted(waiting, key=_furthest_behind_first):
        ends.setdefault((found.partition, first), found.log_end or 0)
    asked, skipped = list(ends)[:at_most], list(ends)[at_most:]
    close = [place for place in reversed(skipped) if ends[place] <= place[1] + MARKERS]
    heads = _heads(broker, {place: ends[place] for place in (*asked, *close[:_TOLD])})
    untold = [place for place in close if place not in heads]
    looked, unlooked = untold[:close_at_most], untold[close_at_most:]
    ages = dict.fromkeys(skipped, LagAge(None, AgeMethod.UNKNOWN, _not_asked(at_most)))
    ages |= dict.fromkeys(unlooked, LagAge(None, AgeMethod.UNKNOWN, _MAY_BE_NONE))
    only_markers = {place for place, head in heads.items() if not head.holds_record}
    dated = {place: rules.age(head.timestamp, now) for place, head in heads.items() if head.is_dated}
    ages |= dated if at_most else {}
    undated = [place for place in asked if place not in dated and place not in only_markers]
    records = size = 0
    for chunk in (undated, *(looked[at : at + _AT_ONCE] for at in range(0, len(looked), _AT_ONCE))):
        seen = _look(broker, {place: ends[place] for place in chunk}, now)
        only_markers |= seen.only_markers
        records, size = records + seen.records, size + seen.bytes
        if at_most:  # else nobody asked how old they are
            ages |= seen.ages
    return Tails(ages, only_markers, len(looked), records, size)


def _heads(broker: Broker, ends: Mapping[Place, int]) -> dict[Place, Head]:
    """The first record that waits, at those places of which the broker tells it."""
    ranges = {Range(place[0], place[1], end): place for place, end in ends.items() if place[1] < end}
    return {ranges[asked]: head for asked, head in broker.heads(ranges).items()} if ranges else {}


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look found."""

    ages: Mapping[Place, LagAge]
    only_markers: frozenset[Place]
    records: int
    bytes: int


def _look(broker: Broker, ends: Mapping[Place, int], now: datetime) -> _Found:
    near = _read(broker, [Range(home, first, min(first + MARKERS, end)) for (home, first), end in ends.items()])
    left = [place for place in ends if near.first_of(place, MARKERS) is None and place[0] not in near.gaps]
    left = [place for place in left if place[1] + MARKERS < ends[place]]
    far = _read(broker, [Range(place[0], place[1] + MARKERS, ends[place]) for place in left], _stops(left))
    ages, only_markers = {}, set()
    for place, end in ends.items():
        oldest = near.first_of(place, MARKERS) or far.first_of(place)
        if oldest is not None:
            ages[place] = rules.age(oldest.timestamp, now)
        elif (near if end <= place[1] + MARKERS else far).is_read_to(place[0], end):
            only_markers.add(place)
        else:
            why = near.gaps.get(place[0]) or far.gaps.get(place[0]) or _NONE_FOUND
            ages[place] = LagAge(None, AgeMethod.UNKNOWN, why)
    return _Found(ages, frozenset(only_markers), near.count + far.count, near.size + far.size)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read: a partition's records in their order, how far it was read, and why not everywhere."""

    records: Mapping[Partition, Sequence[Record]]
    reached: Mapping[Partition, int]
    gaps: Mapping[Partition, str]

    @property
    def count(self) -> int:
        """Records that were read."""
        return sum(map(len, self.records.values()))

    @property
    def size(self) -> int:
        """Bytes of their keys and values."""
        every = (record for mine in self.records.values() for record in mine)
        return sum(len(record.key or b"") + len(record.value or b"") for record in every)

    def first_of(self, place: Place, within: int = _ANYWHERE) -> Record | None:
        """The first record from a place on, ``within`` so many offsets: beyond them another place may be read."""
        partition, first = place
        found = next((r for r in self.records.get(partition, ()) if r.position.offset >= first), None)
        return found if found is not None and found.position.offset < first + within else None

    def is_read_to(self, partition: Partition, end: int) -> bool:
        """Whether all that comes before ``end`` was read, and there is nothing else."""
        return partition not in self.gaps and self.reached.get(partition, -1) >= end


_MAY_BE_NONE: Final = (
    f"no more than {MARKERS} offsets are left, which may be markers of transactions instead of records: "
    f"{CLOSE:,} such places are looked at in one snapshot"
)


def _not_asked(at_most: int) -> str:
    return (
        f"only the {at_most} partitions that are furthest behind are asked for it" if at_most else "it wasn't asked for"
    )


def _furthest_behind_first(waiting: tuple[PartitionOffsets, int]) -> tuple[int, Partition]:
    found, first = waiting
    return first - (found.log_end or 0), found.partition


_NONE_FOUND: Final = f"none of the {FURTHER:,} records read at most to find the first one that waits"


def _stops(places: Collection[Place]) -> Callable[[Mapping[Partition, Sequence[Record]]], bool]:
    """Whether enough was read: a record after each place, or as many as are worth it."""
    last: dict[Partition, int] = {}
    for partition, first in places:
        last[partition] = max(first, last.get(partition, 0))

    def stops(records: Mapping[Partition, Sequence[Record]]) -> bool:
        if sum(map(len, records.values())) >= FURTHER:
            return True
        return all(home in records and records[home][-1].position.offset >= first for home, first in last.items())

    return stops


def _read(
    broker: Broker,
    ranges: Collection[Range],
    stops: Callable[[Mapping[Partition, Sequence[Record]]], bool] = lambda _: False,
) -> _Seen:
    """Read the ranges, or until ``stops`` says so."""
    records: dict[Partition, list[Record]] = {}
    reached: dict[Partition, int] = {}
    gaps: dict[Partition, str] = {}
    wanted = [one for one in ranges if one.end > one.first]
    for batch in broker.scan(wanted, Isolation.READ_UNCOMMITTED) if wanted else ():
        for record in batch.records:
            records.setdefault(record.position.home, []).append(record)
        reached.update(batch.positions)
        gaps |= {Partition(gap.subject, gap.partition): gap.reason for gap in batch.gaps if gap.partition is not None}
        if stops(records):
            break
    return _Seen(records, reached, gaps)
