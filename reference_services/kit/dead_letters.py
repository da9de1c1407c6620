"""Dead letters as Spring's DeadLetterPublishingRecoverer writes them, so that every tool of the field reads them.

Numbers are big endian; ``original-*`` headers are appended at each hop (the first is the origin, the last the latest),
``exception-*`` headers tell of the latest failure only.
"""

from __future__ import annotations

import struct
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from eventops.events import Headers, Record
from reference_services.kit.records import TimestampType

SUFFIX: Final = "-dlt"
_PREFIX: Final = "kafka_dlt-"
_REPLACED: Final = _PREFIX + "exception-"
DELIVERY_ATTEMPT: Final = "kafka_deliveryAttempt"
STACKTRACE_BYTES: Final = 8_000
"""The longest stack trace kept, its end."""
MESSAGE_BYTES: Final = 2_000
LARGEST_LETTER_BYTES: Final = 2 * 1024 * 1024
"""What dead-letter topics take: the largest record that Kafka takes by default, and a letter's headers with it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that couldn't be handled, on its way to ``topic``: key and value are the origin's, byte for byte."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def letter_topic(topic: str) -> str:
    """
    >>> letter_topic("user-events")
    'user-events-dlt'
    """
    return topic + SUFFIX


def write_letter(
    record: Record, timestamp_type: TimestampType, *, group: str, error: BaseException, attempts: int
) -> Letter:
    """The letter for ``record``, which ``group`` gave up after ``attempts`` attempts, the last with ``error``."""
    at = record.position
    kept = tuple((name, value) for name, value in record.headers if not name.startswith(_REPLACED))
    origin: Headers = (
        (_PREFIX + "original-topic", at.topic.encode()),
        (_PREFIX + "original-partition", struct.pack(">i", at.partition)),
        (_PREFIX + "original-offset", struct.pack(">q", at.offset)),
        (_PREFIX + "original-timestamp", struct.pack(">q", _milliseconds(record.timestamp))),
        (_PREFIX + "original-timestamp-type", timestamp_type.value.encode()),
        (_PREFIX + "original-consumer-group", group.encode()),
    )
    attempt: Headers = ((DELIVERY_ATTEMPT, struct.pack(">i", attempts)),)
    headers = kept + origin + _exception_headers(error) + attempt
    return Letter(letter_topic(at.topic), at.partition, record.key, record.value, headers)


def class_name(error: BaseException) -> str:
    """
    >>> from eventops.events import MalformedEvent
    >>> class_name(ConnectionRefusedError()), class_name(MalformedEvent())
    ('ConnectionRefusedError', 'eventops.events.MalformedEvent')
    """
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def root_cause(error: BaseException) -> BaseException:
    """The error at the bottom of the ``raise ... from`` chain; the error itself where it has no cause."""
    seen = {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in seen:
        error = error.__cause__
        seen.add(id(error))
    return error


def _exception_headers(error: BaseException) -> Headers:
    stack = "".join(traceback.format_exception(error))
    return (
        (_REPLACED + "fqcn", class_name(error).encode()),
        (_REPLACED + "cause-fqcn", class_name(root_cause(error)).encode()),
        (_REPLACED + "message", _head(_text(error), MESSAGE_BYTES)),
        (_REPLACED + "stacktrace", _tail(stack, STACKTRACE_BYTES)),
    )


def _text(error: BaseException) -> str:
    return str(error) or class_name(error)


def _head(text: str, limit: int) -> bytes:
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").encode()


def _tail(text: str, limit: int) -> bytes:
    """The end of a trace tells most: where it was raised, and what."""
    return text.encode("utf-8", "replace")[-limit:].decode("utf-8", "ignore").encode()


def _milliseconds(timestamp: datetime | None) -> int:
    """Milliseconds since 1970; -1, as Kafka says it, where the record has no timestamp."""
    return -1 if timestamp is None else (timestamp - _EPOCH) // timedelta(milliseconds=1)
