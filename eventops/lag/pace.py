"""How fast a group's topics grow, how fast it consumes, and when it will have caught up: pure, from two snapshots.

A poller sees offsets, not commits: the rates are averages between the snapshots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from eventops.events import Partition
from eventops.lag.model import GroupLag, LagReport, PartitionOffsets

ONE_SNAPSHOT: Final = "a rate takes two snapshots"
NEVER: Final = "never at this rate: records come at least as fast as they are consumed"


@dataclass(frozen=True, slots=True)
class Rate:
    """Offsets a second, or seconds for an ETA; None with the reason."""

    value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Arrival, consumption, and the seconds until the group has caught up if both stay as they are."""

    rate_in: Rate
    rate_out: Rate
    eta: Rate


UNKNOWN: Final = Pace(Rate(None, ONE_SNAPSHOT), Rate(None, ONE_SNAPSHOT), Rate(None, ONE_SNAPSHOT))


def pace(earlier: LagReport | None, later: LagReport, group: GroupLag) -> Pace:
    """The pace of one group of ``later``."""
    before = next((g for g in earlier.groups if g.group == group.group), None) if earlier else None
    if earlier is None or before is None:
        return UNKNOWN
    seconds = (later.as_of - earlier.as_of).total_seconds()
    known = {p.partition: p.offsets for p in before.partitions}
    pairs = [(known[p.partition], p.offsets) for p in group.partitions if p.partition in known]
    arrival = _rate(pairs, lambda offsets: offsets.log_end, seconds, "the log was cut or made anew meanwhile")
    consumption = _rate(pairs, lambda offsets: offsets.committed, seconds, "the committed offsets were set back")
    return Pace(arrival, consumption, eta(group.lag, arrival, consumption))


def eta(lag: int | None, arrival: Rate, consumption: Rate) -> Rate:
    """Seconds until nothing waits.

    >>> eta(100, arrival=Rate(5.0), consumption=Rate(25.0)).value
    5.0
    >>> eta(100, arrival=Rate(5.0), consumption=Rate(5.0)).reason == NEVER
    True
    """
    if lag is None:
        return Rate(None, "the lag isn't known")
    if lag == 0:
        return Rate(0.0)
    if arrival.value is None or consumption.value is None:
        return Rate(None, arrival.reason or consumption.reason)
    gained = consumption.value - arrival.value
    return Rate(lag / gained) if gained > 0 else Rate(None, NEVER)


def _rate(
    pairs: Iterable[tuple[PartitionOffsets, PartitionOffsets]],
    of: Callable[[PartitionOffsets], int | None],
    seconds: float,
    why_backwards: str,
) -> Rate:
    """What the partitions known in both snapshots moved by; a step backwards makes the whole meaningless."""
    moved = [after - before for a, b in pairs if (before := of(a)) is not None and (after := of(b)) is not None]
    if not moved or seconds <= 0:
        return Rate(None, "no partition is known in both snapshots")
    if min(moved) < 0:
        return Rate(None, why_backwards)
    return Rate(sum(moved) / seconds)


def arrivals(earlier: LagReport | None, later: LagReport) -> Rate:
    """Offsets a second that came to the partitions which groups read; one that several groups read counts once."""
    if earlier is None:
        return Rate(None, ONE_SNAPSHOT)
    before, after = _ends(earlier), _ends(later)
    pairs = [(before[partition], offsets) for partition, offsets in after.items() if partition in before]
    seconds = (later.as_of - earlier.as_of).total_seconds()
    return _rate(pairs, lambda offsets: offsets.log_end, seconds, "the log was cut or made anew meanwhile")


def _ends(report: LagReport) -> dict[Partition, PartitionOffsets]:
    return {one.partition: one.offsets for group in report.groups for one in group.partitions}
