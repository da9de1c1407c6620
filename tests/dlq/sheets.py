"""Records of the ledger for tests."""

from __future__ import annotations

from eventops.dlq.ledger_format import encode
from eventops.dlq.model import Letter, LetterId, State
from eventops.dlq.rows import Sheet, content_hash
from eventops.events import Position, Record
from tests.dlq.workshop import AT


def sheet_of(
    letter: Letter,
    source: LetterId,
    state: State,
    target: Position | None,
    *,
    target_topic: str = "orders",
    attempt: int = 1,
    reason: str | None = None,
) -> Sheet:
    """One row about a letter."""
    content = content_hash(letter.event.record)
    at = (source.partition, source.offset, content)
    return Sheet(
        cluster_id=source.cluster_id,
        topic=letter.position.topic,
        topic_id=source.topic_id,
        state=state,
        target_topic=target_topic,
        operator="ada@test",
        at=AT,
        run_id="earlier",
        attempt=attempt,
        reason=reason,
        group=letter.group,
        cause=letter.cause.kind,
        change=None,
        letters=((*at, target.partition, target.offset) if target else at,),
    )


def record_of(sheet: Sheet) -> Record:
    """As it stands in the ledger."""
    return Record(Position("eventops-ledger", 0, 0), AT, sheet.key, encode(sheet))
