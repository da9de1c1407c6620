"""What only several polls tell: rates, ages between polls, topics made anew, and what is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Partition
from eventops.lag import pace
from eventops.lag.ends import KEPT, Ends
from eventops.lag.history import History
from eventops.lag.model import AgeMethod, Pace, Verdict
from tests.lag.polls import HERE, Poll, report, watched


@pytest.mark.parametrize(
    ("before", "after", "rate_in", "rate_out", "eta", "why"),
    [
        ((0, 100), (200, 200), 10.0, 20.0, 0.0, "caught up"),
        ((0, 100), (100, 150), 5.0, 10.0, 10.0, "50 wait, 5 a second are gained"),
        ((0, 100), (50, 150), 5.0, 5.0, None, "as many come as are consumed"),
        ((0, 100), (0, 150), 5.0, 0.0, None, "nothing is consumed"),
        ((100, 100), (0, 100), 0.0, None, None, "the offsets were set back"),
        ((0, 100), (0, 50), None, None, None, "the log was made anew"),
        ((None, 100), (50, 100), 0.0, None, None, "where it began isn't known"),
    ],
)
def test_pace(
    before: tuple[int | None, int],
    after: tuple[int | None, int],
    rate_in: float | None,
    rate_out: float | None,
    eta: float | None,
    why: str,
) -> None:
    found = paced([(0, *before), (10, *after)])
    assert (found.rate_in.value, found.rate_out.value, found.eta.value) == (rate_in, rate_out, eta), why
    for rate in (found.rate_in, found.rate_out, found.eta):
        assert (rate.value is None) == (rate.reason is not None)


def test_never_is_said() -> None:
    assert paced([(0, 0, 100), (10, 10, 150)]).eta.reason == pace.NEVER


def test_one_snapshot_has_no_pace() -> None:
    assert paced([(0, 0, 100)]).rate_in.reason == pace.ONE_SNAPSHOT


def test_rates_are_of_the_last_half_minute() -> None:
    polls: list[Poll] = [(0, 0, 0), (10, 1000, 1000), (20, 1000, 1000), (30, 1000, 1000), (40, 1030, 1060)]
    found = paced(polls)
    assert (found.rate_in.value, found.rate_out.value) == (2.0, 1.0)


def test_what_came_in_an_outage_is_no_rate_of_now() -> None:
    before: list[Poll] = [(0, 0, 0), (2, 20, 20), (4, 40, 40)]
    during: Poll = (304, 40, 9_000)
    found = paced([*before, during])
    assert [one.reason for one in (found.rate_in, found.rate_out, found.eta)] == [pace.NOTHING_ASKED] * 3
    after = paced([*before, during, (306, 60, 9_020)])
    assert (after.rate_in.value, after.rate_out.value) == (10.0, 10.0), "of the two polls since"


def test_who_asks_seldom_has_rates_all_the_same() -> None:
    found = paced([(0, 0, 0), (300, 3_000, 3_000), (600, 6_000, 6_000), (1_100, 11_000, 11_000)])
    assert (found.rate_in.value, found.rate_out.value) == (10.0, 10.0)


def test_a_partition_that_two_groups_read_grows_once() -> None:
    history = History()
    for second, end in ((0, 100), (10, 150)):
        one, other = report(second, (0, end, 0)), report(second, (0, end, 0), group="shipping")
        history.add(type(one)(one.as_of, "c", (*one.groups, *other.groups), one.coverage))
    assert history.arrivals().value == 5.0


def test_an_age_is_interpolated_between_the_polls_that_the_end_passed_it() -> None:
    group = watched([(0, 50, 50), (10, 50, 150), (20, 100, 150)])
    assert (group.age.seconds, group.age.method) == (15.0, AgeMethod.INTERPOLATED)
    assert group.partitions[0].age == group.age


def test_what_waited_before_the_first_poll_has_no_age() -> None:
    group = watched([(0, 50, 60), (10, 50, 150)])
    assert (group.age.seconds, group.age.method) == (None, AgeMethod.UNKNOWN)
    assert group.age.reason


def test_a_topic_made_anew_is_known_by_its_id_even_when_it_grew_past_its_old_end() -> None:
    history = History()
    history.add(report(0, (10, 20, 0), topic_id="id-1"))
    history.add(report(100, (10, 25, 0), topic_id="id-2"))
    track = history.track("billing", HERE)
    assert track is not None
    assert (track.polls, track.first_at) == (1, report(100, (10, 25, 0)).as_of.timestamp())


def test_a_clock_that_was_set_back_begins_anew() -> None:
    history = History()
    history.add(report(100, (10, 20, 0)))
    (group,) = history.add(report(40, (10, 20, 0))).groups
    assert group.judgement is not None
    assert group.judgement.verdict is Verdict.NOT_ENOUGH_HISTORY


def test_a_group_that_was_not_seen_for_a_while_is_forgotten() -> None:
    history = History()
    history.add(report(0, (10, 20, 0), group="gone"))
    history.add(report(10, (10, 20, 0)))
    assert history.track("gone", HERE) is not None
    history.add(report(2000, (10, 20, 0)))
    assert history.track("gone", HERE) is None


def test_time_until_retention_takes_what_waits() -> None:
    group = watched([(0, 100, 200, 0), (10, 100, 210, 40), (20, 110, 220, 60)])
    assert group.until_lost is not None
    assert group.until_lost.value == pytest.approx(50 / 2.5), "50 offsets, nearing by (60 - 10) / 20 s"
    resting = watched([(0, 100, 200, 0), (10, 100, 210, 0)]).until_lost
    assert resting is not None
    assert resting.reason == "retention took nothing while it was watched"


def test_the_other_partitions_of_a_topic_are_told_apart() -> None:
    history = History()
    history.add(report(0, (10, 20, 0), (5, 5, 0)))
    assert history.track("billing", Partition("orders", 1)) is not None
    assert history.track("billing", Partition("orders", 2)) is None


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 100)), min_size=1, max_size=120), st.data())
def test_ends_stay_few_and_place_an_offset_between_the_polls_that_saw_it_come(
    moves: list[tuple[int, int]], data: st.DataObject
) -> None:
    at, end = 0.0, 0
    ends, seen = Ends(at, end), [(at, end)]
    for seconds, more in moves:
        at, end = at + seconds, end + more
        ends.add(at, end)
        seen.append((at, end))
    assert (ends.last, ends.last_at) == (end, at)
    offset = data.draw(st.integers(0, end))
    came = ends.passed(offset)
    assert (came is None) == (offset == end)
    if came is not None and len(seen) <= KEPT:
        first_above = next(index for index, (_, one) in enumerate(seen) if one > offset)
        assert seen[first_above - 1][0] <= came <= seen[first_above][0]


def paced(polls: list[Poll]) -> Pace:
    found = watched(polls).pace
    assert found is not None
    return found
