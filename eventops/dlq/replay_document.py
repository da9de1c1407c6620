"""What a replay plans and did, and the ledger, as documents: ``docs/reference/schemas`` describes them. Pure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eventops.dlq import comparing
from eventops.dlq.families import strip
from eventops.dlq.following import Fate
from eventops.dlq.model import Letter, State
from eventops.dlq.replay_model import Plan, Planned, Refused, ReplayReport
from eventops.dlq.rows import Row
from eventops.events import Headers, Position, rfc3339
from eventops.ports import Gap

Document = dict[str, Any]
_RESTORED = "restored"
"""What a row says that takes a discard back."""


def history_document(
    topic: str | None, rows: Sequence[Row], fates: Sequence[Fate | None], gaps: Sequence[Gap]
) -> Document:
    """Rows of the ledger, about one topic or all, each with what became of what it put back."""
    return {
        "topic": topic,
        "rows": [row_document(row, fate) for row, fate in zip(rows, fates, strict=True)],
        "complete": not gaps,
        "gaps": [{"topic": gap.subject, "partition": gap.partition, "reason": gap.reason} for gap in gaps],
    }


def row_document(row: Row, fate: Fate | None) -> Document:
    """One row of the ledger: what was done about one letter, by whom, and what came of it."""
    return {
        "at": rfc3339(row.at),
        "state": _RESTORED if row.state is State.OPEN else row.state.value,
        "topic": row.topic,
        "topic_id": row.letter.topic_id,
        "partition": row.letter.partition,
        "offset": row.letter.offset,
        "target": None if row.target is None else str(row.target),
        "operator": row.operator,
        "reason": row.reason,
        "group": row.group,
        "cause": row.cause,
        "change": row.change,
        "outcome": None if fate is None else fate.outcome.value,
        "evidence": None if fate is None else fate.evidence,
        "replay_id": row.replay_id,
        "run_id": row.run_id,
        "attempt": row.attempt,
    }


def replay_document(
    report: ReplayReport, wipe: Callable[[Headers], Headers] = strip, planned: Document | None = None
) -> Document:
    """What a replay (or a discard, or a restore) would do, or did; ``wipe`` takes families' headers off. ``planned`` is
    the plan's document, where it is at hand."""
    plan = report.plan
    return {
        "run_id": plan.run_id,
        "as_of": rfc3339(plan.as_of),
        "action": plan.action.value,
        "guarantee": plan.guarantee,
        "plan": plan_document(plan, wipe) if planned is None else planned,
        "executed": report.executed,
        "replayed": len(report.replayed),
        "discarded": 0 if plan.action != "discard" else report.written_off,
        "restored": 0 if plan.action != "restore" else report.written_off,
        "overtaken": report.overtaken,
        "parked": len(report.parked),
        "failed": len(report.failed),
        "failed_again": [str(position) for position in report.failed_again],
        "in_doubt": report.in_doubt,
        "remaining": report.remaining,
        "targets": [{"source": str(one.source), **_place(one.target)} for one in report.replayed],
        "refusals": [
            *(_refusal(one, "refused") for one in plan.refused),
            *(_refusal(one, "parked") for one in report.parked),
            *(_refusal(one, "failed") for one in report.failed),
        ],
        "interrupted": report.interrupted,
        "stopped": report.stopped,
        "resume_command": report.resume_command,
        "coverage": plan.coverage.document(),
    }


def plan_document(plan: Plan, wipe: Callable[[Headers], Headers] = strip, diffs: int | None = None) -> Document:
    """The plan in figures, and what each letter would become; how it differs is told line by line of the first
    ``diffs`` that do."""
    elsewhere = Counter(topic for one in plan.already_replayed if (topic := _elsewhere(one, plan)) is not None)
    left = itertools.count() if diffs is None else iter(range(diffs))
    return {
        "topic": plan.selection.topic,
        "selected": plan.selected,
        "planned": len(plan.planned),
        "already_replayed": len(plan.already_replayed),
        "already_elsewhere": [{"topic": topic, "letters": number} for topic, number in sorted(elsewhere.items())],
        "refused": len(plan.refused),
        "warnings": list(plan.warnings),
        "reason": plan.reason,
        "records": [_planned(one, wipe, left) for one in plan.planned],
    }


def _elsewhere(letter: Letter, plan: Plan) -> str | None:
    """The topic that it was put back to, where this plan would put it to another."""
    was_put = letter.replayed_as.topic if letter.replayed_as is not None else None
    return None if was_put == (plan.wishes.to or letter.came_from) else was_put


def _planned(one: Planned, wipe: Callable[[Headers], Headers], left: Iterator[int]) -> Document:
    return {
        "source": str(one.letter.position),
        "topic": one.target_topic or None,
        "partition": one.target_partition,
        "taken_from": one.taken_from,
        "difference": one.difference,
        "change": one.change,
        "diff": comparing.diff(one, wipe) if one.compared is not None and next(left, None) is not None else None,
        "replay_id": one.replay_id,
        "attempt": one.attempt,
    }


def _refusal(one: Refused, outcome: str) -> Document:
    return {"source": str(one.letter.position), "outcome": outcome, "reason": one.reason}


def _place(position: Position) -> Document:
    return {"topic": position.topic, "partition": position.partition, "offset": position.offset}
