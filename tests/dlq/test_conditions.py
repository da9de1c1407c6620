"""Conditions on letters, held against what the real frameworks wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.dlq import rules
from eventops.dlq.conditions import FIELDS, LetterCondition
from eventops.dlq.families import decode
from eventops.dlq.model import Letter, Selection, State
from eventops.errors import UsageError
from eventops.events import Position, Record
from tests.dlq.workshop import record
from tests.letters import recorded

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "reference" / "dead-letters.md").read_text()
SPRING = decode(recorded.letter("spring", "spring-orders-dlt/0/0"))
CONNECT = decode(recorded.letter("connect", "connect-letters/0/4"))
SHARE = decode(recorded.letters("share")[0])
PLAIN = decode(record(at="orders-dlt/3/9", value=b'{"total": 250.5}'))


@pytest.mark.parametrize(
    ("condition", "letter", "holds", "why"),
    [
        ('family == "spring" && cause.endsWith("Exception")', SPRING, True, "who wrote it, and the root's class"),
        ('exception.endsWith("ListenerExecutionFailedException")', SPRING, True, "the wrapper can be asked for too"),
        ('origin.topic == "spring-orders" && origin.offset >= 0', SPRING, True, "where it came from"),
        ('"kafka_dlt-original-topic" in headers', SPRING, True, "headers as they stand"),
        ("attempts == null", PLAIN, True, "not recorded is null, never 0"),
        ('group.startsWith("connect-")', CONNECT, True, "the group that failed"),
        ('message.contains("rejected")', SHARE, True, "what the broker says"),
        (
            "attempts >= 1 && key == null && value == null",
            SHARE,
            True,
            "failed deliveries; a letter that holds nothing",
        ),
        ("value.total > 250 && partition == 3 && offset == 9", PLAIN, True, "the letter's own record"),
        ('family == "unknown" && cause == "unknown" && origin == null && frame == null', PLAIN, True, "nothing known"),
        ('timestamp < timestamp("2026-01-15T10:30:01Z")', PLAIN, True, "when it became a letter"),
        ('group == "billing"', PLAIN, False, "null is nobody's name"),
        ("hops > 1", SPRING, False, "one failure"),
    ],
)
def test_what_holds(condition: str, letter: Letter, holds: bool, why: str) -> None:
    asked = LetterCondition.of(condition)
    assert (asked.holds(letter), asked.unjudged) == (holds, 0), why


def test_the_state_is_the_ledgers_word() -> None:
    asked = LetterCondition.of('state in ["open", "failed_again"]')
    assert [asked.holds(replace(PLAIN, state=state)) for state in (State.OPEN, State.REPLAYED)] == [True, False]


def test_a_size_of_what_is_not_recorded_cannot_be_judged() -> None:
    asked = LetterCondition.of("attempts > 3")
    assert not asked.holds(PLAIN)
    assert asked.unjudged == 1
    assert asked.reason


@pytest.mark.parametrize("text", ["atempts > 3", "hops == 'x'", "state", "cause.size()"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        LetterCondition.of(text)


@pytest.mark.parametrize("name", [name for name, _kind, _what in FIELDS])
def test_every_field_is_documented_and_has_a_value_in_every_letter(name: str) -> None:
    assert f"`{name}`" in DOCUMENTED
    asked = LetterCondition.of(f"[{name}].size() == 1")
    for letter in (SPRING, CONNECT, SHARE, PLAIN):
        assert asked.holds(letter), (name, asked.reason)


def test_it_narrows_a_selection_and_is_kept_apart_from_what_needs_no_ledger() -> None:
    selection = Selection("orders-dlt", where=LetterCondition.of('family == "spring"'))
    assert [rules.is_selected(letter, selection) for letter in (SPRING, PLAIN)] == [True, False]
    assert rules.is_candidate(PLAIN.brief, selection)


@given(st.binary() | st.none(), st.binary() | st.none(), st.lists(st.tuples(st.text(), st.binary() | st.none())))
def test_anyones_bytes_are_judged_without_an_error(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    told = (*headers, ("reason_poisoned", value), ("topic_poisoned", key))
    letter = decode(Record(Position("t-dlt", 0, 0), None, key, value, told))
    asked = LetterCondition.of('message != "" || group == null || event_type == "x"')
    assert isinstance(asked.holds(letter), bool)
    assert asked.unjudged == 0, asked.reason
