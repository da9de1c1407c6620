"""Spans in the conventions' names, one trace from request to letter, and an export that never holds a service up."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from eventops.events import Envelope, Position, Record, header_pairs
from reference_services.kit.propagation import faults, with_trace_context
from reference_services.kit.tracing import Tracing
from tests.services import kafka
from tests.services.processes import Running, Stack, until

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
    with tracing.serving("POST", [], "req-1"):
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
    assert list(faults(headers)) == expected, why
    with tracing.processing(Record(Position("t", 0, 0), None, None, EVENT.to_json(), tuple(headers)), "g"):
        pass
    (span,) = spans.get_finished_spans()
    is_followed = "traceparent" in dict(headers) and "traceparent" not in expected
    assert (span.parent is not None, len(span.links)) == (is_followed, int(is_followed)), "else the context is new"
    assert (span.attributes or {})["messaging.message.conversation_id"] == "req-1", "the event has the last word"


@pytest.mark.parametrize("junk", [b"", b"\xff\x00", b"00-zz-zz-01", b"a" * 5000])
def test_anyones_trace_headers_do_no_harm(tracing: Tracing, spans: InMemorySpanExporter, junk: bytes) -> None:
    headers = (("traceparent", junk), ("tracestate", junk), ("baggage", junk), ("ce_correlationid", junk))
    with tracing.processing(Record(Position("t", 0, 0), None, junk, junk, headers), "g"):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None


class _Collector(BaseHTTPRequestHandler):
    received: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.received.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Where spans can be sent, and what came: requests in OTLP's protobuf."""
    received: list[bytes] = []
    handler = type("Collector", (_Collector,), {"received": received})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


def unreachable() -> tuple[socket.socket, str]:
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))
    return nobody, f"127.0.0.1:{nobody.getsockname()[1]}"


def test_spans_are_exported_before_the_service_ends(tmp_path: Path, collector: tuple[str, list[bytes]]) -> None:
    endpoint, received = collector
    services = Stack(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    nobody, address = unreachable()
    with nobody:
        users = services.start("users", KAFKA_BOOTSTRAP_SERVERS=address)
        httpx.post(f"{users.http}/users", json={"email": "a@b.example"}, headers={"X-Correlation-Id": "req-9"})
        assert users.stop() == 0
        services.end()
    requests = [ExportTraceServiceRequest.FromString(body) for body in received]
    (resource,) = [spans for request in requests for spans in request.resource_spans]
    assert {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"] == "user-service"
    scope = next(scope for scope in resource.scope_spans if scope.scope.name == "reference_services")
    assert scope.schema_url == "https://opentelemetry.io/schemas/1.44.0"
    found = {s.name: {a.key: a.value.string_value for a in s.attributes} for s in scope.spans}
    assert {"POST /users", "INSERT"} <= set(found)
    assert {attributes["messaging.message.conversation_id"] for attributes in found.values()} == {"req-9"}


class _Hostile(BaseHTTPRequestHandler):
    """Takes ten seconds for each answer, or refuses, or goes away after its first answer."""

    manner: str
    answered: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.manner == "slow":
            self.server.released.wait(10)  # type: ignore[attr-defined]
        self.answered.append(self.path)
        self.send_response(503 if self.manner == "refusing" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if self.manner == "gone midway":
            self.server.socket.close()  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def hostile(manner: str) -> Iterator[tuple[str, list[str]]]:
    """A collector with bad manners, and what it answered."""
    answered: list[str] = []
    handler = type("Hostile", (_Hostile,), {"manner": manner, "answered": answered})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.handle_error = True, lambda *_: None  # type: ignore[method-assign]
        server.released = Flag()  # type: ignore[attr-defined]
        port = server.server_port
        thread = Thread(target=_serve, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}", answered
        finally:
            server.released.set()  # type: ignore[attr-defined]
            server.shutdown()
            thread.join()


def _serve(server: ThreadingHTTPServer) -> None:
    with suppress(OSError, ValueError):  # its own socket, closed midway
        server.serve_forever(0.05)


@pytest.mark.broker
@pytest.mark.parametrize("manner", ["slow", "refusing", "gone midway"])
def test_a_collector_with_bad_manners_costs_spans_alone(
    services: Stack, bootstrap_servers: str, prefix: str, manner: str
) -> None:
    with hostile(manner) as (endpoint, answered):
        users = services.start(
            "users",
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_BSP_SCHEDULE_DELAY="50",
            OTEL_METRICS_EXPORTER="none",
        )
        slowest = 0.0
        for number in range(30):
            began = time.monotonic()
            answer = httpx.post(f"{users.http}/users", json={"email": f"a{number}@b.example"}, timeout=10)
            slowest = max(slowest, time.monotonic() - began)
            assert answer.status_code == 201
            if manner == "gone midway" and number == 5:
                until(lambda: answered)
        assert slowest < 2, "nobody waits for a collector that takes ten seconds"
        until(lambda: kafka.size(bootstrap_servers, f"{prefix}user-events") == 30)
        _assert_it_ends_soon(users)
    assert "dropped: no collector took them in time" in users.log.read_text()


@pytest.mark.broker
def test_a_collector_that_is_away_holds_nothing_up(services: Stack) -> None:
    nobody, address = unreachable()
    with nobody:
        users = services.start("users", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{address}")
        assert httpx.get(f"{users.http}/health").json() == {"service": "user-service", "status": "ok"}
        _assert_it_ends_soon(users)
    assert "dropped: no collector took them in time" in users.log.read_text()


@pytest.mark.broker
def test_a_collector_that_never_answers_holds_nothing_up(services: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        users = services.start("users", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{address}", OTEL_BSP_SCHEDULE_DELAY="100")
        began = time.monotonic()
        for number in range(40):
            answer = httpx.post(f"{users.http}/users", json={"email": f"a{number}@b.example"})
            assert answer.status_code == 201
        assert time.monotonic() - began < 10, "requests don't wait for it"
        _assert_it_ends_soon(users)
    assert "dropped: no collector took them in time" in users.log.read_text()


def _assert_it_ends_soon(service: Running) -> None:
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    until(lambda: service.process.poll() is not None)
    assert service.process.returncode == 0
    assert time.monotonic() - began < 3
