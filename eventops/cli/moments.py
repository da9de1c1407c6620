"""Moments and durations on the command line: RFC 3339, how long ago, how long."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import click

from eventops.wording import moment

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", re.ASCII)
_BACK: Final = re.compile(r"\s*-\s*(?=\d+(\.\d+)?\s*[smhdw]\s*$)", re.ASCII)
"""Before how long ago, as others write it: ``-2h``."""
_LONGEST: Final = 1e9
"""Seconds that anything here may last: thirty years."""
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def as_moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """An option's callback: its text as a moment in UTC; ``-2h`` is ``2h``.

    Raises:
        BadParameter: it is neither a time nor a time ago.
    """
    if value is None:
        return None
    try:
        return moment(_BACK.sub("", value, count=1), datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        meant = "write a time as 2026-01-15T10:30:00Z, or how long ago as 90s, 15m, 1h, 2d"
        raise click.BadParameter(f"{value!r} is neither; {meant}") from error


def is_duration(text: str) -> bool:
    """
    >>> is_duration("2s"), is_duration("billing")
    (True, False)
    """
    return _DURATION.fullmatch(text.strip()) is not None


def seconds(text: str) -> float:
    """A duration as people write it; a bare number is seconds.

    >>> [seconds(text) for text in ("60s", "1.5m", "250ms", "7")]
    [60.0, 90.0, 0.25, 7.0]

    Raises:
        BadParameter: it is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is not a duration: write it as in 60s, 5m or 2h")
    lasts = float(found[1]) * _UNITS[found[2] or "s"]
    if lasts > _LONGEST:
        raise click.BadParameter(f"{text if len(text) < 40 else text[:40] + '…'} is longer than thirty years")
    return lasts
