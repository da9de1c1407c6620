"""The total lag over this run's polls, and how fast records come. Kept while the dashboard is open, nowhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from eventops.lag.model import LagReport

_KEPT: Final = 240
_SPAN: Final = 10.0
_BARS: Final = "▁▂▃▄▅▆▇█"


class History:
    """Polls in the order they came."""

    def __init__(self) -> None:
        self.totals: deque[int | None] = deque(maxlen=_KEPT)
        self._recent: deque[LagReport] = deque()

    def add(self, report: LagReport) -> None:
        """One more poll."""
        self.totals.append(total(report))
        self._recent.append(report)
        while len(self._recent) > 2 and (report.as_of - self._recent[1].as_of).total_seconds() >= _SPAN:
            self._recent.popleft()

    @property
    def earlier(self) -> LagReport | None:
        """The poll that rates are told since: about ten seconds before the last one, None before there are two."""
        return self._recent[0] if len(self._recent) > 1 else None


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
