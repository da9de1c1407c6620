"""The groups reports as JSON: the documents that both faces print. Unknown is None beside a ``…_reason``."""

from __future__ import annotations

from typing import Any

from eventops.events import Record, read_event, rfc3339
from eventops.groups.model import (
    GroupReport,
    GroupsReport,
    GroupSummary,
    Move,
    PeekReport,
    Place,
    ResetReport,
    Surroundings,
)
from eventops.groups.moving import effect
from eventops.ports import Member


def list_document(report: GroupsReport) -> dict[str, Any]:
    """``{as_of, groups: [...], coverage}``."""
    return {
        "as_of": rfc3339(report.as_of),
        "groups": [_summary(group) for group in report.groups],
        "coverage": report.coverage.document(),
    }


def show_document(report: GroupReport) -> dict[str, Any]:
    """One group: members, and where it stands partition by partition."""
    group = report.group
    return {
        "as_of": rfc3339(report.as_of),
        "group": group.group_id,
        "type": group.type,
        "state": group.state,
        "coordinator": group.coordinator,
        "assignor": group.assignor,
        "unsupported": group.unsupported,
        "members": [_member(member) for member in group.members],
        "partitions": [_place(place) for place in report.places],
        "unowned": [{"topic": p.topic, "partition": p.partition} for p in report.unowned],
        "coverage": report.coverage.document(),
    }


def peek_document(report: PeekReport) -> dict[str, Any]:
    """The records around a group's committed offsets."""
    return {
        "as_of": rfc3339(report.as_of),
        "group": report.group.group_id,
        "partitions": [_surroundings(found) for found in report.partitions],
        "coverage": report.coverage.document(),
    }


def record_document(record: Record) -> dict[str, Any]:
    """The ``event`` contract, and the time at which the log took it (``appended_at``), which resets by time go by."""
    return {**read_event(record).document(), "appended_at": rfc3339(record.timestamp)}


def _summary(summary: GroupSummary) -> dict[str, Any]:
    group = summary.group
    return {
        "group": group.group_id,
        "type": group.type,
        "state": group.state,
        "members": summary.members,
        **({"members_reason": group.unsupported} if summary.members is None else {}),
        "topics": None if summary.topics is None else list(summary.topics),
        **({"topics_reason": summary.reason} if summary.topics is None else {}),
        "coordinator": group.coordinator,
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "member_id": member.member_id,
        "client_id": member.client_id,
        "instance_id": member.instance_id,
        "host": member.host,
        "assignment": [{"topic": p.topic, "partition": p.partition} for p in member.assigned],
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "topic": place.partition.topic,
        "partition": place.partition.partition,
        "committed": place.committed,
        "start": place.start,
        "end": place.end,
        "member": place.owner.client_id if place.owner else None,
        "member_id": place.owner.member_id if place.owner else None,
        "host": place.owner.host if place.owner else None,
        "reason": place.reason,
    }


def _surroundings(found: Surroundings) -> dict[str, Any]:
    return {
        **_place(found.place),
        "notes": list(found.notes),
        "before": [record_document(record) for record in found.before],
        "after": [record_document(record) for record in found.after],
    }


def reset_document(report: ResetReport) -> dict[str, Any]:
    """The plan, and what became of it."""
    plan = report.plan
    return {
        "as_of": rfc3339(plan.as_of),
        "group": plan.group.group_id,
        "type": plan.group.type,
        "state": plan.group.state,
        "members": len(plan.group.members),
        "to": plan.target.text,
        "executed": report.executed,
        "verified": report.verified,
        "moves": [_move(move, report) for move in plan.moves],
        "refused": [{"topic": r.topic, "partition": r.partition, "reason": r.reason} for r in plan.refused],
        "warnings": list(plan.warnings),
        "coverage": plan.coverage.document(),
    }


def _move(move: Move, report: ResetReport) -> dict[str, Any]:
    skipped, again, why = effect(move.before, move.after, move.bounds)
    return {
        "topic": move.partition.topic,
        "partition": move.partition.partition,
        "before": move.before,
        "after": move.after,
        "start": move.bounds.start,
        "end": move.bounds.high_watermark,
        "skipped": skipped,
        **({"skipped_reason": why} if why else {}),
        "read_again": again,
        **({"read_again_reason": why} if why else {}),
        "note": move.note,
        "record": record_document(move.record) if move.record else None,
        **({"record_reason": move.record_reason} if move.record is None else {}),
        "read_back": None if report.read_back is None else report.read_back.get(move.partition),
        "refusal": report.refusals.get(move.partition),
    }
