"""The frameworks' dead-letter conventions: one small decoder a family, in one table.

A decoder reads the headers that its framework really writes and answers None where it doesn't know the record. Headers
are anyone's bytes: what isn't encoded as it should be is unknown (None), never an error; texts are cut at a bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from eventops.dlq.model import Failure, Letter, Origin
from eventops.events import REPLAY_ID, REPLAY_LINK, Headers, Position, Reader, Record, bytes_as_text, read_event

UNKNOWN_FAMILY: Final = "unknown"
NAME_CHARACTERS: Final = 512
"""The longest class, group or id taken from a header."""
MESSAGE_CHARACTERS: Final = 8_000
STACK_CHARACTERS: Final = 64_000

_TOPIC_NAME: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Traces:
    """What a family's headers tell of a failure. ``origins`` are the hops' positions, the origin first."""

    failure: Failure = field(default_factory=Failure)
    origins: tuple[Position, ...] = ()
    origin_timestamp: datetime | None = None
    group: str | None = None
    attempts: int | None = None
    failures: int = 1


Decoder = Callable[[Record], Traces | None]


def decode(record: Record, read: Reader = read_event) -> Letter:
    """The record as a letter: of the first family that knows it, else of the family ``unknown``, whose origin,
    group and cause nobody recorded. ``read`` reads its event."""
    family, traces = recognise(record) or (UNKNOWN_FAMILY, Traces())
    replay_id = text(record.header(REPLAY_ID), NAME_CHARACTERS)
    origin = Origin(traces.origins[0], traces.origin_timestamp) if traces.origins else None
    return Letter(
        event=read(record),
        family=family,
        origin=origin,
        group=traces.group,
        failure=traces.failure,
        hops=traces.failures + (replay_id is not None),
        attempts=traces.attempts,
        replay_id=replay_id,
        replay_of=_position(record.header(REPLAY_LINK)),
        origins=traces.origins,
    )


def recognise(record: Record) -> tuple[str, Traces] | None:
    """The family that wrote the record and what it says; None where no family knows it."""
    for family, decoder in FAMILIES:
        if (traces := decoder(record)) is not None:
            return family, traces
    return None


def _spring(record: Record) -> Traces | None:
    """Spring Kafka's ``DeadLetterPublishingRecoverer``.

    ``original-*`` is appended at each hop (first: the origin, last: the latest), ``exception-*`` is replaced. A failed
    key has ``key-exception-*`` and no ``exception-fqcn``, but ``exception-cause-fqcn`` without ``key-``; failures to
    deserialise have no wrapper. ``kafka_deliveryAttempt`` is off by default: then the attempts are unknown.
    """
    if not any(name in _SPRING_MARKS for name, _value in record.headers):
        return None
    topics = _all(record, "kafka_dlt-original-topic")
    timestamps = _all(record, "kafka_dlt-original-timestamp")
    origins = _positions(
        map(topic_name, topics),
        map(i32, _all(record, "kafka_dlt-original-partition")),
        map(i64, _all(record, "kafka_dlt-original-offset")),
    )
    return Traces(
        failure=_spring_failure(record),
        origins=origins,
        origin_timestamp=moment(i64(timestamps[0])) if timestamps and len(origins) == len(topics) else None,
        group=text(record.header("kafka_dlt-original-consumer-group"), NAME_CHARACTERS),
        attempts=_positive(i32(record.header("kafka_deliveryAttempt"))),
        failures=max(len(topics), 1),
    )


def _spring_failure(record: Record) -> Failure:
    def said(name: str, limit: int) -> str | None:
        value = text(record.header(f"kafka_dlt-exception-{name}"), limit)
        return value or text(record.header(f"kafka_dlt-key-exception-{name}"), limit)

    return Failure(
        exception_class=said("fqcn", NAME_CHARACTERS),
        cause_class=text(record.header("kafka_dlt-exception-cause-fqcn"), NAME_CHARACTERS),
        message=said("message", MESSAGE_CHARACTERS),
        stack=said("stacktrace", STACK_CHARACTERS),
    )


_SPRING_MARKS: Final = frozenset(
    "kafka_dlt-" + name
    for name in (
        "original-topic",
        "original-partition",
        "original-offset",
        "original-consumer-group",
        "exception-fqcn",
        "exception-cause-fqcn",
        "exception-message",
        "key-exception-fqcn",
    )
)

FAMILIES: Final[tuple[tuple[str, Decoder], ...]] = (("spring", _spring),)
"""Asked in this order; the first that knows the record wins."""


def i32(raw: bytes | None) -> int | None:
    """Four bytes, big endian, signed, as Java's ``ByteBuffer.putInt`` writes them; None for anything else.

    >>> i32(b"\\x00\\x00\\x00\\x07"), i32(b"7"), i32(None)
    (7, None, None)
    """
    return int.from_bytes(raw, "big", signed=True) if raw is not None and len(raw) == 4 else None


def i64(raw: bytes | None) -> int | None:
    """Eight bytes, big endian, signed; None for anything else.

    >>> i64(b"\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00"), i64(b"")
    (256, None)
    """
    return int.from_bytes(raw, "big", signed=True) if raw is not None and len(raw) == 8 else None


def text(raw: bytes | None, limit: int) -> str | None:
    """Text of at most ``limit`` characters; None where there is none.

    >>> text(b"abcdef", 4), text(b"", 4), text(b"\\xff", 4)
    ('abcd', None, '0xff')
    """
    if not raw:
        return None
    cut = raw[: 4 * limit]
    while len(cut) < len(raw) and cut and cut[-1] & 0xC0 == 0x80:  # not in the midst of a character
        cut = cut[:-1]
    if len(cut) < len(raw) and cut and cut[-1] >= 0xC0:
        cut = cut[:-1]
    return bytes_as_text(cut)[:limit] or None


def topic_name(raw: bytes | None) -> str | None:
    """A legal topic name, None for anything else: it will be asked of a broker.

    >>> topic_name(b"orders"), topic_name(b"../etc"), topic_name(b".."), topic_name(None)
    ('orders', None, None, None)
    """
    name = (raw or b"").decode("ascii", "replace")
    return name if _TOPIC_NAME.fullmatch(name) and name not in (".", "..") else None


def moment(milliseconds: int | None) -> datetime | None:
    """Milliseconds since 1970 as a time; None where negative (no timestamp) or past what a calendar holds.

    >>> moment(1_700_000_000_123).isoformat(), moment(-1), moment(2**62)
    ('2023-11-14T22:13:20.123000+00:00', None, None)
    """
    if milliseconds is None or milliseconds < 0:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def strip(headers: Headers) -> Headers:
    """The headers without every family's error headers, replication markers, and what an earlier replay added.

    Left on, they make consumers give up at once (retry counters), stop replication (a record that carries the marker
    is taken for a copy), or tell of a failure that is over. The chain stays: ids, ``traceparent``, ``baggage``.

    >>> strip((("kafka_dlt-original-topic", b"t"), ("traceparent", b"00-..."), ("kafka_deliveryAttempt", b"")))
    (('traceparent', b'00-...'),)
    """
    return tuple((name, value) for name, value in headers if not name.startswith(STRIPPED))


ORIGINAL_TIMESTAMP: Final = "eventops-original-timestamp"
"""When the origin was appended (RFC 3339); a replayed record has the time of its replay."""

STRIPPED: Final = (
    "kafka_dlt-",
    "kafka_original-",
    "kafka_exception-",
    "kafka_deliveryAttempt",
    "retry_topic-",
    "springDeserializerException",
    "x-original-",
    "x-exception-",
    "__connect.errors.",
    "__streams.errors.",
    "__dlq.errors.",
    "dead-letter-",
    "delayed-retry-",
    "deserialization-failure-",
    "__mskmr",  # Amazon MSK Replicator: kafbat #1810
    "__replicator_id",  # Confluent Replicator
    REPLAY_ID,
    REPLAY_LINK,
)
"""Prefixes of header names."""


def _all(record: Record, name: str) -> list[bytes | None]:
    return [value for header, value in record.headers if header == name]


def _positions(
    topics: Iterable[str | None], partitions: Iterable[int | None], offsets: Iterable[int | None]
) -> tuple[Position, ...]:
    """The hops that are whole: the n-th topic, partition and offset belong together."""
    hops = zip(topics, partitions, offsets, strict=False)
    return tuple(
        Position(topic, partition, offset)
        for topic, partition, offset in hops
        if topic and partition is not None and partition >= 0 and offset is not None and offset >= 0
    )


def _positive(number: int | None) -> int | None:
    return number if number is not None and number > 0 else None


def _position(raw: bytes | None) -> Position | None:
    try:
        position = Position.parse((raw or b"").decode("ascii", "replace"))
    except ValueError:
        return None
    return position if _TOPIC_NAME.fullmatch(position.topic) else None
