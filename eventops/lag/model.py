"""What travels through the lag room: frozen values, nothing that asks or judges.

What there is of every partition of every group is a struct of msgspec: made and replaced in a fraction of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from eventops.events import Partition
from eventops.ports import Coverage


@dataclass(frozen=True, slots=True)
class GroupSelection:
    """Which groups and topics are asked about; none means all of them. Names, globs and ``/regular expressions/``, see
    :mod:`eventops.selecting`. ``ages``: on how many partitions, the furthest behind first, the first record that
    waits is read to tell since when."""

    names: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    ages: int = 200


class Standing(StrEnum):
    """Where a group stands on one partition."""

    CAUGHT_UP = "caught_up"
    BEHIND = "behind"
    NEVER_COMMITTED = "never_committed"
    LOST_RECORDS = "lost_records"
    """Retention passed the committed offset: what stood between can't be consumed any more."""
    AHEAD_OF_LOG = "ahead_of_log"
    """The committed offset is beyond the end: the topic was made anew, or the log was cut short."""
    TOPIC_RECREATED = "topic_recreated"
    """The offset was committed under a later leader than the partition ever had: it belongs to another log."""
    TOPIC_DELETED = "topic_deleted"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What a group's partitions come to, the worst first.

    One snapshot tells where a group stands; ``inactive`` and ``behind`` are then open questions, which polls answer
    (:mod:`eventops.lag.judgement`): ``stop``, ``stall``, ``rewind``, ``warn`` or ``ok``.
    """

    LOST_RECORDS = "lost_records"
    TOPIC_RECREATED = "topic_recreated"
    AHEAD_OF_LOG = "ahead_of_log"
    STOP = "stop"
    """Records wait, the committed offset rests, and no member holds the partition."""
    STALL = "stall"
    """A member holds the partition and doesn't get on."""
    REWIND = "rewind"
    """The committed offset was set back and hasn't come to where it was."""
    INACTIVE = "inactive"
    """Records wait and no consumer is there to take them."""
    WARN = "warn"
    """It gets on, and further and further behind."""
    BEHIND = "behind"
    NEVER_COMMITTED = "never_committed"
    TOPIC_DELETED = "topic_deleted"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    """A kind of group whose progress can't be read here; the reason says why."""
    NOT_ENOUGH_HISTORY = "not_enough_history"
    """It is behind, and wasn't observed for long enough to be judged."""
    OK = "ok"
    """Behind, and getting on."""
    CAUGHT_UP = "caught_up"


class AgeMethod(StrEnum):
    """How the age of a lag was found out."""

    MESSAGE = "message"
    """From the timestamp of the oldest record not yet consumed."""
    INTERPOLATED = "interpolated"
    """From the polls between which the log's end passed the committed offset."""
    UNKNOWN = "unknown"


class PartitionOffsets(Struct, frozen=True, gc=False):
    """Offsets of one group on one partition.

    ``log_end`` is the last stable offset for a group known to read committed, else the high watermark. ``committed``
    None: the group never committed here, which is not the same as 0. ``log_start`` and ``log_end`` None: not read.
    ``only_markers``: what stands between the committed offset and the end was read and holds no record, only the
    markers of transactions, which consumers step over without committing.

    ``last_stable`` is one past the last record of no open transaction, ``high_watermark`` one past the last record.
    ``topic_id`` changes when a topic of that name is made anew; None: not told. ``is_gone``: the topic or partition
    doesn't exist (any more). ``is_recreated``: the committed offset is proved to be one of another log.
    ``is_shared``: of a share group, ``committed`` is its start offset and ``left`` what is still to be delivered, None
    where the broker doesn't count it.
    """

    partition: Partition
    log_start: int | None
    committed: int | None
    log_end: int | None
    only_markers: bool = False
    last_stable: int | None = None
    high_watermark: int | None = None
    topic_id: str | None = None
    is_gone: bool = False
    is_recreated: bool = False
    is_shared: bool = False
    left: int | None = None

    @property
    def held_back(self) -> int | None:
        """Offsets that open transactions hold back from readers of committed records; None: not read."""
        if self.last_stable is None or self.high_watermark is None:
            return None
        return self.high_watermark - self.last_stable


@dataclass(frozen=True, slots=True)
class LagAge:
    """Age of the oldest record not yet consumed, in seconds; None with the ``reason`` where it isn't known."""

    seconds: float | None
    method: AgeMethod
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A figure that takes several polls: offsets a second, or seconds; None with the reason. ``is_never``: it isn't
    unknown, but known not to come as things go."""

    value: float | None
    reason: str | None = None
    is_never: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """Arrival and consumption (offsets a second), and the seconds until the group has caught up if both stay."""

    rate_in: Rate
    rate_out: Rate
    eta: Rate


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it rests on, as a sentence. ``rest`` (seconds without progress) and ``arrived`` (offsets that
    came meanwhile) only for stop and stall."""

    verdict: Verdict
    evidence: str
    rest: float | None = None
    arrived: int | None = None


class PartitionLag(Struct, frozen=True, gc=False):
    """One partition, judged. ``lag`` None comes with the ``reason``; ``member`` None: nobody was assigned it.
    ``held_back``: how old the open transaction is that holds records back; None: none does.
    ``judgement`` None: the report was added to no history."""

    offsets: PartitionOffsets
    standing: Standing
    lag: int | None
    age: LagAge
    member: str | None = None
    reason: str | None = None
    held_back: LagAge | None = None
    judgement: Judgement | None = None

    @property
    def partition(self) -> Partition:
        """Which one."""
        return self.offsets.partition


@dataclass(frozen=True, slots=True)
class MemberLag:
    """What one consumer has still to do; ``lag`` None where one of its partitions isn't known."""

    member_id: str
    client_id: str
    host: str
    lag: int | None
    partitions: tuple[Partition, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One group, judged. ``lag`` is the sum over its partitions, None with the ``reason`` where one isn't known;
    ``known_lag`` is what the others add up to: the group is at least that far behind. ``verdict`` is what the snapshot
    alone tells; ``judgement``, ``pace`` and ``until_lost`` (seconds until retention takes what waits) are told by a
    history of polls, None where the report was added to none."""

    group: str
    type: str
    state: str
    verdict: Verdict
    lag: int | None
    known_lag: int
    age: LagAge
    members: tuple[MemberLag, ...] = ()
    partitions: tuple[PartitionLag, ...] = ()
    reason: str | None = None
    judgement: Judgement | None = None
    pace: Pace | None = None
    until_lost: Rate | None = None

    @property
    def known_age(self) -> float | None:
        """The age of the oldest waiting record that is known, in seconds: at least that long."""
        return max((p.age.seconds for p in self.partitions if p.age.seconds is not None), default=None)


@dataclass(frozen=True, slots=True)
class LagReport:
    """All groups that were asked about, at one moment."""

    as_of: datetime
    cluster_id: str
    groups: tuple[GroupLag, ...]
    coverage: Coverage
