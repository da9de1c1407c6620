"""Apache Kafka behind the Broker protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from eventops.adapters.kafka import admin, altering, offsets, rights
from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.cursor import together
from eventops.adapters.kafka.producer import KafkaPlainProducer, KafkaTransactionalProducer
from eventops.adapters.kafka.reading import Reading
from eventops.adapters.kafka.scan import AT_ONCE, Reader, follow, plain_of, record_of
from eventops.events import Partition, Position, Record
from eventops.ports import (
    PLAINLY,
    Batch,
    Bounds,
    Capability,
    Cluster,
    Committed,
    Findings,
    Groups,
    Head,
    Isolation,
    IsStopped,
    Manner,
    Plain,
    Range,
    Scanned,
    Sought,
    Topic,
    never,
)

if TYPE_CHECKING:
    from confluent_kafka import Message

Seen = TypeVar("Seen")

TIMEOUT: Final = 10.0
ANSWER_WITHIN: Final = 5.0
"""Seconds one broker of several has before what it keeps becomes a gap."""

_NEARBY: Final = 500
_FEW: Final = 100
"""Offsets of a range that is read with small fetches."""

_FEW_AT_ONCE: Final = 100
"""Records that are skimmed at a time: they stay in the processor's cache."""

_LARGE: Final = {"fetch_wait_max_ms": 20, "queued_min_messages": 10_000}
"""The client's queue is bounded by bytes of keys and values alone: dead letters, which are mostly headers, would fill
hundreds of megabytes if as many as it likes (100,000 a partition) were fetched ahead."""

_THRIFTY: Final = {"fetch_wait_max_ms": 20, "queued_min_messages": 2_000, "max_partition_fetch_bytes": 262_144}
_SMALL: Final = {"fetch_wait_max_ms": 20, "max_partition_fetch_bytes": 65_536}


class KafkaBroker:
    """One Kafka cluster. Connects on first use; may be used from several threads.

    ``properties`` are librdkafka's, with secrets already resolved; ``timeout`` (seconds) bounds every question.
    """

    def __init__(self, properties: Mapping[str, str], timeout: float = TIMEOUT) -> None:
        self._connection = Connection(properties, timeout)
        self._reading = Reading(self._connection, min(timeout, ANSWER_WITHIN))

    @property
    def capabilities(self) -> Capability:
        """All of them."""
        return Capability.HISTORY | Capability.COMMITTED_OFFSETS | Capability.TRANSACTIONS | Capability.COMPACTION

    def cluster(self) -> Cluster:
        """Who answers."""
        return self._reading.cluster()

    def topics(self, names: Collection[str] = ()) -> tuple[Topic, ...]:
        """All topics, or those of ``names`` that exist."""
        return self._reading.topics(names)

    def retention(self, topics: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """Configuration a topic."""
        return self._reading.retention(topics)

    def groups(self, names: Collection[str] = ()) -> Groups:
        """Groups of every kind."""
        return self._reading.groups(names)

    def committed_offsets(self, groups: Collection[str]) -> Committed:
        """Committed offsets of those groups."""
        return self._reading.committed_offsets(groups)

    def share_progress(self, groups: Collection[str]) -> Committed:
        """How far those share groups are."""
        return self._reading.share_progress(groups)

    def log_bounds(self, partitions: Collection[Partition]) -> Bounds:
        """Start, last stable offset and high watermark."""
        return self._reading.log_bounds(partitions)

    def heads(self, ranges: Collection[Range]) -> Mapping[Range, Head]:
        """By the headers of record batches, at the leaders that told the bounds."""
        return self._reading.heads(ranges)

    def offsets_at(self, partitions: Collection[Partition], moment: datetime) -> Mapping[Partition, int]:
        """The first offset at or after ``moment``; a partition that didn't answer is left out."""
        return offsets.offsets_at(self._connection, partitions, moment)

    def scan(self, ranges: Collection[Range], isolation: Isolation = Isolation.READ_COMMITTED) -> Iterator[Batch]:
        """Whole ranges. What retention took of one is a gap, and the rest is still read."""
        return self._reader(record_of, isolation, **(_SMALL if _is_small(ranges) else _LARGE)).read(ranges)

    def skim(
        self, ranges: Collection[Range], isolation: Isolation = Isolation.READ_COMMITTED
    ) -> Iterator[Scanned[Plain]]:
        """The same reading; no objects are made of it."""
        tuning = _SMALL if _is_small(ranges) else _THRIFTY
        return self._reader(plain_of, isolation, _FEW_AT_ONCE, **tuning).read(ranges)

    def search(self, sought: Sought, ranges: Collection[Range], manner: Manner = PLAINLY) -> Iterator[Findings]:
        """By raw fetching where it does (see :mod:`.raw`), else by the ordinary consumer, which the notes say."""
        self._reading.prepare()
        from eventops.adapters.kafka.search import Search  # it reads raw batches, which nothing else takes

        return Search(self._connection, sought, ranges, manner).findings()

    def follow(
        self, starts: Mapping[Partition, int], isolation: Isolation = Isolation.READ_COMMITTED
    ) -> Iterator[Batch]:
        """From there on, without end."""
        return follow(self._reader(record_of, isolation, fetch_wait_max_ms=200), starts)

    def read(self, positions: Collection[Position]) -> Mapping[Position, Record]:
        """Single records, by one consumer. Those beyond the last stable offset are left out as well."""
        bounds = self.log_bounds({position.home for position in positions}).bounds
        wanted = {p for p in positions if p.home in bounds and p.offset < bounds[p.home].last_stable}
        reader = self._reader(record_of, Isolation.READ_COMMITTED, **_SMALL)
        found: dict[Position, Record] = {}
        for batch in reader.read(together(wanted, _NEARBY)):
            found.update((record.position, record) for record in batch.records if record.position in wanted)
        return found

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str]) -> None:
        """Create a topic on up to three brokers, unless it exists."""
        admin.create_topic(self._connection, name, partitions, config)

    def unwritable(self, topics: Collection[str], read_back: Collection[str] = ()) -> Mapping[str, str]:
        """By the operations that the broker says this user is authorized to."""
        return rights.unwritable(self._connection, topics, read_back)

    def alter_committed_offsets(self, group: str, offsets: Mapping[Partition, int]) -> Mapping[Partition, str]:
        """Set committed offsets; the answer is what was refused."""
        return altering.alter_committed_offsets(self._connection, group, offsets)

    def transactional_producer(
        self, transactional_id: str, *, batch_bytes: int | None = None, is_stopped: IsStopped = never
    ) -> KafkaTransactionalProducer:
        """Take over the id; the producer is used by one thread at a time."""
        return KafkaTransactionalProducer(self._connection, transactional_id, batch_bytes, is_stopped)

    def plain_producer(self, *, batch_bytes: int | None = None, is_stopped: IsStopped = never) -> KafkaPlainProducer:
        """An idempotent producer; it is used by one thread at a time."""
        return KafkaPlainProducer(self._connection, batch_bytes, is_stopped)

    def close(self) -> None:
        """Let go of every connection."""
        self._reading.close()
        self._connection.close()

    def _reader(
        self,
        take: Callable[[Message, Partition, int], Seen],
        isolation: Isolation,
        at_once: int = AT_ONCE,
        **tuning: int,
    ) -> Reader[Seen]:
        connection = self._connection
        return Reader(
            take,
            lend=lambda: closing(connection.consumer(isolation, **tuning)),
            ask_bounds=lambda partitions, timeout: offsets.log_bounds(connection, partitions, timeout),
            isolation=isolation,
            patience=connection.timeout,
            at_once=at_once,
        )


def _is_small(ranges: Collection[Range]) -> bool:
    return all(wanted.end - wanted.first <= _FEW for wanted in ranges)
