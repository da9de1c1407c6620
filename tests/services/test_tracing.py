"""Spans in the conventions' names, one trace from request to letter, and an export that never holds a service up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from eventops.events import Envelope, Position, Record, header_pairs
from reference_services.kit.propagation import received, with_trace_context
from reference_services.kit.tracing import Tracing
from tests.services.collectors import down, spans_of, taking
from tests.services.processes import Stack

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
EVENT = Envelope("user.registered", "test", {"email": "a@b"}, "req-1", NOW, causation_id="e0", event_id="e1")


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Iterator[Tracing]:
    traced = Tracing("user-service", {})
    traced.export.traces.add_span_processor(SimpleSpanProcessor(spans))
    yield traced
    traced.shutdown()


def test_one_trace_from_the_request_to_the_handling(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    with tracing.serving("POST", "/things", [], "req-1"):
        saved = with_trace_context(EVENT.to_headers())
    send = tracing.start_send("user-events", saved, "u1")
    send.delivered(None, 2, 41)
    record = Record(Position("user-events", 2, 41), NOW, b"u1", EVENT.to_json(), header_pairs(send.headers))
    with tracing.processing(record, "notification-group") as handling:
        handling.failed(ConnectionRefusedError(111, "refused"))
    request, sent, processed = spans.get_finished_spans()
    assert [s.name for s in (request, sent, processed)] == ["POST", "send user-events", "process user-events"]
    assert [s.kind for s in (request, sent, processed)] == [SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER]
    assert sent.parent is not None
    assert processed.parent is not None
    assert (sent.parent.span_id, processed.parent.span_id) == (request.context.span_id, sent.context.span_id)
    assert [link.context.span_id for link in processed.links] == [sent.context.span_id]
    assert dict(processed.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "user-events",
        "messaging.destination.partition.id": "2",
        "messaging.kafka.offset": 41,
        "messaging.kafka.message.key": "u1",
        "messaging.client.id": "user-service",
        "messaging.consumer.group.name": "notification-group",
        "messaging.message.id": "e1",
        "messaging.message.conversation_id": "req-1",
        "eventops.causation.id": "e0",
        "error.type": "ConnectionRefusedError",
    }
    assert (sent.attributes or {})["messaging.message.conversation_id"] == "req-1"


def test_headers_are_replaced_not_piled_up(tracing: Tracing) -> None:
    old = [("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), *EVENT.to_headers()]
    send = tracing.start_send("user-events", old, None)
    send.delivered("_MSG_TIMED_OUT", None, None)
    names = [name for name, _ in send.headers]
    assert names.count("traceparent") == 1
    traceparent = (dict(send.headers)["traceparent"] or b"").decode()
    assert traceparent.split("-")[1] == "0af7651916cd43dd8448eb211c80319c", "the same trace"
    assert traceparent.split("-")[2] != "b7ad6b7169203331", "but the send is the parent now"
    assert old[0][1].endswith(b"b7ad6b7169203331-01"), "the caller's list is untouched"


GOOD = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = b"00-1bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FAULTS = [
    ("all is well", [("traceparent", GOOD), ("baggage", b"correlation.id=r")], []),
    ("nobody traced it: no fault", [], []),
    ("not hexadecimal", [("traceparent", b"00-zz-zz-01")], ["traceparent"]),
    ("all zero is invalid", [("traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01")], ["traceparent"]),
    ("version ff is forbidden", [("traceparent", b"ff" + GOOD[2:])], ["traceparent"]),
    ("a null header", [("traceparent", None)], ["traceparent"]),
    ("not even text", [("traceparent", b"\xff\xfe")], ["traceparent"]),
    ("doubled: nobody knows which is the parent", [("traceparent", OTHER), ("traceparent", GOOD)], ["traceparent"]),
    ("doubled in another case", [("Traceparent", GOOD), ("traceparent", GOOD)], ["traceparent"]),
    ("baggage over 8192 bytes", [("traceparent", GOOD), ("baggage", b"a=" + b"x" * 8200)], ["baggage"]),
    ("baggage of too many entries", [("baggage", b",".join(b"a%d=1" % n for n in range(181)))], ["baggage"]),
    ("baggage with an entry over 4096 bytes", [("baggage", b"a=" + b"x" * 4200)], ["baggage"]),
    ("over 8192 bytes in fewer characters", [("baggage", ",".join(["a=" + "ä" * 1400] * 3).encode())], ["baggage"]),
    ("an entry over 4096 bytes in fewer characters", [("baggage", b"a=" + "ä".encode() * 2100)], ["baggage"]),
    ("doubled tracestate", [("traceparent", GOOD), ("tracestate", b"a=1"), ("tracestate", b"b=2")], ["tracestate"]),
    ("doubled baggage", [("baggage", b"a=b"), ("baggage", b"c=d")], ["baggage"]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "headers", "expected"), FAULTS, ids=[why for why, _, _ in FAULTS])
def test_trace_headers_that_cannot_be_used_are_counted(
    tracing: Tracing,
    spans: InMemorySpanExporter,
    why: str,
    headers: list[tuple[str, bytes | None]],
    expected: list[str],
) -> None:
    assert list(received(headers).faults) == expected, why
    with tracing.processing(Record(Position("t", 0, 0), None, None, EVENT.to_json(), tuple(headers)), "g"):
        pass
    (span,) = spans.get_finished_spans()
    is_followed = "traceparent" in dict(headers) and not expected
    assert (span.parent is not None, len(span.links)) == (is_followed, int(is_followed)), "else the context is new"
    assert (span.attributes or {})["messaging.message.conversation_id"] == "req-1", "the event has the last word"


@pytest.mark.parametrize("junk", [b"", b"\xff\x00", b"00-zz-zz-01", b"a" * 5000])
def test_anyones_trace_headers_do_no_harm(tracing: Tracing, spans: InMemorySpanExporter, junk: bytes) -> None:
    headers = (("traceparent", junk), ("tracestate", junk), ("baggage", junk), ("ce_correlationid", junk))
    with tracing.processing(Record(Position("t", 0, 0), None, junk, junk, headers), "g"):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None


def test_spans_are_exported_before_the_service_ends(tmp_path: Path) -> None:
    with taking() as (endpoint, bodies), down() as (nobody, _):
        services = Stack(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        users = services.start("users", KAFKA_BOOTSTRAP_SERVERS=nobody.removeprefix("http://"))
        httpx.post(f"{users.http}/users", json={"email": "a@b.example"}, headers={"X-Correlation-Id": "req-9"})
        assert users.stop() == 0
        services.end()
    spans = spans_of(bodies["/v1/traces"])
    assert bodies["/v1/metrics"]
    for resource, _ in spans:
        about = {a.key: a.value.string_value for a in resource.resource.attributes}
        assert about["service.name"] == "user-service"
        assert {"service.namespace", "service.version", "deployment.environment.name"} <= set(about)
        assert {scope.schema_url for scope in resource.scope_spans} == {"https://opentelemetry.io/schemas/1.44.0"}
    found = {span.name: {a.key: a.value.string_value for a in span.attributes} for _, span in spans}
    assert {"POST /users", "INSERT"} <= set(found)
    assert {attributes["messaging.message.conversation_id"] for attributes in found.values()} == {"req-9"}


@pytest.mark.parametrize(("sampler", "said"), [("always_on", "1 spans were dropped"), ("always_off", "")])
def test_what_is_not_sampled_is_not_missed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, sampler: str, said: str
) -> None:
    with down() as (nobody, _):
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": nobody, "OTEL_TRACES_SAMPLER": sampler, "OTEL_METRICS_EXPORTER": "none"}
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        tracing = Tracing("user-service", told)
        send = tracing.start_send("user-events", EVENT.to_headers(), "u1")
        send.delivered(None, 2, 41)
        tracing.shutdown()
    flags = (dict(send.headers)["traceparent"] or b"").rpartition(b"-")[2]
    assert bool(int(flags, 16) & 1) is (sampler == "always_on"), "who receives it decides the same"
    dropped = " ".join(record.getMessage() for record in caplog.records if "dropped" in record.getMessage())
    assert dropped.startswith(said)
    assert bool(dropped) is bool(said)
