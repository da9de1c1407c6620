"""Topics, how much they hold and who reads them: the values that travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from eventops.ports import Coverage, Group, Placement


@dataclass(frozen=True, slots=True)
class PartitionSpan:
    """One partition's log. ``start`` and ``end`` None: it didn't answer, and ``reason`` says why."""

    partition: int
    start: int | None
    end: int | None
    open_transactions: int | None
    """Offsets between the last stable offset and the high watermark: records (and markers) of open transactions."""
    reason: str | None = None
    placement: Placement | None = None
    """Where it lies; None: the broker has nothing of the kind."""

    @property
    def span(self) -> int | None:
        """Offsets kept: the most records there can be (markers and compaction leave fewer)."""
        return None if self.start is None or self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class TopicSummary:
    """One topic. ``retention_seconds`` None: kept for ever, unless ``retention_reason`` says why it is unknown."""

    name: str
    topic_id: str | None
    internal: bool
    partitions: tuple[PartitionSpan, ...]
    cleanup_policy: str | None
    retention_seconds: float | None
    retention_bytes: int | None
    retention_reason: str | None
    groups: tuple[str, ...]
    """Groups that committed an offset on it or have a member on it."""

    @property
    def replication_factor(self) -> int | None:
        """Copies of a partition, the most there are; None where the broker has none."""
        return max((len(one.placement.replicas) for one in self.partitions if one.placement), default=None)

    @property
    def under_replicated(self) -> tuple[int, ...]:
        """Partitions with a replica that is behind or down."""
        return tuple(one.partition for one in self.partitions if one.placement and one.placement.lacking)

    @property
    def offline(self) -> tuple[int, ...]:
        """Partitions without a leader: nothing of them can be read or written."""
        return tuple(one.partition for one in self.partitions if one.placement and one.placement.leader is None)

    @property
    def span(self) -> int | None:
        """Offsets kept in all partitions; None where one of them didn't answer."""
        spans = [partition.span for partition in self.partitions]
        return None if None in spans else sum(span for span in spans if span is not None)


@dataclass(frozen=True, slots=True)
class TopicsReport:
    """The topics asked for, by name."""

    as_of: datetime
    topics: tuple[TopicSummary, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a group on one topic; ``lag`` None with the ``reason``."""

    lag: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """A group on one topic. ``lag`` sums up its partitions, None with the ``reason`` where one isn't known; ``members``
    are those that were given a partition of the topic."""

    group: Group
    members: int
    lag: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ages:
    """When the first and the last record were appended, a partition; None where none was found near the log's ends."""

    first: Mapping[int, datetime]
    last: Mapping[int, datetime]


@dataclass(frozen=True, slots=True)
class TopicReport:
    """One topic in full. ``config`` None: it may not be read."""

    as_of: datetime
    topic: TopicSummary
    ages: Ages
    config: Mapping[str, str] | None
    readers: tuple[Reader, ...]
    coverage: Coverage
