"""Decoding letters: exactly as the frameworks encode them, and never a crash on anyone's bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.dlq.document import letter_document
from eventops.dlq.encodings import MESSAGE_CHARACTERS, STACK_CHARACTERS
from eventops.dlq.families import FAMILIES, decode, strip
from eventops.dlq.model import State
from eventops.dlq.rules import is_letter
from eventops.dlq.stripping import MARKERS
from eventops.events import REPLAY_ID, REPLAY_LINK, Headers, Position
from reference_services.kit.dead_letters import write_letter
from reference_services.kit.records import TimestampType
from tests.dlq.workshop import AT, TRACEPARENT, record, spring_headers


def test_a_spring_letter_tells_origin_group_attempts_and_cause() -> None:
    letter = decode(record(spring_headers(Position("orders", 2, 41))))

    assert letter.family == "spring"
    assert letter.origin is not None
    assert letter.origin.position == Position("orders", 2, 41)
    assert letter.origin.timestamp == AT
    assert (letter.group, letter.attempts, letter.hops) == ("billing", 3, 1)
    assert letter.cause.kind == "smtplib.SMTPRecipientsRefused"
    assert letter.failure.exception_class is not None
    assert letter.failure.exception_class.endswith("ListenerExecutionFailedException")
    assert letter.state is State.OPEN


def test_a_letter_of_the_reference_services_is_read_as_it_was_written() -> None:
    failed = record((TRACEPARENT,), at="user-events/1/9", key=b"u-1")
    try:
        raise ConnectionRefusedError("mail server is down") from ValueError("no route")
    except ConnectionRefusedError as error:
        written = write_letter(failed, TimestampType.CREATE_TIME, group="notification-group", error=error, attempts=4)
    letter = decode(record(written.headers, at="user-events-dlt/1/0", key=written.key, value=written.value))

    assert letter.family == "spring"
    assert letter.origins == (Position("user-events", 1, 9),)
    assert letter.origin is not None
    assert letter.origin.timestamp == AT
    assert (letter.group, letter.attempts, letter.cause_key) == ("notification-group", 4, "ValueError")
    assert letter.failure.stack is not None
    assert "mail server is down" in letter.failure.stack
    assert strip(written.headers) == failed.headers


def test_origins_are_appended_the_first_is_the_origin_the_last_the_latest_hop() -> None:
    first = spring_headers(Position("orders", 0, 1), group="billing", attempts=3)
    second = spring_headers(Position("orders-retry", 1, 5), group="billing-retry", attempts=2)
    kept = tuple(header for header in first if not header[0].startswith("kafka_dlt-exception-"))

    letter = decode(record(kept + second))

    assert letter.origins == (Position("orders", 0, 1), Position("orders-retry", 1, 5))
    assert letter.origin is not None
    assert letter.origin.position == Position("orders", 0, 1)
    assert (letter.group, letter.attempts, letter.hops) == ("billing-retry", 2, 2)


def test_a_failed_key_has_no_wrapper_and_its_cause_lacks_the_key_prefix() -> None:
    letter = decode(
        record(
            (
                ("kafka_dlt-key-exception-fqcn", b"org.apache.kafka.common.errors.SerializationException"),
                ("kafka_dlt-key-exception-message", b"bad key"),
                ("kafka_dlt-exception-cause-fqcn", b"com.acme.BadKey"),
            )
        )
    )

    assert letter.cause_key == "com.acme.BadKey"
    assert letter.failure.exception_class == "org.apache.kafka.common.errors.SerializationException"
    assert letter.failure.message == "bad key"


def test_no_attempt_header_means_unknown_attempts() -> None:
    assert decode(record(spring_headers(Position("orders", 0, 1), attempts=None))).attempts is None


@pytest.mark.parametrize("name", ["orders-dlt", "orders.DLT", "dlq.orders", "orders.dlq"])
def test_an_unrecognised_record_in_a_topic_named_for_letters_is_a_letter_of_no_known_family(name: str) -> None:
    plain = record(at=f"{name}/0/0")

    assert is_letter(plain)
    letter = decode(plain)
    assert (letter.family, letter.origin, letter.cause_key) == ("unknown", None, "unknown")


def test_a_letter_is_known_by_its_headers_where_the_name_says_nothing() -> None:
    headers = spring_headers(Position("orders", 0, 1))

    assert is_letter(record(headers, at="failures/0/0"))
    assert not is_letter(record(headers, at="orders/0/9")), "put back with its error headers on"
    assert not is_letter(record(at="orders/0/9"))


def test_our_replay_header_makes_it_a_failure_again_linked_to_the_earlier_letter() -> None:
    replayed = ((REPLAY_ID, b"abc"), (REPLAY_LINK, b"orders-dlt/0/7"), *spring_headers(Position("orders", 0, 20)))

    letter = decode(record(replayed))

    assert (letter.replay_id, letter.replay_of, letter.hops) == ("abc", Position("orders-dlt", 0, 7), 2)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9" * 5000])
def test_a_time_that_no_calendar_holds_is_no_time(time: str) -> None:
    letter = decode(record(value=f'{{"timestamp":"{time}"}}'.encode(), timestamp=None))

    assert letter.event.occurred_at is None


@pytest.mark.parametrize("topic", [b"", b"\xff\xfe", b"../../etc", b"a" * 300, b"a b", b".."])
def test_an_illegal_topic_name_is_no_origin(topic: bytes) -> None:
    headers = tuple(
        (n, topic if n == "kafka_dlt-original-topic" else v) for n, v in spring_headers(Position("t", 0, 1))
    )

    assert decode(record(headers)).origin is None


def test_texts_are_bounded() -> None:
    huge = "ä" * 2_000_000
    letter = decode(
        record((("kafka_dlt-exception-message", huge.encode()), ("kafka_dlt-exception-stacktrace", huge.encode())))
    )

    assert letter.failure.message == "ä" * MESSAGE_CHARACTERS
    assert letter.failure.stack is not None
    assert len(letter.failure.stack) < STACK_CHARACTERS, "its beginning and its end"


def test_every_familys_error_headers_are_stripped_and_the_chain_stays() -> None:
    chain = (TRACEPARENT, ("tracestate", b"a=b"), ("ce_id", b"1"), ("business", None))
    written = [name for family in FAMILIES for name in (*family.writes, *family.marks)]
    noise = tuple((name.replace("*", "x"), b"1") for name in (*written, *MARKERS, REPLAY_ID, REPLAY_LINK))

    assert strip(noise[:5] + chain + noise[5:] + spring_headers(Position("t", 0, 1))) == chain


def test_an_events_own_headers_stay_though_a_framework_has_names_like_them() -> None:
    own: Headers = (
        ("x-original-url", b"/orders/7"),
        ("x-original-timestamp", b"1768473000"),
        ("x-exception-policy", b"retry"),
        ("source_topic", b"crm"),
        ("dead-letter-policy", b"keep"),
        ("MT-Fault-Address", b"queue:faults"),
        ("NServiceBus.ConversationId", b"c-1"),
    )
    binder: Headers = (("x-original-topic", b"orders"), ("x-original-offset", b"0" * 8), ("x-exception-fqcn", b"a.X"))

    assert strip((*own, *spring_headers(Position("t", 0, 1)))) == own
    assert strip((*own, *binder)) == tuple(header for header in own if header[0] != "x-original-timestamp"), "its own"


NAMES = st.sampled_from(
    [name for name, _ in spring_headers(Position("t", 0, 1))] + ["kafka_dlt-key-exception-fqcn", REPLAY_ID, REPLAY_LINK]
)
BYTES = st.none() | st.binary(max_size=40) | st.integers(-(2**63), 2**63 - 1).map(lambda n: struct.pack(">q", n))


@given(headers=st.lists(st.tuples(NAMES | st.text(max_size=10), BYTES), max_size=20), value=BYTES, key=BYTES)
def test_garbage_never_crashes(headers: list[tuple[str, bytes | None]], value: bytes | None, key: bytes | None) -> None:
    letter = decode(record(tuple(headers), key=key, value=value))

    assert letter.hops >= 1
    assert letter.attempts is None or letter.attempts > 0
    assert letter_document(letter)["cause_key"]
