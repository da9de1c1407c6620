"""OpenTelemetry around what a service does: requests, sends, handlings, commits, queries and mails, by the messaging
conventions. Take it as it is; all of it in use::

    tracing = Tracing("order-service", os.environ, "kafka:9092")

    with tracing.start_send("orders", event.to_headers(), key) as send:       # produce
        producer.produce("orders", value, key, headers=send.headers, on_delivery=lambda error, message:
                         send.delivered(error and error.name(), message.partition(), message.offset()))

    with tracing.processing(record, "billing"):                               # consume: what is sent in here is a child
        handle(record)
        with tracing.committing(record, "billing"):
            consumer.commit(message, asynchronous=False)

    producer.flush()                                                          # ends the last sends' spans
    tracing.shutdown()

Spans always exist, so that trace ids travel in the headers; they are exported only where an endpoint is configured
(:mod:`.export`). Baggage carries the correlation id, which so stands on every span of a chain, the database's too. The
ids in the event stay the authority: baggage and trace context are only an index.

A handling has the span that created its message as parent *and* link: one trace shows the whole flow, and a tool that
follows links finds it too. ``EVENTOPS_TRACE_MODE=link`` keeps the link only, for chains that go on for days;
``EVENTOPS_TRACE_POLL=on`` adds a span a poll that brought something.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError
from opentelemetry import context, trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from eventops.events import Ids, Record, read_event
from reference_services.kit import conventions as names
from reference_services.kit.attributes import (
    Attributes,
    of_client,
    of_headers,
    of_place,
    of_record,
    of_request,
    span_name,
)
from reference_services.kit.export import Export
from reference_services.kit.metrics import Metrics
from reference_services.kit.propagation import (
    AnyHeaders,
    CorrelationOnEverySpan,
    HeaderList,
    Received,
    combined,
    conversing,
    correlation_of,
    received,
    with_trace_context,
    within,
)


class Send:
    """One message on its way: the headers to send it with; ``delivered`` ends the span, in whatever thread. As a block
    around ``produce``: what that raises (a full queue, say) ends it too."""

    def __init__(self, span: trace.Span, topic: str, headers: HeaderList, metrics: Metrics) -> None:
        self.headers = headers
        self._span = span
        self._topic = topic
        self._metrics = metrics
        self._began = time.perf_counter()

    def __enter__(self) -> Send:
        return self

    def __exit__(self, _kind: object, failure: BaseException | None, _traceback: object) -> None:
        if failure is not None:
            self.delivered(type_of(failure), None, None)

    def delivered(self, error: str | None, partition: int | None, offset: int | None) -> None:
        """The broker's answer; ``error`` is Kafka's name of it, None when the message was taken."""
        if error is not None:
            mark_failed(self._span, error)
        elif partition is not None and offset is not None:
            self._span.set_attributes({names.PARTITION_ID: str(partition), names.KAFKA_OFFSET: offset})
        self._span.end()
        self._metrics.sent(self._topic, time.perf_counter() - self._began, error)


class Handling:
    """One event being handled, under ``correlation_id``; None where the event names none."""

    def __init__(self, span: trace.Span, topic: str, group: str, correlation_id: str | None, metrics: Metrics) -> None:
        self.correlation_id = correlation_id
        self.error: str | None = None
        self._span = span
        self._topic = topic
        self._group = group
        self._metrics = metrics

    def retried(self, error: BaseException, seconds: float) -> None:
        """An attempt failed and another follows in ``seconds`` at most."""
        kind = type_of(error)
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
        self.export.traces.add_span_processor(CorrelationOnEverySpan())
        self.metrics = Metrics(self.export.metrics)
        self._tracer = self.export.traces.get_tracer("reference_services", schema_url=names.SCHEMA_URL)
        self._is_linked_only = environ.get("EVENTOPS_TRACE_MODE") == "link"
        self._shows_polls = environ.get("EVENTOPS_TRACE_POLL") == "on"
        self._client = of_client(service, server)

    def connected_to(self, cluster_id: str) -> None:
        """The broker has answered; spans name its cluster from now on."""
        self._client = {**self._client, names.CLUSTER_ID: cluster_id}

    def start_send(self, topic: str, headers: AnyHeaders, key: str | None) -> Send:
        """A message about to be produced, child of the current span; where there is none, in the trace that its headers
        name: an event from the outbox belongs to the request that saved it. The correlation id is the one that its
        headers name, or none."""
        is_within = trace.get_current_span().get_span_context().is_valid
        parent = context.get_current() if is_within else self._received(headers).context
        return self._start_send(topic, headers, key, conversing(parent, correlation_of(headers)))

    def start_letter(self, topic: str, headers: AnyHeaders, key: str | None) -> Send:
        """A dead letter about to be posted: child of the handling that failed, linked to what created the event."""
        return self._start_send(topic, headers, key, context.get_current(), _links(received(headers)))

    def polled(self, record: Record, group: str, began: int) -> None:
        """A poll that brought a record, ``began`` in nanoseconds since 1970; it is linked to the record's creation.

        Counted always; a span only under ``EVENTOPS_TRACE_POLL=on``, in a trace of its own: mostly it tells of waiting.
        """
        topic, ended = record.position.topic, time.time_ns()
        self.metrics.received(topic, group, max(0, ended - began) / 1e9)
        if self._shows_polls:
            attributes = self._of_record("poll", "receive", record, read_event(record).ids, group)
            links, alone = _links(received(record.headers)), context.Context()
            span = self._tracer.start_span(f"poll {topic}", alone, SpanKind.CLIENT, attributes, links, began)
            span.end(ended)

    @contextmanager
    def processing(self, record: Record, group: str) -> Iterator[Handling]:
        """The handling of one record, up to its commit: child of its creation, and linked to it. An exception that
        leaves the block has failed it."""
        origin, ids, topic = self._received(record.headers), read_event(record).ids, record.position.topic
        attributes = self._of_record("process", "process", record, ids, group)
        parent = context.Context() if self._is_linked_only else origin.context
        with (
            within(parent, ids.correlation_id),
            self._spanning(f"process {topic}", SpanKind.CONSUMER, attributes, _links(origin)) as span,
        ):
            handling = Handling(span, topic, group, ids.correlation_id, self.metrics)
            began = time.perf_counter()
            try:
                yield handling
            except BaseException as failure:
                if handling.error is None:
                    handling.failed(failure)
                raise
            finally:
                self.metrics.processed(topic, group, time.perf_counter() - began, handling.error)

    @contextmanager
    def committing(self, record: Record, group: str) -> Iterator[None]:
        """The commit of what was handled."""
        topic, began = record.position.topic, time.perf_counter()
        attributes = self._messaging("commit", "settle", topic, of_place(record, group))
        error: str | None = None
        try:
            with self._doing(f"commit {topic}", SpanKind.CLIENT, attributes):
                yield
        except BaseException as failure:
            error = type_of(failure)
            raise
        finally:
            self.metrics.settled(topic, group, time.perf_counter() - began, error)

    @contextmanager
    def serving(self, method: str, path: str, headers: AnyHeaders, correlation_id: str) -> Iterator[trace.Span]:
        """An HTTP request; the server renames the span when it knows the route."""
        parent, name = self._received(combined(headers)).context, span_name(method)
        with within(parent, correlation_id), self._doing(name, SpanKind.SERVER, of_request(method, path)) as span:
            yield span

    @contextmanager
    def mailing(self, host: str, port: int) -> Iterator[None]:
        """A mail handed to a server."""
        attributes: Attributes = {names.SERVER_ADDRESS: host, names.SERVER_PORT: port, "network.protocol.name": "smtp"}
        with self._doing("smtp send", SpanKind.CLIENT, attributes):
            yield

    def start_query(self, system: str, statement: str) -> trace.Span | None:
        """A statement about to be given to the database; None outside of a request or a handling: what a service asks
        for itself, ten times a second, tells nobody anything. The caller ends the span."""
        if not trace.get_current_span().is_recording():
            return None
        operation = statement.split(None, 1)[0].upper() if statement.strip() else "QUERY"
        attributes = {"db.system.name": system, "db.operation.name": operation, "db.query.text": statement}
        return self._tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)

    def shutdown(self) -> None:
        """Export what is left; within seconds where nobody answers. Flush the producer first: its reports end spans."""
        self.export.shutdown()

    @contextmanager
    def _doing(self, name: str, kind: SpanKind, attributes: Attributes) -> Iterator[trace.Span]:
        with self._spanning(name, kind, attributes) as span:
            try:
                yield span
            except BaseException as failure:
                mark_failed(span, failure)
                raise

    @contextmanager
    def _spanning(
        self, name: str, kind: SpanKind, attributes: Attributes, links: Sequence[Link] = ()
    ) -> Iterator[trace.Span]:
        """A span for a block. What is raised in it isn't recorded whole: its words may hold an address or a value."""
        with self._tracer.start_as_current_span(
            name, None, kind, attributes, links, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span

    def _start_send(
        self,
        topic: str,
        headers: AnyHeaders,
        key: str | None,
        parent: context.Context,
        links: Sequence[Link] = (),
    ) -> Send:
        attributes = self._messaging("send", "send", topic, of_headers(headers, key))
        span = self._tracer.start_span(f"send {topic}", parent, SpanKind.PRODUCER, attributes, links)
        token = context.attach(trace.set_span_in_context(span, parent))
        try:
            return Send(span, topic, with_trace_context(headers), self.metrics)
        finally:
            context.detach(token)

    def _received(self, headers: AnyHeaders) -> Received:
        found = received(headers)
        for header in found.faults:
            self.metrics.fault(header)
        return found

    def _of_record(self, operation: str, kind: str, record: Record, ids: Ids, group: str) -> Attributes:
        return self._messaging(operation, kind, record.position.topic, of_record(record, ids, group))

    def _messaging(self, operation: str, kind: str, topic: str, message: Attributes) -> Attributes:
        named = {names.OPERATION_NAME: operation, names.OPERATION_TYPE: kind, names.DESTINATION: topic}
        return {**self._client, **named, **message}


def mark_failed(span: trace.Span, error: BaseException | str) -> str:
    """An error on a span: its type, and nothing of its words, which may name people; those are the log's. The type."""
    kind = error if isinstance(error, str) else type_of(error)
    span.set_attribute(names.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR))
    return kind


def type_of(error: BaseException) -> str:
    """One of few: Kafka's own name of an error, else the exception's class.

    >>> from confluent_kafka import KafkaException
    >>> type_of(KafkaException(KafkaError(KafkaError.REBALANCE_IN_PROGRESS))), type_of(ValueError("no"))
    ('REBALANCE_IN_PROGRESS', 'ValueError')
    """
    kafka = error.args[0] if error.args else None
    return kafka.name() if isinstance(kafka, KafkaError) else type(error).__qualname__


def _links(origin: Received) -> list[Link]:
    creator = origin.sent_by
    return [Link(creator)] if creator else []
