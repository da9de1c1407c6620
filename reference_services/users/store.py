"""Users and the events about them, saved in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Column, Connection, DateTime, Engine, String, Table, insert, select

from eventops.events import Envelope
from reference_services.kit.database import schema
from reference_services.kit.outbox import publish
from reference_services.users.handlers import User

TOPIC = "user-events"

users = Table(
    "users",
    schema,
    Column("user_id", String, primary_key=True),
    Column("email", String, nullable=False),
    Column("registration_method", String, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
)


class UserStore:
    """The service's own data; ``topic`` is the name of ``user-events`` on the broker."""

    def __init__(self, engine: Engine, topic: str = TOPIC) -> None:
        self._engine = engine
        self._topic = topic

    def add(self, user: User, events: Iterable[Envelope]) -> None:
        """Save a new user together with its events."""
        row = {
            "user_id": user.user_id,
            "email": user.email,
            "registration_method": user.registration_method,
            "registered_at": user.registered_at,
        }
        with self._engine.begin() as transaction:
            transaction.execute(insert(users).values(row))
            self._publish(transaction, user.user_id, events)

    def tell(self, user_id: str, events: Iterable[Envelope]) -> None:
        """Publish events that change nothing in the user's data."""
        with self._engine.begin() as transaction:
            self._publish(transaction, user_id, events)

    def get(self, user_id: str) -> User | None:
        """None: nobody of that id is registered."""
        with self._engine.connect() as connection:
            row = connection.execute(select(users).where(users.c.user_id == user_id)).one_or_none()
        if row is None:
            return None
        return User(row.user_id, row.email, row.registration_method, _in_utc(row.registered_at))

    def _publish(self, transaction: Connection, user_id: str, events: Iterable[Envelope]) -> None:
        for event in events:
            publish(transaction, self._topic, user_id, event)


def _in_utc(moment: datetime) -> datetime:
    """SQLite forgets the zone, which is always UTC; PostgreSQL answers in the session's."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
