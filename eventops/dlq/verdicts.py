"""Poison pill or outage, and whether it grows: judged by cause, distinct keys and rate. Pure; no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eventops.dlq.failure import Kind, Trend, Verdict
from eventops.wording import duration, plural

FEW_KEYS: Final = 3
"""As many keys as a poison pill may have."""
AGAIN: Final = 2
"""As many letters a key, on average, as tell that it fails again and again."""
MANY_KEYS: Final = 10
"""As many keys as an outage has at least."""
BURST: Final = 0.5
"""The share of letters that one interval holds in a burst."""
BURST_SECONDS: Final = 600
"""All letters within so long are a burst as well."""
BURST_A_MINUTE: Final = 60.0
"""Letters a minute that are a burst whatever the rest."""
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Spread:
    """How one cause's letters lie over keys and time. ``distinct_keys`` are those of the ``keyed`` letters; the
    seconds are None where no letter has a time; ``peak`` letters came in the densest interval of ``width_seconds``."""

    letters: int
    keyed: int
    distinct_keys: int
    span_seconds: int | None
    age_seconds: int | None
    quiet_seconds: int | None
    peak: int
    width_seconds: int
    last_hour: int
    hour_before: int

    @property
    def peak_per_minute(self) -> float:
        """Letters a minute in the densest interval."""
        return self.peak * 60 / self.width_seconds

    @property
    def is_burst(self) -> bool:
        """They came at once: within minutes, half of them in one interval, or many a minute."""
        if self.span_seconds is None or self.letters < 2:
            return False
        dense = self.width_seconds <= BURST_SECONDS and self.peak >= BURST * self.letters
        return self.span_seconds <= BURST_SECONDS or dense or self.peak_per_minute >= BURST_A_MINUTE


def verdict(spread: Spread) -> Verdict:
    """
    >>> def spread(letters, keys, seconds, peak):
    ...     return Spread(letters, letters, keys, seconds, seconds, 0, peak, 60, 0, 0)
    >>> verdict(spread(500, 480, 300, 120)).kind.value     # many keys in five minutes: something they all need is down
    'outage'
    >>> verdict(spread(500, 1, 86400, 2)).kind.value       # one key, over a day: its events can't be handled
    'poison_pill'
    >>> verdict(spread(1, 1, 0, 1)).kind.value             # a single letter fails by itself
    'poison_pill'
    >>> verdict(spread(3, 3, 60, 3)).kind.value            # three keys, a letter each: too few to tell
    'undecided'
    >>> verdict(spread(500, 480, 864000, 3)).kind.value    # many keys, now and then: neither
    'undecided'
    """
    if spread.keyed == 0:
        return _without_keys(spread)
    keys = plural(spread.distinct_keys, "key")
    if spread.distinct_keys >= MANY_KEYS and spread.is_burst:
        return Verdict(Kind.OUTAGE, f"{keys}, one cause, {_how_dense(spread)}: replay when it is over")
    if spread.distinct_keys == 1 or (
        spread.distinct_keys <= FEW_KEYS and spread.letters >= AGAIN * spread.distinct_keys
    ):
        return Verdict(Kind.POISON_PILL, f"{keys}, the same failure: mend the consumer or the event first")
    if spread.distinct_keys >= MANY_KEYS:
        return Verdict(
            Kind.UNDECIDED, f"{keys}, but no burst: a kind of event that isn't handled, or a flaky dependency"
        )
    return Verdict(Kind.UNDECIDED, f"{keys}: too many for a poison pill, too few to call it an outage")


def trend(spread: Spread) -> Trend:
    """The last hour against the one before.

    >>> spread = lambda age, last, before: Spread(9, 9, 9, 0, age, 0, 9, 60, last, before)
    >>> [trend(spread(*one)).value for one in ((60, 9, 0), (9999, 9, 3), (9999, 3, 9), (9999, 4, 4), (9999, 0, 0))]
    ['new', 'rising', 'falling', 'steady', 'quiet']
    """
    if spread.age_seconds is None:
        return Trend.UNKNOWN
    if spread.last_hour == 0:
        return Trend.QUIET
    if spread.age_seconds <= _HOUR:
        return Trend.NEW
    if spread.last_hour > 1.5 * spread.hour_before:
        return Trend.RISING
    return Trend.FALLING if 1.5 * spread.last_hour < spread.hour_before else Trend.STEADY


def _without_keys(spread: Spread) -> Verdict:
    if spread.letters == 1:
        return Verdict(Kind.POISON_PILL, "a single letter")
    if spread.is_burst and spread.letters >= MANY_KEYS:
        return Verdict(Kind.OUTAGE, f"{plural(spread.letters, 'letter')} without keys, {_how_dense(spread)}")
    return Verdict(Kind.UNDECIDED, "the letters have no keys, and no burst tells")


def _how_dense(spread: Spread) -> str:
    if spread.span_seconds is not None and spread.span_seconds <= BURST_SECONDS:
        return f"all within {duration(float(spread.span_seconds or 1))}"
    return f"up to {spread.peak_per_minute:,.0f} a minute"
