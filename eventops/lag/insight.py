"""What a group's figures mean together: skew, hosts, partitions that nobody holds, losses and how near the next is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eventops.lag import rules
from eventops.lag.model import GroupLag, MemberLag, PartitionLag, Rate, Standing

_CAUGHT_UP: Final = Standing.CAUGHT_UP
_OF_ANOTHER_LOG: Final = (Standing.AHEAD_OF_LOG, Standing.TOPIC_RECREATED)


@dataclass(frozen=True, slots=True)
class HostLag:
    """The members on one host together; ``lag`` None where one of them isn't known."""

    host: str
    members: int
    lag: int | None


def skew(partitions: Sequence[PartitionLag]) -> Rate:
    """The largest lag over the mean one: 1 is even, the number of partitions is all on one.

    A hot key, a slow member or a stuck partition shows here before the sum does.
    """
    lags = [one.lag for one in partitions if one.lag is not None]
    if len(lags) < len(partitions) or not lags:
        return Rate(None, "the lag of some partitions isn't known")
    if sum(lags) == 0:
        return Rate(None, "nothing waits")
    return Rate(max(lags) * len(lags) / sum(lags))


def by_host(members: Sequence[MemberLag]) -> tuple[HostLag, ...]:
    """Lag a host, by its name."""
    found = []
    for host in sorted({member.host for member in members}):
        lags = [member.lag for member in members if member.host == host]
        known = [lag for lag in lags if lag is not None]
        found.append(HostLag(host, len(lags), sum(known) if len(known) == len(lags) else None))
    return tuple(found)


def unowned(group: GroupLag) -> int:
    """Partitions that no member holds."""
    return sum(one.member is None for one in group.partitions)


def kept_before(partition: PartitionLag) -> int | None:
    """Offsets between the log's start and the committed offset, negative where retention passed it; None where that
    isn't known."""
    start, committed = partition.offsets.log_start, partition.offsets.committed
    if start is None or committed is None or partition.standing in _OF_ANOTHER_LOG:
        return None
    return committed - start


def lost_in_all(partitions: Sequence[PartitionLag]) -> Rate:
    """What is known to be lost: at least that many offsets. Where that is nothing it is 0 only if every partition is
    known."""
    known = [kept_before(one) for one in partitions]
    found = sum(-kept for kept in known if kept is not None and kept < 0)
    if found == 0 and None in known:
        unknown = next(one for one, kept in zip(partitions, known, strict=True) if kept is None)
        return Rate(None, unknown.reason or rules.NO_COMMIT)
    return Rate(found)


def margin(partition: PartitionLag) -> Rate:
    """Offsets between the log's start and the committed offset: what retention takes before it takes what waits."""
    kept = kept_before(partition)
    return Rate(None, partition.reason or "unknown") if kept is None else Rate(max(kept, 0))


def nearest_to_loss(group: GroupLag) -> PartitionLag | None:
    """The partition with records that wait and the smallest margin; None where nothing waits."""
    rest = [one for one in group.partitions if one.standing is not _CAUGHT_UP]
    waiting = [one for one in rest if one.standing in (Standing.BEHIND, Standing.LOST_RECORDS)]
    return min(waiting, key=lambda one: max(kept_before(one) or 0, 0), default=None)
