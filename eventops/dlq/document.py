"""The room's values as documents: the JSON that ``docs/reference/schemas`` describes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eventops.dlq.causes import cause_id
from eventops.dlq.failure import Hop
from eventops.dlq.ledger import Row
from eventops.dlq.model import (
    CauseGroup,
    Letter,
    LettersReport,
    ListReport,
    Plan,
    Planned,
    Refused,
    ReplayReport,
    State,
    TopicCounts,
)
from eventops.events import Position, rfc3339
from eventops.ports import Gap

Document = dict[str, Any]


def list_document(report: ListReport) -> Document:
    """All dead-letter topics."""
    return {
        "as_of": rfc3339(report.as_of),
        "topics": [topic_document(topic) for topic in report.topics],
        "coverage": report.coverage.document(),
    }


def topic_document(topic: TopicCounts) -> Document:
    """One dead-letter topic; ``remaining`` is what nobody dealt with: open and failed again."""
    return {
        "topic": topic.topic,
        "total": topic.total,
        "remaining": topic.open,
        **_counts(topic.counts),
        "oldest": rfc3339(topic.oldest),
        "newest": rfc3339(topic.newest),
        "per_hour": topic.per_hour,
        "per_hour_reason": "no letter has a time" if topic.per_hour is None else None,
    }


def letters_document(report: LettersReport) -> Document:
    """Letters of one topic, and the same by cause."""
    return {
        "as_of": rfc3339(report.as_of),
        "topic": report.topic,
        "letters": [letter_document(letter) for letter in report.letters],
        "causes": [cause_document(cause) for cause in report.causes],
        "coverage": report.coverage.document(),
    }


def causes_document(report: LettersReport) -> Document:
    """The letters of one topic by cause alone."""
    document = letters_document(replace(report, letters=()))
    del document["letters"]
    return document


def cause_document(cause: CauseGroup) -> Document:
    """Letters that share a cause and a consumer group."""
    return {
        "topic": cause.topic,
        "cause_key": cause.cause_key,
        "group": cause.group,
        "group_reason": _unrecorded(cause.group),
        "total": sum(cause.counts.values()),
        **_counts(cause.counts),
        "oldest": rfc3339(cause.oldest),
        "newest": rfc3339(cause.newest),
        "cause_id": cause.cause_id,
        "frame": cause.cause.frame,
        "frame_reason": _no_frame(cause.cause.frame),
        "message_pattern": cause.cause.pattern,
        "distinct_keys": cause.distinct_keys,
        "distinct_keys_exact": cause.keys_exact,
        "event_types": [{"event_type": name, "letters": number} for name, number in cause.event_types.items()],
        "per_hour": cause.per_hour,
        "per_hour_reason": "no letter has a time" if cause.per_hour is None else None,
        "peak_per_minute": cause.peak_per_minute,
        "trend": cause.trend.value,
        "verdict": cause.verdict.kind.value,
        "verdict_reason": cause.verdict.reason,
        "example": str(cause.example.position),
        "example_message": cause.example.failure.message,
    }


def history_document(topic: str | None, rows: Sequence[Row], gaps: Sequence[Gap]) -> Document:
    """Rows of the ledger, about one topic or all."""
    return {
        "topic": topic,
        "rows": [row_document(row) for row in rows],
        "complete": not gaps,
        "gaps": [{"topic": gap.subject, "partition": gap.partition, "reason": gap.reason} for gap in gaps],
    }


def row_document(row: Row) -> Document:
    """One row of the ledger: what was done about one letter, by whom."""
    return {
        "at": rfc3339(row.at),
        "state": row.state.value,
        "topic": row.topic,
        "topic_id": row.letter.topic_id,
        "partition": row.letter.partition,
        "offset": row.letter.offset,
        "target": None if row.target is None else str(row.target),
        "operator": row.operator,
        "reason": row.reason,
        "replay_id": row.replay_id,
        "run_id": row.run_id,
        "attempt": row.attempt,
    }


def letter_document(letter: Letter) -> Document:
    """One letter."""
    at = letter.position
    origin = letter.origin
    return {
        "topic": at.topic,
        "partition": at.partition,
        "offset": at.offset,
        "timestamp": rfc3339(letter.timestamp),
        "family": letter.family,
        "origin": {**_place(origin.position), "timestamp": rfc3339(origin.timestamp)} if origin else None,
        "origin_reason": _unrecorded(origin),
        "group": letter.group,
        "group_reason": _unrecorded(letter.group),
        "attempts": letter.attempts,
        "attempts_reason": _unrecorded(letter.attempts),
        "hops": letter.hops,
        "path": [_hop(hop) for hop in letter.path],
        "exception": {
            "class": letter.failure.exception_class,
            "cause_class": letter.failure.cause_class,
            "message": letter.failure.message,
            "stack": letter.failure.stack,
            "part": letter.failure.part,
        },
        "event": letter.event.document(),
        "source_record": None if letter.source is None else letter.source.document(),
        "source_record_reason": _no_source(letter),
        "state": letter.state.value,
        "state_reason": letter.state_reason,
        "replay_id": letter.replay_id,
        "replay_of": None if letter.replay_of is None else str(letter.replay_of),
        "cause_key": letter.cause_key,
        "cause_id": cause_id(letter.cause),
        "frame": letter.cause.frame,
        "frame_reason": _no_frame(letter.cause.frame),
        "message_pattern": letter.cause.pattern,
    }


def _hop(hop: Hop) -> Document:
    at = hop.position
    return {
        "topic": hop.topic,
        "partition": at.partition if at else None,
        "offset": at.offset if at else None,
        "timestamp": rfc3339(hop.timestamp),
        "group": hop.group,
        "attempts": hop.attempts,
        "class": hop.exception_class,
        "message": hop.message,
        "failed_at": rfc3339(hop.failed_at),
        "retry_due": rfc3339(hop.due),
    }


def _no_frame(frame: str | None) -> str | None:
    return "no frame of our own code in a stack trace" if frame is None else None


def _no_source(letter: Letter) -> str | None:
    if letter.source is not None:
        return None
    if not letter.is_bare:
        return "the letter holds the event itself"
    return "the record at its origin can no longer be read" if letter.origin else "its origin wasn't recorded"


def replay_document(report: ReplayReport) -> Document:
    """What a replay (or a discard) would do, or did."""
    return {
        "run_id": report.plan.run_id,
        "as_of": rfc3339(report.plan.as_of),
        "action": "discard" if report.plan.is_discard else "replay",
        "guarantee": report.plan.guarantee,
        "plan": plan_document(report.plan),
        "executed": report.executed,
        "replayed": len(report.replayed),
        "discarded": report.discarded,
        "overtaken": report.overtaken,
        "parked": len(report.parked),
        "failed": len(report.failed),
        "targets": [{"source": str(one.source), **_place(one.target)} for one in report.replayed],
        "refusals": [
            *(_refusal(one, "refused") for one in report.plan.refused),
            *(_refusal(one, "parked") for one in report.parked),
            *(_refusal(one, "failed") for one in report.failed),
        ],
        "interrupted": report.interrupted,
        "stopped": report.stopped,
        "resume_command": report.resume_command,
        "coverage": report.plan.coverage.document(),
    }


def plan_document(plan: Plan) -> Document:
    """The plan in figures, and what each letter would become."""
    return {
        "topic": plan.selection.topic,
        "selected": plan.selected,
        "planned": len(plan.planned),
        "already_replayed": len(plan.already_replayed),
        "refused": len(plan.refused),
        "warnings": list(plan.warnings),
        "records": [_planned(one) for one in plan.planned],
    }


def _planned(one: Planned) -> Document:
    return {
        "source": str(one.letter.position),
        "topic": one.target_topic or None,
        "partition": one.target_partition,
        "taken_from": one.taken_from,
        "difference": one.difference,
        "replay_id": one.replay_id,
    }


def _refusal(one: Refused, outcome: str) -> Document:
    return {"source": str(one.letter.position), "outcome": outcome, "reason": one.reason}


def _counts(counts: dict[State, int]) -> Document:
    return {state.value: counts.get(state, 0) for state in State}


def _place(position: Position) -> Document:
    return {"topic": position.topic, "partition": position.partition, "offset": position.offset}


def _unrecorded(value: object) -> str | None:
    return "not recorded in the letter" if value is None else None
