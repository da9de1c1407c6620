"""The shipped ``otel-collector.yaml`` on a real collector: what Prometheus reads of it after the demo's chain."""

from __future__ import annotations

import urllib.request

import pytest

from eventops.demo.telemetry import COLLECTOR
from tests.services.processes import until
from tests.telemetry.figures import Figures
from tests.telemetry.flow import CUSTOMERS, Flow

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]


@pytest.fixture
def figures(flow: Flow) -> Figures:
    """What was made of the spans, and what came over OTLP and from Kafka."""
    return Figures(flow.sky.metrics)


@pytest.fixture
def own(flow: Flow) -> Figures:
    """The collector's own."""
    return Figures(flow.sky.own_metrics)


def test_spans_become_figures_by_topic_and_group(flow: Flow, figures: Figures) -> None:
    calls, topic = "traces_span_metrics_calls_total", f"{flow.prefix}order-events"
    sent = {"span_name": f"send {topic}", "service_name": "order-service", "messaging_destination_name": topic}
    until(lambda: figures.sum(calls, **sent) == 3 * CUSTOMERS)
    group = {"messaging_destination_name": topic, "messaging_consumer_group_name": f"{flow.prefix}notification-group"}
    until(lambda: figures.sum(calls, span_kind="SPAN_KIND_CONSUMER", **group) == 3 * CUSTOMERS)
    failed = figures.sum(calls, error_type="SMTPRecipientsRefused", span_kind="SPAN_KIND_CONSUMER")
    assert failed == 1
    timed = figures.sum("traces_span_metrics_duration_milliseconds_count", **sent)
    assert timed == 3 * CUSTOMERS
    assert figures.sum("traces_span_metrics_duration_milliseconds_sum", **sent) > 0


def test_the_service_graph_shows_who_calls_whom_through_the_broker(figures: Figures) -> None:
    edges = [
        ("user-service", "order-service"),
        ("user-service", "notification-service"),
        ("order-service", "notification-service"),
    ]
    for client, server in edges:
        until(lambda: figures.sum("traces_service_graph_request_total", client=client, server=server) > 0, 60)  # noqa: B023


def test_kafka_tells_its_own_figures(flow: Flow, figures: Figures) -> None:
    """Whatever has the unit 1 is called a ratio by Prometheus' exporter, an offset too."""
    topic, group = f"{flow.prefix}order-events", f"{flow.prefix}notification-group"
    until(lambda: figures.sum("kafka_topic_partitions", topic=topic) == 3, 60)
    until(lambda: figures.sum("kafka_partition_current_offset_ratio", topic=topic) == 3 * CUSTOMERS, 60)
    until(lambda: figures.sum("kafka_consumer_group_offset_ratio", topic=topic, group=group) == 3 * CUSTOMERS, 60)
    assert figures.sum("kafka_brokers") > 0
    assert figures.of("kafka_consumer_group_lag_ratio", topic=topic, group=group)


def test_the_services_own_figures_arrive_over_otlp(flow: Flow, figures: Figures) -> None:
    topic = f"{flow.prefix}order-events"
    sent = {"messaging_destination_name": topic, "job": "reference/order-service"}
    until(lambda: figures.sum("messaging_client_sent_messages_total", **sent) == 3 * CUSTOMERS)
    of_group = {"messaging_destination_name": topic, "messaging_consumer_group_name": f"{flow.prefix}loyalty-group"}
    assert figures.sum("messaging_process_duration_seconds_count", **of_group) == 3 * CUSTOMERS
    assert figures.sum("messaging_client_operation_duration_seconds_count", messaging_operation_name="commit") > 0
    assert figures.sum("reference_dead_letters_total", error_type="SMTPRecipientsRefused") == 1
    assert figures.of("reference_outbox_depth", job="reference/order-service")
    assert figures.sum("reference_spans_dropped_total") == 0


def test_no_figure_has_an_id_as_a_label(flow: Flow, figures: Figures) -> None:
    ids = {value for event in flow.events for value in (event.ids.event_id, event.ids.correlation_id) if value}
    text = figures.text
    assert len(text) > 1000
    assert [found for found in ids if found in text] == []


def test_limiter_and_queue_stand_between_the_services_and_jaeger(flow: Flow, own: Figures) -> None:
    """All spans went through both, and none was refused or dropped."""
    spans = len(flow.spans)
    accepted = "otelcol_processor_memory_limiter_accepted_spans"
    until(lambda: own.sum(accepted, processor="memory_limiter") >= spans)
    assert own.sum("otelcol_exporter_queue_capacity", exporter="otlp_grpc/jaeger") == 10_000
    until(lambda: own.sum("otelcol_exporter_sent_spans", exporter="otlp_grpc/jaeger") >= spans)
    assert own.sum("otelcol_exporter_enqueue_failed_spans") == 0
    assert own.sum("otelcol_processor_memory_limiter_refused_spans") == 0


def test_it_says_that_it_is_well(flow: Flow) -> None:
    with urllib.request.urlopen(flow.sky.health, timeout=5) as answer:
        assert answer.status == 200
    words = flow.sky.stage.log_files[COLLECTOR].read_text().lower()
    assert "everything is ready" in words
    assert "deprecated" not in words, "the configuration uses the current names"
