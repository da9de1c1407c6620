"""Ids are found wherever the field puts them, and anyone's bytes do no harm."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Envelope, MalformedEvent, Position, Record, read_event

AT = Position("user-events", 0, 0)
EVENT = Envelope(
    event_type="user.registered",
    source="user-service",
    data={"userId": "12345"},
    correlation_id="req-abc123",
    causation_id="event-xyz789",
    timestamp=datetime(2026, 1, 15, 10, 30, tzinfo=UTC),
)


def record(value: bytes | None, *headers: tuple[str, bytes | None]) -> Record:
    return Record(AT, None, None, value, headers)


def test_an_envelope_survives_the_journey() -> None:
    assert Envelope.parse(EVENT.to_json()) == EVENT


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (record(EVENT.to_json()), "ids in the body alone, as a plain producer sends them"),
        (record(b"\x00binary", *EVENT.to_headers()), "CloudEvents binary mode: the body isn't JSON"),
        (
            record(b'{"specversion":"1.0","id":"x","type":"t","source":"s","correlationid":"req-abc123"}'),
            "CloudEvents structured mode",
        ),
        (record(b"plain", ("NServiceBus.ConversationId", b"req-abc123")), "NServiceBus"),
        (record(None, ("kafka_correlationId", b"req-abc123")), "Spring's reply header, on a tombstone"),
    ],
)
def test_the_correlation_id_is_found(what: Record, why: str) -> None:
    assert read_event(what).ids.correlation_id == "req-abc123", why


def test_the_body_is_authoritative() -> None:
    told_otherwise = record(EVENT.to_json(), ("ce_correlationid", b"other"))
    assert read_event(told_otherwise).ids.correlation_id == "req-abc123"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metadata": None}, "metadata is missing"),
        ({"data": []}, "data is missing"),
        ({"timestamp": "yesterday"}, "timestamp is missing or not RFC 3339"),
        ({"eventId": ""}, "eventId is missing"),
        ({"metadata": {}}, "correlationId is missing"),
    ],
)
def test_a_malformed_event_says_what_is_wrong(change: dict[str, object], says: str) -> None:
    body = json.dumps({**json.loads(EVENT.to_json()), **change}).encode()
    with pytest.raises(MalformedEvent, match=says):
        Envelope.parse(body)


@given(
    st.binary() | st.none() | st.just(b"[" * 100_000) | st.just(b'{"a":' * 100_000),
    st.lists(st.tuples(st.text(), st.binary() | st.none())),
)
def test_nobodys_bytes_make_reading_fail(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    event = read_event(Record(AT, None, None, value, tuple(headers)))
    assert event.reference
