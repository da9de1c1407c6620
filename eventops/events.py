"""Events, where they stand in the log, and the ids that tie them together: one truth for writers and readers.

The envelope is the reference services' own; :func:`read_event` also reads CloudEvents (binary and structured) and
header aliases of the field. The body is authoritative, headers are the fallback. Nothing here raises on anyone's bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, overload

# CloudEvents 1.0 Kafka protocol binding, binary mode, with the correlation extension.
CE_SPECVERSION: Final = "ce_specversion"
CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_TIME: Final = "ce_time"
CE_CORRELATION_ID: Final = "ce_correlationid"
CE_CAUSATION_ID: Final = "ce_causationid"
CONTENT_TYPE: Final = "content-type"
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
BAGGAGE: Final = "baggage"
REPLAY_ID: Final = "eventops-replay-id"
REPLAY_LINK: Final = "eventops-replay-of"

EVENT_ID_HEADERS: Final = (CE_ID, "eventId", "event_id", "x-event-id", "NServiceBus.MessageId", "MessageId")
EVENT_TYPE_HEADERS: Final = (CE_TYPE, "eventType", "event_type", "x-event-type", "NServiceBus.EnclosedMessageTypes")
SOURCE_HEADERS: Final = (CE_SOURCE, "source", "x-source")
CORRELATION_HEADERS: Final = (
    CE_CORRELATION_ID,
    "x-correlation-id",
    "correlationId",
    "correlation_id",
    "correlation-id",
    "kafka_correlationId",
    "NServiceBus.ConversationId",
    "ConversationId",
    "$correlationId",
)
CAUSATION_HEADERS: Final = (
    CE_CAUSATION_ID,
    "x-causation-id",
    "causationId",
    "causation_id",
    "causation-id",
    "NServiceBus.RelatedTo",
    "MT-InitiatorId",
    "$causationId",
)

Headers = tuple[tuple[str, bytes | None], ...]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where one record stands, printed and parsed as ``topic/partition/offset``."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Position:
        """
        >>> Position.parse("orders-dlt/2/41")
        Position(topic='orders-dlt', partition=2, offset=41)
        >>> Position.parse("orders")
        Traceback (most recent call last):
        ValueError: 'orders' is not TOPIC/PARTITION/OFFSET
        """
        topic, _, rest = text.partition("/")
        partition, _, offset = rest.partition("/")
        if not topic or not partition.isdecimal() or not offset.isdecimal():
            raise ValueError(f"{text!r} is not TOPIC/PARTITION/OFFSET")
        return cls(topic, int(partition), int(offset))

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def home(self) -> Partition:
        """The partition it stands in."""
        return Partition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the broker holds it: bytes of anyone, nothing decoded.

    ``timestamp`` is UTC with milliseconds, or None where the record has none. ``value`` None is a tombstone.
    """

    position: Position
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def header(self, name: str) -> bytes | None:
        """The last header of that name: the latest hop wins (Kafka appends)."""
        for key, value in reversed(self.headers):
            if key == name:
                return value
        return None

    def first_header(self, name: str) -> bytes | None:
        """The first header of that name: the origin, where hops are appended."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Ids:
    """What ties an event to others; None where the record doesn't say."""

    event_id: str | None = None
    event_type: str | None = None
    source: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    timestamp: datetime | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A record together with the ids that were read from it."""

    record: Record
    ids: Ids

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return self.record.position

    @property
    def reference(self) -> str:
        """Its event id, or its position where it has none."""
        return self.ids.event_id or str(self.record.position)

    @property
    def occurred_at(self) -> datetime | None:
        """When it happened by its own word, else when the log took it."""
        return self.ids.timestamp or self.record.timestamp

    def document(self) -> dict[str, Any]:
        """The ``event`` contract of every report. ``key``, ``value`` and headers are text where they are UTF-8, ``0x…``
        where not, null where there are none; ``headers`` are in their order, with repeated names."""
        record, ids = self.record, self.ids
        return {
            "event_id": ids.event_id,
            "event_type": ids.event_type,
            "source": ids.source,
            "correlation_id": ids.correlation_id,
            "causation_id": ids.causation_id,
            "timestamp": rfc3339(self.occurred_at),
            "topic": record.position.topic,
            "partition": record.position.partition,
            "offset": record.position.offset,
            "key": _shown(record.key),
            "value": _shown(record.value),
            "headers": [{"name": name, "value": _shown(value)} for name, value in record.headers],
            "trace_id": ids.trace_id,
        }


@dataclass(frozen=True, slots=True)
class Envelope:
    """The reference services' event, as it travels in a record's body.

    ``timestamp`` is UTC. ``causation_id`` is None for a root event.
    """

    event_type: str
    source: str
    data: Mapping[str, Any]
    correlation_id: str
    timestamp: datetime
    causation_id: str | None = None
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    event_version: str = "1.0"

    def to_json(self) -> bytes:
        """The body: compact JSON in UTF-8; a root event has no ``causationId``."""
        metadata = {"correlationId": self.correlation_id}
        if self.causation_id is not None:
            metadata["causationId"] = self.causation_id
        body = {
            "eventId": self.event_id,
            "eventType": self.event_type,
            "eventVersion": self.event_version,
            "timestamp": rfc3339(self.timestamp),
            "source": self.source,
            "data": dict(self.data),
            "metadata": metadata,
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def to_headers(self) -> list[tuple[str, bytes]]:
        """CloudEvents binary mode; W3C trace headers are the sender's to add."""
        headers = [
            (CONTENT_TYPE, "application/json"),
            (CE_SPECVERSION, "1.0"),
            (CE_ID, self.event_id),
            (CE_TYPE, self.event_type),
            (CE_SOURCE, self.source),
            (CE_TIME, rfc3339(self.timestamp)),
            (CE_CORRELATION_ID, self.correlation_id),
        ]
        if self.causation_id is not None:
            headers.append((CE_CAUSATION_ID, self.causation_id))
        return [(name, value.encode()) for name, value in headers]

    @classmethod
    def parse(cls, body: bytes | None) -> Envelope:
        """Read a body; what lacks ids in headers (the guide's kafkajs producer) is whole here.

        Raises:
            MalformedEvent: not JSON, not an object, or a required field is missing or of the wrong type.
        """
        if body is None:
            raise MalformedEvent("the record has no value")
        document = _json_object(body)
        if document is None:
            raise MalformedEvent("the value is not a JSON object")
        metadata = document.get("metadata")
        if not isinstance(metadata, dict):
            raise MalformedEvent("metadata is missing")
        data = document.get("data")
        if not isinstance(data, dict):
            raise MalformedEvent("data is missing")
        timestamp = _parse_time(document.get("timestamp"))
        if timestamp is None:
            raise MalformedEvent("timestamp is missing or not RFC 3339")
        causation = metadata.get("causationId")
        return cls(
            event_type=_required(document, "eventType"),
            source=_required(document, "source"),
            data=data,
            correlation_id=_required(metadata, "correlationId"),
            timestamp=timestamp,
            causation_id=causation if isinstance(causation, str) and causation else None,
            event_id=_required(document, "eventId"),
            event_version=str(document.get("eventVersion", "1.0")),
        )


class MalformedEvent(ValueError):
    """A body that isn't an envelope; the message names what is wrong with it."""


def read_event(record: Record) -> Event:
    """Read whatever ids a record carries: envelope or CloudEvent in the body first, then header by header.

    >>> at = Position("t", 0, 0)
    >>> read_event(Record(at, None, None, b'{"metadata":{"correlationId":"req-1"}}')).ids.correlation_id
    'req-1'
    >>> read_event(Record(at, None, None, b"\\xff", (("x-correlation-id", b"req-2"),))).ids.correlation_id
    'req-2'
    """
    body = _ids_of_body(record.value)
    return Event(
        record,
        Ids(
            event_id=body.event_id or _first_text(record, EVENT_ID_HEADERS),
            event_type=body.event_type or _first_text(record, EVENT_TYPE_HEADERS),
            source=body.source or _first_text(record, SOURCE_HEADERS),
            correlation_id=body.correlation_id or _first_text(record, CORRELATION_HEADERS),
            causation_id=body.causation_id or _first_text(record, CAUSATION_HEADERS),
            timestamp=body.timestamp or _parse_time(_first_text(record, (CE_TIME,))),
            trace_id=trace_id_of(record.header(TRACEPARENT)),
        ),
    )


def trace_id_of(traceparent: bytes | None) -> str | None:
    """The trace id of a W3C ``traceparent`` (version 00 form), None where it is malformed or all zero.

    >>> trace_id_of(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    '0af7651916cd43dd8448eb211c80319c'
    """
    if traceparent is None:
        return None
    parts = traceparent.decode("ascii", "replace").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or not set(parts[1]) <= set("0123456789abcdef"):
        return None
    return parts[1] if set(parts[1]) != {"0"} else None


def header_text(raw: bytes | None) -> str | None:
    """A header's value as an id: text, or the UUID that 16 raw bytes spell (Spring's ``kafka_correlationId``).

    >>> header_text(bytes(range(16)))
    '00010203-0405-0607-0809-0a0b0c0d0e0f'
    >>> header_text(b'"quoted by spring_json_header_types"')
    'quoted by spring_json_header_types'
    """
    if not raw:
        return None
    if len(raw) == 16 and not (raw.isascii() and raw.decode("ascii").isprintable()):
        return str(uuid.UUID(bytes=raw))
    text = bytes_as_text(raw)
    if len(text) > 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def bytes_as_text(raw: bytes) -> str:
    r"""Bytes of anyone as text: UTF-8 where they are, hexadecimal where not.

    >>> bytes_as_text(b"abc"), bytes_as_text(b"\xff\x00")
    ('abc', '0xff00')
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "0x" + raw.hex()


@overload
def rfc3339(moment: datetime) -> str: ...
@overload
def rfc3339(moment: None) -> None: ...
@overload
def rfc3339(moment: datetime | None) -> str | None: ...
def rfc3339(moment: datetime | None) -> str | None:
    """As every document writes a time: UTC with microseconds.

    >>> rfc3339(datetime(2026, 1, 15, 10, 30, tzinfo=UTC))
    '2026-01-15T10:30:00.000000Z'
    """
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_of(milliseconds: int | None) -> datetime | None:
    """A record's timestamp, milliseconds since 1970, as a time. None where it is negative (no timestamp) or past what a
    calendar holds: producers may write anything, and brokers keep it.

    >>> moment_of(1_700_000_000_123).isoformat(), moment_of(-(2**62)), moment_of(2**62), moment_of(None)
    ('2023-11-14T22:13:20.123000+00:00', None, None, None)
    """
    if milliseconds is None or milliseconds < 0:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def header_pairs(headers: Iterable[tuple[str, bytes | None]] | None) -> Headers:
    """Headers as clients hand them over (or None), frozen in their order."""
    return tuple(headers or ())


def _ids_of_body(value: bytes | None) -> Ids:
    document = _json_object(value) if value else None
    if document is None:
        return Ids()
    if "specversion" in document:
        return _ids_of_cloudevent(document)
    metadata = document.get("metadata")
    places: Sequence[Mapping[str, Any]] = (metadata, document) if isinstance(metadata, dict) else (document,)
    return Ids(
        event_id=_text(document, "eventId", "event_id"),
        event_type=_text(document, "eventType", "event_type"),
        source=_text(document, "source"),
        correlation_id=_anywhere(places, "correlationId", "correlation_id", "conversationId"),
        causation_id=_anywhere(places, "causationId", "causation_id", "initiatorId"),
        timestamp=_parse_time(document.get("timestamp")),
    )


def _ids_of_cloudevent(document: Mapping[str, Any]) -> Ids:
    return Ids(
        event_id=_text(document, "id"),
        event_type=_text(document, "type"),
        source=_text(document, "source"),
        correlation_id=_text(document, "correlationid"),
        causation_id=_text(document, "causationid"),
        timestamp=_parse_time(document.get("time")),
    )


def _anywhere(places: Sequence[Mapping[str, Any]], *names: str) -> str | None:
    return next((found for place in places if (found := _text(place, *names))), None)


def _text(document: Mapping[str, Any], *names: str) -> str | None:
    return next((v for name in names if isinstance(v := document.get(name), str) and v), None)


def _first_text(record: Record, names: Iterable[str]) -> str | None:
    return next((text for name in names if (text := header_text(record.header(name)))), None)


def _required(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"{name} is missing")
    return value


def _json_object(value: bytes) -> dict[str, Any] | None:
    if value.lstrip()[:1] != b"{":
        return None
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _parse_time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # year 1 east of Greenwich is no time in UTC
        return None


def _shown(raw: bytes | None) -> str | None:
    return None if raw is None else bytes_as_text(raw)
