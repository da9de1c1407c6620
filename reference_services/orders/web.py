"""The order-service's HTTP interface."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import Request

from reference_services.kit.http import CorrelationId, GivenCorrelationId, answer_under, web_app
from reference_services.kit.tracing import Tracing
from reference_services.orders.event_store import ConcurrencyConflict
from reference_services.orders.order import SERVICE, Cart, NotAllowed, Order, cancel, pay, place
from reference_services.orders.store import OrderStore

Money = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Item(BaseModel):
    """One line of an order."""

    sku: str = Field(min_length=1, max_length=80)
    quantity: int = Field(default=1, ge=1, le=1000)
    price: Money


class NewOrder(BaseModel):
    """What a customer wants: ``items``, or just a ``total``."""

    userId: str = Field(min_length=1, max_length=80)  # noqa: N815 -- the field's name in JSON
    items: list[Item] = Field(default_factory=list, max_length=100)
    total: Money | None = None

    def cart(self) -> Cart | None:
        """None: neither items nor a total. The items' prices outweigh a total that was sent with them."""
        if not self.items and self.total is None:
            return None
        total = sum(item.price * item.quantity for item in self.items) if self.items else self.total or 0.0
        return Cart([item.model_dump() for item in self.items], round(total, 2))


def orders_app(store: OrderStore, tracing: Tracing) -> FastAPI:
    """Place, pay, cancel, and look at any past version."""
    app = web_app(SERVICE, tracing)
    app.add_exception_handler(ConcurrencyConflict, _conflict)
    app.add_exception_handler(NotAllowed, _conflict)

    @app.post("/orders", status_code=201)
    def post_order(body: NewOrder, correlation_id: CorrelationId) -> dict[str, Any]:
        cart = body.cart()
        if cart is None:
            raise HTTPException(422, "an order needs items or a total")
        customer = store.customer(body.userId)
        if customer is None:
            raise HTTPException(409, "no such customer here yet: register first, or try again in a moment")
        order_id = str(uuid.uuid4())
        return _shown(store.open(order_id, place(order_id, customer, cart, correlation_id, datetime.now(UTC))))

    @app.post("/orders/{order_id}/pay")
    def post_payment(order_id: str, request: Request, given: GivenCorrelationId) -> dict[str, Any]:
        return _changed(request, given, store.change(order_id, lambda order: pay(order, given, datetime.now(UTC))))

    @app.post("/orders/{order_id}/cancel")
    def post_cancellation(order_id: str, request: Request, given: GivenCorrelationId) -> dict[str, Any]:
        return _changed(request, given, store.change(order_id, lambda order: cancel(order, given, datetime.now(UTC))))

    @app.get("/orders/{order_id}")
    def get_order(order_id: str, version: Annotated[int | None, Field(ge=1)] = None) -> dict[str, Any]:
        return _shown(store.get(order_id, version))

    return app


def _conflict(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 409)


def _changed(request: Request, given: str | None, order: Order | None) -> dict[str, Any]:
    if order is not None:
        answer_under(request, given or order.placed_by.correlation_id)
    return _shown(order)


def _shown(order: Order | None) -> dict[str, Any]:
    if order is None:
        raise HTTPException(404, "no such order, or none at that version")
    return {
        "orderId": order.order_id,
        "userId": order.customer.user_id,
        "total": order.total,
        "status": order.status.value,
        "version": order.version,
        "correlationId": order.placed_by.correlation_id,
    }
