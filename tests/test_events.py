"""Ids are found wherever the field puts them, and anyone's bytes do no harm."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Envelope, Ids, MalformedEvent, Places, Position, Record, indented, read_event

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
        (record(b"", ("X-Correlation-Id", b"req-abc123")), "a name as HTTP writes it"),
        (record(b'\0\0\0\0\7{"correlation_id":"req-abc123"}'), "JSON behind a schema registry's five bytes"),
        (record(b'\xef\xbb\xbf{"conversationId":"req-abc123"}'), "MassTransit, behind a byte order mark"),
    ],
)
def test_the_correlation_id_is_found(what: Record, why: str) -> None:
    assert read_event(what).ids.correlation_id == "req-abc123", why


TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (record(b"\xff", ("traceparent", TRACEPARENT)), "W3C's header"),
        (record(b"\xff", ("ce_traceparent", TRACEPARENT)), "CloudEvents' extension, binary mode"),
        (record(b'{"specversion":"1.0","traceparent":"%s"}' % TRACEPARENT), "the same, structured mode"),
    ],
)
def test_the_trace_may_be_all_that_is_known(what: Record, why: str) -> None:
    assert read_event(what).ids == Ids(trace_id="0af7651916cd43dd8448eb211c80319c"), why


PLACES = {
    "colour": "red",
    "ids.correlation": ["/meta/req~1id", "header:X-Request"],
    "ids.event": "/lines/1/no",
    "ids.causation": "$message.payload#/because",
    "ids.type": "$message.header#/Kind",
}


def test_a_context_names_places_of_its_own() -> None:
    read = Places.of(PLACES).reader
    told = read(record(b'{"meta":{"req/id":"r"},"lines":[0,{"no":42}],"because":"c"}', ("kind", b"k")))
    assert told.ids == Ids(event_id="42", event_type="k", correlation_id="r", causation_id="c")
    assert read(record(b'{"meta":7,"lines":"x"}', ("x-request", b"h"))).ids == Ids(correlation_id="h")
    assert read(record(EVENT.to_json())).ids.correlation_id == "req-abc123", "the field's conventions still hold"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"ids.correlation": "meta.requestId"}, "'meta.requestId' is neither a JSON pointer"),
        ({"ids.colour": "/a"}, "eventops.ids.colour is none of event, type, source, correlation, causation"),
        ({"ids.event": 7}, "eventops.ids.event must be a text or a list of texts"),
    ],
)
def test_places_that_are_none_are_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Places.of(settings)


def test_the_data_of_a_cloudevent_in_binary_mode_is_no_envelope() -> None:
    headers = (("ce_id", b"e"), ("ce_source", b"/billing"), ("ce_time", b"2026-01-15T10:30:00Z"))
    ids = read_event(record(b'{"source":"web","timestamp":"2001-01-01T00:00:00Z","correlationId":"c"}', *headers)).ids
    assert ids == Ids("e", None, "/billing", "c", None, datetime(2026, 1, 15, 10, 30, tzinfo=UTC), None)


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
    held = Record(AT, None, None, value, tuple(headers))
    assert read_event(held).reference
    assert Places.of(PLACES).reader(held).reference


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.booleans(), st.sampled_from([None, 3]))
def test_json_is_laid_out_as_any_writer_would(document: object, ascii_only: bool, spaces: int | None) -> None:
    written = json.dumps(document, ensure_ascii=ascii_only, indent=spaces)
    assert indented(written) == json.dumps(document, ensure_ascii=ascii_only, indent=2)


@pytest.mark.parametrize("document", ["{", '{"a":1,}', "nonsense", "[" * 200_000, "[" + "9" * 5_000 + "]"])
def test_what_is_no_json_is_not_laid_out(document: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        indented(document)
