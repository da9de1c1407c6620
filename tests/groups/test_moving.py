"""Where offsets go, and what that means: tables, and what holds for all of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Partition
from eventops.groups import moving, plan_file
from eventops.groups.model import Kind, Move, Refusal, Target
from eventops.ports import LogBounds

HOME = Partition("orders", 0)
LOG = LogBounds(start=10, high_watermark=50, last_stable=45)
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("target", "before", "after", "note"),
    [
        (Target(Kind.EARLIEST, ""), 20, 10, None),
        (Target(Kind.LATEST, ""), 20, 50, None),  # what open transactions hold back counts, as in Kafka's own tool
        (Target(Kind.OFFSET, "", number=30), None, 30, None),
        (Target(Kind.OFFSET, "", number=3), 20, 10, "3 is below the start of the log: moved up to 10"),
        (Target(Kind.OFFSET, "", number=99), 20, 50, "99 is beyond the end of the log: moved down to 50"),
        (Target(Kind.SHIFT, "", number=-5), 20, 15, None),
        (Target(Kind.SHIFT, "", number=-15), 20, 10, "5 is below the start of the log: moved up to 10"),
        (Target(Kind.FILE, "", offsets={HOME: 12}), 20, 12, None),
        (Target(Kind.MOMENT, "", moment=NOON), 20, 44, None),
    ],
)
def test_where_an_offset_goes(target: Target, before: int | None, after: int, note: str | None) -> None:
    found = moving.move(HOME, target, before, LOG, {HOME: 44})
    assert isinstance(found, Move)
    assert (found.before, found.after, found.note) == (before, after, note)


def test_what_cannot_be_moved() -> None:
    shift = moving.move(HOME, Target(Kind.SHIFT, "", number=1), None, LOG, {})
    assert isinstance(shift, Refusal)
    assert "never committed" in shift.reason
    moment = moving.move(HOME, Target(Kind.MOMENT, "", moment=NOON), 20, LOG, {})
    assert isinstance(moment, Refusal)


def test_a_moment_past_the_last_record_is_the_end_and_says_so() -> None:
    found = moving.move(HOME, Target(Kind.MOMENT, "", moment=NOON), 20, LOG, {HOME: 50})
    assert isinstance(found, Move)
    assert found.note == "no record is as new as 2026-01-15T12:00:00.000000Z: this is the end of the log"


@given(before=st.integers(0, 60), wanted=st.integers(-5, 99))
def test_an_offset_stays_in_its_log_and_nothing_is_both_skipped_and_read_again(before: int, wanted: int) -> None:
    after = moving.fitted(wanted, LOG)
    assert LOG.start <= after <= LOG.high_watermark
    skipped, again, why = moving.effect(before, after, LOG)
    if before > LOG.high_watermark:
        assert (skipped, again) == (None, None)
        assert why
        return
    assert skipped is not None
    assert again is not None
    assert min(skipped, again) == 0
    assert max(before, LOG.start) + skipped - again == after


def test_what_has_to_be_known_beforehand() -> None:
    moves = [Move(HOME, 50, 50, LOG)]
    said = list(moving.warnings(Target(Kind.LATEST, ""), moves, 2, "billing"))
    assert [sentence.split(":")[0] for sentence in said] == [
        "billing has 2 members",
        "open transactions hold back 5 offsets",
        "already there",
    ]
    assert list(moving.warnings(Target(Kind.EARLIEST, ""), [Move(HOME, 20, 10, LOG)], 0, "billing")) == []


@given(
    st.dictionaries(
        st.builds(Partition, st.from_regex(r"[a-zA-Z0-9._-]{1,20}", fullmatch=True), st.integers(0, 99)),
        st.integers(0, 2**62),
    )
)
def test_a_plan_comes_back_from_its_file(offsets: dict[Partition, int]) -> None:
    text = plan_file.written([Move(at, None, offset, LOG) for at, offset in offsets.items()])
    if offsets:
        assert plan_file.read(text, "billing") == offsets
    else:
        with pytest.raises(ValueError, match="empty"):
            plan_file.read(text, "billing")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("orders,0", "line 1 is not TOPIC,PARTITION,OFFSET"),
        ("orders,0,3\norders,x,3", "line 2: 'x' is no partition or offset"),
        ("orders,0,-3", "line 1: '-3' is no partition or offset"),
        ("orders,0,9223372036854775808", "is no partition or offset"),
        ("orders,0,3\norders,0,4", "line 2: orders/0 comes twice"),
        ("topic,partition,offset\norders,0,3", "line 1: 'partition' is no partition or offset"),
        ("audit,orders,0,3", "no line for the group billing"),
        ("audit,orders,0,3\norders,0,4", "some lines name a group"),
        ("\n \n", "it is empty"),
        ("a\x00,0,1,2,3", "line 1 is not"),
    ],
)
def test_a_file_that_does_not_fit(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plan_file.read(text, "billing")
