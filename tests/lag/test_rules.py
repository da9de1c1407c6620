"""The tables that specify how lag is read; each row says why it is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Partition
from eventops.lag import rules
from eventops.lag.check import Finding, Limits, Outcome, check, judged, worst
from eventops.lag.model import (
    AgeMethod,
    GroupLag,
    LagAge,
    LagReport,
    PartitionLag,
    PartitionOffsets,
    Standing,
    Verdict,
)
from eventops.ports import Coverage, Gap, Group, Member

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
HERE = Partition("orders", 0)
UNKNOWN_AGE = LagAge(None, AgeMethod.UNKNOWN, "no record could be read")


def offsets(start: int | None, committed: int | None, end: int | None, number: int = 0) -> PartitionOffsets:
    return PartitionOffsets(Partition("orders", number), start, committed, end)


@pytest.mark.parametrize(
    ("start", "committed", "end", "standing", "lag", "why"),
    [
        (0, 10, 10, Standing.CAUGHT_UP, 0, "the next record to come is the next to be consumed"),
        (0, 7, 10, Standing.BEHIND, 3, "7, 8 and 9 wait"),
        (0, 0, 10, Standing.BEHIND, 10, "0 was committed on purpose: all ten wait"),
        (
            0,
            None,
            10,
            Standing.NEVER_COMMITTED,
            None,
            "where it would begin is the consumer's secret (auto.offset.reset)",
        ),
        (0, None, 0, Standing.CAUGHT_UP, 0, "an empty log has nothing to consume"),
        (5, None, 5, Standing.CAUGHT_UP, 0, "all was retained away before anybody came: nothing is left to consume"),
        (9, 7, 10, Standing.LOST_RECORDS, 1, "7 and 8 are gone, 9 waits"),
        (10, 7, 10, Standing.LOST_RECORDS, 0, "all that waited is gone"),
        (7, 7, 10, Standing.BEHIND, 3, "the log starts exactly there: nothing was lost"),
        (0, 12, 10, Standing.AHEAD_OF_LOG, None, "12 is an offset of another log"),
        (None, 7, None, Standing.UNKNOWN, None, "without bounds nothing can be said"),
        (None, None, None, Standing.UNKNOWN, None, "without bounds nothing can be said"),
    ],
)
def test_standing_and_lag(
    start: int | None, committed: int | None, end: int | None, standing: Standing, lag: int | None, why: str
) -> None:
    found = offsets(start, committed, end)
    assert rules.standing(found) is standing, why
    assert rules.lag(found) == lag, why


@pytest.mark.parametrize(
    ("found", "standing", "lag", "why"),
    [
        (PartitionOffsets(HERE, None, 7, None, is_gone=True), Standing.TOPIC_DELETED, None, "there is no log"),
        (PartitionOffsets(HERE, 0, 7, 10, is_recreated=True), Standing.TOPIC_RECREATED, None, "7 is of another log"),
        (PartitionOffsets(HERE, 0, 2, 9, is_shared=True, left=4), Standing.BEHIND, 4, "some of 2 to 8 are settled"),
        (PartitionOffsets(HERE, 0, 2, 9, is_shared=True, left=0), Standing.CAUGHT_UP, 0, "all are settled or in hand"),
        (PartitionOffsets(HERE, 0, 2, 9, is_shared=True), Standing.UNKNOWN, None, "not counted is not 7, and not 0"),
        (PartitionOffsets(HERE, 0, None, 9, is_shared=True), Standing.NEVER_COMMITTED, None, "it was given nothing"),
    ],
)
def test_standing_and_lag_of_other_logs_and_of_share_groups(
    found: PartitionOffsets, standing: Standing, lag: int | None, why: str
) -> None:
    told = rules.partition_lag(found, None, None)
    assert (told.standing, told.lag) == (standing, lag), why
    assert (told.lag is None) == (told.reason is not None)


def test_a_rest_of_markers_is_no_lag() -> None:
    resting = PartitionOffsets(HERE, 0, 9, 10, only_markers=True)
    assert (rules.standing(resting), rules.lag(resting)) == (Standing.CAUGHT_UP, 0)


@pytest.mark.parametrize(
    ("standings", "members", "verdict", "why"),
    [
        ([Standing.CAUGHT_UP], True, Verdict.CAUGHT_UP, "nothing waits"),
        ([Standing.CAUGHT_UP], False, Verdict.CAUGHT_UP, "nothing waits, so nobody is missing"),
        ([Standing.CAUGHT_UP, Standing.BEHIND], True, Verdict.BEHIND, "one partition is enough"),
        ([Standing.BEHIND], False, Verdict.INACTIVE, "records wait and nobody comes"),
        ([Standing.LOST_RECORDS, Standing.BEHIND], False, Verdict.LOST_RECORDS, "loss outweighs everything"),
        ([Standing.AHEAD_OF_LOG, Standing.BEHIND], True, Verdict.AHEAD_OF_LOG, "its offsets mean nothing"),
        ([Standing.UNKNOWN, Standing.CAUGHT_UP], True, Verdict.UNKNOWN, "what wasn't read may be behind"),
        ([Standing.UNKNOWN, Standing.BEHIND], True, Verdict.BEHIND, "what is known is bad enough"),
        ([Standing.NEVER_COMMITTED, Standing.CAUGHT_UP], True, Verdict.NEVER_COMMITTED, "one was never begun"),
        ([], True, Verdict.NEVER_COMMITTED, "a group without a single offset"),
    ],
)
def test_verdict(standings: list[Standing], members: bool, verdict: Verdict, why: str) -> None:
    assert rules.verdict(standings, members) is verdict, why


def test_a_sum_without_one_of_its_parts_is_unknown_and_says_what_the_others_come_to() -> None:
    group = group_of(offsets(0, 7, 10), offsets(0, None, 4, number=1))
    assert (group.lag, group.known_lag) == (None, 3)
    assert group.reason == "1 of 2 partitions without a committed offset; the others are 3 behind"


def test_members_carry_the_lag_of_their_partitions() -> None:
    members = (
        Member("m1", "c1", "/10.0.0.1", (Partition("orders", 0), Partition("orders", 1))),
        Member("m2", "c2", "/10.0.0.2"),
    )
    group = group_of(offsets(0, 7, 10), offsets(0, 0, 4, number=1), members=members)
    assert [(member.client_id, member.lag) for member in group.members] == [("c1", 7), ("c2", 0)]


def test_share_groups_are_unsupported_never_zero() -> None:
    group = rules.group_lag(Group("workers", "unknown", "unknown"), [])
    assert (group.verdict, group.lag, group.age.seconds) == (Verdict.UNSUPPORTED, None, None)


@pytest.mark.parametrize(
    ("behind", "seconds", "why"),
    [(60, 60.0, "it waits for a minute"), (-5, 0.0, "the producer's clock runs ahead"), (0, 0.0, "it came just now")],
)
def test_age(behind: int, seconds: float, why: str) -> None:
    assert rules.age(NOW - timedelta(seconds=behind), NOW).seconds == seconds, why


def test_the_age_of_a_record_without_a_timestamp_is_unknown() -> None:
    assert rules.age(None, NOW).seconds is None


maybe_offset = st.none() | st.integers(min_value=0, max_value=2**40)


@given(start=maybe_offset, committed=maybe_offset, end=maybe_offset)
def test_lag_is_never_negative_and_unknown_only_with_a_reason(
    start: int | None, committed: int | None, end: int | None
) -> None:
    if start is not None and end is not None and start > end:
        start, end = end, start
    found = rules.partition_lag(offsets(start, committed, end), None, None)
    assert found.lag is None or found.lag >= 0
    assert (found.lag is None) == (found.reason is not None)
    assert found.lag in (None, 0) or rules.next_offset(found.offsets) is not None


@given(st.lists(st.tuples(maybe_offset, st.integers(0, 1000), st.integers(0, 1000)), max_size=6))
def test_a_group_is_never_negative_and_never_less_than_what_is_known(
    rows: list[tuple[int | None, int, int]],
) -> None:
    found = [offsets(start, committed, start + more, number) for number, (committed, start, more) in enumerate(rows)]
    group = group_of(*found)
    assert group.known_lag >= 0
    assert group.lag in (None, group.known_lag)
    assert (group.lag is None) == (group.reason is not None)


@pytest.mark.parametrize(
    ("group_offsets", "age", "limits", "outcome", "why"),
    [
        ([offsets(0, 7, 10)], 5.0, Limits(max_lag=3), Outcome.FINE, "exactly at the limit is fine"),
        ([offsets(0, 6, 10)], 5.0, Limits(max_lag=3), Outcome.BREACHED, "4 is over 3"),
        ([offsets(0, 6, 10)], 61.0, Limits(max_age=60), Outcome.BREACHED, "61 s is over 60 s"),
        ([offsets(0, 6, 10)], None, Limits(max_age=60), Outcome.UNKNOWN, "an unknown age isn't fine"),
        ([offsets(0, 6, 10)], None, Limits(max_lag=5), Outcome.FINE, "age wasn't asked for"),
        ([offsets(0, None, 9)], 0.0, Limits(max_lag=5), Outcome.UNKNOWN, "never committed isn't fine"),
        ([offsets(0, 0, 9), offsets(0, None, 9, 1)], 0.0, Limits(max_lag=5), Outcome.BREACHED, "9 known is over 5"),
    ],
)
def test_limits(
    group_offsets: list[PartitionOffsets], age: float | None, limits: Limits, outcome: Outcome, why: str
) -> None:
    waiting = UNKNOWN_AGE if age is None else LagAge(age, AgeMethod.MESSAGE)
    assert judged(group_of(*group_offsets, age=waiting), limits).outcome is outcome, why


def test_a_named_group_that_is_not_there_is_unknown_to_a_check() -> None:
    gaps = (Gap("shipping", None, "no such group"),)
    report = LagReport(NOW, "c", (group_of(offsets(0, 1, 1)),), Coverage(1, 1, gaps=gaps))
    findings = check(report, Limits(max_lag=0))
    assert findings[1] == Finding("shipping", Outcome.UNKNOWN, "no such group")
    assert worst(findings) is Outcome.UNKNOWN


def test_a_group_that_could_not_be_read_is_one_finding_and_never_fine() -> None:
    unread = rules.unread(Group("billing", "classic", "stable"), "not permitted: Describe on the group")
    gaps = (Gap("billing", None, "not permitted: Describe on the group"),)
    for limits in (Limits(max_lag=0), Limits(max_age=1), Limits(max_held_back=1)):
        (found,) = check(LagReport(NOW, "c", (unread,), Coverage(1, 0, gaps=gaps)), limits)
        assert (found.group, found.outcome) == ("billing", Outcome.UNKNOWN), limits
        assert "not permitted" in found.reason


def test_what_is_lost_is_told_by_a_check_of_the_lag() -> None:
    assert judged(group_of(offsets(60, 10, 110)), Limits(max_lag=100)).reason == (
        "50 behind, and 50 offsets lost to retention"
    )


def test_share_groups_nobody_asked_for_do_not_fail_a_check() -> None:
    share = rules.unsupported(Group("workers", "unknown", "unknown"))
    report = LagReport(NOW, "c", (group_of(offsets(0, 1, 1)), share), Coverage(1, 1))
    assert worst(check(report, Limits(max_lag=0))) is Outcome.FINE
    assert worst(check(LagReport(NOW, "c", (share,), Coverage(0, 0)), Limits(max_lag=0))) is Outcome.UNKNOWN


def group_of(
    *found: PartitionOffsets,
    age: LagAge | None = None,
    members: tuple[Member, ...] = (Member("m", "c", "/127.0.0.1"),),
) -> GroupLag:
    partitions: list[PartitionLag] = [rules.partition_lag(o, age, None) for o in found]
    return rules.group_lag(Group("billing", "classic", "stable", members), partitions)
