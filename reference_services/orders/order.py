"""What an order is: rebuilt from its events, and the rules that decide which event comes next. Pure.

Payment and cancellation answer the placing of the order: under the order's own correlation id they name it as their
cause and continue its chain. A caller who brings another correlation id begins a chain of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final

from eventops.events import Envelope

SERVICE: Final = "order-service"
PLACED: Final = "order.placed"
PAID: Final = "order.paid"
CANCELLED: Final = "order.cancelled"


class Status(Enum):
    """Where an order stands."""

    PLACED = "placed"
    PAID = "paid"
    CANCELLED = "cancelled"


class NotAllowed(Exception):
    """The order's state forbids it; the message says which state that is."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A registered user, as far as orders care."""

    user_id: str
    email: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order's state after ``version`` events. ``total`` is in the shop's currency, to the hundredth."""

    order_id: str
    customer: Customer
    total: float
    status: Status
    version: int
    placed_by: Envelope


@dataclass(frozen=True, slots=True)
class Cart:
    """What a customer wants: ``items`` as the shop sent them."""

    items: Sequence[dict[str, Any]]
    total: float


def rebuild(events: Iterable[Envelope]) -> Order | None:
    """The state after these events, the first of the stream onwards; None before the first."""
    order: Order | None = None
    for event in events:
        order = _after(order, event)
    return order


def place(order_id: str, customer: Customer, cart: Cart, correlation_id: str, now: datetime) -> Envelope:
    """A new order. Its events carry the customer's address, so that whoever writes to them needs no other source."""
    data = _data_of(order_id, customer, cart.total) | {"items": list(cart.items)}
    return Envelope(PLACED, SERVICE, data, correlation_id, now)


def pay(order: Order, correlation_id: str | None, now: datetime) -> Envelope:
    """The order is paid; ``correlation_id`` None continues the order's own chain.

    Raises:
        NotAllowed: it is paid already, or cancelled.
    """
    if order.status is not Status.PLACED:
        raise NotAllowed(f"order {order.order_id} is {order.status.value}: only a placed one can be paid")
    return _next_event(PAID, order, correlation_id, now)


def cancel(order: Order, correlation_id: str | None, now: datetime) -> Envelope:
    """The order is cancelled.

    Raises:
        NotAllowed: it is paid, or cancelled already.
    """
    if order.status is not Status.PLACED:
        raise NotAllowed(f"order {order.order_id} is {order.status.value}: only a placed one can be cancelled")
    return _next_event(CANCELLED, order, correlation_id, now)


def _after(order: Order | None, event: Envelope) -> Order:
    if order is None:
        data = event.data
        customer = Customer(data["userId"], data["email"])
        return Order(data["orderId"], customer, data["total"], Status.PLACED, 1, event)
    status = {PAID: Status.PAID, CANCELLED: Status.CANCELLED}.get(event.event_type, order.status)
    return replace(order, status=status, version=order.version + 1)


def _next_event(event_type: str, order: Order, correlation_id: str | None, now: datetime) -> Envelope:
    origin = order.placed_by
    correlation = correlation_id or origin.correlation_id
    causation = origin.event_id if correlation == origin.correlation_id else None
    data = _data_of(order.order_id, order.customer, order.total)
    return Envelope(event_type, SERVICE, data, correlation, now, causation)


def _data_of(order_id: str, customer: Customer, total: float) -> dict[str, Any]:
    return {"orderId": order_id, "userId": customer.user_id, "email": customer.email, "total": total}
