"""Looks at a log that grows, now and then: what came last is read, however much came."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eventops.events import Event, Partition, Record
from eventops.ports import Batch, Broker, Scanned
from eventops.records import rules
from eventops.records.model import Glance
from eventops.where import Where

Held = Callable[[Batch, Where | None], tuple[Event, ...]]


class Live:
    """One look after the other; each goes on where the one before ended, also after a failure between them."""

    def __init__(self, broker: Broker, held: Held, partitions: Sequence[Partition], before: int) -> None:
        self.partitions = tuple(partitions)
        self._broker = broker
        self._held = held
        self._before = before
        self._at: dict[Partition, int] = {}

    def glance(self, most: int, where: Where | None = None) -> Glance:
        """What came since the last one, of it at most about ``most`` records."""
        bounds = self._broker.log_bounds(self.partitions)
        ranges, at, passed = rules.due(bounds.bounds, self._at, most, self._before)
        records: list[Record] = []
        gaps = list(bounds.gaps)
        for batch in self._broker.scan(ranges) if ranges else ():
            records += batch.records
            gaps += batch.gaps
        self._at = at
        came = passed + sum(one.end - one.first for one in ranges)
        return Glance(self._held(Scanned(tuple(records)), where), came, passed, tuple(gaps))
