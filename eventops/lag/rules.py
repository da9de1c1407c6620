"""How lag is read: pure rules, with tables for their specification. No clock, no I/O.

Kafka's own figures mislead in three places, and each has a rule here: a group that never committed isn't "all
behind", a committed offset below the log's start means lost records, and one above its end means another log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from eventops.lag.model import (
    AgeMethod,
    GroupLag,
    LagAge,
    MemberLag,
    PartitionLag,
    PartitionOffsets,
    Standing,
    Verdict,
)
from eventops.ports import COMMITTING, SHARE, Group, Member
from eventops.wording import count, plural

NOTHING_WAITS: Final = LagAge(0.0, AgeMethod.MESSAGE)

_WORST_FIRST: Final = (
    (Standing.LOST_RECORDS, Verdict.LOST_RECORDS),
    (Standing.TOPIC_RECREATED, Verdict.TOPIC_RECREATED),
    (Standing.AHEAD_OF_LOG, Verdict.AHEAD_OF_LOG),
    (Standing.BEHIND, Verdict.BEHIND),
    (Standing.NEVER_COMMITTED, Verdict.NEVER_COMMITTED),
    (Standing.TOPIC_DELETED, Verdict.TOPIC_DELETED),
    (Standing.UNKNOWN, Verdict.UNKNOWN),
)
NO_COMMIT: Final = "no committed offset here: the group never committed, or Kafka dropped it"
"""Kafka drops offsets that expire, and those of a topic that is deleted; it doesn't tell them from none."""

_WHY_UNKNOWN: Final = {
    Standing.NEVER_COMMITTED: NO_COMMIT,
    Standing.TOPIC_RECREATED: "the committed offset is one of an earlier topic of that name",
    Standing.AHEAD_OF_LOG: "the committed offset is beyond the end of the log: the topic was made anew or cut short",
    Standing.TOPIC_DELETED: "the topic was deleted",
    Standing.UNKNOWN: "the log's bounds weren't read",
}
_NOT_COUNTED: Final = "the broker doesn't count what a share group has left (Apache Kafka before 4.2)"
_NOT_BEGUN: Final = "the share group was given nothing of it yet"
_LONGEST_TRANSACTION: Final = 900.0
"""``transaction.max.timeout.ms`` of a broker that wasn't told otherwise, in seconds."""
_WHICH_IS_LEFT: Final = "a share group doesn't tell which records are left"
_NO_OFFSETS: Final = (
    "no committed offsets and no partitions: the group never committed, or Kafka dropped them (expired, or their topic "
    "was deleted)"
)
_IN_A_SUM: Final = {
    Standing.NEVER_COMMITTED: "without a committed offset",
    Standing.TOPIC_RECREATED: "of an earlier topic",
    Standing.AHEAD_OF_LOG: "beyond the end of the log",
    Standing.TOPIC_DELETED: "of a deleted topic",
    Standing.UNKNOWN: "not read",
}


def standing(offsets: PartitionOffsets) -> Standing:
    """Where a group stands on one partition.

    An empty log leaves nothing to consume, committed or not; consumers don't commit where they never got a record.
    """
    start, committed, end = offsets.log_start, offsets.committed, offsets.log_end
    if offsets.is_gone:
        return Standing.TOPIC_DELETED
    if start is None or end is None:
        return Standing.UNKNOWN
    if offsets.is_recreated:
        return Standing.TOPIC_RECREATED
    if offsets.is_shared and committed is not None:
        return Standing.UNKNOWN if offsets.left is None else Standing.BEHIND if offsets.left else Standing.CAUGHT_UP
    if committed is None:
        return Standing.CAUGHT_UP if start == end else Standing.NEVER_COMMITTED
    if committed > end:
        return Standing.AHEAD_OF_LOG
    if committed < start:
        return Standing.LOST_RECORDS
    if committed == end or offsets.only_markers:
        return Standing.CAUGHT_UP
    return Standing.BEHIND


def lag(offsets: PartitionOffsets) -> int | None:
    """Offsets not yet consumed, never negative; None where that can't be known. Like Kafka's own tools it counts
    offsets, but a rest that holds no record is no lag: else a group would be 1 behind for as long as a topic rests.

    >>> from eventops.events import Partition
    >>> here = Partition("orders", 0)
    >>> lag(PartitionOffsets(here, log_start=0, committed=7, log_end=10))
    3
    >>> lag(PartitionOffsets(here, 0, None, 10)) is None      # never committed is not "10 behind"
    True
    >>> lag(PartitionOffsets(here, 9, 7, 10))                 # 7 and 8 are gone: one left to read
    1
    >>> lag(PartitionOffsets(here, 0, 12, 10)) is None        # made anew: the old offset means nothing
    True
    >>> lag(PartitionOffsets(here, 0, None, 0))               # nothing there to be consumed
    0
    """
    return _lag(offsets, standing(offsets))


def _lag(offsets: PartitionOffsets, stands: Standing) -> int | None:
    if offsets.log_end is None or stands in _WHY_UNKNOWN:
        return None
    if offsets.is_shared and offsets.committed is not None:
        return offsets.left
    first = _next(offsets, stands)
    return 0 if first is None else offsets.log_end - first


def next_offset(offsets: PartitionOffsets) -> int | None:
    """The first offset that waits to be consumed; None where none waits or that isn't known.

    >>> from eventops.events import Partition
    >>> next_offset(PartitionOffsets(Partition("orders", 0), log_start=9, committed=7, log_end=10))
    9
    """
    return None if offsets.committed == offsets.log_end else _next(offsets, standing(offsets))


def _next(offsets: PartitionOffsets, stands: Standing) -> int | None:
    if offsets.only_markers or offsets.is_shared or stands not in (Standing.BEHIND, Standing.LOST_RECORDS):
        return None
    first = max(offsets.committed or 0, offsets.log_start or 0)
    return first if first < (offsets.log_end or 0) else None


def is_of_another_log(committed_epoch: int | None, leader_epoch: int | None) -> bool:
    """Whether an offset is proved to be of an earlier topic of the same name: a topic's leaders are counted from 0, and
    the count never falls. None: not told, which proves nothing.

    >>> is_of_another_log(5, 0), is_of_another_log(3, 3), is_of_another_log(None, 0)
    (True, False, False)
    """
    return committed_epoch is not None and leader_epoch is not None and committed_epoch > leader_epoch


def age(oldest_waiting: datetime | None, now: datetime) -> LagAge:
    """Age of the oldest record that waits; a producer's clock that runs ahead makes it 0, never negative."""
    if oldest_waiting is None:
        return LagAge(None, AgeMethod.UNKNOWN, "the record has no timestamp")
    return LagAge(max(0.0, (now - oldest_waiting).total_seconds()), AgeMethod.MESSAGE)


def partition_lag(offsets: PartitionOffsets, waiting_age: LagAge | None, member: str | None) -> PartitionLag:
    """One partition, judged. ``waiting_age`` None: it wasn't asked for, because nothing is known to wait."""
    stands = standing(offsets)
    found = waiting_age or NOTHING_WAITS
    if stands is Standing.CAUGHT_UP:
        return PartitionLag(offsets, stands, 0, found, member)
    reason = why_unknown(offsets, stands)
    if reason is not None:
        found = LagAge(None, AgeMethod.UNKNOWN, reason)
    elif offsets.is_shared and stands is Standing.BEHIND:
        found = LagAge(None, AgeMethod.UNKNOWN, _WHICH_IS_LEFT)
    return PartitionLag(offsets, stands, _lag(offsets, stands), found, member, reason)


def why_unknown(offsets: PartitionOffsets, stands: Standing) -> str | None:
    """Why there is no lag; None where there is one."""
    if offsets.is_shared and stands is Standing.UNKNOWN and offsets.log_end is not None:
        return _NOT_COUNTED
    if offsets.is_shared and stands is Standing.NEVER_COMMITTED:
        return _NOT_BEGUN
    return _WHY_UNKNOWN.get(stands)


def verdict(standings: Iterable[Standing], has_members: bool) -> Verdict:
    """The worst of a group's partitions; records that wait while nobody is there to take them are worse than lag.

    >>> verdict([Standing.CAUGHT_UP, Standing.BEHIND], has_members=True).value
    'behind'
    >>> verdict([Standing.CAUGHT_UP, Standing.BEHIND], has_members=False).value
    'inactive'
    """
    found = set(standings)
    if not found:
        return Verdict.NEVER_COMMITTED
    worst = next((worse for stands, worse in _WORST_FIRST if stands in found), Verdict.CAUGHT_UP)
    return Verdict.INACTIVE if worst is Verdict.BEHIND and not has_members else worst


def group_lag(group: Group, partitions: Sequence[PartitionLag]) -> GroupLag:
    """A group from its partitions; one of a kind whose offsets can't be read is unsupported, never 0 behind."""
    if not is_supported(group):
        return unsupported(group)
    whole, reason = total(partitions)
    return GroupLag(
        group=group.group_id,
        type=group.type,
        state=group.state,
        verdict=verdict((p.standing for p in partitions), bool(group.members)),
        lag=whole,
        known_lag=sum(p.lag or 0 for p in partitions),
        age=oldest(partitions),
        members=_members(group.members, partitions),
        partitions=tuple(partitions),
        reason=reason,
    )


def is_supported(group: Group) -> bool:
    """Whether its progress can be read."""
    return group.unsupported is None and (group.type in COMMITTING or group.type == SHARE)


def unsupported(group: Group) -> GroupLag:
    """A group whose progress can't be read."""
    why = group.unsupported or f"a group of type {group.type}: its progress can't be read"
    no_age = LagAge(None, AgeMethod.UNKNOWN, why)
    return GroupLag(group.group_id, group.type, group.state, Verdict.UNSUPPORTED, None, 0, no_age, reason=why)


def unread(group: Group, why: str) -> GroupLag:
    """A group whose committed offsets weren't read: everything about its lag is unknown."""
    no_age = LagAge(None, AgeMethod.UNKNOWN, why)
    members = tuple(MemberLag(m.member_id, m.client_id, m.host, None, m.assigned, why) for m in group.members)
    return GroupLag(group.group_id, group.type, group.state, Verdict.UNKNOWN, None, 0, no_age, members, reason=why)


def total(partitions: Sequence[PartitionLag], noun: str = "partition") -> tuple[int | None, str | None]:
    """The lag of all of them, or why there is none: a sum without one of its parts would be wrong. ``noun`` is what
    each is called where several groups stand on one partition."""
    if not partitions:
        return None, _NO_OFFSETS
    missing = [p for p in partitions if p.lag is None]
    known = sum(p.lag for p in partitions if p.lag is not None)
    if not missing:
        return known, None
    kinds = sorted({_IN_A_SUM[p.standing] for p in missing})
    whole = f"{count(len(missing))} of {plural(len(partitions), noun)} {' or '.join(kinds)}"
    rest = f"; the others are {count(known)} behind" if len(missing) < len(partitions) else ""
    return None, whole + rest


def oldest(partitions: Sequence[PartitionLag]) -> LagAge:
    """The age of a group: that of its oldest waiting record, unknown as soon as one partition's is."""
    unknown = next((p.age for p in partitions if p.age.seconds is None), None)
    if unknown is not None or not partitions:
        why = unknown.reason if unknown else _NO_OFFSETS
        return LagAge(None, AgeMethod.UNKNOWN, why)
    return max((p.age for p in partitions), key=lambda found: found.seconds or 0.0)


def is_hung(seconds: float | None) -> bool:
    """Whether a transaction that has been open for so long hangs: its coordinator would have aborted it by now, unless
    the broker lets transactions last longer than its default allows.

    >>> is_hung(900.0), is_hung(901.0), is_hung(None)
    (False, True, False)
    """
    return seconds is not None and seconds > _LONGEST_TRANSACTION


def longest_held_back(partitions: Iterable[PartitionLag]) -> LagAge | None:
    """The oldest open transaction of a group's partitions, unknown where none of them is known; None: there is none."""
    ages = [partition.held_back for partition in partitions if partition.held_back is not None]
    unknown = next((age for age in ages if age.seconds is None), None)
    known = max((age for age in ages if age.seconds is not None), key=lambda age: age.seconds or 0.0, default=None)
    return known or unknown


def _members(members: Collection[Member], partitions: Iterable[PartitionLag]) -> tuple[MemberLag, ...]:
    by_place = {p.partition: p for p in partitions} if members else {}
    found = []
    for member in members:
        mine = [by_place[p] for p in member.assigned if p in by_place]
        whole, reason = total(mine) if mine else (0, None)
        found.append(MemberLag(member.member_id, member.client_id, member.host, whole, member.assigned, reason))
    return tuple(found)
