"""OpenTelemetry around what the services do: HTTP requests, sends and handlings, in the conventions' names (1.44).

Spans always exist, so that trace ids travel in the headers; they are exported (OTLP, http/protobuf) only where an
endpoint is configured. Baggage carries the correlation id, which so stands on every span of a chain. The ids in the
event stay the authority: baggage and trace context are only an index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import baggage, context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.textmap import Getter, Setter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from eventops.events import (
    BAGGAGE,
    CE_CORRELATION_ID,
    CE_ID,
    TRACEPARENT,
    TRACESTATE,
    Record,
    bytes_as_text,
    read_event,
)
from reference_services import __version__

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
CORRELATION = "correlation.id"
CONVERSATION_ID = "messaging.message.conversation_id"
CAUSATION_ID = "eventops.causation.id"
_TRACE_HEADERS = (TRACEPARENT, TRACESTATE, BAGGAGE)

HeaderList = list[tuple[str, bytes]]
AnyHeaders = Sequence[tuple[str, bytes | None]]
Attributes = dict[str, str | int | bool]


class _CorrelationOnEverySpan(SpanProcessor):
    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        correlation = baggage.get_baggage(CORRELATION, parent_context)
        if isinstance(correlation, str) and CONVERSATION_ID not in (span.attributes or {}):
            span.set_attribute(CONVERSATION_ID, correlation)


class _HeaderGetter(Getter[AnyHeaders]):
    """Kafka headers: bytes of anyone, and the last of a name is the latest hop's."""

    def get(self, carrier: AnyHeaders, key: str) -> list[str] | None:
        values = [value for name, value in carrier if name.lower() == key and value]
        return [bytes_as_text(values[-1])] if values else None

    def keys(self, carrier: AnyHeaders) -> list[str]:
        return [name for name, _ in carrier]


class _HeaderSetter(Setter[HeaderList]):
    def set(self, carrier: HeaderList, key: str, value: str) -> None:
        carrier.append((key, value.encode()))


_GETTER = _HeaderGetter()
_SETTER = _HeaderSetter()


def with_trace_context(headers: HeaderList) -> HeaderList:
    """A new list: the headers without whatever trace context they had, and the current one.

    The baggage names the correlation id that the headers name: the event has the last word.
    """
    fresh = [(name, value) for name, value in headers if name not in _TRACE_HEADERS]
    correlation = _GETTER.get(headers, CE_CORRELATION_ID)
    carried = baggage.set_baggage(CORRELATION, correlation[0]) if correlation else None
    propagate.inject(fresh, carried, setter=_SETTER)
    return fresh


def mark_failed(span: trace.Span, error: BaseException | str) -> None:
    """An error on a span: its class (or Kafka's name for it) as ``error.type``, its words in the status."""
    kind = error if isinstance(error, str) else type(error).__qualname__
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, str(error)))


class Send:
    """One message on its way: the headers to send it with; ``delivered`` ends the span, in whatever thread."""

    def __init__(self, span: trace.Span, headers: HeaderList) -> None:
        self.headers = headers
        self._span = span

    def delivered(self, error: str | None, partition: int | None, offset: int | None) -> None:
        """The broker's answer; ``error`` is Kafka's name of it, None when the message was taken."""
        if error is not None:
            mark_failed(self._span, error)
        elif partition is not None and offset is not None:
            self._span.set_attribute("messaging.destination.partition.id", str(partition))
            self._span.set_attribute("messaging.kafka.offset", offset)
        self._span.end()


class Tracing:
    """The spans of one service."""

    def __init__(self, service: str, environ: Mapping[str, str]) -> None:
        name = environ.get("OTEL_SERVICE_NAME", service)
        identity = {"service.name": name, "service.namespace": "reference", "service.version": __version__}
        self._provider = TracerProvider(resource=Resource.create(identity), shutdown_on_exit=False)
        self._provider.add_span_processor(_CorrelationOnEverySpan())
        if environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
            timeout = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in environ else 2.0
            self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
        self._tracer = self._provider.get_tracer("reference_services", schema_url=SCHEMA_URL)
        self._linked_only = environ.get("EVENTOPS_TRACE_MODE") == "link"
        self._client_id = service

    @contextmanager
    def serving(self, method: str, headers: AnyHeaders, correlation_id: str) -> Iterator[trace.Span]:
        """An HTTP request; the server renames the span when it knows the route."""
        parent = baggage.set_baggage(CORRELATION, correlation_id, propagate.extract(headers, getter=_GETTER))
        token = context.attach(parent)
        try:
            with self._tracer.start_as_current_span(method, kind=SpanKind.SERVER) as span:
                span.set_attribute("http.request.method", method)
                yield span
        finally:
            context.detach(token)

    @contextmanager
    def processing(self, record: Record, group: str) -> Iterator[trace.Span]:
        """The handling of one record: child of its creation, and linked to it."""
        origin = propagate.extract(record.headers, getter=_GETTER)
        sent = trace.get_current_span(origin).get_span_context()
        links = [Link(sent)] if sent.is_valid else []
        ids = read_event(record).ids
        parent = context.Context() if self._linked_only else origin
        if ids.correlation_id is not None:
            parent = baggage.set_baggage(CORRELATION, ids.correlation_id, parent)
        token = context.attach(parent)
        try:
            with self._tracer.start_as_current_span(
                f"process {record.position.topic}",
                kind=SpanKind.CONSUMER,
                links=links,
                attributes=self._of_record(record, group),
            ) as span:
                yield span
        finally:
            context.detach(token)

    def start_send(self, topic: str, headers: AnyHeaders, key: str | None) -> Send:
        """A message about to be produced, in the trace that its headers name (else the current one)."""
        named = any(name == TRACEPARENT for name, _ in headers)
        parent = propagate.extract(headers, getter=_GETTER) if named else None
        attributes = self._messaging("send", topic) | ({"messaging.kafka.message.key": key} if key is not None else {})
        for attribute, header in (("messaging.message.id", CE_ID), (CONVERSATION_ID, CE_CORRELATION_ID)):
            if text := _GETTER.get(headers, header):
                attributes[attribute] = text[0]
        span = self._tracer.start_span(f"send {topic}", parent, SpanKind.PRODUCER, attributes)
        token = context.attach(trace.set_span_in_context(span, parent))
        try:
            return Send(span, with_trace_context([(name, value) for name, value in headers if value is not None]))
        finally:
            context.detach(token)

    def shutdown(self) -> None:
        """Export what is left; about a second where nobody answers."""
        self._provider.force_flush(3000)
        self._provider.shutdown()

    def _of_record(self, record: Record, group: str) -> Attributes:
        at, ids = record.position, read_event(record).ids
        optional = {
            "messaging.message.id": ids.event_id,
            CONVERSATION_ID: ids.correlation_id,
            CAUSATION_ID: ids.causation_id,
            "messaging.kafka.message.key": bytes_as_text(record.key) if record.key is not None else None,
        }
        return (
            self._messaging("process", at.topic)
            | {
                "messaging.consumer.group.name": group,
                "messaging.destination.partition.id": str(at.partition),
                "messaging.kafka.offset": at.offset,
            }
            | ({"messaging.kafka.message.tombstone": True} if record.value is None else {})
            | {name: value for name, value in optional.items() if value is not None}
        )

    def _messaging(self, operation: str, topic: str) -> Attributes:
        return {
            "messaging.system": "kafka",
            "messaging.operation.name": operation,
            "messaging.operation.type": operation,
            "messaging.destination.name": topic,
            "messaging.client.id": self._client_id,
        }
