"""OpenTelemetry's conventions (1.44) held against the spans and figures of a whole chain on a real broker.

Request → outbox → relay → handling that fails twice and succeeds → handling that gives up → dead letter.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import Engine

from eventops.dlq.families import decode
from eventops.dlq.planning import replay_headers
from eventops.dlq.trace_context import below
from eventops.events import Envelope, Position, Record
from reference_services.kit import clients
from reference_services.kit.conventions import BOUNDARIES
from reference_services.kit.database import trace_queries
from reference_services.kit.export import Export
from reference_services.kit.inbox import mark_handled
from reference_services.kit.outbox import Relay, publish
from reference_services.kit.propagation import received
from reference_services.kit.retry import RetryPolicy
from reference_services.kit.runner import Runner
from reference_services.kit.settings import Settings
from reference_services.kit.topics import create_missing
from reference_services.kit.tracing import Tracing
from tests.services import kafka
from tests.services.processes import until

pytestmark = pytest.mark.broker

GROUP = "conformance"
KAFKA = {
    "messaging.system": str,
    "messaging.operation.name": str,
    "messaging.operation.type": str,
    "messaging.destination.name": str,
    "messaging.client.id": str,
    "messaging.kafka.cluster.id": str,
    "server.address": str,
    "server.port": int,
}
PLACE = {"messaging.destination.partition.id": str, "messaging.kafka.offset": int}
MESSAGE = {
    "messaging.message.id": str,
    "messaging.message.conversation_id": str,
    "messaging.kafka.message.key": str,
}
GROUP_NAME = {"messaging.consumer.group.name": str}


@dataclass(frozen=True)
class Rule:
    """What the conventions ask of one operation: span kind, operation type, attributes with their types."""

    kind: SpanKind
    operation_type: str
    attributes: Mapping[str, type]


RULES = {
    "send": Rule(SpanKind.PRODUCER, "send", KAFKA | PLACE | MESSAGE),
    "process": Rule(SpanKind.CONSUMER, "process", KAFKA | PLACE | MESSAGE | GROUP_NAME),
    "poll": Rule(SpanKind.CLIENT, "receive", KAFKA | PLACE | MESSAGE | GROUP_NAME),
    "commit": Rule(SpanKind.CLIENT, "settle", KAFKA | PLACE | GROUP_NAME),
}
"""Messaging spans, "Span kind", "Operation types" and "Messaging attributes"; Kafka, "Span attributes"."""


class Chain:
    """What a chain left behind."""

    def __init__(self, spans: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self.spans = list(spans.get_finished_spans())
        metrics = list(metrics_of(reader))
        self.instruments = {metric.name: (type(metric.data).__name__, metric.unit) for metric in metrics}
        self.figures: dict[str, list[Any]] = {metric.name: list(metric.data.data_points) for metric in metrics}

    def named(self, pattern: str) -> list[ReadableSpan]:
        """Spans by name, in the order they ended."""
        return [span for span in self.spans if re.fullmatch(pattern, span.name)]


def metrics_of(reader: InMemoryMetricReader) -> Iterator[Metric]:
    """Each with its data points."""
    data = reader.get_metrics_data()
    assert data is not None
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            assert scope.schema_url == "https://opentelemetry.io/schemas/1.44.0"
            yield from scope.metrics


@pytest.fixture
def topic(bootstrap_servers: str, prefix: str) -> str:
    name = f"{prefix}things"
    create_missing(AdminClient({"bootstrap.servers": bootstrap_servers}), [name])
    return name


@pytest.fixture
def chain(engine: Engine, bootstrap_servers: str, prefix: str, topic: str) -> Iterator[Chain]:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    export = Export("order-service", {}, [reader])
    tracing = Tracing("order-service", {"EVENTOPS_TRACE_POLL": "on"}, bootstrap_servers, export)
    tracing.connected_to(create_missing(AdminClient({"bootstrap.servers": bootstrap_servers}), []))
    export.traces.add_span_processor(SimpleSpanProcessor(spans))
    trace_queries(engine, tracing)
    policy = RetryPolicy(attempts=3, base_seconds=0.01)
    settings = Settings(
        "order-service", {"bootstrap.servers": bootstrap_servers}, "", topic_prefix=prefix, group_prefix=prefix,
        retry=policy,
    )  # fmt: skip
    with tracing.serving("POST", "/things", [], "req-7"), engine.begin() as connection:
        for kind in ("thing.flaky", "thing.hopeless"):
            event = Envelope(kind, "order-service", {}, "req-7", kafka.NOW, causation_id="e-0", event_id=kind)
            publish(connection, topic, "k1", event)
    _relay(engine, settings, tracing)
    handler = Handler(engine)
    handlers = {"thing.flaky": handler.flaky, "thing.hopeless": handler.hopeless}
    with kafka.running(Runner(settings, GROUP, ["things"], handlers, tracing)):
        until(lambda: kafka.committed(bootstrap_servers, prefix + GROUP, topic) == 2)
    yield Chain(spans, reader)
    tracing.shutdown()


class Handler:
    """Fails as a mail server does: twice, or always."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._attempts = 0

    def flaky(self, event: Envelope) -> None:
        self._attempts += 1
        if self._attempts < 3:
            raise ConnectionRefusedError(111, "refused")
        with self._engine.begin() as connection:
            mark_handled(connection, GROUP, event.event_id, kafka.NOW)

    def hopeless(self, _event: Envelope) -> None:
        raise ValueError("no")


def _relay(engine: Engine, settings: Settings, tracing: Tracing) -> None:
    stop = Flag()
    relay = Relay(engine, clients.producer(settings), tracing)
    thread = Thread(target=relay.run, args=(stop,))
    thread.start()
    until(lambda: relay.depth() == 0)
    stop.set()
    thread.join(20)


def test_the_spans_of_a_chain_keep_the_conventions(chain: Chain, topic: str) -> None:
    assert len(chain.named(f"send {topic}")) == len(chain.named(f"process {topic}")) == 2
    assert len(chain.named(f"send {topic}-dlt")) == 1
    assert len(chain.named(f"commit {topic}")) == len(chain.named(f"poll {topic}")) == 2, "none for an empty poll"
    for span in chain.named("(send|poll|process|commit) .*"):
        operation, _, destination = span.name.partition(" ")
        rule, attributes = RULES[operation], dict(span.attributes or {})
        assert span.kind is rule.kind, span.name
        assert attributes["messaging.operation.name"] == operation
        assert attributes["messaging.operation.type"] == rule.operation_type
        assert attributes["messaging.destination.name"] == destination
        missing = {name for name, kind in rule.attributes.items() if type(attributes.get(name)) is not kind}
        assert not missing, (span.name, missing)
        assert span.instrumentation_scope is not None
        assert span.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.44.0"
    assert {(span.attributes or {}).get("messaging.message.conversation_id") for span in chain.spans} == {"req-7"}


def test_parent_and_link_show_the_flow(chain: Chain, topic: str) -> None:
    (request,) = chain.named("POST")
    sends = {span.context.span_id: span for span in chain.named(f"send {topic}")}
    for send in sends.values():
        assert send.parent is not None
        assert send.parent.span_id == request.context.span_id, "the outbox keeps the request's context"
    for process in chain.named(f"process {topic}"):
        assert process.parent is not None
        assert process.parent.span_id in sends
        assert [link.context.span_id for link in process.links] == [process.parent.span_id]
    (letter,) = chain.named(f"send {topic}-dlt")
    failed = next(s for s in chain.named(f"process {topic}") if s.status.status_code is StatusCode.ERROR)
    assert letter.parent is not None
    assert letter.parent.span_id == failed.context.span_id
    assert [link.context.span_id for link in letter.links] == [link.context.span_id for link in failed.links]
    polls = chain.named(f"poll {topic}")
    assert {span.context.trace_id for span in chain.spans if span not in polls} == {request.context.trace_id}, (
        "one trace, the database's too"
    )
    for poll in polls:
        assert poll.parent is None
        assert [link.context.span_id in sends for link in poll.links] == [True]
    assert {"INSERT", "SELECT"} & {span.name for span in chain.spans}


def test_a_letter_and_its_replay_stand_below_the_failure(chain: Chain, topic: str, bootstrap_servers: str) -> None:
    (posted,) = chain.named(f"send {topic}-dlt")
    (letter,) = kafka.read(bootstrap_servers, topic + "-dlt", 1)
    sent = received(letter.headers).sent_by
    assert sent is not None
    assert (sent.trace_id, sent.span_id) == (posted.context.trace_id, posted.context.span_id)
    (origin,) = (r for r in kafka.read(bootstrap_servers, topic, 2) if r.value == letter.value)
    headers = replay_headers(decode(letter), below(letter.headers, origin.headers), "run-1", None)
    replayed = Record(Position(topic, 0, 99), kafka.NOW, letter.key, letter.value, headers)
    spans = InMemorySpanExporter()
    tracing = Tracing("order-service", {})
    tracing.export.traces.add_span_processor(SimpleSpanProcessor(spans))
    with tracing.processing(replayed, GROUP):
        pass
    (again,) = spans.get_finished_spans()
    assert again.parent is not None
    assert again.parent.span_id == posted.context.span_id
    assert [link.context.span_id for link in again.links] == [posted.context.span_id]
    assert (again.attributes or {})["eventops.replay.id"] == "run-1"
    tracing.shutdown()


def test_errors_are_types_and_retries_are_told(chain: Chain, topic: str) -> None:
    flaky, hopeless = chain.named(f"process {topic}")
    assert "error.type" not in (flaky.attributes or {}), "it succeeded in the end"
    assert [event.name for event in flaky.events] == ["retry", "retry"]
    assert (hopeless.attributes or {})["error.type"] == "ValueError"


INSTRUMENTS = {
    "messaging.client.operation.duration": ("Histogram", "s"),
    "messaging.process.duration": ("Histogram", "s"),
    "messaging.client.sent.messages": ("Sum", "{message}"),
    "messaging.client.consumed.messages": ("Sum", "{message}"),
    "reference.retries": ("Sum", "{attempt}"),
    "reference.dead_letters": ("Sum", "{message}"),
    "reference.outbox.depth": ("Gauge", "{event}"),
    "reference.spans.dropped": ("Sum", "{span}"),
}
"""Messaging metrics; the last four are ours."""


def test_instruments_have_their_kinds_and_units(chain: Chain) -> None:
    assert chain.instruments == INSTRUMENTS


def test_the_figures_keep_the_conventions(chain: Chain, topic: str, prefix: str) -> None:
    (processed,) = [p for p in chain.figures["messaging.process.duration"] if "error.type" not in p.attributes]
    assert isinstance(processed, HistogramDataPoint)
    assert tuple(processed.explicit_bounds) == BOUNDARIES
    assert dict(processed.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.destination.name": topic,
        "messaging.consumer.group.name": prefix + GROUP,
    }
    operations = {
        p.attributes["messaging.operation.name"]: p for p in chain.figures["messaging.client.operation.duration"]
    }
    assert set(operations) == {"send", "poll", "commit"}
    assert sum(point.value for point in chain.figures["messaging.client.sent.messages"]) == 3
    assert sum(point.value for point in chain.figures["messaging.client.consumed.messages"]) == 2
    assert sum(point.value for point in chain.figures["reference.retries"]) == 2
    assert [p.attributes["error.type"] for p in chain.figures["reference.dead_letters"]] == ["ValueError"]
    assert [point.value for point in chain.figures["reference.outbox.depth"]] == [0]
    ids = {"req-7", "thing.flaky", "thing.hopeless", "e-0", "k1"}
    values = {str(value) for points in chain.figures.values() for p in points for value in p.attributes.values()}
    assert not ids & values, "an id is never a metric's attribute"


def test_headers_of_anyone_are_counted_not_obeyed(
    bootstrap_servers: str, prefix: str, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader, handled = InMemoryMetricReader(), Flag()
    tracing = Tracing("order-service", {}, bootstrap_servers, Export("order-service", {}, [reader]))
    settings = Settings(
        "order-service", {"bootstrap.servers": bootstrap_servers}, "", topic_prefix=prefix, group_prefix=prefix
    )
    event = Envelope("thing.made", "test", {}, "req-8", kafka.NOW)
    headers = [("traceparent", b"00-zz-zz-01"), ("baggage", b"a=" + b"x" * 9000), ("baggage", b"b=c")]
    kafka.produce(bootstrap_servers, topic, [("k", event.to_json(), headers)])
    with caplog.at_level(logging.WARNING), kafka.running(
        Runner(settings, GROUP, ["things"], {"thing.made": lambda _event: handled.set()}, tracing)
    ):  # fmt: skip
        assert handled.wait(20)
        until(lambda: kafka.committed(bootstrap_servers, prefix + GROUP, topic) == 1)
    faults = {p.attributes["header"]: p.value for p in _points(reader, "reference.propagation.faults")}
    assert faults == {"traceparent": 1, "baggage": 1}
    tracing.shutdown()


def _points(reader: InMemoryMetricReader, name: str) -> list[Any]:
    return [point for metric in metrics_of(reader) if metric.name == name for point in metric.data.data_points]
