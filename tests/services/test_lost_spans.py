"""Every span that nobody took is counted: lost to a full queue, rejected by a collector, or too late at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reference_services.kit.tracing import Tracing
from tests.services.collectors import counted, hostile, spans_of, taking
from tests.services.processes import until

DROPPED = "reference.spans.dropped"
QUEUE, BATCH, SPANS = 20, 10, 500


@contextmanager
def service(traces: str, metrics: str, every: int) -> Iterator[Tracing]:
    """One with a short queue, that exports its figures ``every`` milliseconds; it has ended when the block has."""
    told = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{traces}/v1/traces",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{metrics}/v1/metrics",
        "OTEL_METRIC_EXPORT_INTERVAL": str(every),
        "OTEL_BSP_MAX_QUEUE_SIZE": str(QUEUE),
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": str(BATCH),
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in told.items():
            patched.setenv(name, value)
        made = Tracing("user-service", told)
    try:
        yield made
    finally:
        made.shutdown()


def sends(tracing: Tracing, count: int) -> None:
    for number in range(count):
        tracing.start_send("t", [], None).delivered(None, 0, number)


def test_what_a_full_queue_loses_is_counted_while_it_does() -> None:
    """The export hangs, so that nothing was refused: one batch is under way, one queue waits, the rest is lost."""
    with hostile("slow") as (slow, _), taking() as (metrics, bodies), service(slow, metrics, 100) as tracing:
        sends(tracing, SPANS)
        until(lambda: counted(bodies["/v1/metrics"], DROPPED) >= SPANS - QUEUE - BATCH)
        assert counted(bodies["/v1/metrics"], DROPPED) <= SPANS - QUEUE


def test_the_last_figures_tell_of_every_span_that_was_lost(caplog: pytest.LogCaptureFixture) -> None:
    with hostile("slow") as (slow, _), taking() as (metrics, bodies), service(slow, metrics, 3_600_000) as tracing:
        sends(tracing, SPANS)
    assert counted(bodies["/v1/metrics"], DROPPED) == SPANS
    assert f"{SPANS} spans were dropped" in caplog.text


def test_the_figure_and_what_arrived_are_all_there_was() -> None:
    with taking() as (collector, bodies), service(collector, collector, 3_600_000) as tracing:
        sends(tracing, SPANS)
    arrived = len(spans_of(bodies["/v1/traces"]))
    assert arrived + counted(bodies["/v1/metrics"], DROPPED) == SPANS


def test_what_a_collector_rejects_is_lost_although_it_took_the_request(caplog: pytest.LogCaptureFixture) -> None:
    with taking(rejects=2) as (collector, bodies), service(collector, collector, 3_600_000) as tracing:
        sends(tracing, BATCH // 2)
    assert len(bodies["/v1/traces"]) == 1
    assert counted(bodies["/v1/metrics"], DROPPED) == 2
    assert "the collector rejected 2 spans: too old" in caplog.text
    assert "2 spans were dropped" in caplog.text
