"""The room's values as documents: the JSON that ``docs/reference/schemas`` describes. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eventops.dlq.causes import cause_id
from eventops.dlq.failure import Hop
from eventops.dlq.model import (
    CauseGroup,
    Letter,
    LettersReport,
    ListReport,
    State,
    TopicCounts,
)
from eventops.events import Position, rfc3339

Document = dict[str, Any]


def list_document(report: ListReport) -> Document:
    """All dead-letter topics."""
    return {
        "as_of": rfc3339(report.as_of),
        "topics": [topic_document(topic) for topic in report.topics],
        "coverage": report.coverage.document(),
    }


def topic_document(topic: TopicCounts) -> Document:
    """One dead-letter topic; ``remaining`` is what nobody dealt with: open and failed again. Where a part of the topic
    couldn't be read, ``counts_reason`` says why: there are at least so many, and null where nothing was read."""
    counts = {"total": topic.total, "remaining": topic.open, **_counts(topic.counts)}
    return {
        "topic": topic.topic,
        **(dict.fromkeys(counts) if topic.is_unknown else counts),
        "counts_reason": topic.unread,
        "oldest": rfc3339(topic.oldest),
        "newest": rfc3339(topic.newest),
        "per_hour": topic.per_hour,
        "per_hour_reason": (topic.unread or "no letter has a time") if topic.per_hour is None else None,
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


def _counts(counts: dict[State, int]) -> Document:
    return {state.value: counts.get(state, 0) for state in State}


def _place(position: Position) -> Document:
    return {"topic": position.topic, "partition": position.partition, "offset": position.offset}


def _unrecorded(value: object) -> str | None:
    return "not recorded in the letter" if value is None else None
