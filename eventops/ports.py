"""What the rooms ask of the outside world: the Broker and TraceStore protocols, and their broker-neutral nouns.

An adapter never returns a made-up figure. What it couldn't read it leaves out of the mapping and names in the
:class:`Gap` list beside it; what the broker can't do at all is missing from its ``capabilities``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, Flag, StrEnum, auto
from typing import Any, Final, Protocol

from eventops.events import Headers, Partition, Position, Record, rfc3339


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


class Isolation(Enum):
    """Whose records are seen: READ_COMMITTED ends at the last stable offset and skips aborted transactions."""

    READ_COMMITTED = "read_committed"
    READ_UNCOMMITTED = "read_uncommitted"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was asked for and not read; ``partition`` None means the whole topic (or group) ``subject``."""

    subject: str
    partition: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what was asked for an answer rests on; every report that read something carries one.

    ``records`` and ``bytes`` were looked at; 0 where offsets alone were asked. ``from_`` and ``to`` bound the time that
    was covered; None means the log's own start or end.

    >>> Coverage(2, 2).complete, Coverage(2, 1, gaps=(Gap("orders", 1, "no leader"),)).complete
    (True, False)
    """

    partitions_total: int
    partitions_complete: int
    records: int = 0
    bytes: int = 0
    from_: datetime | None = None
    to: datetime | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is missing: an incomplete answer ends a command with exit code 5."""
        return not self.gaps and self.partitions_complete >= self.partitions_total

    def document(self) -> dict[str, Any]:
        """Its part of every report's JSON."""
        return {
            "partitions_total": self.partitions_total,
            "partitions_complete": self.partitions_complete,
            "records": self.records,
            "bytes": self.bytes,
            "from": rfc3339(self.from_),
            "to": rfc3339(self.to),
            "complete": self.complete,
            "gaps": [{"topic": gap.subject, "partition": gap.partition, "reason": gap.reason} for gap in self.gaps],
        }


@dataclass(frozen=True, slots=True)
class Cluster:
    """Who answered. ``brokers`` are ``host:port``; ``controller`` is a broker id, None where none is told."""

    cluster_id: str
    brokers: tuple[str, ...]
    controller: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one partition lies, in broker ids; ``leader`` None: it has none, nothing of it can be read or written.

    >>> Placement(0, leader=1, replicas=(1, 2, 3), in_sync=(1, 3)).lacking
    (2,)
    """

    partition: int
    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]

    @property
    def lacking(self) -> tuple[int, ...]:
        """Replicas that are behind or down: not empty means under-replicated."""
        return tuple(replica for replica in self.replicas if replica not in self.in_sync)


@dataclass(frozen=True, slots=True)
class Topic:
    """``topic_id`` changes when a topic is made anew (KIP-516); None where the broker doesn't tell.

    ``placements`` are in the order of ``partitions``; empty where the broker has nothing of the kind.
    """

    name: str
    topic_id: str | None
    partitions: tuple[int, ...]
    internal: bool = False
    leaderless: tuple[int, ...] = ()
    placements: tuple[Placement, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One consumer of a group and the partitions it was given. ``instance_id``: its own name, where it has one (static
    membership, KIP-345)."""

    member_id: str
    client_id: str
    host: str
    assigned: tuple[Partition, ...] = ()
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group. ``type`` is ``classic``, ``consumer`` (KIP-848), ``share`` (KIP-932), ``streams`` (KIP-1071) or
    ``unknown``; ``state`` is the broker's own word in lower case (``stable``, ``empty``, ``dead``,
    ``preparing_rebalance``, …).

    ``coordinator`` is the ``host:port`` that keeps it, ``assignor`` how its partitions are given out; None: not told.
    ``isolation`` is what the group reads: None where the broker doesn't tell (Kafka never does). ``unsupported`` says
    why members and progress can't be had at all; None: they can.
    """

    group_id: str
    type: str
    state: str
    members: tuple[Member, ...] = ()
    isolation: Isolation | None = None
    coordinator: str | None = None
    assignor: str | None = None
    unsupported: str | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that were described, and those that couldn't be."""

    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class ShareProgress:
    """How far a share group is: before ``start`` everything is settled; ``left`` records are still to be delivered,
    None where the broker doesn't count them (Apache Kafka before 4.2)."""

    start: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Committed:
    """Committed offsets a group and partition. What isn't in a group's mapping was never committed.

    ``epochs`` are those of the leaders under which they were committed, where that was told and isn't the first: a
    later one than the partition's own is an offset of another log. ``shares`` is filled for share groups, whose
    ``offsets`` are their start offsets.
    """

    offsets: Mapping[str, Mapping[Partition, int]]
    gaps: tuple[Gap, ...] = ()
    epochs: Mapping[str, Mapping[Partition, int]] = field(default_factory=dict)
    shares: Mapping[str, Mapping[Partition, ShareProgress]] = field(default_factory=dict)

    @property
    def partitions(self) -> frozenset[Partition]:
        """Every partition that any of the groups committed on."""
        return frozenset(partition for offsets in self.offsets.values() for partition in offsets)


@dataclass(frozen=True, slots=True)
class LogBounds:
    """``start`` is the first offset still kept, ``high_watermark`` one past the last replicated record, ``last_stable``
    one past the last record of no open transaction (``start <= last_stable <= high_watermark``). ``leader_epoch``
    counts the partition's leaders; None where it isn't told."""

    start: int
    high_watermark: int
    last_stable: int
    leader_epoch: int | None = None

    def end(self, isolation: Isolation) -> int:
        """Where a reader of that isolation ends."""
        return self.last_stable if isolation is Isolation.READ_COMMITTED else self.high_watermark


@dataclass(frozen=True, slots=True)
class Bounds:
    """Log bounds of the partitions that answered. ``gone`` are those that don't exist (any more), which ``gaps`` names
    as well; ``topic_ids`` tell a topic from one of the same name made later, where the broker tells them."""

    bounds: Mapping[Partition, LogBounds]
    gaps: tuple[Gap, ...] = ()
    gone: frozenset[Partition] = frozenset()
    topic_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets ``first`` (included) to ``end`` (excluded) of one partition."""

    partition: Partition
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of a scan. ``positions`` says, for each partition that moved, the next offset to be read, which may pass
    the last record's (transaction markers, compaction); a range is finished when its position reaches its end."""

    records: tuple[Record, ...]
    positions: Mapping[Partition, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


class Engine(StrEnum):
    """How a log is searched. AUTO: the fastest way that does here, saying so where it isn't the raw one."""

    AUTO = "auto"
    SCAN = "scan"
    """Whole batches as they travel; what may hold the id is then read by the ordinary consumer."""
    CONSUME = "consume"
    """Every record by the ordinary consumer."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Bytes of which a record holds at least one, if it is to be found; wrong only towards too many.

    >>> Sought((b"req-1",)).may_be_in(Record(Position("t", 0, 0), None, None, None, (("id", b"req-1"),)))
    True
    """

    needles: tuple[bytes, ...]

    def may_be_in(self, record: Record) -> bool:
        """Whether a value or a header of the record holds a needle."""
        held = b"\0".join((record.value or b"", *(value for _, value in record.headers if value)))
        return any(needle in held for needle in self.needles)


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Manner:
    """How to search, and when to end early: after about ``max_bytes`` were fetched, or when ``stopped`` says so. What
    was left out then becomes gaps."""

    engine: Engine = Engine.AUTO
    max_bytes: int | None = None
    stopped: Callable[[], bool] = _never


PLAINLY: Final = Manner()
"""As fast as can be, and to the end."""


@dataclass(frozen=True, slots=True)
class Findings:
    """A piece of a search: ``records`` may hold what is sought. Since the last piece ``passed`` offsets are behind us,
    ``looked_at`` records and ``bytes`` were looked at, and ``fetched`` bytes travelled."""

    records: tuple[Record, ...] = ()
    passed: int = 0
    looked_at: int = 0
    bytes: int = 0
    fetched: int = 0
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be appended. ``partition`` None leaves the choice to the key (murmur2, as Java's clients choose)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one :class:`Outgoing`: its position, or the broker's reason for refusing it."""

    position: Position | None
    rejection: str | None = None


class Fenced(Exception):
    """Another producer took over this transactional id; nothing of the open transaction will be committed."""


class TransactionLost(Exception):
    """Whether the transaction was committed isn't known, or it can't go on: close the producer and start again."""


class TransactionalProducer(Protocol):
    """Appends in transactions, under an id that at most one living producer holds.

    Every method raises :class:`Fenced` or :class:`TransactionLost`; after either, only ``close`` may be called.
    """

    def begin(self) -> None:
        """Open a transaction."""

    def append(self, records: Sequence[Outgoing]) -> tuple[Appended, ...]:
        """Append to the open transaction and wait for every answer; the result is in the order of ``records``."""

    def commit(self) -> None:
        """Make all of it visible at once. It is decided when this returns; the last stable offset may pass it a little
        later, so whoever has to read it waits until the high watermark doesn't exceed the last stable offset."""

    def abort(self) -> None:
        """Make none of it visible."""

    def close(self) -> None:
        """Let go; an open transaction is aborted by the broker. Never raises, may be called twice."""


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

    def offsets_at(self, partitions: Collection[Partition], moment: datetime) -> Mapping[Partition, int]:
        """The first offset whose timestamp is at or after ``moment``, the high watermark where there is none."""

    def scan(self, ranges: Collection[Range], isolation: Isolation = Isolation.READ_COMMITTED) -> Iterator[Batch]:
        """Read whole ranges; ends when every range was finished or became a gap. Closing the iterator ends the reading.

        What retention took of a range is a gap, and the rest of it is still read. A range that ends beyond the log, or
        in an open transaction, becomes a gap when nothing came for as long as the broker's timeout.
        A batch without records still comes at least once a second, so that a caller can show progress and stop.
        """

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

    def alter_committed_offsets(self, group: str, offsets: Mapping[Partition, int]) -> Mapping[Partition, str]:
        """Set committed offsets of a group without members; one that doesn't exist comes to be by it.

        Returns the partitions that were refused, each with the reason; a large answer may be refused in parts.

        Raises:
            GroupInUse: the group has members; nothing was set.
            NotPermitted: all of it was refused for missing rights.
        """

    def transactional_producer(self, transactional_id: str) -> TransactionalProducer:
        """Take over the id: any earlier holder is fenced and its open transaction aborted."""

    def close(self) -> None:
        """Let go of every connection."""


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """What somebody did, by the word of a trace store. ``operation`` is ``send``, ``process``, … of the messaging
    conventions, ``error`` the failure's class or words, ``position`` the record it is about; None: not told."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    start: datetime
    seconds: float
    error: str | None = None
    operation: str | None = None
    group: str | None = None
    message_id: str | None = None
    conversation_id: str | None = None
    position: Position | None = None

    @property
    def end(self) -> datetime:
        """When it was done."""
        return self.start + timedelta(seconds=self.seconds)


class TraceStore(Protocol):
    """Jaeger, Tempo or another store of spans: an index that answers "where", never the truth about the log.

    ``search`` and ``get`` raise StoreUnavailable (:mod:`eventops.errors`).
    """

    @property
    def name(self) -> str:
        """What it calls itself, for people: ``jaeger at http://…``."""

    def search(self, identifier: str, since: datetime, until: datetime) -> tuple[StoredSpan, ...]:
        """All spans of the traces with a span about that correlation id or message id, within the window."""

    def get(self, trace_id: str) -> tuple[StoredSpan, ...]:
        """All spans of one trace; none where the store doesn't hold it."""

    def url(self, trace_id: str) -> str | None:
        """Where people look at that trace; None: the configuration doesn't say."""


Progress = Callable[[int, int], None]
"""Called with records read and records expected."""
