"""Which events a group has handled, so that a second delivery has no second effect."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, DateTime, String, Table, exists, insert, select

from reference_services.kit.database import schema

processed_events = Table(
    "processed_events",
    schema,
    Column("consumer_group", String, primary_key=True),
    Column("event_id", String, primary_key=True),
    Column("processed_at", DateTime(timezone=True), nullable=False),
)


def was_handled(connection: Connection, group: str, event_id: str) -> bool:
    """True when ``group`` has handled the event before."""
    row = (processed_events.c.consumer_group == group) & (processed_events.c.event_id == event_id)
    return bool(connection.scalar(select(exists().where(row))))


def mark_handled(connection: Connection, group: str, event_id: str, now: datetime) -> None:
    """Remember the event, in the transaction that holds its effects.

    Raises:
        sqlalchemy.exc.IntegrityError: another consumer marked it meanwhile; the transaction must not be committed.
    """
    row = {"consumer_group": group, "event_id": event_id, "processed_at": now}
    connection.execute(insert(processed_events).values(row))
