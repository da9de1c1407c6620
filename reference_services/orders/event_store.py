"""The event store: streams of events, appended to under optimistic concurrency, never changed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from eventops.events import Envelope
from reference_services.kit.database import schema

stored_events = Table(
    "stored_events",
    schema,
    Column("stream", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("event_id", String, nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
)


class ConcurrencyConflict(Exception):
    """The stream isn't at the version the writer saw: read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event and its place in its stream; the first has version 1."""

    version: int
    event: Envelope


class EventStore:
    """Streams, within the caller's transaction: nothing is kept when that isn't committed."""

    def __init__(self, transaction: Connection) -> None:
        self._transaction = transaction

    def append_event(self, stream: str, event: Envelope, expected_version: int) -> int:
        """Append to a stream that is at ``expected_version`` (0: it has no events yet); the new version.

        Raises:
            ConcurrencyConflict: it is at another version; the transaction must not be committed.
        """
        current = self.version(stream)
        if current != expected_version:
            raise ConcurrencyConflict(f"stream {stream} is at version {current}, not {expected_version}")
        row = {
            "stream": stream,
            "version": expected_version + 1,
            "event_id": event.event_id,
            "body": event.to_json(),
        }
        try:
            self._transaction.execute(insert(stored_events).values(row))
        except IntegrityError as error:
            raise ConcurrencyConflict(f"another writer was faster on stream {stream}") from error
        return expected_version + 1

    def get_events(self, stream: str, from_version: int = 0, to_version: int | None = None) -> list[StoredEvent]:
        """The stream's events in order, from ``from_version`` to ``to_version``, both included; None: to its end."""
        query = select(stored_events.c.version, stored_events.c.body).where(
            stored_events.c.stream == stream, stored_events.c.version >= from_version
        )
        if to_version is not None:
            query = query.where(stored_events.c.version <= to_version)
        rows = self._transaction.execute(query.order_by(stored_events.c.version))
        return [StoredEvent(row.version, Envelope.parse(row.body)) for row in rows]

    def version(self, stream: str) -> int:
        """How many events the stream has."""
        query = select(func.max(stored_events.c.version)).where(stored_events.c.stream == stream)
        return self._transaction.scalar(query) or 0
