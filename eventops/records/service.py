"""Reads single records, and the log as it grows. Nothing is joined, committed or created."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final

from eventops.errors import EventopsError, UsageError
from eventops.events import Event, Partition, Position, Reader, read_event
from eventops.ports import Batch, Bounds, Broker, Isolation, LogBounds, Range
from eventops.ports.missing import refusal
from eventops.records.live import Live
from eventops.records.model import Seen, Tail
from eventops.records.progress import Progress
from eventops.where import Where

_OURS: Final = "eventops-"
_LAST: Final = datetime.max.replace(tzinfo=UTC)


class RecordService:
    """What stands in the log?"""

    def __init__(self, broker: Broker, read: Reader = read_event) -> None:
        self._broker = broker
        self._read = read

    def show(self, position: Position) -> Event:
        """The event at that position.

        Raises:
            UsageError: there is no such topic or partition.
            NotPermitted: it may not be read.
            EventopsError: no record stands there; the message says which offsets the log holds.
        """
        topics = self._broker.topics([position.topic])
        if not topics or position.partition not in topics[0].partitions:
            raise UsageError(f"there is no partition {position.home}", remedy="`eventops topics` lists what is there")
        if (record := self._broker.read([position]).get(position)) is not None:
            return self._read(record)
        if (refused := refusal(self._broker, position)) is not None:
            raise refused
        held = self._broker.log_bounds([position.home]).bounds.get(position.home)
        raise EventopsError(f"there is no record at {position}", remedy=_what_it_holds(position.offset, held))

    def tail(self, wanted: Tail, where: Where | None = None) -> Generator[Seen, None, None]:
        """Events as they come, something or nothing at least once a second, at first nothing, when it is fixed where it
        begins; it ends only where ``follows`` is False. Closing it ends the reading.

        Raises:
            UsageError: no topic is meant.
        """
        partitions = self._partitions(wanted)
        bounds = self._broker.log_bounds(partitions)
        starts = self._starts(wanted, bounds)
        if wanted.follows:
            yield Seen(0, (), bounds.gaps)
            for batch in self._broker.follow(starts):
                yield Seen(len(batch.records), self._held(batch, where), batch.gaps)
            return
        ends = self._ends(wanted, bounds)
        ranges = [Range(home, first, ends[home]) for home, first in starts.items()]
        progress = Progress(wanted, partitions, ranges, bounds.gaps)
        yield progress.seen(0, (), bounds.gaps)
        for batch in self._broker.scan(progress.ranges):
            progress.note(batch)
            yield progress.seen(len(batch.records), self._held(batch, where), batch.gaps)

    def live(self, topics: tuple[str, ...], before: int = 0) -> Live:
        """A look now and then at what comes, however fast it comes; the first one goes ``before`` offsets back.

        Raises:
            UsageError: no topic is meant.
        """
        partitions = self._partitions(Tail(topics))
        return Live(self._broker, self._held, partitions, -(-before // max(len(partitions), 1)))

    def _held(self, batch: Batch, where: Where | None) -> tuple[Event, ...]:
        """What was asked for, oldest first."""
        held = [record for record in batch.records if where is None or where.matches(record)]
        held.sort(key=lambda record: (record.timestamp or _LAST, record.position))
        return tuple(map(self._read, held))

    def _partitions(self, wanted: Tail) -> tuple[Partition, ...]:
        topics = self._broker.topics()
        missing = [name for name in wanted.topics if not any(fnmatchcase(topic.name, name) for topic in topics)]
        if missing:
            raise UsageError(f"there is no topic {missing[0]!r}", remedy="`eventops topics` lists them")
        meant = [
            topic
            for topic in topics
            if any(fnmatchcase(topic.name, name) for name in wanted.topics)
            or not (wanted.topics or topic.internal or topic.name.startswith(_OURS))
        ]
        return tuple(Partition(topic.name, number) for topic in meant for number in topic.partitions)

    def _ends(self, wanted: Tail, bounds: Bounds) -> Mapping[Partition, int]:
        ends = {home: log.end(Isolation.READ_COMMITTED) for home, log in bounds.bounds.items()}
        if wanted.until is None:
            return ends
        found = self._broker.offsets_at(list(ends), wanted.until)
        return {home: min(found.get(home, end), end) for home, end in ends.items()}

    def _starts(self, wanted: Tail, bounds: Bounds) -> Mapping[Partition, int]:
        if wanted.from_start:
            return {home: log.start for home, log in bounds.bounds.items()}
        ends = {home: log.end(Isolation.READ_COMMITTED) for home, log in bounds.bounds.items()}
        if wanted.since is None:
            return ends
        found = self._broker.offsets_at(list(ends), wanted.since)
        return {home: min(found.get(home, end), end) for home, end in ends.items()}


def _what_it_holds(offset: int, held: LogBounds | None) -> str:
    """Why a record isn't there, as far as a log's bounds tell it."""
    if held is None:
        return "its bounds aren't known"
    if held.last_stable <= offset < held.high_watermark:
        return "an open transaction holds it back: it is shown when that has ended"
    if held.start == held.high_watermark:
        return "the partition is empty"
    where = f"it holds offsets {held.start} to {held.high_watermark - 1}"
    is_within = held.start <= offset < held.last_stable
    return where + (", and this one was compacted away, aborted, or is a transaction's marker" if is_within else "")
