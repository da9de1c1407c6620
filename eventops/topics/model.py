"""Topics, how much they hold and who reads them: the values that travel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from eventops.ports import Coverage


@dataclass(frozen=True, slots=True)
class PartitionSpan:
    """One partition's log. ``start`` and ``end`` None: it didn't answer, and ``reason`` says why."""

    partition: int
    start: int | None
    end: int | None
    open_transactions: int | None
    """Offsets between the last stable offset and the high watermark: records (and markers) of open transactions."""
    reason: str | None = None

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
