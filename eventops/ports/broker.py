"""A broker as eventops sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from enum import Flag, auto
from typing import Protocol

from eventops.events import Partition, Position, Record
from eventops.ports.nouns import (
    Batch,
    Bounds,
    Cluster,
    Committed,
    Groups,
    Head,
    Isolation,
    Plain,
    Range,
    Scanned,
    Topic,
)
from eventops.ports.searching import PLAINLY, Findings, Manner, Sought
from eventops.ports.writing import IsStopped, TransactionalProducer, never


class Capability(Flag):
    """What a broker can do; faces say calmly what it can't."""

    HISTORY = auto()
    """The log can be read again from any offset."""
    COMMITTED_OFFSETS = auto()
    """Groups leave their positions with the broker."""
    TRANSACTIONS = auto()
    """Several records are appended together or not at all."""
    COMPACTION = auto()
    """A topic can keep the last record a key."""


class Broker(Protocol):
    """A broker as eventops sees it. Reading never joins a group, commits an offset or creates a topic.

    Every method may raise BrokerUnreachable, NotPermitted or Unsupported (:mod:`eventops.errors`).
    """

    @property
    def capabilities(self) -> Capability:
        """What this broker can do."""

    def cluster(self) -> Cluster:
        """Who answers."""

    def topics(self, names: Collection[str] = ()) -> tuple[Topic, ...]:
        """All topics, internal ones too, or those of ``names`` that exist; by name."""

    def retention(self, topics: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """Configuration a topic (Kafka's property names); a topic whose configuration may not be read is left out."""

    def groups(self, names: Collection[str] = ()) -> Groups:
        """All groups, or those of ``names``; one that doesn't exist is a gap. By group id."""

    def committed_offsets(self, groups: Collection[str]) -> Committed:
        """Committed offsets of those groups, asked concurrently."""

    def share_progress(self, groups: Collection[str]) -> Committed:
        """How far those share groups are; one whose progress can't be had is a gap with the reason."""

    def log_bounds(self, partitions: Collection[Partition]) -> Bounds:
        """Start, last stable offset and high watermark of those partitions."""

    def heads(self, ranges: Collection[Range]) -> Mapping[Range, Head]:
        """What stands first in each of those ranges, aborted records included, as far as it can be told without reading
        records; the others are left out. The partitions' bounds were asked for before."""

    def offsets_at(self, partitions: Collection[Partition], moment: datetime) -> Mapping[Partition, int]:
        """The first offset whose timestamp is at or after ``moment``, the high watermark where there is none."""

    def scan(self, ranges: Collection[Range], isolation: Isolation = Isolation.READ_COMMITTED) -> Iterator[Batch]:
        """Read whole ranges; ends when every range was finished or became a gap. Closing the iterator ends the reading.

        What retention took of a range is a gap, and the rest of it is still read. A range that ends beyond the log, or
        in an open transaction, becomes a gap when nothing came for as long as the broker's timeout.
        A batch without records still comes at least once a second, so that a caller can show progress and stop.
        """

    def skim(
        self, ranges: Collection[Range], isolation: Isolation = Isolation.READ_COMMITTED
    ) -> Iterator[Scanned[Plain]]:
        """The same reading as ``scan``, for those who count: each record as a tuple, which costs a fraction."""

    def search(self, sought: Sought, ranges: Collection[Range], manner: Manner = PLAINLY) -> Iterator[Findings]:
        """Find committed records in whole ranges, the most recent first where it can be had; ends, and names
        gaps, as ``scan`` does. A piece comes at least once a second. Closing the iterator ends the search.

        Raises:
            Unsupported: the engine that was asked for doesn't do here.
        """

    def follow(
        self, starts: Mapping[Partition, int], isolation: Isolation = Isolation.READ_COMMITTED
    ) -> Iterator[Batch]:
        """Read from there on and never end; an empty batch at least once a second."""

    def read(self, positions: Collection[Position]) -> Mapping[Position, Record]:
        """Single records; positions that hold none (compacted, retained away, aborted) are left out."""

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str]) -> None:
        """Create a topic, on three brokers where there are as many; one that exists already is left as it is."""

    def unwritable(self, topics: Collection[str], read_back: Collection[str] = ()) -> Mapping[str, str]:
        """Those of ``topics`` that this user may not append to (or, where ``read_back`` has them, not read), each with
        the right that is missing; a topic that doesn't exist and that this user couldn't create is among them. Empty
        where the broker doesn't tell."""

    def alter_committed_offsets(self, group: str, offsets: Mapping[Partition, int]) -> Mapping[Partition, str]:
        """Set committed offsets of a group without members; one that doesn't exist comes to be by it.

        Returns the partitions that were refused, each with the reason; a large answer may be refused in parts.

        Raises:
            GroupInUse: the group has members; nothing was set.
            NotPermitted: all of it was refused for missing rights.
        """

    def transactional_producer(
        self, transactional_id: str, *, batch_bytes: int | None = None, is_stopped: IsStopped = never
    ) -> TransactionalProducer:
        """Take over the id: any earlier holder is fenced and its open transaction aborted.

        No batch of several records exceeds ``batch_bytes``, which the smallest target may take. Once ``is_stopped``
        says so, waiting for an answer ends within about a second, with TransactionLost.
        """

    def plain_producer(self, *, batch_bytes: int | None = None, is_stopped: IsStopped = never) -> TransactionalProducer:
        """Appends at once, retrying without doubling while it lives; there is no transaction and nothing is fenced."""

    def close(self) -> None:
        """Let go of every connection."""
