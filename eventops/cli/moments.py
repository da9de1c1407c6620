"""Moments on the command line: RFC 3339, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Moment(click.ParamType):
    """Gives a datetime in UTC; ``90s``, ``15m``, ``1h``, ``2d`` and ``1w`` count back from now."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """
        Raises:
            BadParameter: it is neither.
        """
        if isinstance(value, datetime):
            return value
        try:
            return moment(str(value), datetime.now(UTC))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is neither a time (2026-01-15T10:30:00Z) nor a time ago (90s, 15m, 1h, 2d)", param, ctx
            )


def moment(text: str, now: datetime) -> datetime:
    """
    >>> noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    >>> str(moment("1h", noon)), str(moment("2026-01-15T10:30:00+01:00", noon))
    ('2026-01-15 11:00:00+00:00', '2026-01-15 09:30:00+00:00')
    """
    if ago := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip()):
        return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    found = datetime.fromisoformat(text.strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
