"""Limits over several polls: what is held, what is early, and what is never taken for fine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eventops.lag.check import VERDICTS, Finding, Hold, Limits, Outcome, check, judged, summary, worst
from eventops.lag.history import History
from eventops.lag.model import Verdict
from eventops.ports import Coverage, Gap
from tests.lag.polls import Poll, report, watched

F, B, U = Outcome.FINE, Outcome.BREACHED, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("polls", "held", "limits", "outcome", "is_early", "why"),
    [
        ([(0, 10, 20)], True, Limits(verdicts=VERDICTS["error"]), U, True, "one snapshot: another poll may tell"),
        ([(0, 10, 10)], True, Limits(verdicts=VERDICTS["error"]), F, False, "nothing waits: no poll can change that"),
        ([(0, 10, 20), (60, 10, 30)], True, Limits(verdicts=VERDICTS["error"]), B, False, "a stall is an error"),
        ([(0, 10, 20), (60, 10, 30)], True, Limits(verdicts=VERDICTS["stop"]), F, False, "it isn't the one asked for"),
        ([(0, 10, 20), (60, 10, 30)], False, Limits(verdicts=VERDICTS["stop"]), B, False, "nobody is there"),
        ([(0, None, 9)], True, Limits(verdicts=VERDICTS["warn"]), U, False, "never committed: polls won't tell"),
        ([(0, 0, 9)], True, Limits(max_eta=60), U, True, "a rate takes two polls"),
        ([(0, 9, 9)], True, Limits(max_eta=60), F, False, "it is there already"),
        ([(0, 0, 900), (40, 400, 900)], True, Limits(max_eta=60), F, False, "500 at 10 a second are 50 s"),
        ([(0, 0, 900), (40, 400, 900)], True, Limits(max_eta=40), B, False, "50 s are over 40 s"),
        ([(0, 0, 900), (40, 0, 900)], True, Limits(max_eta=40), B, False, "never is over any limit"),
        ([(0, 0, 900), (40, 400, 900)], True, Limits(max_eta=40, settled=50), U, True, "two polls say too little yet"),
        ([(0, None, 900)], True, Limits(max_eta=40), U, False, "without a lag there is no time"),
        ([(0, 10, 100, 80)], False, Limits(verdicts=VERDICTS["stop"]), B, False, "lost records are worse than a stop"),
        ([(0, 10, 100, 80)], False, Limits(verdicts=VERDICTS["stall"]), B, False, "and than a stall"),
        ([(0, 10, 100, 80)], False, Limits(max_lag=89), B, False, "20 wait and 70 are lost: Kafka's tool says 90"),
        ([(0, 10, 100, 80)], False, Limits(max_lag=90), F, False, "as many as may wait"),
        ([(0, 10, 100, 100)], False, Limits(max_lag=0), B, False, "nothing waits, because all of it is lost"),
        ([(0, 10, 100, 100)], False, Limits(max_age=3600), B, False, "what waited is gone: it waited for too long"),
        ([(0, 10, 100, 100)], False, Limits(max_eta=60), B, False, "nobody catches up with what is lost"),
        ([(0, 9, 9)], True, Limits(max_held_back=0), F, False, "no transaction is open"),
        ([(0, 0, 900)], True, Limits(max_eta=40, max_lag=5), B, False, "what is breached needs no more polls"),
    ],
)
def test_one_group(polls: list[Poll], held: bool, limits: Limits, outcome: Outcome, is_early: bool, why: str) -> None:
    found = judged(watched(polls, held=held), limits, watched=float(polls[-1][0] - polls[0][0]))
    assert (found.outcome, found.is_early) == (outcome, is_early), f"{why}; it said {found.reason}"


def test_a_group_may_be_called_what_the_list_is() -> None:
    """Whatever a group is called, that some of the list is missing is told, and is no group."""
    for name in ("groups", "some groups"):
        told = report(0, (10, 10, 0), group=name)
        gap = Gap("groups", None, "broker 2 is silent: its groups are missing", is_of_list=True)
        told = replace(told, coverage=Coverage(1, 1, gaps=(gap,)))
        hold = Hold(0.0)
        hold.add(check(told, Limits(max_lag=0)), 0)
        assert worst(hold.findings) is U, name
        assert summary(hold.findings).endswith("of 1 group 0 breached, 0 unknown; some groups may be missing")


def test_an_early_partition_does_not_hide_a_bad_one() -> None:
    history = History()
    history.add(report(0, (10, 20, 0), (900, 950, 0)))
    (group,) = history.add(report(10, (10, 30, 0), (300, 960, 0))).groups
    assert judged(group, Limits(verdicts=VERDICTS["error"])).outcome is B


@pytest.mark.parametrize(
    ("polls", "seconds", "decided", "outcome", "why"),
    [
        ([(0, B)], 0, True, B, "nothing has to hold"),
        ([(0, F)], 120, True, F, "what is fine doesn't hold"),
        ([(0, B)], 120, False, F, "it may pass"),
        ([(0, B), (60, B), (119, B)], 120, False, F, "a second short"),
        ([(0, B), (60, B), (120, B)], 120, True, B, "it held"),
        ([(0, B), (60, F)], 120, True, F, "it passed"),
        ([(0, B), (60, F), (120, B)], 120, True, F, "it passed, whatever came then"),
        ([(0, B), (60, U), (120, B)], 120, True, B, "what isn't known breaks nothing"),
        ([(0, B), (60, B), (120, U)], 120, False, U, "it can't be said that it held: ask again"),
        ([(0, U)], 120, True, U, "another poll won't tell"),
    ],
)
def test_a_breach_counts_when_it_holds(
    polls: list[tuple[float, Outcome]], seconds: float, decided: bool, outcome: Outcome, why: str
) -> None:
    hold = Hold(seconds)
    (is_decided,) = [hold.add([Finding("billing", found, "why")], at) for at, found in polls][-1:]
    assert (is_decided, worst(hold.findings)) == (decided, outcome), why


def test_what_is_early_is_asked_again() -> None:
    hold = Hold(0.0)
    assert not hold.add([Finding("billing", U, "one snapshot", is_early=True)], 0)
    assert hold.add([Finding("billing", F, "0 behind")], 5)


def test_how_long_it_held_is_told() -> None:
    hold = Hold(60.0)
    hold.add([Finding("billing", B, "9 behind, over 5")], 0)
    hold.add([Finding("billing", B, "12 behind, over 5")], 65)
    assert hold.findings == (Finding("billing", B, "12 behind, over 5, for 1 m 5 s"),)


def test_error_is_what_burrow_calls_so_and_what_one_snapshot_shows_to_be_as_bad() -> None:
    assert VERDICTS["error"] == {
        Verdict.STOP,
        Verdict.STALL,
        Verdict.REWIND,
        Verdict.LOST_RECORDS,
        Verdict.TOPIC_RECREATED,
        Verdict.AHEAD_OF_LOG,
    }
    assert VERDICTS["stop"] == {Verdict.STOP, Verdict.LOST_RECORDS, Verdict.TOPIC_RECREATED, Verdict.AHEAD_OF_LOG}
    assert VERDICTS["warn"] == VERDICTS["error"] | {Verdict.WARN, Verdict.INACTIVE}


def test_all_groups_are_asked() -> None:
    history = History()
    told = history.add(report(0, (10, 20, 0)))
    assert [finding.group for finding in check(told, Limits(max_lag=5))] == ["billing"]
