"""A letter says where it comes from and why it was given up, in the encodings that Spring's recoverer uses."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from eventops.events import MalformedEvent, Position, Record
from reference_services.kit.dead_letters import (
    MESSAGE_BYTES,
    STACKTRACE_BYTES,
    Letter,
    write_letter,
)
from reference_services.kit.records import TimestampType

AT = Position("user-events", 2, 41)
WHEN = datetime(2026, 1, 15, 10, 30, 0, 123000, UTC)
WHEN_MS = 1768473000123


def letter_of(record: Record, error: Exception, attempts: int = 5) -> Letter:
    return write_letter(record, TimestampType.CREATE_TIME, group="notification-group", error=error, attempts=attempts)


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:  # noqa: BLE001
        return caught


def test_every_header_in_its_exact_encoding() -> None:
    record = Record(AT, WHEN, b"k", b"v", (("ce_id", b"e1"), ("x", None)))
    error = raised(RuntimeError("no mail went out"), ConnectionRefusedError(111, "refused"))
    letter = letter_of(record, error)
    assert (letter.topic, letter.partition, letter.key, letter.value) == ("user-events-dlt", 2, b"k", b"v")
    stack = dict(letter.headers)["kafka_dlt-exception-stacktrace"]
    assert letter.headers == (
        ("ce_id", b"e1"),
        ("x", None),
        ("kafka_dlt-original-topic", b"user-events"),
        ("kafka_dlt-original-partition", bytes.fromhex("00000002")),
        ("kafka_dlt-original-offset", bytes.fromhex("0000000000000029")),
        ("kafka_dlt-original-timestamp", struct.pack(">q", WHEN_MS)),
        ("kafka_dlt-original-timestamp-type", b"CreateTime"),
        ("kafka_dlt-original-consumer-group", b"notification-group"),
        ("kafka_dlt-exception-fqcn", b"RuntimeError"),
        ("kafka_dlt-exception-cause-fqcn", b"ConnectionRefusedError"),
        ("kafka_dlt-exception-message", b"no mail went out"),
        ("kafka_dlt-exception-stacktrace", stack),
        ("kafka_deliveryAttempt", bytes.fromhex("00000005")),
    )
    assert stack is not None
    assert b"ConnectionRefusedError: [Errno 111] refused" in stack
    assert stack.endswith(b"RuntimeError: no mail went out\n")


def test_an_error_without_a_cause_is_its_own_cause() -> None:
    headers = dict(letter_of(Record(AT, WHEN, None, b"{"), MalformedEvent("metadata is missing")).headers)
    assert headers["kafka_dlt-exception-fqcn"] == headers["kafka_dlt-exception-cause-fqcn"]
    assert headers["kafka_dlt-exception-cause-fqcn"] == b"eventops.events.MalformedEvent"


def test_a_record_without_a_timestamp_says_so() -> None:
    letter = write_letter(Record(AT, None, None, None), TimestampType.NONE, group="g", error=OSError(), attempts=1)
    headers = dict(letter.headers)
    assert headers["kafka_dlt-original-timestamp"] == b"\xff" * 8
    assert headers["kafka_dlt-original-timestamp-type"] == b"NoTimestampType"
    assert letter.value is None, "a tombstone stays one"


def test_a_second_hop_appends_its_origin_and_replaces_the_exception() -> None:
    first = letter_of(Record(AT, WHEN, b"k", b"v"), TimeoutError("first"))
    again = Record(Position(first.topic, first.partition, 7), WHEN, first.key, first.value, first.headers)
    second = letter_of(again, ValueError("second"), attempts=1)

    def values(name: str) -> list[bytes | None]:
        return [value for key, value in second.headers if key == name]

    assert values("kafka_dlt-original-topic") == [b"user-events", b"user-events-dlt"]
    assert values("kafka_dlt-original-offset") == [struct.pack(">q", 41), struct.pack(">q", 7)]
    assert values("kafka_dlt-exception-cause-fqcn") == [b"ValueError"]
    assert values("kafka_dlt-exception-message") == [b"second"]
    assert values("kafka_deliveryAttempt") == [struct.pack(">i", 5), struct.pack(">i", 1)]


@given(
    key=st.none() | st.binary(),
    value=st.none() | st.binary(),
    headers=st.lists(st.tuples(st.text(), st.none() | st.binary())).map(tuple),
    message=st.text(max_size=5000),
)
def test_a_letter_keeps_every_byte_and_stays_small(
    key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes | None], ...], message: str
) -> None:
    letter = letter_of(Record(AT, WHEN, key, value, headers), raised(RuntimeError(message)))
    assert (letter.key, letter.value, letter.headers[: len(headers)]) == (key, value, headers)
    added = dict(letter.headers[len(headers) :])
    assert len(added["kafka_dlt-exception-message"] or b"") <= MESSAGE_BYTES
    assert len(added["kafka_dlt-exception-stacktrace"] or b"") <= STACKTRACE_BYTES
    assert all(value is not None and value.decode("utf-8", "strict") for name, value in added.items() if "exc" in name)
