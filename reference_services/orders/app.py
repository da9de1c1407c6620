"""HTTP in front of the orders, two consumers behind, and the wiring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from eventops.events import Envelope
from reference_services.kit.payload import text_of
from reference_services.kit.runner import Runner
from reference_services.kit.service import Parts, Resources
from reference_services.orders.handlers import customer_of, points_for
from reference_services.orders.order import PAID, SERVICE
from reference_services.orders.store import TOPIC, OrderStore
from reference_services.orders.web import orders_app

__all__ = ["SERVICE", "wire"]

CUSTOMERS_GROUP = "order-group"
LOYALTY_GROUP = "loyalty-group"
USER_EVENTS = "user-events"


def wire(resources: Resources) -> Parts:
    """The service's parts."""
    settings, tracing = resources.settings, resources.tracing
    store = OrderStore(resources.engine, settings.topic(TOPIC))
    project = customer_projection(store, settings.group(CUSTOMERS_GROUP))
    earn = loyalty(store, settings.group(LOYALTY_GROUP))
    return Parts(
        orders_app(store, tracing),
        publishes=[TOPIC],
        runners=[
            Runner(settings, CUSTOMERS_GROUP, [USER_EVENTS], {"user.registered": project}, tracing),
            Runner(settings, LOYALTY_GROUP, [TOPIC], {PAID: earn}, tracing),
        ],
    )


def customer_projection(store: OrderStore, group: str) -> Callable[[Envelope], None]:
    """Know every customer that registered."""

    def project(event: Envelope) -> None:
        store.remember(group, event, customer_of(event), datetime.now(UTC))

    return project


def loyalty(store: OrderStore, group: str) -> Callable[[Envelope], None]:
    """Points for every paid order."""

    def earn(event: Envelope) -> None:
        now = datetime.now(UTC)
        store.follow_up(group, event, text_of(event, "orderId"), points_for(event, now), now)

    return earn
