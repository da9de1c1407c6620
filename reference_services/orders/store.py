"""Orders in the event store, the projection of customers, the points: each change in one transaction with its event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Column, Engine, String, Table, delete, insert, select

from eventops.events import Envelope
from reference_services.kit.database import schema
from reference_services.kit.inbox import mark_handled, was_handled
from reference_services.kit.outbox import publish
from reference_services.orders.event_store import EventStore
from reference_services.orders.order import Customer, Order, rebuild

TOPIC = "order-events"

customers = Table(
    "customers",
    schema,
    Column("user_id", String, primary_key=True),
    Column("email", String, nullable=False),
)


class OrderStore:
    """The service's own data; ``topic`` is the name of ``order-events`` on the broker."""

    def __init__(self, engine: Engine, topic: str = TOPIC) -> None:
        self._engine = engine
        self._topic = topic

    def open(self, order_id: str, placed: Envelope) -> Order | None:
        """Begin an order's stream with ``placed``.

        Raises:
            ConcurrencyConflict: the order exists.
        """
        with self._engine.begin() as transaction:
            EventStore(transaction).append_event(order_id, placed, 0)
            publish(transaction, self._topic, order_id, placed)
        return rebuild([placed])

    def change(self, order_id: str, decide: Callable[[Order], Envelope]) -> Order | None:
        """Append what ``decide`` makes of the order's present state; the state after it. None: no such order.

        Raises:
            ConcurrencyConflict: another writer was faster.
            NotAllowed: ``decide`` refused.
        """
        with self._engine.begin() as transaction:
            store = EventStore(transaction)
            history = [stored.event for stored in store.get_events(order_id)]
            order = rebuild(history)
            if order is None:
                return None
            event = decide(order)
            store.append_event(order_id, event, order.version)
            publish(transaction, self._topic, order_id, event)
        return rebuild([*history, event])

    def get(self, order_id: str, version: int | None = None) -> Order | None:
        """The order as it was at ``version`` (None: now); None where it had no events then."""
        with self._engine.connect() as connection:
            stored = EventStore(connection).get_events(order_id, to_version=version)
        return rebuild(event.event for event in stored)

    def customer(self, user_id: str) -> Customer | None:
        """None: not registered, or the news of it has not arrived."""
        with self._engine.connect() as connection:
            row = connection.execute(select(customers).where(customers.c.user_id == user_id)).one_or_none()
        return None if row is None else Customer(row.user_id, row.email)

    def remember(self, group: str, event: Envelope, customer: Customer, now: datetime) -> None:
        """Take a customer into the projection, once an event."""
        with self._engine.begin() as transaction:
            if was_handled(transaction, group, event.event_id):
                return
            mark_handled(transaction, group, event.event_id, now)
            transaction.execute(delete(customers).where(customers.c.user_id == customer.user_id))
            transaction.execute(insert(customers).values(user_id=customer.user_id, email=customer.email))

    def follow_up(self, group: str, cause: Envelope, key: str, events: list[Envelope], now: datetime) -> None:
        """Publish what follows from an event, once."""
        with self._engine.begin() as transaction:
            if was_handled(transaction, group, cause.event_id):
                return
            mark_handled(transaction, group, cause.event_id, now)
            for event in events:
                publish(transaction, self._topic, key, event)
