"""Conditions in CEL: what holds for a record, what can't be told, and what is refused before anything is read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.errors import UsageError
from eventops.events import Headers, Position, Record
from eventops.where import Where

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
BODY = b'{"data":{"total":250.5,"items":[{"sku":"a"},{"sku":"b"}]},"tags":[],"n":7,"none":null}'


def record(value: bytes | None = BODY, headers: Headers = (), key: bytes | None = b"user-1") -> Record:
    return Record(Position("orders", 2, 41), NOON, key, value, headers)


@pytest.mark.parametrize(
    ("condition", "what", "holds", "why"),
    [
        ("value.data.total > 100", record(), True, "a whole number is compared with a fraction"),
        ("value.n == 7 && value.none == null", record(), True, "numbers and null as JSON has them"),
        ('value.data.items.exists(i, i.sku == "b")', record(), True, "into lists"),
        ("has(value.data.missing)", record(), False, "whether a field is there can be asked"),
        ('key == "user-1" && topic == "orders" && partition == 2 && offset == 41', record(), True, "where it stands"),
        ('timestamp >= timestamp("2026-01-15T12:00:00Z")', record(), True, "when"),
        ('headers["x"] == "2"', record(headers=(("x", b"1"), ("x", b"2"))), True, "the last of a name"),
        ('"y" in headers', record(headers=(("x", None),)), False, "which headers there are"),
        ('value.startsWith("plain")', record(b"plain text"), True, "text stays text"),
        ('value == "42"', record(b"42"), True, "a bare number too: nobody said it was JSON"),
        ('value == b"\\xff\\x00"', record(b"\xff\x00"), True, "bytes that are no text"),
        ('value.a == "x"', record(b'\xef\xbb\xbf{"a":"x"}'), True, "JSON behind a byte order mark"),
        (
            'value.a == "x" && value.b == "?"',
            record(rb'{"a":"x","b":"\ud800"}'),
            True,
            "half a surrogate pair elsewhere",
        ),
        ('value == "a\u2400b"', record(b"a\0b"), True, "a zero doesn't end a text"),
        (
            'value.a == "x\u2400" && value.b == "\\\\u0000"',
            record(rb'{"a":"x\u0000","b":"\\u0000"}'),
            True,
            "nor in JSON",
        ),
        ("value == null && key == null", record(None, key=None), True, "a tombstone"),
        ("value.a == 1", record(b'\0\0\0\0\7{"a":1}'), True, "behind a schema registry's five bytes"),
    ],
)
def test_what_holds(condition: str, what: Record, holds: bool, why: str) -> None:
    where = Where.of(condition)
    assert (where.matches(what), where.unjudged) == (holds, 0), why


@pytest.mark.parametrize(
    ("condition", "what", "why"),
    [
        ("value.missing > 1", record(), "no such field"),
        ("value.data.total > 1", record(b"text"), "text has no fields"),
        ("value.n", record(), "the answer is a number"),
        ('timestamp > timestamp("2026-01-15T12:00:00Z")', Record(Position("t", 0, 0), None, None, None), "no time"),
        ("value.n > 1", record(b'{"n":%d}' % 10**30), "a number that CEL has no room for"),
    ],
)
def test_what_cannot_be_told_does_not_match_and_is_counted(condition: str, what: Record, why: str) -> None:
    where = Where.of(condition)
    assert (where.matches(what), where.unjudged) == (False, 1), why
    assert where.reason


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("value.a +", "it ends too early"),
        ("vlaue == 1", "there is no 'vlaue'"),
        ("topic > 5", "no matching overload"),
        ("offset + 1", "isn't true or false"),
        ("", "it ends too early"),
    ],
)
def test_what_is_no_condition_is_refused_before_anything_is_read(condition: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Where.of(condition)


@given(
    st.binary() | st.none() | st.just(b'{"a":' * 5_000) | st.just(b'{"a":"\\ud800"}'),
    st.lists(st.tuples(st.text() | st.just("\ud800"), st.binary() | st.none())),
)
def test_nobodys_bytes_make_judging_fail(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    where = Where.of('headers["x"] == "1" || value.a == 1')
    assert where.matches(record(value, tuple(headers))) in (True, False)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("value.total >", "column 14: it ends too early"),
        ("value.total > 1 &&& x", "column 19, at '& x': '& ' can't be read"),
        ('value.x == "é漢" && > 1', "column 20, at '> 1': '>' isn't expected here"),
        ("value.a == 1 &&\n  value.b ==", "line 2, column 13: it ends too early"),
        ("topic + 1", "column 7, at '+ 1': found no matching overload"),
        ("(offset > 1", "column 12: missing ')'"),
        ("1 2 == 1", "column 3, at '2 == 1': '2' isn't expected here"),
        ("value.", "column 7: it can't go on like this"),
    ],
)
def test_a_fault_is_shown_in_the_text_that_was_typed(condition: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        Where.of(condition)
    assert refused.value.what.startswith(f"--where isn't a condition in CEL: {told}")
    assert "\n" not in refused.value.what.replace(condition, "")
