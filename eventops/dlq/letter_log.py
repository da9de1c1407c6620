"""Reads letters out of topics, and finds the topics that hold them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from eventops.dlq import ledger, rules
from eventops.dlq.decoders_kafka import SHARE
from eventops.dlq.families import Conventions
from eventops.dlq.model import Letter
from eventops.dlq.rows import topic_uuid
from eventops.events import Partition, Record
from eventops.ports import Bounds, Broker, Coverage, Gap, Isolation, LogBounds, Plain, Range, Scanned, Topic

Seen = TypeVar("Seen")

Tell = Callable[[int, int], None]
"""Takes how many offsets were passed, and of how many."""

_SAMPLE_OFFSETS = 3
"""The last offsets of a partition that are looked at; a transaction's marker takes one."""
_SAMPLE_PARTITIONS = 3
"""Partitions of a topic that are looked at."""


@dataclass(slots=True)
class Reading:
    """One reading of letters; ask for ``coverage`` when it is over."""

    broker: Broker
    conventions: Conventions
    since: datetime | None = None
    tell: Tell | None = None
    _asked: set[Partition] = field(default_factory=set)
    ends: dict[Partition, int] = field(default_factory=dict)
    """Where each partition that was read ended, also the empty ones."""
    _left: dict[Partition, int] = field(default_factory=dict)
    _records: int = 0
    _bytes: int = 0
    _gaps: list[Gap] = field(default_factory=list)
    _names: TopicNames = field(init=False)

    def __post_init__(self) -> None:
        self._names = TopicNames(self.broker)

    def letters(self, topics: Collection[Topic]) -> Iterator[Letter]:
        """Every committed record of those topics, decoded."""
        return map(self._names.named, map(self.conventions.decode, self.records(topics)))

    def records(self, topics: Collection[Topic]) -> Iterator[Record]:
        """Every committed record of those topics, as far as the log goes now."""
        for batch in self._read(topics, self.broker.scan):
            for record in batch.records:
                self._records += 1
                self._bytes += len(record.key or b"") + len(record.value or b"")
                yield record

    def skimmed(self, topics: Collection[Topic]) -> Iterator[Sequence[Plain]]:
        """The same for those who count, some hundred at a time."""
        for batch in self._read(topics, self.broker.skim):
            self._records += len(batch.records)
            self._bytes += sum([len(one[3] or b"") + len(one[4] or b"") for one in batch.records])
            yield batch.records

    def _read(
        self, topics: Collection[Topic], read: Callable[[Collection[Range]], Iterator[Scanned[Seen]]]
    ) -> Iterator[Scanned[Seen]]:
        partitions = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
        self._asked.update(partitions)
        if not partitions:
            return
        bounds = self.broker.log_bounds(partitions)
        self._gaps += bounds.gaps
        self.ends.update((home, found.last_stable) for home, found in bounds.bounds.items())
        firsts = self._firsts(bounds)
        ranges = [Range(home, firsts[home], found.last_stable) for home, found in bounds.bounds.items()]
        ranges = [range_ for range_ in ranges if range_.first < range_.end]
        self._left.update({range_.partition: range_.end for range_ in ranges})
        expected, reached = sum(range_.end - range_.first for range_ in ranges), dict(firsts)
        passed = 0
        for batch in read(ranges) if ranges else ():
            self._gaps += batch.gaps
            self._note(batch.positions)
            if self.tell is not None:
                passed += sum(position - reached.get(home, position) for home, position in batch.positions.items())
                reached.update(batch.positions)
                self.tell(passed, expected)
            yield batch

    @property
    def coverage(self) -> Coverage:
        """What was read of what was asked for."""
        missing = set(self._left) | {home for home in self._asked if self._is_gap(home)}
        return Coverage(
            partitions_total=len(self._asked),
            partitions_complete=len(self._asked - missing),
            records=self._records,
            bytes=self._bytes,
            from_=self.since,
            gaps=tuple(self._gaps),
        )

    def forget_deleted(self) -> frozenset[str]:
        """Leave out the topics that were deleted while they were read: that is no gap. Returns their names."""
        suspects = {gap.subject for gap in self._gaps} & {home.topic for home in self._asked}
        if not suspects:
            return frozenset()
        gone = frozenset(suspects - {topic.name for topic in self.broker.topics(suspects)})
        self._asked = {home for home in self._asked if home.topic not in gone}
        self._left = {home: end for home, end in self._left.items() if home.topic not in gone}
        self._gaps = [gap for gap in self._gaps if gap.subject not in gone]
        return gone

    def unread(self) -> dict[str, str]:
        """Why not all records of a topic were read, for those of which that is so."""
        found = {home.topic: f"partition {home.partition} wasn't read to its end" for home in self._left}
        found |= {gap.subject: gap.reason for gap in self._gaps}
        return {topic: why for topic, why in found.items() if topic in {home.topic for home in self._asked}}

    def add_gaps(self, gaps: Collection[Gap]) -> None:
        """What else the answer lacks."""
        self._gaps += gaps

    def _firsts(self, bounds: Bounds) -> dict[Partition, int]:
        starts = {home: found.start for home, found in bounds.bounds.items()}
        if self.since is None:
            return starts
        since = self.broker.offsets_at(list(starts), self.since)
        return {home: max(start, since.get(home, start)) for home, start in starts.items()}

    def _note(self, positions: Mapping[Partition, int]) -> None:
        for home, position in positions.items():
            if home in self._left and position >= self._left[home]:
                del self._left[home]

    def _is_gap(self, home: Partition) -> bool:
        return any(gap.subject == home.topic and gap.partition in (None, home.partition) for gap in self._gaps)


def still_there(gaps: Collection[Gap], broker: Broker) -> tuple[Gap, ...]:
    """Without those in topics that were deleted meanwhile: of all topics, such a one is none any more."""
    there = {topic.name for topic in broker.topics({gap.subject for gap in gaps})} if gaps else set()
    return tuple(gap for gap in gaps if gap.subject in there)


_TOPIC_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""As Kafka writes an id, sixteen bytes in base 64, and as others do."""


class TopicFinder:
    """Which topics hold letters: by name, or because their latest records are letters that came from elsewhere.

    A topic is looked into once; one without records is looked into again.
    """

    def __init__(self, broker: Broker, conventions: Conventions) -> None:
        self._broker = broker
        self._conventions = conventions
        self._looked_into: dict[tuple[str, str | None], bool] = {}

    def find(self) -> tuple[tuple[Topic, ...], tuple[Gap, ...]]:
        """The dead-letter topics, by name, and topics of which it couldn't be seen whether they hold letters."""
        topics = [topic for topic in self._broker.topics() if not topic.internal and topic.name != ledger.TOPIC]
        named = {topic.name for topic in topics if rules.is_named_for_letters(topic.name, self._conventions)}
        others = [topic for topic in topics if topic.name not in named]
        gaps = self._look_into([topic for topic in others if (topic.name, topic.topic_id) not in self._looked_into])
        found = tuple(
            topic
            for topic in topics
            if topic.name in named or self._looked_into.get((topic.name, topic.topic_id), False)
        )
        return found, gaps

    def _look_into(self, topics: Collection[Topic]) -> tuple[Gap, ...]:
        homes = [Partition(t.name, number) for t in topics for number in t.partitions[:_SAMPLE_PARTITIONS]]
        if not homes:
            return ()
        bounds = self._broker.log_bounds(homes)
        gaps = list(bounds.gaps)
        ranges = [_tail(home, found) for home, found in bounds.bounds.items() if found.start < found.last_stable]
        verdicts: dict[str, bool] = {}
        for batch in self._broker.scan(ranges, Isolation.READ_COMMITTED) if ranges else ():
            gaps += batch.gaps
            for record in batch.records:
                name = record.position.topic
                verdicts[name] = verdicts.get(name, True) and rules.is_letter(record, self._conventions)
        for topic in topics:
            if topic.name in verdicts:
                self._looked_into[topic.name, topic.topic_id] = verdicts[topic.name]
        return self._unseen([gap for gap in gaps if gap.subject not in verdicts])

    def _unseen(self, gaps: Collection[Gap]) -> tuple[Gap, ...]:
        """One a topic and reason."""
        told = {(gap.subject, gap.reason) for gap in still_there(gaps, self._broker)}
        return tuple(Gap(subject, None, f"{reason}: it may hold letters") for subject, reason in sorted(told))


class TopicNames:
    """Names of topics that letters call by their ids, as a share group's do whose topic's name the broker didn't know.
    The topics are asked for once, with the first such letter."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._by_id: dict[str, str] | None = None

    def named(self, letter: Letter) -> Letter:
        """The letter with its origin's name, where a topic of that id is there."""
        called = letter.origin.position.topic if letter.origin else ""
        if letter.family != SHARE.name or not _TOPIC_ID.fullmatch(called):
            return letter
        if self._by_id is None:
            self._by_id = {topic_uuid(topic.topic_id): topic.name for topic in self._broker.topics() if topic.topic_id}
        return rules.with_topic(letter, self._by_id.get(topic_uuid(called), called))


def _tail(home: Partition, bounds: LogBounds) -> Range:
    return Range(home, max(bounds.start, bounds.last_stable - _SAMPLE_OFFSETS), bounds.last_stable)
