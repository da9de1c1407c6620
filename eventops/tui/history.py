"""The total lag over this run's polls, and how fast records come. Kept while the dashboard is open, nowhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from eventops.lag.history import History as LagHistory
from eventops.lag.model import LagReport, Rate

_KEPT: Final = 240
TREND: Final = 8
"""Polls that a group's own line shows."""
_BARS: Final = "▁▂▃▄▅▆▇█"


class History:
    """Polls in the order they came."""

    def __init__(self) -> None:
        self.totals: deque[int | None] = deque(maxlen=_KEPT)
        self.trends: dict[str, deque[int | None]] = {}
        """Each group's lag over the last polls."""
        self._lag = LagHistory()

    def add(self, report: LagReport) -> LagReport:
        """One more poll, judged by those before it; called by one thread at a time."""
        self.totals.append(total(report))
        kept = {group.group: self.trends.get(group.group) or deque(maxlen=TREND) for group in report.groups}
        for group in report.groups:
            kept[group.group].append(group.lag)
        self.trends = kept
        return self._lag.add(report)

    def arrivals(self) -> Rate:
        """Offsets a second that come to what groups read."""
        return self._lag.arrivals()


def total(report: LagReport) -> int | None:
    """What all groups have still to do; None where one of them isn't known."""
    lags = [group.lag for group in report.groups]
    return None if None in lags else sum(lag for lag in lags if lag is not None)


def sparkline(figures: Sequence[int | None], width: int) -> str:
    """The last figures, from 0 to their maximum; a gap where one isn't known.

    >>> sparkline([0, 5, None, 10], 8), sparkline([0, 0], 8), sparkline([1, 2, 3], 2)
    ('▁▅ █', '▁▁', '▆█')
    """
    shown = figures[-width:]
    top = max((figure for figure in shown if figure is not None), default=0)
    return "".join(" " if figure is None else _bar(figure, top) for figure in shown)


def _bar(figure: int, top: int) -> str:
    return _BARS[0] if top == 0 else _BARS[round(figure / top * (len(_BARS) - 1))]
