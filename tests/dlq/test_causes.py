"""Causes: what is taken out of messages, whose frames are ours, and that nothing is lost or changed twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventops.dlq.causes import FRAMEWORKS, MESSAGE_RULES, Causes, cause_id, folded, root
from eventops.dlq.failure import Cause, Failure, Kind, Trend
from eventops.dlq.families import BUILT_IN
from eventops.dlq.grouping import EXACT_KEYS, Grouping, Keys, Timeline
from eventops.dlq.model import Letter, State
from eventops.dlq.moments import milliseconds
from eventops.dlq.rules import is_of_cause
from eventops.dlq.skimming import Told, record_of
from eventops.events import Partition, Record, read_event
from eventops.ports import Plain
from tests.dlq.workshop import AT, record

MESSAGES = [
    # message, what is left of it, why
    ("order 4711 not found", "order <n> not found", "a number is one order's"),
    ("timeout after 30000ms", "timeout after <n>ms", "a unit stays"),
    ("balance -12.50 is negative", "balance <n> is negative", "its sign is part of a number"),
    ("order-4711 and order-9", "order-<n> and order-<n>", "a hyphen within a word is none"),
    ("no user 7f9c24e8-3b1a-4f6e-9d2c-0a1b2c3d4e5f", "no user <id>", "a UUID"),
    ("trace 0af7651916cd43dd8448eb211c80319c", "trace <id>", "a hash"),
    ("com.acme.Cart@1b2c3d4e is closed", "com.acme.Cart<id> is closed", "Java's identity hash"),
    ("added face and deed", "added face and deed", "words of hexadecimal letters are words"),
    ("connect to 10.1.2.3:9092 refused", "connect to <address> refused", "IPv4 and port"),
    ("connect to fe80:0:0:0:1:2:3:4 refused", "connect to <address> refused", "IPv6"),
    ("550 refused: ada@example.org", "<n> refused: <address>", "a mail address"),
    ("expired at 2026-01-15T10:30:00.123Z", "expired at <time>", "ISO 8601"),
    ("expired at 10:30:00", "expired at <time>", "a time of day"),
    ('For input string: "{"a":1}"', 'For input string: "<json>"', "a quoted payload"),
    ("a\n\t b", "a b", "white space"),
    ("", "", "nothing"),
]


@pytest.mark.parametrize(("message", "left", "why"), MESSAGES)
def test_what_is_left_of_a_message(message: str, left: str, why: str) -> None:
    assert Causes().normalised(message) == left, why


PIECES = st.sampled_from(
    ["order", " ", "-", ":", ".", "@", "4711", "abc", "{", '"', "}", "é", "0x1f", "a1b2c3d4e5", "<n>", "<id>", "1", "T"]
)


@example("@AAAA0G")
@example("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa00")
@given(st.text(max_size=80) | st.lists(PIECES, max_size=30).map("".join))
def test_normalising_twice_is_normalising_once(message: str) -> None:
    once = Causes().normalised(message)

    assert Causes().normalised(once) == once
    assert not set("0123456789") & set(once)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_messages_that_differ_in_numbers_are_one(one: int, other: int) -> None:
    causes = Causes()

    assert causes.normalised(f"order {one} of {one}") == causes.normalised(f"order {other} of {other}")


def test_every_rule_says_why() -> None:
    assert all(why for *_rest, why in MESSAGE_RULES)
    assert all(prefix.endswith(".") and whose for prefix, whose in FRAMEWORKS)


JAVA = """org.springframework.kafka.listener.ListenerExecutionFailedException: Listener failed
\tat org.springframework.kafka.listener.KafkaMessageListenerContainer.invoke(KafkaMessageListenerContainer.java:1)
\tat com.acme.Outer.call(Outer.java:9)
Caused by: com.acme.NoStock: sku 4711
\tat java.base/java.util.Objects.requireNonNull(Objects.java:1)
\tat app//com.acme.Cart$$SpringCGLIB$$0.add(Cart.java:7)
\tat com.acme.Outer.call(Outer.java:9)
\t... 14 more
"""
PYTHON = """Traceback (most recent call last):
  File "/app/acme/mail.py", line 7, in send
    smtp.connect()
  File "/usr/lib/python3.11/smtplib.py", line 341, in connect
    raise ConnectionRefusedError
ConnectionRefusedError: refused

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/acme/handler.py", line 3, in handle
    send()
RuntimeError: no mail
"""
DOTNET = """System.InvalidOperationException: failed ---> Acme.NoStock: sku 4711
   at System.Linq.Enumerable.First(IEnumerable`1 source)
   at Acme.Cart.Add(Sku sku) in /src/Cart.cs:line 7
"""
NODE = """Error: no stock
    at Object.get (node:internal/x.js:1:2)
    at run (/app/node_modules/kafkajs/src/runner.js:10:5)
    at addToCart (/app/src/cart.js:7:9)
"""
ONLY_FRAMEWORK = "a.X: m\n\tat org.apache.kafka.A.b(A.java:1)\n\tat java.util.C.d(C.java:2)\n"


@pytest.mark.parametrize(
    ("stack", "frame"),
    [
        (JAVA, "com.acme.Cart.add"),  # in the root cause, without what a proxy adds to the name
        (PYTHON, "acme/mail.py:send"),  # the root cause is the first traceback, its innermost own frame
        (DOTNET, "Acme.Cart.Add"),
        (NODE, "src/cart.js:addToCart"),
        (ONLY_FRAMEWORK, None),
        ("", None),
        (None, None),
    ],
)
def test_the_first_frame_of_our_own_code(stack: str | None, frame: str | None) -> None:
    assert Causes().frame(stack) == frame


def test_declared_prefixes_alone_are_our_own() -> None:
    assert Causes(own=("com.acme.Outer",)).frame(JAVA) == "com.acme.Outer.call"
    assert Causes(own=("org.apache.kafka.",)).frame(ONLY_FRAMEWORK) == "org.apache.kafka.A.b"


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (Failure("w.Wrapper", "com.acme.NoStock", "failed", JAVA), "com.acme.NoStock", "sku 4711"),
        (Failure("w.Wrapper", None, "failed", JAVA), "com.acme.NoStock", "sku 4711"),
        (Failure("w.Wrapper", "other.Cause", "failed", JAVA), "other.Cause", "failed"),  # the framework knows better
        (Failure("System.InvalidOperationException", None, "failed", DOTNET), "Acme.NoStock", "sku 4711"),
        (Failure("a.X", None, "m", ONLY_FRAMEWORK), "a.X", "m"),
        (Failure("a.X", None, None, "\nCaused by: not a class at all: 1"), "a.X", None),
    ],
)
def test_the_root_cause_is_no_wrapper(failure: Failure, kind: str | None, message: str | None) -> None:
    assert root(failure) == (kind, message)


def test_a_megabyte_of_stack_trace_is_read_in_no_time() -> None:
    huge = (
        "x.Y: m"
        + "\n\tat org.apache.kafka.A.b(A.java:1)" * 30_000
        + "\nCaused by: com.acme.NoStock: 1\n\tat com.acme.B.c(B)"
    )
    letter = BUILT_IN.decode(
        record((("kafka_dlt-exception-stacktrace", huge.encode()), ("kafka_dlt-exception-fqcn", b"x.Y")))
    )

    assert (letter.cause.kind, letter.cause.frame) == ("com.acme.NoStock", "com.acme.B.c")
    assert len(folded(letter.failure.stack or "").split("\n")) < 10


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_stack_trace_crashes(before: str, after: str) -> None:
    stack = f"{before}\n\tat a.B.c(D)\nCaused by: {after}"

    Causes().cause(Failure("x", None, before, stack))
    folded(stack)


def plain(key: bytes | None = b"k", at: datetime | None = AT, offset: int = 0) -> Plain:
    """A letter as grouping takes it."""
    return Partition("t", 0), offset, None if at is None else milliseconds(at), key, b"{}", ()


def grouped(grouping: Grouping, told: Sequence[tuple[Cause, str | None, State]], letters: Sequence[Plain]) -> None:
    """Have the letters counted, each as what is told of it, in pieces as a scan hands them over."""
    said = iter(told)

    def tell(_letter: Plain) -> tuple[Told, State]:
        cause, group, state = next(said)
        return (cause, group, None, False), state

    for first in range(0, len(letters), 7):
        grouping.take(letters[first : first + 7], tell)


def in_full(letter: Plain) -> Letter:
    return BUILT_IN.decode(record_of(letter))


LETTERS = st.lists(
    st.tuples(
        st.builds(Cause, st.text("AB", min_size=1, max_size=2), st.none(), st.none() | st.text("xyz", max_size=3)),
        st.none() | st.sampled_from(["g", "h"]),
        st.sampled_from(State),
        st.none() | st.binary(max_size=1),
        st.none() | st.integers(0, 10**6),
    ),
    max_size=60,
)


@given(LETTERS, st.integers(1, 5))
def test_grouping_loses_no_letter_however_many_causes_there_are(
    letters: list[tuple[Cause, str | None, State, bytes | None, int | None]], most: int
) -> None:
    grouping = Grouping("t", AT, most)
    plains = [
        plain(key, None if minutes is None else AT + timedelta(minutes=minutes), number)
        for number, (_cause, _group, _state, key, minutes) in enumerate(letters)
    ]
    grouped(grouping, [(cause, group, state) for cause, group, state, _key, _minutes in letters], plains)
    groups = grouping.groups(in_full)

    for state in State:
        assert sum(group.counts.get(state, 0) for group in groups) == sum(one[2] is state for one in letters)
    assert all(sum(group.event_types.values()) == sum(group.counts.values()) for group in groups)
    assert all(group.verdict.reason for group in groups)


@given(st.lists(st.integers(0, 10**8), max_size=2_000))
def test_a_timeline_widens_and_loses_no_letter(seconds: list[int]) -> None:
    line = Timeline()
    for first in range(0, len(seconds), 100):
        line.add(seconds[first : first + 100])

    assert sum(line.slots.values()) == len(seconds)
    assert len(line.slots) <= 512


def test_distinct_keys_are_exact_until_they_are_many() -> None:
    few, many = Keys(), Keys()
    for number in range(2 * EXACT_KEYS):
        few.add([str(number).encode()] * 2)
    for first in range(0, 300_000, 1_000):
        many.add([str(number).encode() for number in range(first, first + 1_000)])

    assert (few.count(), few.is_exact) == (2 * EXACT_KEYS, True)
    assert not many.is_exact
    assert many.count() == pytest.approx(300_000, rel=0.05)


def test_a_burst_over_many_keys_is_an_outage_and_one_key_again_and_again_a_poison_pill() -> None:
    def judged(keys: int, apart: timedelta) -> tuple[Kind, Trend]:
        grouping = Grouping("t", AT + 100 * apart)
        letters = [plain(str(number % keys).encode(), AT + number * apart, number) for number in range(100)]
        grouped(grouping, [(Cause("a.X"), "g", State.OPEN)] * 100, letters)
        [group] = grouping.groups(in_full)
        return group.verdict.kind, group.trend

    assert judged(100, timedelta(seconds=1)) == (Kind.OUTAGE, Trend.NEW)
    assert judged(1, timedelta(hours=1)) == (Kind.POISON_PILL, Trend.QUIET)
    assert judged(100, timedelta(hours=1))[0] is Kind.UNDECIDED


def test_a_cause_is_chosen_by_id_class_or_last_segment() -> None:
    cause = Cause("com.acme.NoStock", "com.acme.Cart.add", "sku <n>")

    for name in (cause_id(cause), "com.acme.NoStock", "nostock"):
        assert is_of_cause(cause, ["x", name])
    assert not is_of_cause(cause, ["acme", cause_id(replace(cause, pattern="other"))])


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_type", "CE_Type", "eventType", "x-event-type", "other"]),
        st.none() | st.binary(max_size=6) | st.sampled_from([b"order.placed", b'"quoted"']),
    ),
    max_size=4,
).map(tuple)
BODIES = st.none() | st.binary(max_size=10) | st.sampled_from(
    [
        b'{"eventType":"a"}', b'{"eventType":""}', b'{"eventType":7}', b'{"event_type":"b"}',
        b'{"data":{"eventType":"c"}}',
        b'{"specversion":"1.0","type":"d"}', b'{"specversion":"1.0","eventType":"e"}', b'{"event\\u0054ype":"f"}',
        b'\xef\xbb\xbf{"eventType":"g"}', b"[1]", b'{"eventType":null}',
    ]
)  # fmt: skip


@given(headers=HEADERS, value=BODIES)
def test_the_quick_look_at_an_events_type_says_what_reading_it_says(
    headers: tuple[tuple[str, bytes | None], ...], value: bytes | None
) -> None:
    one: Record = record(headers, value=value)

    assert BUILT_IN.brief(one).event_type == read_event(one).ids.event_type
    assert BUILT_IN.brief(one).cause == BUILT_IN.decode(one).cause


def test_the_newest_letter_is_the_example() -> None:
    now = datetime(2026, 2, 1, tzinfo=UTC)
    grouping = Grouping("t", now)
    letters = [plain(at=now - timedelta(minutes=minutes), offset=n) for n, minutes in enumerate((5, 30, 7))]
    grouped(grouping, [(Cause("a.X"), None, State.OPEN)] * 3, letters)
    [group] = grouping.groups(in_full)

    assert group.example.position.offset == 0
    assert (group.oldest, group.newest) == (now - timedelta(minutes=30), now - timedelta(minutes=5))
    assert group.per_hour == 3
