"""How far a reading with an end is, and what it rests on. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from eventops.events import Event, Partition
from eventops.ports import Batch, Coverage, Gap, Range
from eventops.records.model import Seen, Tail


class Progress:
    """One reading: of ``partitions``, those ``ranges`` of them that could be told; ``gaps``: why others couldn't."""

    def __init__(
        self, wanted: Tail, partitions: Sequence[Partition], ranges: Sequence[Range], gaps: Sequence[Gap]
    ) -> None:
        self.ranges = [one for one in ranges if one.first < one.end]
        self._wanted = wanted
        self._partitions = partitions
        self._positions = {one.partition: one.first for one in self.ranges}
        self._ends = {one.partition: one.end for one in self.ranges}
        self._total = sum(one.end - one.first for one in self.ranges)
        self._passed = self._records = self._bytes = 0
        self._gaps = list(gaps)

    def note(self, batch: Batch) -> None:
        """A piece was read."""
        self._records += len(batch.records)
        self._bytes += sum(len(one.key or b"") + len(one.value or b"") for one in batch.records)
        self._gaps += batch.gaps
        for home, position in batch.positions.items():
            before = self._positions.get(home, position)
            after = max(min(position, self._ends.get(home, position)), before)
            self._passed += after - before
            self._positions[home] = after

    def seen(self, records: int, events: tuple[Event, ...], gaps: tuple[Gap, ...]) -> Seen:
        """A piece, and how far it is."""
        return Seen(records, events, gaps, self._passed, self._total, self.coverage)

    @property
    def coverage(self) -> Coverage:
        """What the answer rests on so far."""
        lacking = {(gap.subject, gap.partition) for gap in self._gaps}
        return Coverage(
            partitions_total=len(self._partitions),
            partitions_complete=sum(1 for home in self._partitions if self._is_whole(home, lacking)),
            records=self._records,
            bytes=self._bytes,
            from_=self._wanted.since,
            to=self._wanted.until,
            gaps=tuple(self._gaps),
        )

    def _is_whole(self, home: Partition, lacking: Collection[tuple[str, int | None]]) -> bool:
        if (home.topic, home.partition) in lacking or (home.topic, None) in lacking:
            return False
        return self._positions.get(home, 0) >= self._ends.get(home, 0)
