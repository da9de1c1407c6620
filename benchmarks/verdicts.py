"""Which rule tells a group that falls behind: ``python -m benchmarks.verdicts``.

Groups are simulated second by second, watched every two and every five seconds for a quarter of an hour each, and every
candidate for Burrow's rule 5 sees the same moves. Printed: false warns an hour of groups that don't fall behind; of
those that do, seconds until the first warn and the share of the time that they are warned of from then on. Decision 115
has the choice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, sqrt
from random import Random
from statistics import mean, median
from typing import Final

from eventops.lag import judgement, trend
from eventops.lag.tracks import Terms, Trail

SECONDS: Final = 900
FIRST_SEED: Final = 1000
"""Those below it were used to choose the rule, its fewest moves and the window."""
EVERY: Final = (2, 5)
TERMS: Final = Terms()

Rate = Callable[[int, Random], float]
"""Records a second at a second."""
Rule = Callable[[Sequence[int]], bool]
"""Whether the lags at the moves are those of a group that falls behind."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One group: what comes, what it can consume, and how it commits: every ``commit`` seconds, give or take ``jitter``
    of it; with ``batch``, it reads so often what is there, and commits at the end. ``delay``: it reads only what is so
    old. ``level``: how far behind it begins."""

    comes: Rate
    consumes: Rate
    commit: float = 5.0
    jitter: float = 0.1
    batch: float = 0.0
    delay: int = 0
    level: int = 0

    def polls(self, every: int, random: Random) -> Iterator[tuple[int, int, int]]:
        """Second, committed and end."""
        ends, position, committed = [1000 + self.level], 1000, 1000
        allowed, due, target = 0.0, random.random() * (self.batch or self.commit), None
        for second in range(SECONDS):
            ends.append(ends[-1] + _arrivals(self.comes(second, random), random))
            readable = ends[max(len(ends) - 1 - self.delay, 0)]
            allowed += self.consumes(second, random)
            if self.batch:
                target = readable if target is None and second >= due else target
                readable = position if target is None else target
            position += (taken := max(min(int(allowed), readable - position), 0))
            allowed = min(allowed - taken, 1.0 + self.consumes(second, random))
            if self.batch and target is not None and position >= target:
                committed, target, due = position, None, second + self.batch * _about(self.jitter, random)
            elif not self.batch and second >= due:
                committed, due = position, second + self.commit * _about(self.jitter, random)
            if second % every == 0:
                yield second, committed, ends[-1]


def _about(jitter: float, random: Random) -> float:
    return 1 + jitter * random.uniform(-1, 1)


def _arrivals(rate: float, random: Random) -> int:
    """Poisson's."""
    if rate > 50:
        return max(round(random.gauss(rate, sqrt(rate))), 0)
    left, found = random.random(), 0
    while left > exp(-rate):
        left, found = left * random.random(), found + 1
    return found


def _even(rate: float) -> Rate:
    return lambda _second, _random: rate


def _saw(rate: float, period: int) -> Rate:
    return lambda second, _random: rate * (1.5 if second % period < period / 2 else 0.5)


def _burst(rate: float, times: float, seconds: int) -> Rate:
    return lambda second, _random: rate * (times if 200 <= second < 200 + seconds else 1)


def _jumping(rate: float) -> Rate:
    return lambda _second, random: rate * exp(random.gauss(0, 1) - 0.5)


FINE: Final[dict[str, list[Scene]]] = {
    "keeps up": [Scene(_even(r), _even(9 * r), c, 0.3) for r in (3, 100) for c in (5, 15)],
    "reads in batches": [Scene(_even(r), _even(4 * r), 5, 0.3, b) for r in (3, 100) for b in (10, 20, 40)],
    "saws, 10 to 60 s": [Scene(_even(100), _saw(100, p), level=5000) for p in (10, 20, 30, 40, 60)],
    "saws, 90 and 120 s": [Scene(_even(100), _saw(100, p), level=5000) for p in (90, 120)],
    "burst": [Scene(_burst(100, t, s), _even(c)) for t, s in ((9, 20), (4, 40)) for c in (130, 200)],
    "reads a minute late": [Scene(_even(r), _even(5 * r), delay=60, level=60 * r) for r in (3, 100)],
}
FALLS: Final[dict[str, list[Scene]]] = {
    **{
        f"{share:.0%} of what comes": [
            Scene(_even(r), _even(share * r), c, level=lev) for r in (100, 1000) for c in (1, 5) for lev in (0, 5 * r)
        ]
        for share in (0.5, 0.8, 0.9, 0.95, 0.97)
    },
    "80 %, by jumps": [Scene(_even(100), _jumping(80)), Scene(_even(100), _saw(80, 20)), Scene(_even(5), _even(4))],
}


def _least(count: int) -> Rule:
    """Strictly, over the least of so many moves each."""

    def rule(lags: Sequence[int]) -> bool:
        least = [min(lags[at : at + count]) for at in range(len(lags) % count, len(lags), count)]
        return len(least) > 1 and all(later > earlier for earlier, later in pairwise(least))

    return rule


def _parts(count: int) -> Rule:
    """The least of the last part is more than the most of the first."""
    return lambda lags: min(lags[-(len(lags) // count) :]) > max(lags[: len(lags) // count])


def _pairs(share: float) -> Rule:
    return lambda lags: trend.out_of_order(lags) <= (1 - share) * len(lags) * (len(lags) - 1) / 2


def _beyond_its_steps(lags: Sequence[int]) -> bool:
    """It grew by more than twice what its steps come to if each might as well have gone the other way."""
    return lags[-1] - lags[0] > 2 * sqrt(sum((later - earlier) ** 2 for earlier, later in pairwise(lags)))


RULES: Final[dict[str, tuple[int, Rule]]] = {
    "Burrow: no move less than the one before": (3, lambda lags: all(b >= a for a, b in pairwise(lags))),
    "the same, least of two moves": (6, _least(2)),
    "least of last third > most of first": (6, _parts(3)),
    "least of last half > most of first": (6, _parts(2)),
    "80 % of pairs in order": (6, _pairs(0.8)),
    "90 % of pairs in order": (6, _pairs(0.9)),
    "growth beyond twice its steps' size": (6, _beyond_its_steps),
    "chosen: pairs beyond the seventh, no fall": (trend.FEWEST, trend.grows),
}


def moves(scene: Scene, every: int, seed: int) -> Iterator[tuple[int, list[int] | None]]:
    """At each poll the lags that rule 5 compares; None where another rule comes first, or it isn't asked yet."""
    trail: Trail | None = None
    for at, committed, end in scene.polls(every, Random(seed)):
        if trail is None:
            trail = Trail(at, committed, end, 0, is_idle=committed == end)
            continue
        trail.observe(at, committed, end, 0, is_idle=committed == end, step=TERMS.step)
        track = trail.track()
        found = judgement.compared(track)
        is_asked = committed < end and found and at - found[0].at >= TERMS.span and not judgement.keeps_up(track)
        is_asked = is_asked and not judgement.was_caught_up(track, at, TERMS) and not judgement.rests(track, at, TERMS)
        yield at, [move.lag for move in found] if is_asked else None


def warns(seen: Sequence[tuple[int, list[int] | None]], rule: tuple[int, Rule]) -> list[tuple[int, bool]]:
    """At each poll whether the rule warns."""
    fewest, holds = rule
    return [(at, lags is not None and len(lags) >= fewest and holds(lags)) for at, lags in seen]


def false_warns(scenes: Sequence[Scene], seeds: int) -> dict[str, float]:
    """Warns an hour, each until it ends, by rule."""
    runs = [
        list(moves(scene, every, seed))
        for scene in scenes
        for every in EVERY
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
    ]
    begun = {name: sum(_begins(warns(run, rule)) for run in runs) for name, rule in RULES.items()}
    return {name: found / (len(runs) * SECONDS / 3600) for name, found in begun.items()}


def _begins(warned: Sequence[tuple[int, bool]]) -> int:
    return sum(now and not before for (_, before), (_, now) in pairwise(warned))


def found_out(scenes: Sequence[Scene], seeds: int) -> dict[str, tuple[float, float]]:
    """Seconds until the first warn, in the median, and the share of polls from there on that warn, by rule."""
    runs = [
        list(moves(scene, every, seed))
        for scene in scenes
        for every in EVERY
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
    ]
    found = {}
    for name, rule in RULES.items():
        firsts, shares = [], []
        for run in runs:
            warned = warns(run, rule)
            first = next((at for at, is_warned in warned if is_warned), inf)
            firsts.append(first)
            shares.append(mean(is_warned for at, is_warned in warned if at >= first) if first < inf else 0.0)
        found[name] = (median(firsts), mean(shares))
    return found


def main() -> None:
    """Print both tables."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    fine = {kind: false_warns(scenes, seeds) for kind, scenes in FINE.items()}
    falls = {kind: found_out(scenes, seeds) for kind, scenes in FALLS.items()}
    print(f"{'false warns an hour':42}" + "".join(f"{kind:>21}" for kind in fine))
    for name in RULES:
        print(f"{name:42}" + "".join(f"{found[name]:21.2f}" for found in fine.values()))
    print(f"\n{'first warn after, share of the time since':42}" + "".join(f"{kind:>21}" for kind in falls))
    for name in RULES:
        cells = [
            f"{first:.0f} s {share:4.0%}" if first < inf else "never"
            for first, share in (f[name] for f in falls.values())
        ]
        print(f"{name:42}" + "".join(f"{cell:>21}" for cell in cells))


if __name__ == "__main__":
    main()
