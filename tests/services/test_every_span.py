"""Baggage carries the correlation id to every span: the request's, its statements', the handling's, the mail's."""

from __future__ import annotations

import json
import logging
import smtplib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException
from fastapi import Request
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import Engine

from eventops.events import REPLAY_ID, Envelope, Position, Record, header_pairs
from reference_services.kit.database import trace_queries
from reference_services.kit.http import answer_under, web_app
from reference_services.kit.inbox import mark_handled
from reference_services.kit.logs import JsonLine, about
from reference_services.kit.propagation import with_trace_context
from reference_services.kit.tracing import Tracing
from reference_services.notifications.handlers import Mail
from reference_services.notifications.mailer import Mailer
from reference_services.users.app import users_app
from reference_services.users.store import UserStore
from tests.services.processes import Stack, mail_environ, served

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
EVENT = Envelope("user.registered", "test", {}, "req-1", NOW, causation_id="e0", event_id="e1")
RECORD = Record(Position("user-events", 2, 41), NOW, b"u1", EVENT.to_json(), header_pairs(EVENT.to_headers()))


class Spans:
    """What ended, by name."""

    def __init__(self, tracing: Tracing) -> None:
        self._memory = InMemorySpanExporter()
        tracing.export.traces.add_span_processor(SimpleSpanProcessor(self._memory))

    def all(self) -> tuple[ReadableSpan, ...]:
        """In the order in which they ended."""
        return self._memory.get_finished_spans()

    def one(self, name: str) -> ReadableSpan:
        """The only one of that name."""
        (found,) = (span for span in self.all() if span.name == name)
        return found

    def said(self, name: str) -> dict[str, object]:
        """Its attributes."""
        return dict(self.one(name).attributes or {})


@pytest.fixture
def tracing() -> Iterator[Tracing]:
    traced = Tracing("user-service", {}, "kafka:9092")
    yield traced
    traced.shutdown()


@pytest.fixture
def spans(tracing: Tracing) -> Spans:
    return Spans(tracing)


def test_a_request_and_its_statements_carry_it(engine: Engine, tracing: Tracing, spans: Spans) -> None:
    trace_queries(engine, tracing)
    sent = {"X-Correlation-Id": "req-9", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    with served(users_app(UserStore(engine, "user-events"), tracing)) as url:
        assert httpx.post(f"{url}/users", json={"email": "a@b.example"}, headers=sent).status_code == 201
    assert {(span.attributes or {})["messaging.message.conversation_id"] for span in spans.all()} == {"req-9"}
    request = spans.one("POST /users")
    assert (request.kind, request.parent and request.parent.span_id) == (SpanKind.SERVER, 0xB7AD6B7169203331)
    assert spans.said("POST /users") == {
        "http.request.method": "POST",
        "http.route": "/users",
        "http.response.status_code": 201,
        "url.path": "/users",
        "url.scheme": "http",
        "messaging.message.conversation_id": "req-9",
    }
    inserts = [span for span in spans.all() if span.name == "INSERT"]
    assert len(inserts) == 2, "the user and the outbox"
    for span in inserts:
        assert span.parent is not None
        assert (span.kind, span.parent.span_id) == (SpanKind.CLIENT, request.context.span_id)
        attributes = dict(span.attributes or {})
        assert (attributes["db.system.name"], attributes["db.operation.name"]) == ("sqlite", "INSERT")
        assert "a@b.example" not in str(attributes), "values stay out of spans"


def test_a_request_that_continues_an_older_conversation_is_found_under_it(tracing: Tracing, spans: Spans) -> None:
    app = web_app("order-service", tracing)

    @app.post("/pay")
    def pay(request: Request) -> None:
        answer_under(request, "req-of-the-order")

    with served(app) as url:
        assert httpx.post(f"{url}/pay").headers["X-Correlation-Id"] == "req-of-the-order"
    assert spans.said("POST /pay")["messaging.message.conversation_id"] == "req-of-the-order"


def test_a_request_that_fails_is_an_error(tracing: Tracing, spans: Spans) -> None:
    app = web_app("user-service", tracing)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("no")

    @app.get("/away", status_code=503)
    def away() -> None:
        """Says so itself."""

    with served(app) as url:
        assert httpx.get(f"{url}/broken").status_code == 500
        assert httpx.get(f"{url}/away").status_code == 503
        assert httpx.get(f"{url}/nowhere").status_code == 404
    failed = [span for span in spans.all() if span.status.status_code is StatusCode.ERROR]
    assert [(span.name, (span.attributes or {})["error.type"]) for span in failed] == [
        ("GET /broken", "RuntimeError"),
        ("GET /away", "503"),
    ]
    assert (spans.said("GET")["url.path"], "error.type" in spans.said("GET")) == ("/nowhere", False), (
        "the caller's fault"
    )


def test_a_handling_its_statements_and_its_mail_carry_it(
    engine: Engine, tracing: Tracing, spans: Spans, tmp_path: Path
) -> None:
    trace_queries(engine, tracing)
    services = Stack(tmp_path, {"MAIL_DIR": str(tmp_path / "mails")})
    where = mail_environ(services.start("mailserver"))
    mailer = Mailer(where["SMTP_HOST"], int(where["SMTP_PORT"]), tracing)
    try:
        with tracing.processing(RECORD, "notification-group"):
            mailer.send(Mail("ann@example.com", "Hello", "body", "<e1@notifications.example>", "e1", "req-1"))
            with engine.begin() as connection:
                mark_handled(connection, "notification-group", "e1", NOW)
    finally:
        services.end()
    handling = spans.one("process user-events")
    for span in spans.all():
        assert (span.attributes or {})["messaging.message.conversation_id"] == "req-1", span.name
        assert span is handling or (span.parent and span.parent.span_id) == handling.context.span_id
    assert {"smtp send", "INSERT"} <= {span.name for span in spans.all()}
    assert spans.said("smtp send")["server.port"] == int(where["SMTP_PORT"])


def test_a_mail_that_is_not_taken_is_an_error(tracing: Tracing, spans: Spans) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected), tracing.mailing("mail.example", 25):
        raise smtplib.SMTPServerDisconnected("gone")
    assert spans.one("smtp send").status.status_code is StatusCode.ERROR
    assert spans.said("smtp send")["error.type"] == "SMTPServerDisconnected"


def test_the_baggage_names_the_events_own_correlation_id(tracing: Tracing) -> None:
    assert dict(with_trace_context(EVENT.to_headers()))["baggage"] == b"correlation.id=req-1", "outside of a request"
    with tracing.serving("POST", "/users", [("baggage", b"tenant=t")], "req-9"):
        assert dict(with_trace_context(EVENT.to_headers()))["baggage"] == b"correlation.id=req-1"
        other = [("Traceparent", b"00-zz-zz-01"), ("BAGGAGE", b"a=b"), *EVENT.to_headers()]
        sent = [name.lower() for name, _ in with_trace_context(other)]
        assert (sent.count("traceparent"), sent.count("baggage")) == (1, 1), "replaced in whatever case, never doubled"


def test_an_event_from_the_outbox_belongs_to_the_request_that_saved_it(tracing: Tracing, spans: Spans) -> None:
    with tracing.serving("POST", "/users", [], "req-1"):
        saved = with_trace_context(EVENT.to_headers())
    for _ in range(2):
        tracing.start_send("user-events", saved, "u1").delivered("_MSG_TIMED_OUT", None, None)
    tracing.start_send("user-events", saved, "u1").delivered(None, 2, 41)
    request, *sends = spans.all()
    assert [(s.parent and s.parent.span_id) for s in sends] == [request.context.span_id] * 3, "tried again, too"
    assert [(s.attributes or {}).get("error.type") for s in sends] == ["_MSG_TIMED_OUT", "_MSG_TIMED_OUT", None]
    assert [s.status.status_code is StatusCode.ERROR for s in sends] == [True, True, False]
    assert [(s.attributes or {}).get("messaging.kafka.offset") for s in sends] == [None, None, 41]


def test_a_commit_that_fails_has_kafkas_name_of_the_error(tracing: Tracing, spans: Spans) -> None:
    with pytest.raises(KafkaException), tracing.committing(RECORD, "g"):
        raise KafkaException(KafkaError(KafkaError.REBALANCE_IN_PROGRESS))
    assert spans.said("commit user-events")["error.type"] == "REBALANCE_IN_PROGRESS"


ATTRIBUTES = [
    ("a key that isn't there isn't told", replace(RECORD, key=None), "messaging.kafka.message.key", None),
    ("nor is a tombstone where there is none", RECORD, "messaging.kafka.message.tombstone", None),
    ("a tombstone is told", replace(RECORD, value=None), "messaging.kafka.message.tombstone", True),
    ("a partition is text", RECORD, "messaging.destination.partition.id", "2"),
    ("an offset is a number", RECORD, "messaging.kafka.offset", 41),
    ("what nobody caused has no cause", replace(RECORD, value=b"{}", headers=()), "eventops.causation.id", None),
    ("a replay is told", replace(RECORD, headers=((REPLAY_ID, b"run-1"),)), "eventops.replay.id", "run-1"),
    ("a port is a number", RECORD, "server.port", 9092),
]  # fmt: skip


@pytest.mark.parametrize(("why", "record", "name", "value"), ATTRIBUTES, ids=[why for why, *_ in ATTRIBUTES])
def test_attributes_of_a_handling(
    tracing: Tracing, spans: Spans, why: str, record: Record, name: str, value: object
) -> None:
    with tracing.processing(record, "g"):
        pass
    assert spans.said("process user-events").get(name) == value, why


def test_long_lived_chains_can_be_linked_only() -> None:
    tracing = Tracing("user-service", {"EVENTOPS_TRACE_MODE": "link"})
    spans = Spans(tracing)
    send = tracing.start_send("user-events", EVENT.to_headers(), "u1")
    send.delivered(None, 2, 41)
    with tracing.processing(replace(RECORD, headers=header_pairs(send.headers)), "g"):
        pass
    sent, handled = spans.all()
    assert handled.parent is None
    assert handled.context.trace_id != sent.context.trace_id
    assert [link.context.span_id for link in handled.links] == [sent.context.span_id]
    assert (handled.attributes or {})["messaging.message.conversation_id"] == "req-1"
    tracing.shutdown()


def test_switched_off_by_the_standard_variable_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    tracing = Tracing("user-service", {})
    spans = Spans(tracing)
    given = [*EVENT.to_headers(), ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    send = tracing.start_send("user-events", given, "u1")
    send.delivered(None, 2, 41)
    assert dict(send.headers)["traceparent"] == given[-1][1], "what came goes on unchanged"
    with tracing.processing(replace(RECORD, headers=header_pairs(send.headers)), "g") as handling:
        handling.retried(ValueError("no"), 0.1)
    assert spans.all() == ()
    tracing.shutdown()


def test_a_log_line_names_trace_span_and_correlation_id(tracing: Tracing) -> None:
    line = logging.LogRecord("x", logging.INFO, __file__, 1, "hello", (), None)
    with tracing.processing(RECORD, "g") as handling, about(handling.correlation_id):
        span = trace.get_current_span().get_span_context()
        entry = json.loads(JsonLine("user-service").format(line))
    assert entry["correlationId"] == "req-1"
    assert entry["traceId"] == trace.format_trace_id(span.trace_id)
    assert entry["spanId"] == trace.format_span_id(span.span_id)
    assert not {"traceId", "spanId"} & set(json.loads(JsonLine("user-service").format(line)))
