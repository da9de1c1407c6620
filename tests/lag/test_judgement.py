"""Histories and the verdict each deserves, with the reason: Burrow's rules as a poller can read them."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.lag import judgement
from eventops.lag.history import History
from eventops.lag.model import Verdict
from eventops.lag.tracks import Terms
from eventops.lag.views import By, View, rows
from tests.lag.polls import HERE, Poll, report, watched

BUSY: list[Poll] = [(at, 100 + at * 10, 140 + at * 10 + at // 10 % 2 * 10) for at in range(0, 61, 10)]
"""Ten a second come and are consumed, 40 or 50 behind."""


def moving(*lags: int, every: int = 10) -> list[Poll]:
    """Polls at each of which the group got on, with that lag left."""
    return [(index * every, 1000 + index * 100, 1000 + index * 100 + lag) for index, lag in enumerate(lags)]


HISTORIES: list[tuple[list[Poll], bool, Verdict, str]] = [
    ([(0, 10, 10)], True, Verdict.CAUGHT_UP, "nothing waits: no history is needed"),
    ([(0, 10, 15)], True, Verdict.NOT_ENOUGH_HISTORY, "one snapshot can't tell whether it gets on"),
    ([(0, 10, 15)], False, Verdict.NOT_ENOUGH_HISTORY, "nobody is there, which a deployment explains as well"),
    ([(0, 10, 15), (55, 10, 20)], False, Verdict.NOT_ENOUGH_HISTORY, "five seconds short of the minimum span"),
    ([(0, 10, 15), (60, 10, 20)], False, Verdict.STOP, "nobody holds it, and for the span nothing was committed"),
    ([(0, 10, 15), (60, 10, 15)], False, Verdict.STOP, "five wait for ever; that none came meanwhile helps nobody"),
    ([(0, 10, 15), (60, 10, 20)], True, Verdict.STALL, "a member holds it and doesn't get on"),
    ([(0, 10, 10), (300, 10, 10), (310, 10, 15)], True, Verdict.OK, "idle guard: it had nothing to commit before"),
    (
        [(0, 10, 10), (300, 10, 15), (359, 10, 20)],
        True,
        Verdict.OK,
        "idle guard: records were seen waiting for 59 s",
    ),
    ([(0, 10, 10), (5, 10, 15), (65, 10, 15)], True, Verdict.STALL, "records wait for a minute and it rests"),
    ([(0, 0, 90), (240, 40, 95), (310, 40, 99)], True, Verdict.OK, "it commits every four minutes: 70 s are no stall"),
    (
        [(0, 0, 90), (240, 40, 95), (310, 40, 99)],
        False,
        Verdict.INACTIVE,
        "no stop yet, but nobody is there: one snapshot tells that, and a watch is never milder",
    ),
    ([(0, 0, 90), (240, 40, 95), (490, 40, 99)], False, Verdict.STOP, "longer than it ever rested between two commits"),
    ([*BUSY, (130, 700, 1500)], False, Verdict.STOP, "it moved for 60 s, and then nothing for 70 s"),
    ([*BUSY, (110, 700, 1500)], True, Verdict.OK, "50 s without a commit is less than the span"),
    ([*BUSY, (110, 700, 1500)], False, Verdict.INACTIVE, "the same, and nobody is there"),
    (
        [*((at, at, at + 40) for at in range(0, 241, 5)), (300, 240, 900)],
        False,
        Verdict.STOP,
        "dead for the span: that it moved for minutes before makes it no milder",
    ),
    ([(0, 900, 950), (10, 300, 960)], True, Verdict.REWIND, "600 offsets are read again; no span is needed to see it"),
    ([(0, 900, 950), (10, 300, 960), (60, 910, 970)], True, Verdict.OK, "it came back past where it had been"),
    ([(0, 900, 950), (10, 300, 960), (20, 899, 970)], True, Verdict.REWIND, "one offset short of where it had been"),
    (
        [(0, 900, 950), (10, 300, 960), (80, 300, 970)],
        False,
        Verdict.STOP,
        "rule 1 comes before rule 2: nobody is there",
    ),
    ([(0, 900, 950), (10, 300, 960), (80, 300, 970)], True, Verdict.REWIND, "rule 2 comes before rule 4"),
    ([(0, 900, 950), (10, 0, 960), (20, 960, 960), (30, 970, 980)], True, Verdict.OK, "a rewind that was made good"),
    (moving(10, 20, 30, 40, 50, 60, 70), True, Verdict.WARN, "every commit leaves it further behind"),
    (moving(10, 20, 30, 40, 50, 60), True, Verdict.NOT_ENOUGH_HISTORY, "the same, for 50 s only"),
    (moving(60, 60, 60, 60, 60, 60, 60), True, Verdict.OK, "it stands still, of which Burrow warns: no ground is lost"),
    (moving(10, 10, 10, 10, 10, 10, 70), True, Verdict.OK, "one commit late is no trend"),
    (moving(40, 40, 41, 41, 42, 42, 43), True, Verdict.OK, "four seconds of its consumption: it reads at the head"),
    (moving(40, 41, 42, 44, 45, 49, 51), True, Verdict.WARN, "more than it consumes in five seconds, and ever more"),
    (
        moving(10, 20, 30, 25, 50, 60, 70),
        True,
        Verdict.OK,
        "so few moves forgive no dip: they may come about by chance",
    ),
    (
        moving(10, 20, 30, 25, 50, 60, 70, 80, 90),
        True,
        Verdict.WARN,
        "the same dip, and then further behind for 20 s more",
    ),
    (moving(3, 9, 7, 20, 18, 31, 40, 38, 55, 88, every=30), True, Verdict.WARN, "it falls behind with three dips"),
    (moving(3, 9, 7, 20, 18, every=30), True, Verdict.OK, "five figures are no trend, however far apart"),
    (moving(3, 9, 20, 31, every=300), True, Verdict.OK, "nor are four in a quarter of an hour"),
    (moving(*[400, 450, 500, 420] * 5, every=12), True, Verdict.OK, "it reads in batches: its lag saws around a level"),
    (moving(*[460, 400] * 8, every=6), True, Verdict.OK, "the same, a tooth at each commit"),
    (moving(*range(400, 1000, 100), *range(900, 300, -100), *range(400, 600, 100)), True, Verdict.OK, "a slow saw"),
    (moving(*[90] * 7, 300, 600, 900, 870, 840, 810), True, Verdict.OK, "a burst, and it falls now"),
    (moving(*range(80, 90), 600, 570, 540), True, Verdict.OK, "the same after a slow rise: two falls in a row"),
    (moving(*range(80, 90), 600, 900, 870), True, Verdict.WARN, "after one fall nobody can tell"),
    (moving(*range(500, 620, 10), every=12), True, Verdict.WARN, "a few more at each commit, from a level far behind"),
    (moving(70, 60, 50, 40, 30, 20, 10), True, Verdict.OK, "it catches up"),
    (moving(10, 20, 30, 0, 50, 60, 70), True, Verdict.OK, "rule 3: within the window it was caught up"),
    (moving(0, 20, 30, 40, 50, 60, 70), True, Verdict.WARN, "caught up 60 s ago, and ever further behind since"),
    (
        [(at, at // 20 * 100, at // 20 * 110 + 40 + at % 20 * 7) for at in range(0, 131, 10)],
        True,
        Verdict.WARN,
        "lag always grows between two commits and falls at each: only the commits count, and there it grew",
    ),
    ([(0, 10, 15), (60, 10, 5)], True, Verdict.AHEAD_OF_LOG, "the log ends below: another log"),
    ([(0, 10, 500), (30, 10, 40), (60, 10, 50)], True, Verdict.NOT_ENOUGH_HISTORY, "made anew 30 s ago: begin again"),
    ([(0, 10, 500), (60, 10, 550, 100)], True, Verdict.LOST_RECORDS, "retention passed it: no rule outweighs that"),
    ([(0, None, 500), (60, None, 550)], True, Verdict.NEVER_COMMITTED, "where it would begin isn't known"),
]


@pytest.mark.parametrize("every", [1, 2, 3, 4, 5, 6, 7, 10, 12])
def test_a_group_that_falls_behind_is_warned_of_however_often_it_is_asked(every: int) -> None:
    """Commits are kept a tenth of the span apart: whatever the interval, the kept ones cover the span."""
    polls: list[Poll] = [(second, 5 * second, 6 + 9 * second) for second in range(0, 150, every)]
    assert judgement.of(watched(polls)).verdict is Verdict.WARN


@pytest.mark.parametrize(("polls", "held", "verdict", "why"), HISTORIES)
def test_the_verdict_of_a_history(polls: list[Poll], held: bool, verdict: Verdict, why: str) -> None:
    found = judgement.of(watched(polls, held=held))
    assert found.verdict is verdict, f"{why}; it said: {found.evidence}"
    assert found.evidence


@pytest.mark.parametrize(
    ("polls", "held", "evidence"),
    [
        ([*BUSY, (310, 700, 13000)], False, "no commit for 4 m 10 s while 12,260 arrived; nobody is there"),
        ([(0, 10, 60), (247, 10, 60)], True, "no progress for 4 m 7 s while 50 wait, although a member holds it"),
        ([(0, 10, 10), (5, 10, 15), (65, 10, 40)], True, "no progress for 1 m 0 s while 30 arrived"),
        (
            [(0, 900, 950), (10, 300, 960)],
            True,
            "the committed offset fell from 900 to 300 since the poll before and",
        ),
        (moving(10, 20, 30, 40, 50, 60, 70), True, "grew from 10 to 70 in 1 m 0 s, no dip"),
        (
            moving(3, 9, 7, 20, 18, 31, 40, 38, 55, 88, every=30),
            True,
            "grew from 3 to 88 in 4 m 30 s, 3 dips",
        ),
        (
            [*moving(60, 70, 80, 90, 92, 95, 99), (63, 1600, 1705)],
            True,
            "grew from 60 to 99 in 1 m 0 s, no dip; 105 now",
        ),
        (moving(70, 60, 50, 40, 30, 20, 10), True, "10 behind, 60 fewer than 1 m 0 s ago"),
        (moving(40, 40, 41, 41, 42, 42, 43), True, "43 behind, 3 more than 1 m 0 s ago, and it reads at the head of"),
        (
            moving(3, 9, 20, 31, every=300),
            True,
            "31 behind, 28 more than 15 m 0 s ago, in 3 moves: a trend takes 6",
        ),
        (
            [
                (0, 1000, 1000),
                (5, 1000, 1000),
                *((index * 300, 1000 + index * 900, 1000 + index * 1000) for index in range(1, 5)),
            ],
            True,
            "400 behind, 300 more than 15 m 0 s ago, in 4 moves: a trend takes 7",
        ),
        (  # moves since it was caught up, of 51 s; the last poll is 60 s after the first of them
            [
                (0, 900, 900),
                (5, 900, 900),
                *((at, at * 100, at * 110) for at in (19, 20, 30, 40, 50, 60, 70)),
                (79, 7000, 8400),
            ],
            True,
            "1,400 behind; 700 when it last got on, 510 more than 1 m 0 s ago, in 51.0 s: a trend takes 1 m 0 s",
        ),
        (moving(*[60, 80, 70] * 4), True, "70 behind, 10 more than 1 m 50 s ago, with 7 dips"),
        (
            moving(*[90] * 7, 300, 600, 900, 870, 840, 810),
            True,
            "810 behind, 720 more than 2 m 0 s ago, and it falls now",
        ),
        (
            [*moving(*[60, 80, 70] * 4), (115, 2100, 2250)],
            True,
            "150 behind; 70 when it last got on, 10 more than 1 m 55 s ago, with 7 dips",
        ),
        (
            [(0, 10, 500), (60, 10, 550, 100)],
            False,
            "retention took 90 offsets before the group came to them; no commit",
        ),
        ([(0, 10, 15)], True, "one snapshot: a verdict takes 1 m 0 s of polls"),
        ([(0, 10, 15), (9, 10, 15)], True, "2 polls over 9.0 s: a verdict takes 1 m 0 s of polls"),
        ([(0, 10, 500), (60, 10, 550, 100)], True, "retention took 90 offsets before the group came to them"),
    ],
)
def test_the_evidence_is_a_sentence_with_figures(polls: list[Poll], held: bool, evidence: str) -> None:
    assert judgement.of(watched(polls, held=held)).evidence.startswith(evidence)


def test_a_group_is_as_bad_as_its_worst_partition_and_says_how_many_are() -> None:
    history = History()
    history.add(report(0, (10, 10, 0), (10, 20, 0), (10, 30, 0)))
    (group,) = history.add(report(60, (15, 20, 0), (10, 40, 0), (10, 60, 0))).groups
    assert [judgement.of(one).verdict for one in group.partitions] == [Verdict.OK, Verdict.STALL, Verdict.STALL]
    found = judgement.of(group)
    assert found.verdict is Verdict.STALL
    assert found.evidence.startswith("2 of 3 partitions: no progress for 1 m 0 s while 50 arrived")
    assert group.pace is not None
    assert group.pace.eta.reason == "never at this rate: orders/1 rests"


def test_what_was_lost_is_no_group_that_is_caught_up() -> None:
    """Nothing waits any more, because all of it is lost: the worst there is."""
    shown = rows(report(0, (10, 100, 100), (9, 9, 0)), View(only_lagging=True))
    assert [(row["verdict"], row["lag"], row["lost"]) for row in shown.rows] == [("lost_records", 0, 90)]
    each = rows(report(0, (10, 100, 100), (9, 9, 0)), View(by=By.PARTITION, only_lagging=True))
    assert [row["partition"] for row in each.rows] == [0]


def test_what_is_allowed_to_wait_is_fine() -> None:
    polls: list[Poll] = [(0, 10, 15), (60, 10, 15)]
    assert judgement.of(watched(polls, terms=Terms(allowed_lag=5))).verdict is Verdict.OK
    assert judgement.of(watched(polls, terms=Terms(allowed_lag=4))).verdict is Verdict.STALL


def test_a_longer_span_is_waited_for() -> None:
    polls: list[Poll] = [(0, 10, 15), (100, 10, 15)]
    assert judgement.of(watched(polls, terms=Terms(span=120))).verdict is Verdict.NOT_ENOUGH_HISTORY


steps = st.lists(st.tuples(st.integers(1, 120), st.integers(-50, 300), st.integers(0, 300)), min_size=1, max_size=40)


@given(steps, st.booleans())
def test_properties_of_any_history(moves: list[tuple[int, int, int]], held: bool) -> None:
    """Whatever came: one verdict, with evidence; no stop, stall or warn before the span; what waits decides."""
    seconds = list(accumulate(second for second, _, _ in moves))
    committed = [max(at, 0) for at in accumulate((by for _, by, _ in moves), initial=500)][1:]
    ends = list(accumulate((more for _, _, more in moves), initial=800))[1:]
    polls: list[Poll] = [(at, min(offset, end), end) for at, offset, end in zip(seconds, committed, ends, strict=True)]
    group = watched(polls, held=held)
    found = judgement.of(group)
    assert found.evidence
    assert (found.verdict is Verdict.CAUGHT_UP) == (group.lag == 0)
    if found.verdict in (Verdict.STOP, Verdict.STALL, Verdict.WARN):
        assert seconds[-1] - seconds[0] >= 60
    if found.verdict in (Verdict.STOP, Verdict.STALL):
        assert (found.verdict is Verdict.STALL) == held
        assert found.rest is not None
        resting = [offset for at, offset, *_ in polls if at >= seconds[-1] - found.rest]
        assert set(resting) == {polls[-1][1]}
        assert found.rest >= 60
    if found.verdict is Verdict.REWIND:
        assert min(by for _, by, _ in moves) < 0


@given(steps)
def test_a_track_stays_small(moves: list[tuple[int, int, int]]) -> None:
    history = History()
    at, committed, end = 0, 500, 500
    for second, by, more in moves:
        at, end = at + second, end + more
        committed = min(max(committed + by, 0), end)
        history.add(report(at, (committed, end, 0)))
    track = history.track("billing", HERE)
    assert track is not None
    assert len(track.moves) <= 13
    assert track.last.committed == committed
    assert [move.at for move in track.moves] == sorted(move.at for move in track.moves)
