"""The ``lag`` contract: the report as both faces print it. Unknown is None beside a ``…_reason``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from msgspec import UNSET, Struct, UnsetType, to_builtins

from eventops.events import rfc3339
from eventops.lag import insight, judgement, pace, rules
from eventops.lag.model import (
    AgeMethod,
    GroupLag,
    Judgement,
    LagAge,
    LagReport,
    MemberLag,
    PartitionLag,
    Rate,
    Standing,
    Verdict,
)
from eventops.lag.reading import Reading

_NOTHING_WAITS: Final = Rate(None, "nothing waits")
_NO_TRANSACTION: Final = (0.0, None)

Reason: TypeAlias = str | UnsetType
"""Why a figure is None; not there where it is known."""


def document(report: LagReport) -> dict[str, Any]:
    """The whole report; names, units and order are the contract's."""
    return {
        "as_of": rfc3339(report.as_of),
        "cluster_id": report.cluster_id,
        "groups": [group_document(group) for group in report.groups],
        "coverage": report.coverage.document(),
    }


def streamed(reading: Reading, as_of: datetime, cluster_id: str) -> dict[str, Any]:
    """The same of groups that are still coming in: an iterator, and a coverage that is to be called after it."""
    return {
        "as_of": rfc3339(as_of),
        "cluster_id": cluster_id,
        "groups": map(group_to_print, reading),
        "coverage": lambda: reading.coverage.document(),
    }


def group_document(group: GroupLag) -> dict[str, Any]:
    """One group. A report that was added to no history says so in its verdicts and rates."""
    found = group_to_print(group)
    found["partitions"] = to_builtins(found["partitions"])
    return found


def group_to_print(group: GroupLag) -> dict[str, Any]:
    """The same with the rows of its partitions as structs, for those who only write them."""
    (judged, each), moves = judgement.of_all(group), group.pace or pace.UNKNOWN
    skew = insight.skew(group.partitions)
    return {
        "group": group.group,
        "type": group.type,
        "state": group.state,
        "standing": group.verdict.value,
        "verdict": judged.verdict.value,
        "evidence": judged.evidence,
        **figure("lag", group.lag, group.reason),
        **figure("lag_age_seconds", group.age.seconds, group.age.reason),
        "lag_age_method": group.age.method.value,
        "held_back": sum(p.offsets.held_back or 0 for p in group.partitions),
        **_held_back(rules.longest_held_back(group.partitions)),
        **_rate("rate_in", moves.rate_in),
        **_rate("rate_out", moves.rate_out),
        **_rate("eta_seconds", moves.eta),
        "eta_is_never": moves.eta.is_never,
        **_rate("skew", Rate(round(skew.value, 3)) if skew.value is not None else skew),
        **_rate("lost", insight.lost_in_all(group.partitions)),
        **_retention(group),
        "partitions_unowned": insight.unowned(group),
        "hosts": [
            {"host": host.host, "members": host.members, **figure("lag", host.lag, "one of its members isn't known")}
            for host in insight.by_host(group.members)
        ],
        "members": [_member(member) for member in group.members],
        "partitions": list(map(partition_row, group.partitions, each)),
    }


def _retention(group: GroupLag) -> dict[str, Any]:
    """How near the next loss is, on the partition that is nearest to it."""
    nearest = insight.nearest_to_loss(group)
    if nearest is None:
        why = _NOTHING_WAITS if group.lag == 0 else Rate(None, group.reason)
        return {**_rate("retention_margin", why), **_rate("retention_seconds", why)}
    seconds = group.until_lost or Rate(None, pace.ONE_SNAPSHOT)
    return {**_rate("retention_margin", insight.margin(nearest)), **_rate("retention_seconds", seconds)}


def _member(member: MemberLag) -> dict[str, Any]:
    return {
        "client_id": member.client_id,
        "host": member.host,
        "partitions": len(member.partitions),
        **figure("lag", member.lag, member.reason),
    }


class PartitionRow(Struct, frozen=True, gc=False):
    """One partition of one group, in the contract's order; a reason is there where its figure is None. There are
    thousands in a report: a struct is made and printed in half the time of a dict."""

    topic: str
    partition: int
    start: int | None
    committed: int | None
    end: int | None
    topic_id: str | None
    held_back: int | None
    held_back_seconds: float | None
    held_back_seconds_reason: Reason
    lag: int | None
    lag_reason: Reason
    lag_age_seconds: float | None
    lag_age_seconds_reason: Reason
    lag_age_method: AgeMethod
    standing: Standing
    verdict: Verdict
    evidence: str
    lost: int | None
    lost_reason: Reason
    retention_margin: int | None
    retention_margin_reason: Reason
    member: str | None


def partition_document(partition: PartitionLag) -> dict[str, Any]:
    """The row as a document, with plain values."""
    found: dict[str, Any] = to_builtins(partition_row(partition, judgement.of(partition)))
    return found


def partition_row(partition: PartitionLag, judged: Judgement) -> PartitionRow:
    """One row, with the judgement of its partition."""
    offsets, held, age, kept = partition.offsets, partition.held_back, partition.age, insight.kept_before(partition)
    no_lag = _why(partition.lag, partition.reason)
    not_kept = _why(kept, partition.reason)
    return PartitionRow(
        offsets.partition.topic,
        offsets.partition.partition,
        offsets.log_start,
        offsets.committed,
        offsets.log_end,
        offsets.topic_id,
        offsets.held_back,
        0.0 if held is None else held.seconds,
        UNSET if held is None else _why(held.seconds, held.reason),
        partition.lag,
        no_lag,
        age.seconds,
        _why(age.seconds, age.reason),
        age.method,
        partition.standing,
        judged.verdict,
        judged.evidence,
        None if kept is None else max(-kept, 0),
        not_kept,
        None if kept is None else max(kept, 0),
        not_kept,
        partition.member,
    )


def _why(value: float | None, reason: str | None) -> Reason:
    return UNSET if value is not None else reason or "unknown"


def _explained(row: dict[str, Any], reasons: Mapping[str, str | None]) -> dict[str, Any]:
    """The row with a reason behind each figure that it lacks.

    >>> _explained({"lag": None, "lost": 0, "member": None}, {"lag": "not read", "lost": "not read"})
    {'lag': None, 'lag_reason': 'not read', 'lost': 0, 'member': None}
    """
    found: dict[str, Any] = {}
    for name, value in row.items():
        found[name] = value
        if value is None and name in reasons:
            found[f"{name}_reason"] = reasons[name] or "unknown"
    return found


def _held_back(age: LagAge | None) -> dict[str, Any]:
    """How long an open transaction has been holding records back; 0 where none does."""
    return figure("held_back_seconds", *_NO_TRANSACTION if age is None else (age.seconds, age.reason))


def _rate(name: str, rate: Rate) -> dict[str, Any]:
    return figure(name, rate.value, rate.reason)


def figure(name: str, value: float | None, reason: str | None) -> dict[str, Any]:
    """A figure, and where it is unknown the reason beside it."""
    return _explained({name: value}, {name: reason})
