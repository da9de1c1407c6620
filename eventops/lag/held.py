"""Open transactions: since when they hold records back from readers of committed records.

The first record that is held back is the first of the transaction that has been open for longest. Kafka's coordinator
aborts a transaction that outlives its timeout (a minute by default, a quarter of an hour at most unless the broker is
told otherwise): one that is older hangs, and readers of committed records stand still at it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from eventops.events import Partition, Record
from eventops.lag import rules
from eventops.lag.model import AgeMethod, LagAge
from eventops.ports import Broker, Isolation, LogBounds, Range

AT_MOST: Final = 50
"""Partitions that are looked at in one snapshot, those with the most held back first."""

_NOT_LOOKED_AT: Final = f"only the {AT_MOST} partitions with the most held back are asked for it"
_NOT_READ: Final = "its first record couldn't be read"


def look(broker: Broker, bounds: Mapping[Partition, LogBounds], now: datetime) -> dict[Partition, LagAge]:
    """How old the open transactions are, on the partitions that have one."""
    held = {place: log for place, log in bounds.items() if log.high_watermark > log.last_stable}
    if not held:
        return {}
    most_first = sorted(held, key=lambda place: (held[place].last_stable - held[place].high_watermark, place))
    first = _first_records(broker, {place: held[place].last_stable for place in most_first[:AT_MOST]})
    ages = dict.fromkeys(most_first, LagAge(None, AgeMethod.UNKNOWN, _NOT_LOOKED_AT))
    for place in most_first[:AT_MOST]:
        found = first.get(place)
        ages[place] = (
            rules.age(found.timestamp, now) if found is not None else LagAge(None, AgeMethod.UNKNOWN, _NOT_READ)
        )
    return ages


def _first_records(broker: Broker, places: Mapping[Partition, int]) -> dict[Partition, Record]:
    ranges: Collection[Range] = [Range(partition, offset, offset + 1) for partition, offset in places.items()]
    return {
        record.position.home: record
        for batch in broker.scan(ranges, Isolation.READ_UNCOMMITTED)
        for record in batch.records
    }
