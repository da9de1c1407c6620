"""What a broker is asked about and answers with, in the field's words; nothing here asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, Generic, TypeVar

from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted
from eventops.events import Partition, Record, rfc3339

COMMITTING: Final = frozenset({"classic", "consumer", "streams"})
"""Types of groups that leave committed offsets."""

NO_SUCH_GROUP: Final = "no such group"
"""The reason of a gap where a broker says so."""

NOT_PERMITTED: Final = "not permitted: it takes "
"""How the reason of a gap begins where a right is missing."""

SHARE: Final = "share"
"""The type whose progress the broker keeps by itself."""


class Isolation(Enum):
    """Whose records are seen: READ_COMMITTED ends at the last stable offset and skips aborted transactions."""

    READ_COMMITTED = "read_committed"
    READ_UNCOMMITTED = "read_uncommitted"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was asked for and not read; ``partition`` None means the whole topic (or group) ``subject``.

    ``is_of_list``: what is missing isn't called ``subject``; it is some of that list (``groups``), nobody knows which.

    >>> Gap("orders", 1, "no leader").place, Gap("groups", None, "broker 2 is silent", is_of_list=True).place
    ('orders/1', 'some groups')
    """

    subject: str
    partition: int | None
    reason: str
    is_of_list: bool = False

    @property
    def place(self) -> str:
        """For people; as anyone named it, so not safe for a terminal."""
        if self.is_of_list:
            return f"some {self.subject}"
        return self.subject if self.partition is None else f"{self.subject}/{self.partition}"


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
            "gaps": [
                {
                    "topic": gap.place if gap.is_of_list else gap.subject,
                    "partition": gap.partition,
                    "reason": gap.reason,
                }
                for gap in self.gaps
            ],
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

    def why_unseen(self, name: str) -> EventopsError | None:
        """Why a group that was asked for, by its name or a pattern, isn't among them; None: there is none."""
        mine = (gap.reason for gap in self.gaps if gap.subject == name or gap.is_of_list)
        why = next(mine, NO_SUCH_GROUP)
        if why == NO_SUCH_GROUP:
            return None
        if why.startswith(NOT_PERMITTED):
            return NotPermitted(f"the group {name} may not be seen", why)
        return BrokerUnreachable(f"whether there is a group {name} isn't known: {why}", "ask again when it is back")


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
class Head:
    """What stands first in a range: a record, or nothing but what the broker keeps for itself. ``timestamp`` is the
    record's, None where it has none; it isn't known unless ``is_dated``."""

    holds_record: bool
    is_dated: bool = False
    timestamp: datetime | None = None


Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Scanned(Generic[Seen]):
    """A piece of a scan. ``positions`` says, for each partition that moved, the next offset to be read, which may pass
    the last record's (transaction markers, compaction); a range is finished when its position reaches its end."""

    records: tuple[Seen, ...]
    positions: Mapping[Partition, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


Batch = Scanned[Record]
Plain = tuple[Partition, int, int | None, bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]
"""A record for those who count millions and keep none: where it stands, its offset, its timestamp (milliseconds since
1970; negative or None: none), key, value, headers."""
