"""The ``lag`` contract: the report as both faces print it. Unknown is None beside a ``…_reason``."""

from __future__ import annotations

from typing import Any

from eventops.events import rfc3339
from eventops.lag import rules
from eventops.lag.model import GroupLag, LagAge, LagReport, PartitionLag
from eventops.lag.pace import Pace, pace


def document(report: LagReport, earlier: LagReport | None = None) -> dict[str, Any]:
    """The whole report; names, units and order are the contract's. Rates are told since the ``earlier`` report."""
    return {
        "as_of": rfc3339(report.as_of),
        "cluster_id": report.cluster_id,
        "groups": [_group(group, pace(earlier, report, group)) for group in report.groups],
        "coverage": report.coverage.document(),
    }


def _group(group: GroupLag, pace: Pace) -> dict[str, Any]:
    return {
        "group": group.group,
        "type": group.type,
        "state": group.state,
        "verdict": group.verdict.value,
        **_figure("lag", group.lag, group.reason),
        **_figure("lag_age_seconds", group.age.seconds, group.age.reason),
        "lag_age_method": group.age.method.value,
        "held_back": sum(p.offsets.held_back or 0 for p in group.partitions),
        **_held_back(rules.longest_held_back(group.partitions)),
        **_figure("rate_in", pace.rate_in.value, pace.rate_in.reason),
        **_figure("rate_out", pace.rate_out.value, pace.rate_out.reason),
        **_figure("eta_seconds", pace.eta.value, pace.eta.reason),
        "members": [
            {"client_id": member.client_id, "host": member.host, **_figure("lag", member.lag, member.reason)}
            for member in group.members
        ],
        "partitions": [_partition(partition) for partition in group.partitions],
    }


def _partition(partition: PartitionLag) -> dict[str, Any]:
    offsets = partition.offsets
    return {
        "topic": offsets.partition.topic,
        "partition": offsets.partition.partition,
        "start": offsets.log_start,
        "committed": offsets.committed,
        "end": offsets.log_end,
        "topic_id": offsets.topic_id,
        "held_back": offsets.held_back,
        **_held_back(partition.held_back),
        **_figure("lag", partition.lag, partition.reason),
        **_figure("lag_age_seconds", partition.age.seconds, partition.age.reason),
        "verdict": partition.standing.value,
        "member": partition.member,
    }


def _held_back(age: LagAge | None) -> dict[str, Any]:
    """How long an open transaction has been holding records back; 0 where none does."""
    return _figure("held_back_seconds", 0.0 if age is None else age.seconds, None if age is None else age.reason)


def _figure(name: str, value: float | None, reason: str | None) -> dict[str, Any]:
    """A figure, and where it is unknown the reason beside it."""
    return {name: value} if value is not None else {name: None, f"{name}_reason": reason or "unknown"}
