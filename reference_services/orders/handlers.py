"""What other events mean to this service. Pure: an event in, what follows from it out."""

from __future__ import annotations

from datetime import datetime
from math import floor
from typing import Final

from eventops.events import Envelope
from reference_services.kit.payload import number_of, text_of
from reference_services.orders.order import SERVICE, Customer

POINTS_EARNED: Final = "loyalty.pointsEarned"


def customer_of(event: Envelope) -> Customer:
    """The customer that a ``user.registered`` tells of.

    Raises:
        MalformedEvent: it names no user or no address.
    """
    return Customer(text_of(event, "userId"), text_of(event, "email"))


def points_for(event: Envelope, now: datetime) -> list[Envelope]:
    """A paid order earns a point for each whole unit of currency; one of less than a unit earns none.

    Raises:
        MalformedEvent: the order, its customer or its total is missing.
    """
    points = floor(number_of(event, "total"))
    if points <= 0:
        return []
    data = {name: text_of(event, name) for name in ("orderId", "userId", "email")} | {"points": points}
    return [Envelope(POINTS_EARNED, SERVICE, data, event.correlation_id, now, causation_id=event.event_id)]
