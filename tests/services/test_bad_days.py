"""The collector is down, silent, slow, refusing or gone midway: that costs spans, and nothing else."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.services import kafka
from tests.services.collectors import LONG, counted, down, hostile, silent, taking
from tests.services.processes import Running, Stack, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

REQUESTS = 30
COLLECTORS = [
    ("down", "http/protobuf"),
    ("down", "grpc"),
    ("silent", "http/protobuf"),
    ("silent", "grpc"),
    ("slow", "http/protobuf"),
    ("refusing", "http/protobuf"),
    ("gone midway", "http/protobuf"),
]


def collector(manner: str) -> Iterator[tuple[str, Callable[[], bool]]]:
    """By its manner."""
    of = {"down": down, "silent": silent}.get(manner, lambda: hostile(manner))
    with of() as found:
        yield found


@pytest.mark.parametrize(("manner", "protocol"), COLLECTORS, ids=[" over ".join(one) for one in COLLECTORS])
def test_a_bad_collector_costs_spans_alone(
    services: Stack, bootstrap_servers: str, prefix: str, manner: str, protocol: str
) -> None:
    with contextmanager(collector)(manner) as (endpoint, has_answered):
        services.environ |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        users, orders = services.start("users"), services.start("orders")
        slowest = 0.0
        with httpx.Client(base_url=users.http, timeout=2 * LONG) as http:
            for number in range(REQUESTS):
                began = time.monotonic()
                assert http.post("/users", json={"email": f"a{number}@b.example"}).status_code == 201
                slowest = max(slowest, time.monotonic() - began)
                if manner == "gone midway" and number == 5:
                    until(has_answered)
        assert slowest < 2, f"no request waits for a collector, the slowest took {slowest:.1f} s"
        until(lambda: kafka.size(bootstrap_servers, f"{prefix}user-events") == REQUESTS)
        handled = (bootstrap_servers, f"{prefix}order-group", f"{prefix}user-events")
        until(lambda: kafka.committed(*handled) == REQUESTS)
        for service in (orders, users):
            _ends_soon(service)
            assert _dropped(service) > 0


def test_what_was_dropped_is_a_figure(services: Stack) -> None:
    """Told to whoever takes metrics, should the spans' collector be away."""
    with down() as (nobody, _), taking() as (metrics, bodies):
        users = services.start(
            "users",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{nobody}/v1/traces",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{metrics}/v1/metrics",
            OTEL_METRIC_EXPORT_INTERVAL="200",
            OTEL_BSP_SCHEDULE_DELAY="50",
        )
        httpx.post(f"{users.http}/users", json={"email": "a@b.example"}).raise_for_status()
        until(lambda: counted(bodies["/v1/metrics"], "reference.spans.dropped") > 0)
        _ends_soon(users)


def _ends_soon(service: Running) -> None:
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    until(lambda: service.process.poll() is not None)
    assert service.process.returncode == 0
    assert time.monotonic() - began < 3


def _dropped(service: Running) -> int:
    """As its log says."""
    told = re.search(r"(\d+) spans were dropped: no collector took them in time", service.log.read_text())
    return int(told[1]) if told else 0
