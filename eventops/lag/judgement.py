"""Burrow's five rules for a poller: is a group that is behind getting on? Pure; ``now`` and the history are arguments.

Burrow (LinkedIn) reads the commits themselves and knows when each happened. A poller sees committed offsets only, so
the rules are read like this:

- A commit is a *move* of the committed offset between two polls; its time is the later poll's.
- A commit of the same offset can't be seen. Burrow tells STOP (no commits) from STALL (commits without progress) by
  it; here the broker tells: a partition that rests while a member holds it is a STALL, one that nobody holds a STOP.
- *Idle guard*: rest counts only while records wait. Burrow's false STOP on slow topics comes from silence while there
  was nothing to commit.
- *Minimum span*: nothing is called stop, stall or warn before it was observed for ``Terms.span`` seconds.

- *Dips*: Burrow warns where no commit left less behind than the one before. Here a few may (:mod:`eventops.lag.trend`).

The rules are asked in Burrow's order, see :func:`judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from eventops.lag import pace, trend
from eventops.lag.model import GroupLag, Judgement, PartitionLag, Standing, Verdict
from eventops.lag.tracks import Sample, Terms, Track
from eventops.wording import count, duration, plural

SEVERITY: Final = {verdict: rank for rank, verdict in enumerate(Verdict)}
"""0 is the worst."""

ERRORS: Final = frozenset(
    {
        Verdict.LOST_RECORDS,
        Verdict.TOPIC_RECREATED,
        Verdict.AHEAD_OF_LOG,
        Verdict.STOP,
        Verdict.STALL,
        Verdict.REWIND,
    }
)
"""What Burrow calls ERR, and what one snapshot shows to be as bad."""

FACTS: Final = frozenset({Verdict.LOST_RECORDS, Verdict.TOPIC_RECREATED, Verdict.AHEAD_OF_LOG})
"""Those that one snapshot shows."""

RESTING: Final = (Verdict.STOP, Verdict.STALL)


def rests(track: Track, now: float, terms: Terms) -> bool:
    """Whether the offset stands still although records wait: for the minimum span, and for longer than it ever did
    between two moves in the window (a group that commits every four minutes isn't stopped after two)."""
    rest = now - track.waiting_since()
    longest = max((later.at - earlier.at for earlier, later in pairwise(track.moves)), default=0.0)
    return rest >= terms.span and rest > max(longest, track.rests_from.at - track.moves[-1].at)


def is_stopped(track: Track, holder: str | None, now: float, terms: Terms) -> bool:
    """Rule 1, STOP: it rests, and nobody holds the partition."""
    return holder is None and rests(track, now, terms)


def is_rewound(track: Track) -> bool:
    """Rule 2, REWIND: the first fall of the offset in the window never came back to what it fell from."""
    return _fall(track) is not None


def was_caught_up(track: Track, now: float, terms: Terms) -> bool:
    """Rule 3, OK: within the last span nothing waited at some poll, or as little as is allowed."""
    if track.idle_at is not None and now - track.idle_at < terms.span:
        return True
    return any(move.lag <= terms.allowed_lag for move in track.moves if now - move.at < terms.span)


def is_stalled(track: Track, holder: str | None, now: float, terms: Terms) -> bool:
    """Rule 4, STALL: it rests although a member holds the partition."""
    return holder is not None and rests(track, now, terms)


def is_falling_behind(track: Track, terms: Terms) -> bool:
    """Rule 5, WARN: since it was last caught up, and over the span at least, its moves left it further and further
    behind, but for a dip now and then (:func:`trend.grows`). Polls between two moves don't count: lag always grows
    there. Who keeps up isn't warned of: what it has in hand comes and goes."""
    moves = compared(track)
    if len(moves) < trend.FEWEST or moves[-1].at - moves[0].at < terms.span or keeps_up(track):
        return False
    return trend.grows([move.lag for move in moves])


def keeps_up(track: Track) -> bool:
    """Whether its last move left no more than it consumes in :data:`pace.IN_PASSING` seconds: it reads at the head of
    the log, and a lag that doesn't fall there is what came a moment ago."""
    first, last = track.moves[0], track.moves[-1]
    if last.at <= first.at:
        return False
    return last.lag < (last.committed - first.committed) / (last.at - first.at) * pace.IN_PASSING


def judge(partition: PartitionLag, track: Track | None, now: float, terms: Terms) -> Judgement:
    """One partition. Facts that one snapshot shows come first; then the five rules in Burrow's order."""
    if partition.standing is Standing.CAUGHT_UP:
        return _NOTHING_WAITS
    if partition.standing is not Standing.BEHIND:
        return Judgement(Verdict(partition.standing.value), _fact(partition) + _and_rests(partition, track, now, terms))
    if partition.lag is not None and partition.lag <= terms.allowed_lag:
        return Judgement(Verdict.OK, f"{count(partition.lag)} behind, which is allowed")
    if track is None:
        return _ONE_SNAPSHOT if terms is _AS_COMMON else _not_enough(0.0, 1, terms)
    holder = partition.member
    rules: tuple[tuple[bool, Verdict, Callable[[], str]], ...] = (
        (is_stopped(track, holder, now, terms), Verdict.STOP, lambda: ""),
        (is_rewound(track), Verdict.REWIND, lambda: _rewound(track, now)),
        (was_caught_up(track, now, terms), Verdict.OK, lambda: _caught_up(track, now)),
        (is_stalled(track, holder, now, terms), Verdict.STALL, lambda: ""),
        (is_falling_behind(track, terms), Verdict.WARN, lambda: _grew(track)),
    )
    verdict, evidence = next(((verdict, say) for holds, verdict, say in rules if holds), (None, None))
    if verdict in RESTING and verdict is not None:
        return _resting(verdict, track, holder, now)
    if verdict is not None and evidence is not None:
        return Judgement(verdict, evidence())
    if now - track.first_at < terms.span:
        return _not_enough(now - track.first_at, track.polls, terms)
    return Judgement(Verdict.OK, _trend(track, now, terms))


def of(one: GroupLag | PartitionLag) -> Judgement:
    """The judgement of a group or partition; without a history, what one snapshot tells."""
    if one.judgement is not None:
        return one.judgement
    if isinstance(one, PartitionLag):
        return _NOTHING_WAITS if one.standing is Standing.CAUGHT_UP else judge(one, None, 0.0, _AS_COMMON)
    return worst(one, [of(partition) for partition in one.partitions])


def of_all(group: GroupLag) -> tuple[Judgement, list[Judgement]]:
    """The judgement of a group, and those of its partitions in their order."""
    each = [of(partition) for partition in group.partitions]
    return group.judgement or worst(group, each), each


def worst_first(groups: Iterable[GroupLag]) -> list[GroupLag]:
    """By verdict, then by what is known to wait. While a verdict takes longer, a group stands where the snapshot puts
    it: one that nobody reads any more isn't last because it wasn't watched yet."""
    return sorted(groups, key=lambda group: (severity(group), -group.known_lag, group.group))


def severity(one: GroupLag | PartitionLag) -> int:
    """0 is the worst."""
    return _rank(of(one).verdict, one.verdict.value if isinstance(one, GroupLag) else one.standing.value)


def _rank(judged: Verdict, seen: str) -> int:
    """While a verdict takes longer, what the snapshot has ``seen`` counts."""
    return SEVERITY[Verdict(seen) if judged is Verdict.NOT_ENOUGH_HISTORY else judged]


def worst(group: GroupLag, judgements: Sequence[Judgement]) -> Judgement:
    """The group: the worst of its partitions, with their number; rests are added up. No history makes it milder than
    one snapshot tells: where nobody is there to take what waits, that is said."""
    if not judgements:
        return Judgement(group.verdict, group.reason or "no partition is known")
    pairs = zip(group.partitions, judgements, strict=True)
    waiting = [pair for pair in pairs if pair[1] is not _NOTHING_WAITS]  # the others are most, and as good as it gets
    if not waiting:
        return _NOTHING_WAITS
    home, found = min(waiting, key=lambda pair: _rank(pair[1].verdict, pair[0].standing.value))
    if found.verdict in (Verdict.CAUGHT_UP, Verdict.NOT_ENOUGH_HISTORY):
        return found
    if group.verdict is Verdict.INACTIVE and SEVERITY[found.verdict] > SEVERITY[Verdict.INACTIVE]:
        return Judgement(Verdict.INACTIVE, f"nobody is there; {found.evidence}")
    where, alike = home.partition, [one for one in judgements if one.verdict is found.verdict]
    if found.verdict in RESTING:
        rest = min(one.rest or 0.0 for one in alike)
        arrived = sum(one.arrived or 0 for one in alike)
        left = sum(p.lag or 0 for p, one in waiting if one.verdict is found.verdict)
        whole = f"{count(len(alike))} of {plural(len(judgements), 'partition')}: " if len(judgements) > 1 else ""
        said = _rest(found.verdict, rest, arrived, left, group_has_members=bool(group.members))
        return Judgement(found.verdict, whole + said, rest, arrived)
    more = f", and {len(alike) - 1} more like it" if len(alike) > 1 else ""
    place = f"{where.topic}/{where.partition}: " if len(judgements) > 1 else ""
    return Judgement(found.verdict, place + found.evidence + more)


def held_up(partitions: Iterable[PartitionLag]) -> str | None:
    """The partition that keeps a group from ever catching up, with what it does: one that rests, else one that falls
    behind. None: there is none."""
    found: PartitionLag | None = None
    for one in partitions:
        verdict = of(one).verdict
        if verdict in RESTING:
            return f"{one.partition.topic}/{one.partition.partition} rests"
        found = one if found is None and verdict is Verdict.WARN else found
    return None if found is None else f"{found.partition.topic}/{found.partition.partition} falls behind"


def _fall(track: Track) -> tuple[Sample, Sample] | None:
    """The first fall in the window, if the offset never came back."""
    after = (*track.moves, track.last)
    for index, (earlier, later) in enumerate(pairwise(after)):
        if later.committed < earlier.committed:
            regained = any(move.committed >= earlier.committed for move in after[index + 1 :])
            return None if regained else (earlier, later)
    return None


def compared(track: Track) -> tuple[Sample, ...]:
    """The moves since it was last caught up, those that are kept: one more, of the last poll, would be less than a step
    away, and on another place of a saw's tooth."""
    idle_at = track.idle_at
    return track.moves if idle_at is None else tuple(move for move in track.moves if move.at >= idle_at)


def _fact(partition: PartitionLag) -> str:
    offsets = partition.offsets
    match partition.standing:
        case Standing.LOST_RECORDS:
            lost = (offsets.log_start or 0) - (offsets.committed or 0)
            return f"retention took {plural(lost, 'offset')} before the group came to them"
        case Standing.AHEAD_OF_LOG:
            return f"committed {count(offsets.committed)}, and the log ends at {count(offsets.log_end)}"
        case _:
            return partition.reason or "unknown"


def _not_enough(seconds: float, polls: int, terms: Terms) -> Judgement:
    seen = "one snapshot" if polls == 1 else f"{plural(polls, 'poll')} over {duration(seconds)}"
    return Judgement(Verdict.NOT_ENOUGH_HISTORY, f"{seen}: a verdict takes {duration(terms.span)} of polls")


def _resting(verdict: Verdict, track: Track, holder: str | None, now: float) -> Judgement:
    rest, arrived = now - track.waiting_since(), track.arrived()
    said = _rest(verdict, rest, arrived, track.last.lag, group_has_members=holder is not None)
    at_least = "" if track.has_moved or track.idle_at is not None else " since it is watched"
    return Judgement(verdict, said + at_least, rest, arrived)


def _rest(verdict: Verdict, rest: float, arrived: int, waiting: int, *, group_has_members: bool) -> str:
    """
    >>> _rest(Verdict.STOP, 247, 12300, 13000, group_has_members=False)
    'no commit for 4 m 7 s while 12,300 arrived; nobody is there'
    >>> _rest(Verdict.STALL, 247, 0, 50, group_has_members=True)
    'no progress for 4 m 7 s while 50 wait, although a member holds it'
    """
    while_ = f"{count(arrived)} arrived" if arrived else f"{count(waiting)} wait"
    if verdict is Verdict.STALL:
        return f"no progress for {duration(rest)} while {while_}, although a member holds it"
    nobody = "; no member holds it" if group_has_members else "; nobody is there"
    return f"no commit for {duration(rest)} while {while_}{nobody}"


def _rewound(track: Track, now: float) -> str:
    fall = _fall(track)
    assert fall is not None
    earlier, later = fall
    when = "since the poll before" if later.at == now else f"{duration(now - later.at)} ago"
    return (
        f"the committed offset fell from {count(earlier.committed)} to {count(later.committed)} "
        f"{when} and is at {count(track.last.committed)}"
    )


def _caught_up(track: Track, now: float) -> str:
    if track.idle_at is None:
        return f"{count(track.last.lag)} behind, and was as little behind as is allowed"
    return f"{count(track.last.lag)} behind, caught up {duration(now - track.idle_at)} ago"


def _and_rests(partition: PartitionLag, track: Track | None, now: float, terms: Terms) -> str:
    """A fact is worse than what the rules say; that nobody gets on beside it is said with it."""
    if track is None or partition.standing is not Standing.LOST_RECORDS or not partition.lag:
        return ""
    if not rests(track, now, terms):
        return ""
    verdict = Verdict.STALL if partition.member is not None else Verdict.STOP
    return f"; {_resting(verdict, track, partition.member, now).evidence}"


def _grew(track: Track) -> str:
    """What the rule rests on: the moves, and beside them what waits now."""
    moves = compared(track)
    first, last = moves[0], moves[-1]
    found = trend.dips([move.lag for move in moves])
    grew = f"grew from {count(first.lag)} to {count(last.lag)} in {duration(last.at - first.at)}, {_dips(found)}"
    return grew if last.at == track.last.at else f"{grew}; {count(track.last.lag)} now"


def _dips(found: int) -> str:
    return plural(found, "dip") if found else "no dip"


def _trend(track: Track, now: float, terms: Terms) -> str:
    """Why it isn't warned of: how its moves left it, and where that is further behind than before, what speaks against
    a trend."""
    moves = compared(track)
    if not moves:
        return f"{count(track.last.lag)} behind"
    first, last = moves[0], moves[-1]
    change = last.lag - first.lag
    than = "as much as" if change == 0 else f"{count(abs(change))} {'more' if change > 0 else 'fewer'} than"
    then = "" if last.at == track.last.at else f"; {count(last.lag)} when it last got on"
    said = f"{count(track.last.lag)} behind{then}, {than} {duration(now - first.at)} ago"
    return f"{said}, {_no_trend(track, moves, terms)}" if change > 0 else said


def _no_trend(track: Track, moves: Sequence[Sample], terms: Terms) -> str:
    lags = [move.lag for move in moves]
    if keeps_up(track):
        return "and it reads at the head of the log"
    if trend.falls_now(lags):
        return "and it falls now"
    if len(lags) < trend.FEWEST:
        first = int(moves[0].at == track.first_at)  # the first poll's figure is no move's
        return f"in {plural(len(lags) - first, 'move')}: a trend takes {trend.FEWEST - first}"
    if moves[-1].at - moves[0].at < terms.span:
        return f"in {duration(moves[-1].at - moves[0].at)}: a trend takes {duration(terms.span)}"
    return f"with {_dips(trend.dips(lags))}"


_AS_COMMON: Final = Terms()
_NOTHING_WAITS: Final = Judgement(Verdict.CAUGHT_UP, "nothing waits")
_ONE_SNAPSHOT: Final = _not_enough(0.0, 1, _AS_COMMON)
