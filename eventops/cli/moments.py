"""Moments and durations on the command line: RFC 3339, how long ago, how long."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def as_moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """An option's callback: its text as a moment in UTC.

    Raises:
        BadParameter: it is neither a time nor a time ago.
    """
    if value is None:
        return None
    try:
        return moment(value, datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        meant = "write a time as 2026-01-15T10:30:00Z, or how long ago as 90s, 15m, 1h, 2d"
        raise click.BadParameter(f"{value!r} is neither; {meant}") from error


def moment(text: str, now: datetime) -> datetime:
    """``90s``, ``15m``, ``1h``, ``2d`` and ``1w`` count back from ``now``; a time without a zone is UTC.

    >>> noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    >>> str(moment("1h", noon)), str(moment("2026-01-15T10:30:00+01:00", noon))
    ('2026-01-15 11:00:00+00:00', '2026-01-15 09:30:00+00:00')
    """
    if ago := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip(), re.ASCII):
        return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    found = datetime.fromisoformat(text.strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def seconds(text: str) -> float:
    """A duration as people write it; a bare number is seconds.

    >>> [seconds(text) for text in ("60s", "1.5m", "250ms", "7")]
    [60.0, 90.0, 0.25, 7.0]

    Raises:
        BadParameter: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", text.strip(), re.ASCII)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a duration: write it as in 60s, 5m or 2h")
    return float(found[1]) * _UNITS[found[2] or "s"]
