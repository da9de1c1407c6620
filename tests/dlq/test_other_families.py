"""Families that were not run here, as their sources write them; declared ones; and bytes of anyone."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.config import ConfigurationError
from eventops.dlq.document import letter_document
from eventops.dlq.families import FAMILIES, decode, strip
from eventops.dlq.rules import is_letter, is_named_for_letters
from eventops.dlq.settings import conventions
from eventops.events import Headers, Position
from tests.dlq.workshop import record, spring_headers


def smallrye(topic: str, offset: int, *, kind: str, cause: str | None, prefix: str = "dead-letter-") -> Headers:
    """One hop: the cause's headers are absent where there is no cause."""
    of_cause: Headers = ((prefix + "cause", b"why"), (prefix + "cause-class-name", cause.encode())) if cause else ()
    return (
        (prefix + "topic", topic.encode()),
        (prefix + "partition", b"1"),
        (prefix + "offset", str(offset).encode()),
        (prefix + "reason", f"{kind} failed".encode()),
        (prefix + "exception-class-name", kind.encode()),
        *of_cause,
    )


def test_smallrye_writes_the_newest_hop_first() -> None:
    first = smallrye("orders", 7, kind="a.First", cause="a.Cause")
    second = smallrye("dead-letter-topic-orders", 3, kind="b.Second", cause=None)

    letter = decode(record(second + first, at="dead-letter-topic-again/0/0"))

    assert letter.family == "smallrye"
    assert [(str(hop.position), hop.exception_class) for hop in letter.path] == [
        ("orders/1/7", "a.First"),
        ("dead-letter-topic-orders/1/3", "b.Second"),
    ]
    assert letter.cause.kind == "b.Second", "the cause that stands further down is the older hop's"
    assert letter.group is None


def test_a_smallrye_retry_counts_one_delivery_more_than_retries() -> None:
    headers = smallrye("orders", 7, kind="a.X", cause=None, prefix="delayed-retry-")
    letter = decode(
        record(
            (("delayed-retry-count", b"2"), ("delayed-retry-original-timestamp", b"1768473000123"), *headers),
            at="orders-dead-letter/0/0",
        )
    )

    assert (letter.family, letter.attempts) == ("smallrye-retry", 3)
    assert letter.origin is not None
    assert letter.origin.timestamp == datetime(2026, 1, 15, 10, 30, 0, 123000, UTC)


def test_a_smallrye_letter_that_spring_gave_up_too_tells_both() -> None:
    older = smallrye("orders", 7, kind="a.X", cause=None)
    newer = spring_headers(Position("dead-letter-topic-orders", 0, 3), group="cleaner")

    letter = decode(record(older + newer, at="orders-letters.DLT/0/0"))

    assert (letter.family, letter.group) == ("spring", "cleaner")
    assert letter.origins == (Position("orders", 1, 7), Position("dead-letter-topic-orders", 0, 3))


OTHERS: list[tuple[str, str, Headers, dict[str, Any]]] = [
    (
        "spring-cloud-stream",
        "error.orders.in.billing/0/0",
        (
            ("x-original-topic", b"orders.in"),
            ("x-original-partition", struct.pack(">i", 2)),
            ("x-original-offset", struct.pack(">q", 9)),
            ("x-exception-fqcn", b"org.springframework.messaging.MessagingException"),
            ("x-exception-message", b"failed; nested"),
            (
                "x-exception-stacktrace",
                b"w.W: failed\n\tat org.springframework.A.b(A)\nCaused by: com.acme.NoStock: 7\n",
            ),
        ),
        {"group": "billing", "origin": "orders.in/2/9", "kind": "com.acme.NoStock", "attempts": None},
    ),  # the group stands in the topic's name, after a destination that has a dot itself
    (
        "karafka",
        "dead/0/0",
        (
            ("source_topic", b"orders"),
            ("source_partition", b"2"),
            ("source_offset", b"9"),
            ("source_consumer_group", b"billing"),
            ("source_attempts", b"4"),
        ),
        {"group": "billing", "origin": "orders/2/9", "kind": "unknown", "attempts": 4},
    ),  # no error text at all
    (
        "watermill",
        "poison_queue/0/0",
        (("reason_poisoned", b"no stock for 4711"), ("topic_poisoned", b"orders"), ("handler_poisoned", b"reserve")),
        {"group": None, "origin": None, "kind": "no stock for <n>", "attempts": None},
    ),  # Go has no exception classes
    (
        "masstransit",
        "orders_error/0/0",
        (
            ("MT-Reason", b"fault"),
            ("MT-Fault-ExceptionType", b"Acme.NoStock"),
            ("MT-Fault-Message", b"sku 4711"),
            ("MT-Fault-StackTrace", b"   at Acme.Cart.Add(Sku sku) in /src/Cart.cs:line 7"),
            ("MT-Fault-Timestamp", b"2026-01-15T10:30:00Z"),
            ("MT-Fault-InputAddress", b"rabbitmq://host/orders?durable=false"),
            ("MT-Fault-RetryCount", b"2"),
        ),
        {"group": None, "origin": None, "kind": "Acme.NoStock", "attempts": 3},
    ),
    (
        "nservicebus",
        "error/0/0",
        (
            ("NServiceBus.FailedQ", b"orders"),
            ("NServiceBus.TimeOfFailure", b"2026-01-15 10:30:00:123456 Z"),
            ("NServiceBus.ExceptionInfo.ExceptionType", b"System.InvalidOperationException"),
            ("NServiceBus.ExceptionInfo.InnerExceptionType", b"Acme.NoStock"),
            ("NServiceBus.ExceptionInfo.Message", b"sku 4711"),
        ),
        {"group": None, "origin": None, "kind": "Acme.NoStock", "attempts": None},
    ),  # a colon before the microseconds
]


@pytest.mark.parametrize(("family", "at", "headers", "told"), OTHERS, ids=[row[0] for row in OTHERS])
def test_what_the_other_families_tell(family: str, at: str, headers: Headers, told: dict[str, Any]) -> None:
    letter = decode(record(headers, at=at))

    assert (letter.family, letter.group, letter.cause.kind) == (family, told["group"], told["kind"])
    assert (str(letter.origin.position) if letter.origin else None) == told["origin"]
    assert letter.attempts == told["attempts"]
    assert is_letter(record(headers, at=at))
    assert strip(headers) == ()


def test_nservicebus_time_is_read() -> None:
    _family, at, headers, _told = OTHERS[-1]

    assert decode(record(headers, at=at)).path[0].failed_at == datetime(2026, 1, 15, 10, 30, 0, 123456, UTC)


@pytest.mark.parametrize("offset", [b"-1", b"9" * 19, b"9" * 400, b"4x", b"", "٣".encode(), None])
def test_absurd_offsets_are_no_origin(offset: bytes | None) -> None:
    headers: Headers = (
        ("__connect.errors.topic", b"orders"),
        ("__connect.errors.partition", b"0"),
        ("__connect.errors.offset", offset),
        ("__connect.errors.exception.class.name", b"a.X"),
    )
    letter = decode(record(headers))

    assert letter.origin is None
    assert letter.path[0].topic == "orders", "what can be read is told"


def test_a_java_object_is_never_opened() -> None:
    evil = bytes.fromhex("aced0005") + b"\x80\x04cos\nsystem\n"
    letter = decode(record((*spring_headers(Position("t", 0, 1)), ("springDeserializerExceptionValue", evil))))

    [shown] = [one for one in letter_document(letter)["event"]["headers"] if one["name"].startswith("springDes")]
    assert shown["value"] == "0x" + evil.hex()


def test_a_record_that_failed_a_thousand_times_keeps_its_latest_hops() -> None:
    headers = tuple(header for n in range(1000) for header in spring_headers(Position("orders", 0, n)))
    letter = decode(record(headers))

    assert len(letter.path) == 100
    assert letter.path[-1].position == Position("orders", 0, 999)


SETTINGS: dict[str, Any] = {
    "dlq": {
        "topics": ["failed-*"],
        "hidden": ["test-dlq"],
        "own-code": ["com.acme."],
        "groups": {"faust-*": "billing"},
        "messages": [{"pattern": r"tenant \w+", "replace": "tenant <tenant>"}],
        "families": [
            {
                "name": "acme",
                "order": "newest-first",
                "topic": "x-topic",
                "partition": "x-partition",
                "offset": "x-offset",
                "exception": "x-error",
                "message": "x-message",
                "attempts": "x-attempts",
            },
            {"name": "faust", "topics": ["faust-*"]},
        ],
    }
}


def test_a_declared_family_is_read_as_the_context_says() -> None:
    ours = conventions(SETTINGS)
    older: Headers = (("x-topic", b"orders"), ("x-partition", b"0"), ("x-offset", b"1"), ("x-error", b"a.Old"))
    newer: Headers = (
        ("x-topic", b"retry"),
        ("x-partition", b"0"),
        ("x-offset", b"5"),
        ("x-error", b"a.New"),
        ("x-message", b"no stock for tenant ada, 7 left"),
        ("x-attempts", b"3"),
    )
    letter = ours.decode(record(newer + older, at="anything/0/0"))

    assert (letter.family, letter.attempts) == ("acme", 3)
    assert letter.origins == (Position("orders", 0, 1), Position("retry", 0, 5))
    assert (letter.cause.kind, letter.cause.pattern) == ("a.New", "no stock for tenant <tenant>, <n> left")
    assert ours.strip((*newer, ("x-topics", b"a"), *older)) == (("x-topics", b"a"),), "its counters too"
    assert is_letter(letter.event.record, ours)


def test_a_family_may_have_no_headers_and_a_topic_of_its_own() -> None:
    ours = conventions(SETTINGS)
    letter = ours.decode(record(at="faust-errors/0/0"))

    assert (letter.family, letter.group, letter.origin) == ("faust", "billing", None)
    for name, is_named in (("faust-errors", True), ("failed-orders", True), ("test-dlq", False), ("orders", False)):
        assert is_named_for_letters(name, ours) is is_named
    assert not is_letter(record(spring_headers(Position("t", 0, 1)), at="test-dlq/0/0"), ours)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"topic": ["x"]},
        {"topics": "x"},
        {"groups": ["x"]},
        {"messages": [{"pattern": "("}]},
        {"messages": [{"pattern": "x*"}]},
        {"messages": [{"pattern": "t", "replace": "<tenant>"}]},
        {"messages": [{"pattern": "a", "replace": r"\9"}]},
        {"families": [{}]},
        {"families": [{"name": "a"}]},
        {"families": [{"name": "a", "offset": "x"}]},
        {"families": [{"name": "a", "topic": "x", "order": "random"}]},
        {"families": [{"name": "a", "topic": "x", "header": "y"}]},
        {"families": [{"name": "a", "topic": 7}]},
    ],
)
def test_a_setting_that_means_nothing_is_named(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=r"eventops\.dlq"):
        conventions({"dlq": wrong})


NAMES = st.sampled_from(sorted({mark for family in FAMILIES for mark in family.marks}))
BYTES = st.none() | st.binary(max_size=40) | st.integers(-(2**63), 2**63 - 1).map(lambda n: str(n).encode())


@given(headers=st.lists(st.tuples(NAMES | st.text(max_size=6), BYTES), max_size=20).map(tuple), value=BYTES, key=BYTES)
def test_no_bytes_crash_any_family(headers: Headers, value: bytes | None, key: bytes | None) -> None:
    letter = decode(record(headers, key=key, value=value))

    assert letter.attempts is None or letter.attempts > 0
    assert all(hop.position is None or hop.position.offset >= 0 for hop in letter.path)
    assert len(letter.path) <= letter.hops or not letter.path
    assert letter_document(letter)["cause_id"]
