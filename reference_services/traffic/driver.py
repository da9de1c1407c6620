"""Doing the steps of a plan against the real services, and counting what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Any

import httpx
from confluent_kafka import Producer

from reference_services.kit.http import CORRELATION_HEADER
from reference_services.traffic.plan import BY_HTTP, REFUSED_DOMAIN, Kind, Step
from reference_services.traffic.records import record_of

PATIENCE_SECONDS = 5.0
"""How long an order is tried again while the order-service hasn't heard of its customer."""
_EXAMPLES = 10
_REMEMBERED = 500
"""Far more journeys than are under way at once."""


@dataclass(slots=True)
class Tally:
    """What was done. ``failures`` counts by kind and cause what a service didn't accept."""

    by_kind: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add_example(self, correlation_id: str) -> None:
        """A chain worth looking at; the first few are kept."""
        if len(self.examples) < _EXAMPLES:
            self.examples.append(correlation_id)

    def summary(self) -> dict[str, Any]:
        """As the generator prints it at its end."""
        return {
            "requests": self.by_kind.total(),
            "by_kind": dict(sorted(self.by_kind.items())),
            "failures": dict(sorted(self.failures.items())),
            "example_correlation_ids": self.examples,
        }


class Driver:
    """Remembers which journey has which user and order; steps whose journey is broken off are left out."""

    def __init__(self, users: str, orders: str, http: httpx.Client, producer: Producer, topic: str, stop: Flag) -> None:
        self._users = users.rstrip("/")
        self._orders = orders.rstrip("/")
        self._http = http
        self._producer = producer
        self._topic = topic
        self._stop = stop
        self._user_ids: dict[int, str] = {}
        self._order_ids: dict[int, str] = {}
        self.tally = Tally()
        self._requests: dict[Kind, Callable[[Step], httpx.Response | None]] = {
            Kind.REGISTER: self._register,
            Kind.PASSWORD_RESET: self._reset,
            Kind.PLACE_ORDER: self._place,
            Kind.PAY_ORDER: self._pay,
            Kind.CANCEL_ORDER: self._cancel,
        }

    def do(self, step: Step) -> None:
        """Do one step; a service that is away or refuses is counted, not fatal."""
        if step.kind not in BY_HTTP:
            self._produce(step)
            return
        try:
            response = self._requests[step.kind](step)
        except httpx.TransportError as error:
            self._count(step, type(error).__name__)
            return
        if response is not None:
            self._count(step, None if response.is_success else f"HTTP {response.status_code}")

    def _count(self, step: Step, failure: str | None) -> None:
        self.tally.by_kind[step.kind.value] += 1
        if failure is not None:
            self.tally.failures[f"{step.kind.value}: {failure}"] += 1

    def _register(self, step: Step) -> httpx.Response:
        response = self._post(step, f"{self._users}/users", {"email": step.email})
        if response.is_success:
            _remember(self._user_ids, step.journey, response.json()["userId"])
        return response

    def _reset(self, step: Step) -> httpx.Response | None:
        user_id = self._user_ids.get(step.journey)
        return self._post(step, f"{self._users}/users/{user_id}/password-reset") if user_id else None

    def _place(self, step: Step) -> httpx.Response | None:
        user_id = self._user_ids.get(step.journey)
        if user_id is None:
            return None
        order = {"userId": user_id, "items": [{"sku": f"sku-{step.journey % 17}", "price": step.amount}]}
        response = self._post(step, f"{self._orders}/orders", order)
        tries = int(PATIENCE_SECONDS / 0.2)
        while response.status_code == httpx.codes.CONFLICT and tries and not self._stop.wait(0.2):
            response = self._post(step, f"{self._orders}/orders", order)
            tries -= 1
        if response.is_success:
            _remember(self._order_ids, step.journey, response.json()["orderId"])
        return response

    def _pay(self, step: Step) -> httpx.Response | None:
        response = self._change_order(step, "pay")
        if response is not None and response.is_success and not step.email.endswith(REFUSED_DOMAIN):
            self.tally.add_example(step.correlation_id)
        return response

    def _cancel(self, step: Step) -> httpx.Response | None:
        return self._change_order(step, "cancel")

    def _change_order(self, step: Step, change: str) -> httpx.Response | None:
        order_id = self._order_ids.pop(step.journey, None)
        return self._post(step, f"{self._orders}/orders/{order_id}/{change}") if order_id else None

    def _post(self, step: Step, url: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return self._http.post(url, json=body, headers={CORRELATION_HEADER: step.correlation_id})

    def _produce(self, step: Step) -> None:
        key, value = record_of(step, datetime.now(UTC))
        self._producer.produce(
            self._topic,
            value=value,
            key=key,
            on_delivery=lambda error, _message: self._count(step, error.name() if error else None),
        )
        self._producer.poll(0)


def _remember(ids: dict[int, str], journey: int, found: str) -> None:
    ids[journey] = found
    if len(ids) > _REMEMBERED:
        del ids[next(iter(ids))]
