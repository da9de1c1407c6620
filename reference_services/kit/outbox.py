"""The transactional outbox: an event is saved with the state it tells of, and a relay publishes it afterwards.

At least once, and in order a key: the relay has one event a key in flight, waits for the broker's acknowledgement, and
only then marks it sent. Killed in between, it sends the event again, with the same event id. It is meant for one
process a database: a second one would send events twice, which consumers know by their ids, but lose the order.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from eventops.events import Envelope
from reference_services.kit.database import schema
from reference_services.kit.propagation import with_trace_context
from reference_services.kit.tracing import Send, Tracing

log = logging.getLogger(__name__)

BATCH = 200
POLL_SECONDS = 0.1
KEPT = timedelta(hours=1)
"""How long what was sent stays in the table, for whoever wants to look."""
DRAIN_SECONDS = 5.0
"""How long a service that stops waits for a broker to take what is left; the rest goes out at its next start."""

outbox = Table(
    "outbox",
    schema,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("topic", String, nullable=False),
    Column("key", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Index("outbox_unsent", "sent_at", "topic", "key", "id"),
)


def publish(connection: Connection, topic: str, key: str, event: Envelope) -> None:
    """Save an event for the relay, in the caller's transaction, with the current trace context in its headers."""
    headers = [(name, (value or b"").decode()) for name, value in with_trace_context(event.to_headers())]
    row = {"topic": topic, "key": key, "body": event.to_json(), "headers": json.dumps(headers)}
    connection.execute(insert(outbox).values(row))


class Relay:
    """Publishes what the outbox holds, until told to stop; then drains it."""

    def __init__(self, engine: Engine, producer: Producer, tracing: Tracing) -> None:
        self._engine = engine
        self._producer = producer
        self._tracing = tracing
        self._failing: str | None = None
        tracing.metrics.watch_outbox(self.depth)

    def depth(self) -> int:
        """How many events wait to be published."""
        with self._engine.connect() as connection:
            query = select(func.count()).select_from(outbox).where(outbox.c.sent_at.is_(None))
            return int(connection.execute(query).scalar_one())

    def run(self, stop: Flag) -> None:
        """Relay until ``stop``, then for :data:`DRAIN_SECONDS` at most what is left.

        Raises:
            KafkaException: the producer can't go on (a fatal error); a new start can.
        """
        while not stop.is_set():
            if not self._relay_batch(stop, DRAIN_SECONDS):
                stop.wait(POLL_SECONDS if self._failing is None else 1.0)
        deadline = time.monotonic() + DRAIN_SECONDS
        while (left := deadline - time.monotonic()) > 0 and self._relay_batch(stop, left):
            pass

    def _relay_batch(self, stop: Flag, patience: float) -> int:
        """Send the oldest unsent event of each key; how many the broker took.

        While running it waits for every report. Once ``stop`` is set, ``patience`` seconds at most.
        """
        acknowledged: list[int] = []
        due = self._due()
        for row in due:
            self._send(row, acknowledged)
        stopping_since: float | None = None
        while self._producer.flush(0.1):
            if stop.is_set():
                stopping_since = stopping_since or time.monotonic()
                if time.monotonic() - stopping_since > patience:
                    self._producer.purge()
        if acknowledged:
            self._mark_sent(acknowledged)
        if len(acknowledged) == len(due):
            self._failing = None
        return len(acknowledged)

    def _due(self) -> list[Row[Any]]:
        oldest = select(func.min(outbox.c.id)).where(outbox.c.sent_at.is_(None)).group_by(outbox.c.topic, outbox.c.key)
        with self._engine.connect() as connection:
            query = select(outbox).where(outbox.c.id.in_(oldest)).order_by(outbox.c.id).limit(BATCH)
            return list(connection.execute(query).all())

    def _send(self, row: Row[Any], acknowledged: list[int]) -> None:
        send = self._tracing.start_send(row.topic, [(n, v.encode()) for n, v in json.loads(row.headers)], row.key)

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            self._report(send, error, message)
            if error is None:
                acknowledged.append(row.id)

        try:
            with send:
                self._producer.produce(
                    row.topic, value=row.body, key=row.key.encode(), headers=list(send.headers), on_delivery=on_delivery
                )
        except KafkaException as refused:
            self._complain(refused.args[0])

    def _report(self, send: Send, error: KafkaError | None, message: Message) -> None:
        send.delivered(error.name() if error else None, message.partition(), message.offset())
        if error is not None:
            self._complain(error)

    def _complain(self, error: KafkaError) -> None:
        if error.fatal():
            raise KafkaException(error)
        if self._failing != error.name():
            log.warning("events wait in the outbox, the broker doesn't take them: %s", error)
        self._failing = error.name()

    def _mark_sent(self, ids: list[int]) -> None:
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(sent_at=now))
            connection.execute(delete(outbox).where(outbox.c.sent_at < now - KEPT))
