"""What strangers write into trace headers: counted where it can't be used, published never, and no event's identity."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from opentelemetry import baggage
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from eventops.events import Envelope, Position, Record
from reference_services.kit.export import Export
from reference_services.kit.http import web_app
from reference_services.kit.propagation import AnyHeaders, with_trace_context
from reference_services.kit.tracing import Tracing
from tests.services.processes import served

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
EVENT = Envelope("user.registered", "test", {}, "req-1", NOW, event_id="e1")
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FOREIGN = b"tenant=t,user.email=ann@example.com,correlation.id=ghost"
CONVERSATION = "messaging.message.conversation_id"
OVER_THE_LIMITS = {
    "300 entries": b",".join(b"secret%d=1" % number for number in range(300)),
    "an entry of 9,000 bytes": b"secret=" + b"x" * 9000,
}


class Seen:
    """A service's spans and figures."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._memory = InMemorySpanExporter()
        self.tracing = Tracing("user-service", {}, export=Export("user-service", {}, [self._reader]))
        self.tracing.export.traces.add_span_processor(SimpleSpanProcessor(self._memory))

    def spans(self) -> tuple[ReadableSpan, ...]:
        """In the order in which they ended."""
        return self._memory.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        """The only one of that name."""
        (found,) = (span for span in self.spans() if span.name == name)
        return found

    def said(self, name: str) -> dict[str, object]:
        """Its attributes."""
        return dict(self.span(name).attributes or {})

    def points(self, metric: str) -> list[Any]:
        """Of that metric, as it stands now."""
        data = self._reader.get_metrics_data()
        scopes = [scope for one in data.resource_metrics for scope in one.scope_metrics] if data else []
        return [
            point for scope in scopes for one in scope.metrics if one.name == metric for point in one.data.data_points
        ]

    def faults(self) -> dict[str, int]:
        """Counted so far, by header."""
        return {point.attributes["header"]: point.value for point in self.points("reference.propagation.faults")}


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    yield made
    made.tracing.shutdown()


def record(headers: AnyHeaders, value: bytes | None = None) -> Record:
    return Record(Position("t", 0, 0), None, None, EVENT.to_json() if value is None else value, tuple(headers))


def test_foreign_baggage_is_not_published(seen: Seen) -> None:
    headers = [("traceparent", PARENT), ("baggage", FOREIGN)]
    with seen.tracing.processing(record(headers), "g"):
        assert baggage.get_all() == {"correlation.id": "req-1"}, "nor does any other client of the handling send it"
        handled = seen.tracing.start_send("t", EVENT.to_headers(), None)
        letter = seen.tracing.start_letter("t-dlt", headers, None)
    with seen.tracing.serving("POST", "/users", headers, "req-1"):
        saved = with_trace_context(EVENT.to_headers())
    outside = seen.tracing.start_send("t", [*EVENT.to_headers(), *headers], None)
    for sent in (handled.headers, letter.headers, saved, outside.headers):
        assert dict(sent)["baggage"] == b"correlation.id=req-1"


@pytest.mark.parametrize("raw", OVER_THE_LIMITS.values(), ids=OVER_THE_LIMITS.keys())
def test_baggage_over_the_limits_begins_a_new_trace(seen: Seen, caplog: pytest.LogCaptureFixture, raw: bytes) -> None:
    headers = [("traceparent", PARENT), ("baggage", raw)]
    with caplog.at_level(logging.DEBUG), seen.tracing.processing(record(headers), "g"):
        sent = seen.tracing.start_send("out", EVENT.to_headers(), None)
    handled = seen.span("process t")
    assert (handled.parent, list(handled.links)) == (None, [])
    assert dict(sent.headers)["baggage"] == b"correlation.id=req-1"
    assert "secret" not in caplog.text
    assert seen.faults() == {"baggage": 1}


def test_an_events_own_id_alone_is_its_conversation(seen: Seen) -> None:
    with seen.tracing.processing(record([("baggage", b"correlation.id=ghost")], b"{}"), "g"):
        seen.tracing.start_send("a", [], None).delivered(None, 0, 1)
    with seen.tracing.processing(record([]), "h"):
        anonymous = seen.tracing.start_send("b", [("ce_id", b"e2")], None)
        anonymous.delivered(None, 0, 2)
        seen.tracing.start_send("c", EVENT.to_headers(), None).delivered(None, 0, 3)
    assert CONVERSATION not in seen.said("send a")
    assert CONVERSATION not in seen.said("send b")
    assert "baggage" not in dict(anonymous.headers)
    assert seen.said("send c")[CONVERSATION] == "req-1"
    handled = [span for span in seen.spans() if span.name == "process t"]
    assert [(span.attributes or {}).get(CONVERSATION) for span in handled] == [None, "req-1"]


def test_what_a_handling_forwards_is_its_child(seen: Seen) -> None:
    """With the headers as they came: they name who sent the record, and not who forwards it."""
    handled = record([("traceparent", PARENT)])
    with seen.tracing.processing(handled, "g"), seen.tracing.start_send("out", handled.headers, None) as send:
        send.delivered(None, 0, 1)
    sent = seen.span("send out")
    assert (sent.parent and sent.parent.span_id) == seen.span("process t").context.span_id


def test_a_send_from_an_outbox_whose_headers_are_malformed_is_counted(seen: Seen) -> None:
    seen.tracing.start_send("out", [("traceparent", b"00-zz-zz-01")], None).delivered(None, 0, 1)
    assert seen.span("send out").parent is None
    assert seen.faults() == {"traceparent": 1}


def test_a_send_ends_where_the_client_takes_no_message(seen: Seen) -> None:
    producer = Producer({"bootstrap.servers": "127.0.0.1:1", "queue.buffering.max.messages": 1, "log_level": 0})
    with suppress(BufferError):
        while True:
            with seen.tracing.start_send("out", [], None) as send:
                producer.produce("out", b"", headers=list(send.headers))
    producer.purge()
    assert seen.said("send out")["error.type"] == "BufferError"
    (point,) = seen.points("messaging.client.sent.messages")
    assert point.attributes["error.type"] == "BufferError"


def test_lists_of_a_request_may_stand_in_several_lines(seen: Seen) -> None:
    lines = [("traceparent", PARENT), ("tracestate", b"a=1"), ("tracestate", b"b=2")]
    with seen.tracing.serving("GET", "/", lines, "req-1"):
        pass
    assert seen.span("GET").context.trace_state.to_header() == "a=1,b=2"
    assert seen.faults() == {}


def test_a_tracestate_that_nobody_can_read_costs_itself_alone(seen: Seen) -> None:
    """W3C trace context, 3.3."""
    with seen.tracing.processing(record([("traceparent", PARENT), ("tracestate", b"no list")]), "g"):
        pass
    handled = seen.span("process t")
    assert (handled.parent is not None, dict(handled.context.trace_state)) == (True, {})
    assert seen.faults() == {"tracestate": 1}


def test_what_no_header_can_hold_is_left_out_of_baggage_and_escaped_on_spans(seen: Seen) -> None:
    body = b'{"eventId":"e\\ud800","metadata":{"correlationId":"req-\\ud800x","causationId":"c\\udfff"}}'
    with seen.tracing.processing(record([], body), "g"):
        with seen.tracing.start_send("out", [], "k\ud800") as send:
            send.delivered(None, 0, 1)
        letter = seen.tracing.start_letter("t-dlt", [], None)
    assert "baggage" not in dict(letter.headers)
    said = seen.said("process t")
    assert (said[CONVERSATION], said["messaging.message.id"]) == ("req-\\ud800x", "e\\ud800")
    assert said["eventops.causation.id"] == "c\\udfff"
    assert seen.said("send out")["messaging.kafka.message.key"] == "k\\ud800"


def test_a_requests_faulty_headers_are_counted(seen: Seen) -> None:
    junk = {"traceparent": "00-zz-zz-01", "baggage": OVER_THE_LIMITS["300 entries"].decode()}
    with served(web_app("user-service", seen.tracing)) as url:
        assert httpx.get(f"{url}/health", headers=junk).status_code == 200
    assert seen.faults() == {"traceparent": 1, "baggage": 1}
    assert seen.span("GET /health").parent is None


def test_a_requests_baggage_may_stand_in_several_lines(seen: Seen) -> None:
    lines = [("traceparent", PARENT), ("baggage", b"a=1"), ("baggage", b"b=2")]
    with seen.tracing.serving("GET", "/", lines, "req-1"):
        pass
    assert (seen.span("GET").parent is not None, seen.faults()) == (True, {})


def test_a_method_that_nobody_knows_is_one_of_a_few_words(seen: Seen) -> None:
    with served(web_app("user-service", seen.tracing)) as url:
        assert httpx.request("FROBNICATE", f"{url}/health").status_code == 405
    assert seen.said("HTTP /health")["http.request.method"] == "_OTHER"
    assert seen.said("HTTP /health")["http.request.method_original"] == "FROBNICATE"


def test_what_leaves_a_handling_is_its_error(seen: Seen) -> None:
    with pytest.raises(ZeroDivisionError), seen.tracing.processing(record([]), "g"):
        raise ZeroDivisionError("no")
    assert seen.said("process t")["error.type"] == "ZeroDivisionError"
    assert seen.span("process t").status.status_code is StatusCode.ERROR
    (point,) = seen.points("messaging.process.duration")
    assert point.attributes["error.type"] == "ZeroDivisionError"


def test_what_was_given_up_on_keeps_its_first_error(seen: Seen) -> None:
    with suppress(KeyError), seen.tracing.processing(record([]), "g") as handling:
        handling.failed(ValueError("no"))
        raise KeyError("the letter")
    assert seen.said("process t")["error.type"] == "ValueError"
