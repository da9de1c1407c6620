"""An id is found however its writer spelled it."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Headers, Position, Record, read_event
from eventops.ports import Sought
from eventops.trace.identifiers import Identifier

UUID = "3f2b6c1e-0000-4000-8000-0000000000aB"


def record(value: bytes | None, headers: Headers = ()) -> Record:
    return Record(Position("t", 0, 0), None, None, value, headers)


def body(written: bytes) -> Record:
    return record(b'{"correlationId":"' + written + b'"}')


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("req-1", body(b"req-1"), "as it is"),
        (
            "0x9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
            body(b"0x9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"),
            "a text of 32 digits",
        ),
        ("0xFF00AA", record(None, (("correlationId", b"\xff\x00\xaa"),)), "hexadecimal in capitals"),
        (
            "zam\u00f3wienie-1234",
            record(None, (("x-correlation-id", b"zam\xc3\xb3wienie-1234"),)),
            "16 bytes of text",
        ),
        ('"/\u2039' + "\\" * 40, body(rb"\"\/\u2039" + rb"\\" * 40), "more spellings than are looked for one by one"),
        ("req/1", body(rb"req\/1"), "PHP escapes the slash"),
        ("a+b=c", body(rb"a\u002Bb\u003dc"), "System.Text.Json and Gson escape signs, in either case"),
        ("süß", body(b"s\\u00fc\\u00df"), "Python's json.dumps writes ASCII"),
        ("süß", body("süß".encode()), "the same in UTF-8"),
        ('say "hi"', body(rb"say \"hi\""), "quotes"),
        ("req-😀", body(b"req-\\ud83d\\ude00"), "a surrogate pair"),
        (UUID.lower(), record(None, (("kafka_correlationId", uuid.UUID(UUID).bytes),)), "Spring's 16 raw bytes"),
        (UUID.upper(), body(UUID.lower().encode()), "pasted in capitals"),
        (
            "0xff00aa",
            record(None, (("correlationId", b"\xff\x00\xaa"),)),
            "bytes that a document printed as hexadecimal",
        ),
    ],
)
def test_an_id_is_found_as_its_writer_spelled_it(text: str, where: Record, why: str) -> None:
    wanted = Identifier.of(text)
    assert wanted.may_be_in(where), why
    assert wanted.names(read_event(where).ids.correlation_id), why


@pytest.mark.parametrize(
    ("where", "why"),
    [
        (body(b"req-2"), "another id"),
        (record(None), "a tombstone"),
        (record(None, (("correlationId", None),)), "a header without a value"),
        (record(b"\xff\xfe", (("x", b"\x00"),)), "bytes of anyone"),
    ],
)
def test_what_does_not_hold_the_id_is_passed_over(where: Record, why: str) -> None:
    assert not Identifier.of("req-1").may_be_in(where), why


def test_a_longer_id_that_begins_alike_is_only_a_candidate() -> None:
    longer = body(b"req-10")
    assert Identifier.of("req-1").may_be_in(longer)
    assert not Identifier.of("req-1").names(read_event(longer).ids.correlation_id)


@given(st.text(min_size=1), st.booleans())
def test_whatever_json_writes_is_found(text: str, ascii_only: bool) -> None:
    written = json.dumps({"correlationId": text}, ensure_ascii=ascii_only).encode()
    assert Identifier.of(text).may_be_in(record(written))


def test_an_id_that_is_nearly_there_takes_no_longer() -> None:
    """Forty backslashes could be paired in a hundred million ways."""
    wanted = Identifier.of('"/\u2039' + "\\" * 40 + "X-end")
    nearly = body(b'\\"\\/\\u2039' + b"\\" * 80 + b"X-nearly-the-end")
    assert wanted.escaped is not None
    assert not wanted.may_be_in(nearly)


@given(st.integers(0, 10**12), st.sampled_from([None, (",", ":")]))
def test_a_number_is_a_word_however_json_is_spaced(number: int, separators: tuple[str, str] | None) -> None:
    written = json.dumps({"a": 1, "causationId": number, "b": [number]}, separators=separators)
    assert Sought(words=frozenset({str(number).encode()})).may_be_in(record(written.encode()))
