"""Which events were told of, and the news of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from eventops.events import Envelope
from reference_services.kit.inbox import mark_handled, was_handled
from reference_services.kit.outbox import publish

TOPIC = "notification-events"


class NotificationStore:
    """The service's own data, for one consumer group; ``topic`` is as named on the broker."""

    def __init__(self, engine: Engine, group: str, topic: str = TOPIC) -> None:
        self._engine = engine
        self._group = group
        self._topic = topic

    def was_told(self, event: Envelope) -> bool:
        """True when this event's mail was sent before."""
        with self._engine.connect() as connection:
            return was_handled(connection, self._group, event.event_id)

    def told(self, event: Envelope, news: Envelope, now: datetime) -> None:
        """The mail is out: remember it and publish ``news``, both or neither; keyed by correlation id."""
        with self._engine.begin() as transaction:
            mark_handled(transaction, self._group, event.event_id, now)
            publish(transaction, self._topic, event.correlation_id, news)
