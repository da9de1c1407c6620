"""Spans as trace stores write them (OTLP as JSON, Jaeger's older form), as :class:`eventops.ports.StoredSpan`.

Attribute names changed with the messaging conventions' versions; all that were current since 1.0 are read. What isn't
as it should be is left out, never an error.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from eventops.events import Position
from eventops.ports import SpanLink, StoredSpan

CONVERSATION: Final = "messaging.message.conversation_id"
MESSAGE: Final = "messaging.message.id"

_TOPIC: Final = ("messaging.destination.name", "messaging.destination")
_PARTITION: Final = (
    "messaging.destination.partition.id",
    "messaging.kafka.destination.partition",
    "messaging.kafka.partition",
)
_OFFSET: Final = ("messaging.kafka.offset", "messaging.kafka.message.offset")
_GROUP: Final = ("messaging.consumer.group.name", "messaging.kafka.consumer.group")
_OPERATION: Final = ("messaging.operation.type", "messaging.operation")
_MESSAGE: Final = (MESSAGE, "messaging.message_id")
_CONVERSATION: Final = (CONVERSATION, "messaging.conversation_id")
_OLD_OPERATIONS: Final = {"publish": "send", "create": "send", "deliver": "process"}
_KINDS: Final = {4: "send", 5: "process", "producer": "send", "consumer": "process"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Attributes = Mapping[str, Any]


def of_otlp(resource_spans: object) -> Iterator[StoredSpan]:
    """From ``resourceSpans`` (or ``batches``), the spans of any number of traces."""
    for resource in _objects(resource_spans):
        about = resource.get("resource")
        service = _text(_otlp_attributes(about if isinstance(about, dict) else {}), ("service.name",)) or "?"
        for scope in _objects(resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans")):
            for span in _objects(scope.get("spans")):
                if (found := _otlp_span(span, service)) is not None:
                    yield found


def of_jaeger(traces: object) -> Iterator[StoredSpan]:
    """From the ``data`` of Jaeger's older answers."""
    for trace in _objects(traces):
        processes = trace.get("processes")
        for span in _objects(trace.get("spans")):
            process = processes.get(span.get("processID")) if isinstance(processes, dict) else None
            service = process.get("serviceName") if isinstance(process, dict) else None
            if (found := _jaeger_span(span, service if isinstance(service, str) else "?")) is not None:
                yield found


def hex_id(raw: object, size: int) -> str | None:
    """An id as hexadecimal digits; some stores write its bytes in base64.

    >>> hex_id("b7ad6b7169203331", 8), hex_id("t61rcWkgMzE=", 8), hex_id(7, 8)
    ('b7ad6b7169203331', 'b7ad6b7169203331', None)
    """
    if not isinstance(raw, str) or not raw:
        return None
    try:
        if len(raw) <= 2 * size:
            padded = raw.rjust(2 * size, "0").lower()
            bytes.fromhex(padded)
            return padded
    except ValueError:
        pass
    try:
        decoded = base64.b64decode(raw, validate=True)
    except ValueError:
        return None
    return decoded.rjust(size, b"\0").hex() if len(decoded) <= size else None


def _otlp_span(span: Attributes, service: str) -> StoredSpan | None:
    start, end = _number(span.get("startTimeUnixNano")), _number(span.get("endTimeUnixNano"))
    trace_id, span_id = hex_id(span.get("traceId"), 16), hex_id(span.get("spanId"), 8)
    if start is None or trace_id is None or span_id is None:
        return None
    attributes = _otlp_attributes(span)
    status = span.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    failed = code in (2, "STATUS_CODE_ERROR") or "error.type" in attributes
    words = status.get("message") if isinstance(status, dict) else None
    kind = span.get("kind")
    return _stored(
        attributes,
        trace_id=trace_id,
        span_id=span_id,
        parent_id=hex_id(span.get("parentSpanId"), 8),
        service=service,
        name=span.get("name"),
        start=start / 1000,
        seconds=max(0, (end or start) - start) / 1e9,
        error=_error(attributes, words) if failed else None,
        kind=kind.removeprefix("SPAN_KIND_").lower() if isinstance(kind, str) else kind,
        links=tuple(_links(span.get("links"), "traceId", "spanId")),
    )


def _jaeger_span(span: Attributes, service: str) -> StoredSpan | None:
    start, duration = _number(span.get("startTime")), _number(span.get("duration"))
    trace_id, span_id = hex_id(span.get("traceID"), 16), hex_id(span.get("spanID"), 8)
    if start is None or trace_id is None or span_id is None:
        return None
    tags = {tag["key"]: tag.get("value") for tag in _objects(span.get("tags")) if isinstance(tag.get("key"), str)}
    references = sorted(_objects(span.get("references")), key=lambda one: one.get("refType") != "CHILD_OF")
    parent = next((one for one in references if hex_id(one.get("traceID"), 16) in (trace_id, None)), None)
    failed = tags.get("error") in (True, "true") or "error.type" in tags
    return _stored(
        tags,
        trace_id=trace_id,
        span_id=span_id,
        parent_id=hex_id(parent.get("spanID"), 8) if parent else None,
        service=service,
        name=span.get("operationName"),
        start=start,
        seconds=max(0, duration or 0) / 1e6,
        error=_error(tags, tags.get("otel.status_description")) if failed else None,
        kind=tags.get("span.kind"),
        links=tuple(_links([one for one in references if one is not parent], "traceID", "spanID")),
    )


def _stored(
    attributes: Attributes,
    *,
    trace_id: str,
    span_id: str,
    parent_id: str | None,
    service: str,
    name: object,
    start: float,
    seconds: float,
    error: str | None,
    kind: object,
    links: tuple[SpanLink, ...],
) -> StoredSpan | None:
    """``start`` in microseconds since 1970."""
    operation = _text(attributes, _OPERATION)
    fallback = _KINDS.get(kind) if isinstance(kind, int | str) and _text(attributes, _TOPIC) else None
    try:
        began = _EPOCH + timedelta(microseconds=start)
        _ = began + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return StoredSpan(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        service=service,
        name=name if isinstance(name, str) else "?",
        start=began,
        seconds=seconds,
        error=error,
        operation=_OLD_OPERATIONS.get(operation, operation) if operation else fallback,
        group=_text(attributes, _GROUP),
        message_id=_text(attributes, _MESSAGE),
        conversation_id=_text(attributes, _CONVERSATION),
        position=_position(attributes),
        links=links,
    )


def _links(raw: object, trace_key: str, span_key: str) -> Iterator[SpanLink]:
    for link in _objects(raw):
        trace_id, span_id = hex_id(link.get(trace_key), 16), hex_id(link.get(span_key), 8)
        if trace_id is not None and span_id is not None:
            yield SpanLink(trace_id, span_id)


def _error(attributes: Attributes, words: object) -> str:
    """The conventions' ``error.type`` before anybody's words."""
    kind = _text(attributes, ("error.type", "exception.type"))
    return kind or (words if isinstance(words, str) and words else "error")


def _position(attributes: Attributes) -> Position | None:
    topic = _text(attributes, _TOPIC)
    partition, offset = (_number(_text(attributes, names)) for names in (_PARTITION, _OFFSET))
    if topic is None or partition is None or offset is None or partition < 0 or offset < 0:
        return None
    return Position(topic, partition, offset)


def _text(attributes: Attributes, names: tuple[str, ...]) -> str | None:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def _number(raw: object) -> int | None:
    if isinstance(raw, str):
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 20 else None
    return raw if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 1 << 63 else None


def _otlp_attributes(holder: Attributes) -> dict[str, Any]:
    found = {}
    for attribute in _objects(holder.get("attributes")):
        key, value = attribute.get("key"), attribute.get("value")
        if isinstance(key, str) and isinstance(value, dict) and value:
            found[key] = next(iter(value.values()))
    return found


def _objects(raw: object) -> list[dict[str, Any]]:
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []
