"""When a lag grows: the order of its figures, what chance does to them, and what a real broker's groups look like."""

from __future__ import annotations

import csv
from itertools import combinations, permutations
from math import factorial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.lag import judgement, trend
from eventops.lag.history import History
from eventops.lag.model import Verdict
from eventops.lag.tracks import Terms
from tests.lag.polls import Poll, report, watched

RECORDED = Path(__file__).with_name("recorded")
lags = st.lists(st.integers(0, 10_000), min_size=2, max_size=14)


@pytest.mark.parametrize(
    ("figures", "grows", "why"),
    [
        ([1, 2, 3, 4, 5, 6], False, "six in order come about by chance too often"),
        ([1, 2, 3, 4, 5, 6, 7], True, "seven don't"),
        ([1, 2, 3, 5, 4, 6, 7], False, "seven forgive no dip"),
        ([1, 2, 3, 5, 4, 6, 7, 8], True, "eight forgive one pair"),
        ([1, 2, 6, 3, 4, 5, 7, 8], False, "one dip, but deep: three pairs are out of order"),
        ([1, 2, 3, 4, 4, 5, 6, 7], True, "two alike are half a pair"),
        ([5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6], False, "it stood still until a moment ago"),
        ([3, 9, 7, 20, 18, 31, 40, 38, 55, 88], True, "three dips among ten"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], True, "slowly is no less"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 90, 80], True, "one fall may be a dip"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 90, 80, 70], False, "two in a row are a fall, whatever was before"),
        ([40, 90, 60, 85, 45, 95, 50, 80, 55, 99, 60], False, "to and fro"),
        ([10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30], False, "teeth of a saw"),
        ([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 100], False, "it caught up, and one commit is late"),
    ],
)
def test_the_order_of_figures(figures: list[int], grows: bool, why: str) -> None:
    assert trend.grows(figures) is grows, why


def in_so_many_orders(figures: int, pairs: int) -> int:
    """Orders of so many figures with at most so many pairs out of order."""
    ways = [1]
    for size in range(2, figures + 1):
        ways = [sum(ways[max(n - size + 1, 0) : n + 1]) for n in range(len(ways) + size - 1)]
    return sum(ways[: pairs + 1])


@pytest.mark.parametrize("figures", range(trend.FEWEST, 15))
def test_by_chance_it_is_seldom_so(figures: int) -> None:
    """Of all the orders that figures can come in, one in 5,000 at most is taken for growth."""
    assert in_so_many_orders(figures, figures - trend.FEWEST) / factorial(figures) < 1 / 5000


def test_the_orders_are_counted_right() -> None:
    orders = list(permutations(range(7)))
    for pairs in range(5):
        assert in_so_many_orders(7, pairs) == sum(trend.out_of_order(order) <= pairs for order in orders)


@given(lags)
def test_pairs_are_counted_as_one_by_one(figures: list[int]) -> None:
    one_by_one = sum(1.0 if later < earlier else 0.5 for earlier, later in combinations(figures, 2) if later <= earlier)
    assert trend.out_of_order(figures) == one_by_one


@given(lags, st.integers(0, 10**12))
def test_how_large_a_lag_is_changes_nothing(figures: list[int], more: int) -> None:
    assert trend.grows([figure + more for figure in figures]) is trend.grows(figures)


@given(lags, st.integers(0, 10_000))
def test_a_later_half_at_or_under_the_earlier_one_is_no_growth(figures: list[int], edge: int) -> None:
    half = (len(figures) + 1) // 2
    assert not trend.grows([max(f, edge) for f in figures[:half]] + [min(f, edge) for f in figures[half:]])


@given(st.lists(st.integers(0, 10_000), min_size=7, max_size=14, unique=True))
def test_what_only_rises_grows(figures: list[int]) -> None:
    assert trend.grows(sorted(figures))
    assert not trend.grows(sorted(figures, reverse=True))


@given(lags)
def test_what_grows_ended_above_where_it_began(figures: list[int]) -> None:
    assert not trend.grows(figures) or figures[-1] > figures[0]


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 50), st.integers(1, 50)), min_size=80, max_size=100))
def test_a_lag_that_only_rises_is_warned_of_beyond_what_is_in_hand(steps: list[tuple[int, int, int]]) -> None:
    """Whatever the polls' distance: each move leaves more behind, which is more than five seconds' consumption."""
    at, committed, lag = 0, 1000, 3000
    polls: list[Poll] = [(at, committed, committed + lag)]
    for seconds, consumed, more in steps:
        at, committed, lag = at + seconds, committed + consumed, lag + more
        polls.append((at, committed, committed + lag))
    found = watched(polls)
    assert judgement.of(found).verdict is Verdict.WARN
    assert found.pace is not None
    assert found.pace.eta.is_never


steps = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=40)


@given(steps)
def test_verdict_and_time_to_catch_up_never_contradict_each_other(moves: list[tuple[int, int, int]]) -> None:
    at, committed, end = 0, 500, 900
    history = History(Terms(span=20))
    for seconds, consumed, more in moves:
        at, end = at + seconds, end + more
        committed = min(committed + consumed, end)
        (group,) = history.add(report(at, (committed, end, 0))).groups
        assert group.pace is not None
        eta, verdict = group.pace.eta, judgement.of(group).verdict
        assert not (eta.is_never and verdict in (Verdict.OK, Verdict.CAUGHT_UP)), eta.reason
        assert not (eta.value is not None and verdict in (Verdict.WARN, Verdict.STALL, Verdict.STOP)), eta.value


def test_one_partition_that_falls_behind_holds_up_the_sum() -> None:
    history = History()
    for step in range(10):
        told = report(step * 10, (step * 10, 200 + step * 20, 0), (step * 1000, 9000 + step * 900, 0))
        (group,) = history.add(told).groups
    assert judgement.of(group).evidence == "orders/0: grew from 200 to 290 in 1 m 30 s, no dip"
    assert group.pace is not None
    assert (group.pace.eta.is_never, group.pace.eta.reason) == (True, "never at this rate: orders/0 falls behind")


def recorded(name: str) -> list[tuple[int, int, int]]:
    """What a watch saw of a group on a real broker, every two seconds: second, committed, end."""
    with (RECORDED / f"{name}.csv").open() as file:
        return [(int(at), int(committed), int(end)) for at, committed, end in csv.reader(file)]


def warned(name: str) -> tuple[list[int], list[int]]:
    """The seconds at which it is warned of, and those at which its lag is beyond what is in hand."""
    history, warns, beyond = History(), [], []
    for at, committed, end in recorded(name):
        (group,) = history.add(report(at, (committed, end, 0))).groups
        track = history.track("billing", group.partitions[0].partition)
        assert track is not None
        if judgement.of(group).verdict is Verdict.WARN:
            warns.append(at)
        if at >= 60 and not judgement.keeps_up(track):
            beyond.append(at)
    return warns, beyond


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("throttled-95", "it consumes 95 % of what comes, and commits every five seconds"),
        ("throttled-80", "it consumes 80 %"),
        ("uneven-80", "eight seconds quickly and twelve slowly: 80 % in all"),
    ],
)
def test_a_real_group_that_falls_behind_is_warned_of_within_two_spans_and_from_then_on(name: str, why: str) -> None:
    warns, beyond = warned(name)
    assert warns[0] <= max(beyond[0], 60) + 60, why
    assert len(warns) >= 0.95 * sum(at >= warns[0] for at, _, _ in recorded(name)), why


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("keeps-up", "what it has in hand came a moment ago"),
        ("batches", "it reads what is there, commits, and sleeps for 14 to 26 s"),
        ("saw", "from a level far behind ten seconds quickly, ten slowly"),
        ("saw-drifting", "the same on a busy machine: what it loses in two minutes is less than one tooth"),
        ("burst", "six times as much came for half a minute, and it works that off"),
    ],
)
def test_a_real_group_that_only_lags_is_not_warned_of(name: str, why: str) -> None:
    warns, _ = warned(name)
    assert not warns, why
