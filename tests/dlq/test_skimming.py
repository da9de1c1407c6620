"""What is told of a letter at a glance is what reading it in full tells, also of the next one of its kind."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from eventops.dlq.families import BUILT_IN, Conventions
from eventops.dlq.moments import milliseconds
from eventops.dlq.settings import conventions
from eventops.dlq.skimming import Skimmer, record_of
from eventops.events import REPLAY_ID, Event, Headers, Ids, Record, read_event
from eventops.ports import Plain
from tests.dlq.workshop import AT, record
from tests.letters import recorded

REAL = [
    letter
    for name in ("spring", "binder", "streams", "connect", "share", "smallrye", "watermill")
    for letter in recorded.letters(name)
]
DECLARED = {
    "dlq": {
        "own-code": ["letters.", "acme/"],
        "groups": {"*-dlt": "by-topic"},
        "messages": [{"pattern": r"order \d", "replace": "an order"}],
        "families": [
            {"name": "acme", "group": "x-group", "exception": "x-class", "message": "x-error", "stack": "x-stack"},
            {"name": "newest", "message": "y-error", "group": "y-group", "order": "newest-first"},
        ],
    }
}


def plain(one: Record) -> Plain:
    at = one.position
    time = None if one.timestamp is None else milliseconds(one.timestamp)
    return at.home, at.offset, time, one.key, one.value, list(one.headers)


def assert_told_alike(skimmer: Skimmer, known: Conventions, one: Record) -> None:
    letter = known.decode(one)
    expected = letter.cause, letter.group, letter.event.ids.event_type, bool(one.header(REPLAY_ID))
    assert skimmer.tell(plain(one)) == expected


def with_ids(one: Record, number: bytes) -> Record:
    """Another letter of the same failure: its ids are others, and so are their lengths."""
    headers = [
        (name, re.sub(rb"[1-9]\d{2,}", number, raw) if raw and b"exception" in name.encode() else raw)
        for name, raw in one.headers
    ]
    return Record(one.position, one.timestamp, one.key, one.value, tuple(headers))


def test_real_letters_and_others_like_them() -> None:
    skimmer = Skimmer(BUILT_IN)
    for _round in range(2):
        for one in REAL:
            for number in (b"7", b"123456789", b"42"):
                assert_told_alike(skimmer, BUILT_IN, with_ids(one, number))
            assert_told_alike(skimmer, BUILT_IN, one)


def test_what_a_context_adds_is_told_too() -> None:
    added = conventions(DECLARED)
    skimmer = Skimmer(added)
    own: tuple[Headers, ...] = (
        (
            ("x-class", b"a.B"),
            ("x-error", b"order 41"),
            ("x-group", b"g"),
            ("x-stack", b"a.B: m\n\tat letters.C.d(E:1)"),
        ),
        (("x-class", b"a.B"), ("x-error", b"order 99"), ("x-group", b"h")),
        (("y-error", b"new"), ("y-group", b"now"), ("y-error", b"old"), ("y-group", b"then")),
        (("other", b"1"),),
        (),
    )
    for one in (*REAL, *(record(headers) for headers in own)):
        assert_told_alike(skimmer, added, one)
        assert_told_alike(skimmer, added, with_ids(one, b"5"))


def test_places_of_ids_that_a_context_names_are_looked_at() -> None:
    def read(one: Record) -> Event:
        return replace(read_event(one), ids=Ids(event_type="by the context"))

    own = Conventions(read=read)
    assert Skimmer(own).tell(plain(record((), value=b'{"eventType":"a"}')))[2] == "by the context"


CLASSES = st.sampled_from(["a.B", "c.D1", "c.D2", "org.springframework.E", "B", "no class"])
MESSAGES = st.sampled_from(["", "order 1", "order 22", " ", "a: b", "x ---> y", "über 3", 'File "a"', "\x1c", "n\nm"])
FRAMES = st.lists(
    st.sampled_from(
        [
            "\n\tat com.acme.Cart.add(Cart.java:7)", "\n\tat com.acme.Cart2.add(Cart.java:8)",
            "\n\tat org.springframework.X.y(Z.java:1)", "\n\t... 7 more", "\nCaused by: ", "\nnoise", "\n",
            '\n  File "/app/acme/cart.py", line 7, in add', "\n   at Acme.Cart.Add(Int32 n) in /src/Cart.cs:line 7",
        ]
    ),
    max_size=4,
).map("".join)  # fmt: skip
SECTIONS = st.tuples(CLASSES, MESSAGES, FRAMES).map(lambda one: f"{one[0]}: {one[1]}{one[2]}")
STACKS = st.lists(SECTIONS, max_size=3).map("\nCaused by: ".join)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "kafka_dlt-exception-fqcn": CLASSES,
        "kafka_dlt-exception-cause-fqcn": CLASSES | st.just(""),
        "kafka_dlt-exception-message": MESSAGES.map(lambda said: f"Listener failed; {said}") | MESSAGES,
        "kafka_dlt-key-exception-message": MESSAGES,
        "kafka_exception-cause-fqcn": CLASSES,
        "kafka_exception-message": MESSAGES,
        "kafka_exception-stacktrace": STACKS,
        "kafka_dlt-exception-stacktrace": STACKS,
        "kafka_dlt-original-consumer-group": st.sampled_from(["g", "h", ""]),
        "x-original-topic": st.sampled_from(["orders", ""]),
        "dead-letter-reason": MESSAGES,
        "__connect.errors.exception.stacktrace": STACKS,
        REPLAY_ID: st.sampled_from(["", "r"]),
        "ce_type": st.sampled_from(["order.placed", ""]),
        "": MESSAGES,
    },
)
VALUES = st.none() | st.sampled_from(
    [
        b"", b"text", b'{"eventType":"a"}', b'{"eventType":"a"} x', b'{"eventType":1}', b'{"specversion":"1.0"}',
        b"{", b"\xff", '{"eventType":"\u00e4"}'.encode(),
    ]
)  # fmt: skip


@given(st.lists(st.tuples(HEADERS, VALUES), min_size=1, max_size=6))
@example([({"kafka_dlt-exception-stacktrace": "a.B: m\n\tat com.acme.Cart.add(C)"}, None)] * 2)
@example([({"kafka_dlt-exception-stacktrace": "x: \nCaused by: a.B: \n\tat com.acme.Cart.add(C)"}, None)] * 2)
def test_any_letters_one_after_another(letters: list[tuple[dict[str, str], bytes | None]]) -> None:
    """One skimmer remembers what it saw: the next letter is told by it, and still as it is."""
    skimmer = Skimmer(BUILT_IN)
    for headers, value in letters:
        told = tuple((name, text.encode("utf-8", "surrogateescape")) for name, text in headers.items())
        assert_told_alike(skimmer, BUILT_IN, record(told, value=value))


def test_messages_of_one_class_differ_in_more_than_digits() -> None:
    skimmer = Skimmer(BUILT_IN)
    stack = "w.W: w\nCaused by: c.Other: deep {}\n\tat com.acme.Cart.add(C)"
    for number, said in enumerate(("order 1", "order 22", "order 3", "no order", "Listener failed; order 4", "über 5")):
        for prefix in ("kafka_dlt-", "kafka_"):
            told = {"cause-fqcn": "a.B", "message": said, "stacktrace": stack.format(number), "fqcn": "w.W"}
            headers = tuple((f"{prefix}exception-{name}", text.encode()) for name, text in told.items())
            assert_told_alike(skimmer, BUILT_IN, record(headers))


@given(st.lists(st.tuples(st.text(max_size=3), st.none() | st.binary(max_size=9)), max_size=5).map(tuple))
def test_anyones_headers(headers: Headers) -> None:
    assert_told_alike(Skimmer(BUILT_IN), BUILT_IN, record((("kafka_dlt-original-topic", b"t"), *headers)))


def test_what_is_remembered_is_bounded() -> None:
    skimmer = Skimmer(BUILT_IN)
    for number in range(3_000):
        stack = f"a.B: {number}\nCaused by: c.D: {number}\n\tat com.acme.Cart{number}.add(C)".encode()
        headers = (("kafka_dlt-exception-stacktrace", stack), (f"h{number % 300}", struct.pack(">i", number)))
        assert_told_alike(skimmer, BUILT_IN, record(headers))
    kept = [skimmer._shapes, *(shape.sections for shape in skimmer._shapes.values())]
    assert max(map(len, kept)) <= 128


def test_the_record_in_full_is_the_record() -> None:
    for one in REAL:
        assert record_of(plain(one)) == one
    assert record_of(plain(record(timestamp=AT))).timestamp == AT
