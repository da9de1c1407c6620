"""OpenTelemetry around what the services do: requests, sends, handlings, commits and mails, in the conventions' names.

Spans always exist, so that trace ids travel in the headers; they are exported only where an endpoint is configured
(:mod:`.export`). Baggage carries the correlation id, which so stands on every span of a chain, the database's too. The
ids in the event stay the authority: baggage and trace context are only an index.

A handling has the span that created its message as parent *and* link: one trace shows the whole flow, and a tool that
follows links finds it too. ``EVENTOPS_TRACE_MODE=link`` keeps the link only, for chains that go on for days;
``EVENTOPS_TRACE_POLL=on`` adds a span a poll that brought something.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import Span, SpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from eventops.events import (
    CE_CAUSATION_ID,
    CE_CORRELATION_ID,
    CE_ID,
    REPLAY_ID,
    TRACEPARENT,
    Record,
    bytes_as_text,
    read_event,
)
from reference_services.kit import conventions as names
from reference_services.kit.export import Export
from reference_services.kit.metrics import Metrics
from reference_services.kit.propagation import (
    CORRELATION,
    AnyHeaders,
    HeaderList,
    context_of,
    faults,
    text_of,
    with_trace_context,
)

Attributes = dict[str, str | int | bool]


class _CorrelationOnEverySpan(SpanProcessor):
    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        correlation = baggage.get_baggage(CORRELATION, parent_context)
        if isinstance(correlation, str) and names.CONVERSATION_ID not in (span.attributes or {}):
            span.set_attribute(names.CONVERSATION_ID, correlation)


def mark_failed(span: trace.Span, error: BaseException | str) -> str:
    """An error on a span: its class (or Kafka's name for it) as ``error.type``, its words in the status. The type."""
    kind = error if isinstance(error, str) else type(error).__qualname__
    span.set_attribute(names.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, str(error)))
    return kind


class Send:
    """One message on its way: the headers to send it with; ``delivered`` ends the span, in whatever thread."""

    def __init__(self, span: trace.Span, topic: str, headers: HeaderList, metrics: Metrics) -> None:
        self.headers = headers
        self._span = span
        self._topic = topic
        self._metrics = metrics
        self._began = time.perf_counter()

    def delivered(self, error: str | None, partition: int | None, offset: int | None) -> None:
        """The broker's answer; ``error`` is Kafka's name of it, None when the message was taken."""
        if error is not None:
            mark_failed(self._span, error)
        elif partition is not None and offset is not None:
            self._span.set_attribute(names.PARTITION_ID, str(partition))
            self._span.set_attribute(names.KAFKA_OFFSET, offset)
        self._span.end()
        self._metrics.sent(self._topic, time.perf_counter() - self._began, error)


class Handling:
    """One event being handled."""

    def __init__(self, span: trace.Span, topic: str, group: str, metrics: Metrics) -> None:
        self._span = span
        self._topic = topic
        self._group = group
        self._metrics = metrics
        self.error: str | None = None

    def retried(self, error: BaseException, seconds: float) -> None:
        """An attempt failed and another follows in ``seconds`` at most."""
        kind = type(error).__qualname__
        self._span.add_event("retry", {names.ERROR_TYPE: kind, "wait.seconds": seconds})
        self._metrics.retried(self._topic, self._group, kind)

    def failed(self, error: BaseException | str) -> None:
        """No further attempt follows."""
        self.error = mark_failed(self._span, error)

    def buried(self) -> None:
        """The broker has the dead letter."""
        self._metrics.buried(self._topic, self._group, self.error or "unknown")


class Tracing:
    """The spans and figures of one service; ``server`` is where its broker is first asked, ``host:port``."""

    def __init__(
        self, service: str, environ: Mapping[str, str], server: str = "", export: Export | None = None
    ) -> None:
        self.export = export or Export(service, environ)
        self.metrics = Metrics(self.export.metrics)
        self.export.traces.add_span_processor(_CorrelationOnEverySpan())
        self.cluster_id: str | None = None
        """Known once the broker has answered."""
        self._tracer = self.export.traces.get_tracer("reference_services", schema_url=names.SCHEMA_URL)
        self._linked_only = environ.get("EVENTOPS_TRACE_MODE") == "link"
        self._shows_polls = environ.get("EVENTOPS_TRACE_POLL") == "on"
        self._client_id = service
        self._server = server

    @contextmanager
    def serving(self, method: str, headers: AnyHeaders, correlation_id: str) -> Iterator[trace.Span]:
        """An HTTP request; the server renames the span when it knows the route."""
        parent = baggage.set_baggage(CORRELATION, correlation_id, context_of(headers))
        with self._within(parent), self._tracer.start_as_current_span(method, kind=SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", method)
            yield span

    def polled(self, record: Record, group: str, began: int) -> None:
        """A poll that brought a record, ``began`` in nanoseconds since 1970; it is linked to the record's creation.

        Counted always; a span only under ``EVENTOPS_TRACE_POLL=on``, in a trace of its own: mostly it tells of waiting.
        """
        topic, ended = record.position.topic, time.time_ns()
        self.metrics.received(topic, group, max(0, ended - began) / 1e9)
        if self._shows_polls:
            attributes = self._of_record("poll", "receive", record, group)
            origin = _links(context_of(record.headers))
            alone = context.Context()
            span = self._tracer.start_span(f"poll {topic}", alone, SpanKind.CLIENT, attributes, origin, began)
            span.end(ended)

    @contextmanager
    def processing(self, record: Record, group: str) -> Iterator[Handling]:
        """The handling of one record, up to its commit: child of its creation, and linked to it."""
        origin, topic, ids = context_of(record.headers), record.position.topic, read_event(record).ids
        for header in faults(record.headers):
            self.metrics.fault(header)
        parent = context.Context() if self._linked_only else origin
        if ids.correlation_id is not None:
            parent = baggage.set_baggage(CORRELATION, ids.correlation_id, parent)
        began = time.perf_counter()
        with (
            self._within(parent),
            self._tracer.start_as_current_span(
                f"process {topic}",
                kind=SpanKind.CONSUMER,
                links=_links(origin),
                attributes=self._of_record("process", "process", record, group),
            ) as span,
        ):
            handling = Handling(span, topic, group, self.metrics)
            try:
                yield handling
            finally:
                self.metrics.processed(topic, group, time.perf_counter() - began, handling.error)

    @contextmanager
    def committing(self, record: Record, group: str) -> Iterator[trace.Span]:
        """The commit of what was handled."""
        topic, began = record.position.topic, time.perf_counter()
        attributes = self._messaging("commit", "settle", topic) | _place(record) | {names.GROUP: group}
        error: str | None = None
        with self._tracer.start_as_current_span(f"commit {topic}", kind=SpanKind.CLIENT, attributes=attributes) as span:
            try:
                yield span
            except BaseException as failure:
                error = type(failure).__qualname__
                raise
            finally:
                self.metrics.settled(topic, group, time.perf_counter() - began, error)

    @contextmanager
    def mailing(self, host: str, port: int) -> Iterator[trace.Span]:
        """A mail handed to a server."""
        attributes: Attributes = {names.SERVER_ADDRESS: host, names.SERVER_PORT: port, "network.protocol.name": "smtp"}
        with self._tracer.start_as_current_span("smtp send", kind=SpanKind.CLIENT, attributes=attributes) as span:
            try:
                yield span
            except BaseException as failure:
                mark_failed(span, failure)
                raise

    def start_send(self, topic: str, headers: AnyHeaders, key: str | None) -> Send:
        """A message about to be produced, in the trace that its headers name (else the current one): an event from the
        outbox belongs to the request that saved it."""
        named = any(name == TRACEPARENT for name, _ in headers)
        return self._start_send(topic, headers, key, context_of(headers) if named else None, [])

    def start_letter(self, topic: str, headers: AnyHeaders, key: str | None) -> Send:
        """A dead letter about to be posted: child of the handling that failed, linked to what created the event."""
        return self._start_send(topic, headers, key, None, _links(context_of(headers)))

    def start_query(self, system: str, statement: str) -> trace.Span | None:
        """A statement about to be given to the database; None outside of a request or a handling: what a service asks
        for itself, ten times a second, tells nobody anything. The caller ends the span."""
        if not trace.get_current_span().is_recording():
            return None
        operation = statement.split(None, 1)[0].upper() if statement.strip() else "QUERY"
        attributes = {"db.system.name": system, "db.operation.name": operation, "db.query.text": statement}
        return self._tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)

    def shutdown(self) -> None:
        """Export what is left; within seconds where nobody answers."""
        self.export.shutdown()

    def _start_send(
        self, topic: str, headers: AnyHeaders, key: str | None, parent: context.Context | None, links: list[Link]
    ) -> Send:
        named = {
            names.MESSAGE_ID: text_of(headers, CE_ID),
            names.CONVERSATION_ID: text_of(headers, CE_CORRELATION_ID),
            names.CAUSATION_ID: text_of(headers, CE_CAUSATION_ID),
            names.KAFKA_KEY: key,
        }
        attributes = self._messaging("send", "send", topic) | {
            n: value for n, value in named.items() if value is not None
        }
        span = self._tracer.start_span(f"send {topic}", parent, SpanKind.PRODUCER, attributes, links)
        with self._within(trace.set_span_in_context(span, parent)):
            return Send(span, topic, with_trace_context(headers), self.metrics)

    @staticmethod
    @contextmanager
    def _within(inner: context.Context) -> Iterator[None]:
        token = context.attach(inner)
        try:
            yield
        finally:
            context.detach(token)

    def _of_record(self, operation: str, kind: str, record: Record, group: str) -> Attributes:
        ids = read_event(record).ids
        replay = record.header(REPLAY_ID)
        optional = {
            names.MESSAGE_ID: ids.event_id,
            names.CONVERSATION_ID: ids.correlation_id,
            names.CAUSATION_ID: ids.causation_id,
            names.KAFKA_KEY: bytes_as_text(record.key) if record.key is not None else None,
            names.REPLAY_ID: bytes_as_text(replay) if replay else None,
        }
        return (
            self._messaging(operation, kind, record.position.topic)
            | _place(record)
            | {names.GROUP: group}
            | ({names.KAFKA_TOMBSTONE: True} if record.value is None else {})
            | {name: value for name, value in optional.items() if value is not None}
        )

    def _messaging(self, operation: str, kind: str, topic: str) -> Attributes:
        attributes: Attributes = {
            names.SYSTEM: "kafka",
            names.OPERATION_NAME: operation,
            names.OPERATION_TYPE: kind,
            names.DESTINATION: topic,
            names.CLIENT_ID: self._client_id,
        }
        if self.cluster_id:
            attributes[names.CLUSTER_ID] = self.cluster_id
        host, _, port = self._server.rpartition(":")
        if port.isdecimal():
            attributes |= {names.SERVER_ADDRESS: host.strip("[]"), names.SERVER_PORT: int(port)}
        return attributes


def _links(origin: context.Context) -> list[Link]:
    sent = trace.get_current_span(origin).get_span_context()
    return [Link(sent)] if sent.is_valid else []


def _place(record: Record) -> Attributes:
    at = record.position
    return {names.PARTITION_ID: str(at.partition), names.KAFKA_OFFSET: at.offset}
