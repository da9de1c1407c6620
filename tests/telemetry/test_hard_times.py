"""The shipped collector when Jaeger is away or memory is short, and the services' second transport."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from eventops.adapters.jaeger import Jaeger
from eventops.demo.stage import Stage
from eventops.demo.telemetry import ANY_PORTS, COLLECTOR, JAEGER, Addresses, collector_part, jaeger_part
from eventops.events import Envelope
from eventops.ports import StoredSpan
from reference_services.kit.tracing import Tracing
from tests.services import kafka
from tests.services.processes import until
from tests.telemetry.figures import Figures
from tests.telemetry.observatory import Observatory, programs

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

SENDS = 20
NOBODY = "127.0.0.1:1"


@contextmanager
def tracing(endpoint: str, **environ: str) -> Iterator[Tracing]:
    """A service's, told by the standard variables; it has ended when the block has."""
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100", **environ}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in told.items():
            patched.setenv(name, value)
        made = Tracing("shop-service", told)
    try:
        yield made
    finally:
        made.shutdown()


def send(shop: Tracing, correlation: str) -> None:
    """Spans of so many sends."""
    for number in range(SENDS):
        event = Envelope("order.placed", "shop-service", {}, correlation, kafka.NOW)
        shop.start_send("orders", event.to_headers(), None).delivered(None, 0, number)


@pytest.fixture
def at() -> Addresses:
    """Free ones."""
    return Addresses.free(ANY_PORTS)


def test_spans_wait_while_jaeger_is_away(tmp_path: Path, at: Addresses) -> None:
    found, correlation = programs(), f"req-{uuid4().hex[:8]}"
    own = Figures(f"http://{at.own_metrics}/metrics")
    with Stage(tmp_path) as stage:
        stage.start(collector_part(str(found.collector), NOBODY, at))
        stage.answering(COLLECTOR, f"http://{at.health}")
        with tracing(f"http://{at.otlp_http}") as shop:
            send(shop, correlation)
        until(lambda: own.sum("otelcol_receiver_accepted_spans", receiver="otlp") == SENDS)
        assert own.sum("otelcol_exporter_sent_spans", exporter="otlp_grpc/jaeger") == 0
        assert own.sum("otelcol_exporter_send_failed_spans") == 0, "they wait"
        stage.start(jaeger_part(str(found.jaeger), at))
        stage.answering(JAEGER, f"http://{at.page}/api/v3/services")
        store = Jaeger(f"http://{at.page}")
        until(lambda: len({span.position for span in _held(store, correlation)}) == SENDS, 60)


def test_names_without_end_become_one_series(tmp_path: Path, at: Addresses) -> None:
    """A topic a customer, say: what is beyond the limit is counted together."""
    found, topics = programs(), 2100
    figures = Figures(f"http://{at.prometheus}/metrics")
    with Stage(tmp_path) as stage:
        stage.start(collector_part(str(found.collector), NOBODY, at))
        stage.answering(COLLECTOR, f"http://{at.health}")
        told = {"OTEL_BSP_MAX_QUEUE_SIZE": "4096", "OTEL_METRICS_EXPORTER": "none"}
        with tracing(f"http://{at.otlp_http}", **told) as shop:
            for number in range(topics):
                shop.start_send(f"orders-{number}", [], None).delivered(None, 0, number)
        calls = "traces_span_metrics_calls_total"
        until(lambda: figures.sum(calls) == topics, 60)
        assert figures.sum(calls, otel_metric_overflow="true") == topics - 2000


def test_a_collector_short_of_memory_refuses_and_nobody_waits(
    tmp_path: Path, at: Addresses, caplog: pytest.LogCaptureFixture
) -> None:
    """The limiter stands first, so that senders hear of it; what they give up on is counted and logged."""
    found = programs()
    own = Figures(f"http://{at.own_metrics}/metrics")
    part = collector_part(str(found.collector), NOBODY, at)
    tight = "yaml:processors::memory_limiter: {limit_mib: 2, spike_limit_mib: 1}"
    with Stage(tmp_path) as stage, caplog.at_level(logging.WARNING):
        stage.start(replace(part, command=(*part.command, "--config", tight)))
        stage.answering(COLLECTOR, f"http://{at.health}")
        until(lambda: "Refusing data" in stage.log_files[COLLECTOR].read_text())
        with tracing(f"http://{at.otlp_http}", OTEL_METRICS_EXPORTER="none") as shop:
            send(shop, "req-tight")
            until(lambda: own.sum("otelcol_processor_memory_limiter_refused_spans") >= SENDS)
            began = time.monotonic()
        assert time.monotonic() - began < 3
    assert f"{SENDS} spans were dropped: no collector took them in time" in caplog.text


def test_grpc_works_as_http_does(sky: Observatory) -> None:
    correlation = f"req-{uuid4().hex[:8]}"
    with tracing(sky.otlp_grpc, OTEL_EXPORTER_OTLP_PROTOCOL="grpc") as shop:
        send(shop, correlation)
    store = Jaeger(sky.page)
    until(lambda: len({span.position for span in _held(store, correlation)}) == SENDS)


def _held(store: Jaeger, correlation: str) -> tuple[StoredSpan, ...]:
    now = datetime.now(UTC)
    return store.search(correlation, now - timedelta(minutes=10), now + timedelta(minutes=1))
