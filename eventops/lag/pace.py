"""How fast a group's topics grow, how fast it consumes, and when it will have caught up: pure.

A poller sees offsets, not commits: the rates are averages over the polls of the last :data:`SPAN` seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from eventops.lag.model import Pace, Rate

SPAN: Final = 30.0
"""Seconds a rate is averaged over: longer than consumers wait between two commits (5 s, as they come)."""

IN_PASSING: Final = 5.0
"""Seconds of its own consumption that a group may have in hand and is said to keep up: consumers commit every 5 s."""

_GAP: Final = 3.0
"""Times that the polls before took."""

ONE_SNAPSHOT: Final = "a rate takes two snapshots"
NEVER: Final = "never at this rate: records come at least as fast as they are consumed"
NO_TREND: Final = "not at this rate, but it isn't seen to fall behind either"
NOTHING_ASKED: Final = "nothing was known for a while: a rate takes two snapshots since"
NOTHING_KNOWN: Final = "no partition is known in two polls"
LOG_WENT_BACK: Final = "a log was cut or made anew meanwhile"
OFFSETS_WENT_BACK: Final = "the committed offsets were set back"


@dataclass(frozen=True, slots=True)
class Tick:
    """What moved between two polls ``seconds`` apart, the later at ``at``. ``arrived`` None: a log went back;
    ``consumed`` None: see ``why_not_consumed``. ``is_gap``: nobody answered (or asked) for a while before it."""

    at: float
    seconds: float
    arrived: int | None
    consumed: int | None
    why_not_consumed: str = OFFSETS_WENT_BACK
    is_gap: bool = False


def is_gap(seconds: float, before: float | None, least: float = SPAN) -> bool:
    """Whether there was no answer for a while, ``before`` being the seconds between the two answers before: what came
    in that time is no rate of now. Who asks seldom has no gaps.

    >>> is_gap(120, 2), is_gap(120, 60), is_gap(20, 2), is_gap(300, None)
    (True, False, False, False)
    """
    return seconds > least and before is not None and seconds > _GAP * before


UNKNOWN: Final = Pace(Rate(None, ONE_SNAPSHOT), Rate(None, ONE_SNAPSHOT), Rate(None, ONE_SNAPSHOT))


def arrival(ticks: Iterable[Tick]) -> Rate:
    """Offsets a second that came.

    >>> arrival([Tick(10, 10, 50, 20), Tick(20, 10, 70, 20)]).value
    6.0
    """
    found = list(ticks)
    return _rate(found, [(tick.arrived, LOG_WENT_BACK) for tick in found])


def consumption(ticks: Iterable[Tick]) -> Rate:
    """Offsets a second that were consumed."""
    found = list(ticks)
    return _rate(found, [(tick.consumed, tick.why_not_consumed) for tick in found])


def eta(
    lag: int | None, arrival: Rate, consumption: Rate, held_up: str | None = None, *, is_fine: bool = False
) -> Rate:
    """Seconds until nothing waits; of a group that keeps up, and has in hand what came a moment ago, until that is
    consumed. It never contradicts the verdict: ``held_up`` names a partition that rests or falls behind, without which
    no sum catches up; of a group that ``is_fine`` (its verdict is ok) nobody says that it never will.

    >>> eta(200, arrival=Rate(5.0), consumption=Rate(25.0)).value
    10.0
    >>> eta(100, arrival=Rate(5.0), consumption=Rate(5.0)).reason == NEVER
    True
    >>> eta(100, arrival=Rate(5.0), consumption=Rate(5.0), is_fine=True).reason == NO_TREND
    True
    >>> eta(8, arrival=Rate(145.0), consumption=Rate(145.0)).value < 0.1      # what waits is in passing
    True
    >>> eta(100, arrival=Rate(5.0), consumption=Rate(25.0), held_up="orders/3 rests").reason
    'never at this rate: orders/3 rests'
    """
    if lag is None:
        return Rate(None, "the lag isn't known")
    if lag == 0:
        return Rate(0.0)
    if held_up is not None:
        return Rate(None, f"never at this rate: {held_up}", is_never=True)
    if arrival.value is None or consumption.value is None:
        return Rate(None, arrival.reason or consumption.reason)
    if lag < consumption.value * IN_PASSING:
        return Rate(lag / consumption.value)
    gained = consumption.value - arrival.value
    if gained > 0:
        return Rate(lag / gained)
    return Rate(None, NO_TREND) if is_fine else Rate(None, NEVER, is_never=True)


def _rate(ticks: list[Tick], amounts: list[tuple[int | None, str]]) -> Rate:
    """One step backwards makes the whole meaningless."""
    seconds = sum(tick.seconds for tick in ticks)
    if not ticks or seconds <= 0:
        return Rate(None, ONE_SNAPSHOT)
    if any(tick.is_gap for tick in ticks):
        return Rate(None, NOTHING_ASKED)
    missing = next((why for amount, why in amounts if amount is None), None)
    if missing is not None:
        return Rate(None, missing)
    return Rate(sum(amount for amount, _ in amounts if amount is not None) / seconds)
