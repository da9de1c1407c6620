"""Headers as people read them: numbers and times out of their bytes. Pure; what isn't encoded as expected stays
bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from eventops.dlq.encodings import JAVA_OBJECT, big_integer, decimal, i32, i64
from eventops.events import bytes_as_text, header_text, moment_of, rfc3339


def _number(read: Callable[[bytes | None], int | None]) -> Callable[[bytes], str | None]:
    def words(raw: bytes) -> str | None:
        found = read(raw)
        return None if found is None else str(found)

    return words


def _time(read: Callable[[bytes | None], int | None]) -> Callable[[bytes], str | None]:
    def words(raw: bytes) -> str | None:
        found = read(raw)
        when = moment_of(found)
        return rfc3339(when) if when is not None else (None if found is None else str(found))

    return words


def _attempts(raw: bytes) -> str | None:
    return str(raw[0]) if len(raw) == 1 else _number(i32)(raw)


_ENCODED: Final[dict[str, Callable[[bytes], str | None]]] = {
    "kafka_dlt-original-partition": _number(i32),
    "kafka_dlt-original-offset": _number(i64),
    "kafka_dlt-original-timestamp": _time(i64),
    "kafka_original-partition": _number(i32),
    "kafka_original-offset": _number(i64),
    "kafka_original-timestamp": _time(i64),
    "kafka_deliveryAttempt": _number(i32),
    "retry_topic-attempts": _attempts,  # one byte in old versions
    "retry_topic-original-timestamp": _time(big_integer),
    "retry_topic-backoff-timestamp": _time(big_integer),
    "x-original-partition": _number(i32),
    "x-original-offset": _number(i64),
    "x-original-timestamp": _time(i64),
    "delayed-retry-original-timestamp": _time(decimal),
    "delayed-retry-first-processing-timestamp": _time(decimal),
    "kafka_correlationId": header_text,
}
"""How the headers that aren't text are written."""


def header_words(name: str, raw: bytes | None) -> str:
    r"""
    >>> header_words("kafka_dlt-original-offset", b"\x00\x00\x00\x00\x00\x00\x00\x29")
    '41'
    >>> header_words("retry_topic-backoff-timestamp", bytes.fromhex("019bc0f44f7b"))
    '2026-01-15T09:19:55.259000Z'
    >>> header_words("springDeserializerExceptionValue", bytes.fromhex("aced0005737200"))
    'a Java object of 7 bytes, not opened: 0xaced0005737200'
    >>> header_words("retry", b"\x00\x00\x00\x02"), header_words("kafka_dlt-original-offset", b"41")
    ('0x00000002', '41')
    """
    if raw is None:
        return "null"
    if (read := _ENCODED.get(name)) is not None and (found := read(raw)) is not None:
        return found
    if raw.startswith(JAVA_OBJECT):
        return f"a Java object of {len(raw):,} bytes, not opened: 0x{raw[:64].hex()}"
    return "0x" + raw.hex() if b"\x00" in raw else bytes_as_text(raw)
