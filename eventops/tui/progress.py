"""How fast something gets on, by the steps that it tells. Pure; no clock."""

from __future__ import annotations

from datetime import datetime


class Progress:
    """Steps in the order they came. What the first one did was done at once, so it only begins the measurement."""

    def __init__(self) -> None:
        self._first: tuple[int, datetime] | None = None
        self._last: tuple[int, datetime] | None = None

    def add(self, done: int, at: datetime) -> None:
        """So much is done."""
        if done:
            self._first = self._first or (done, at)
            self._last = done, at

    def value(self, cap: float | None = None) -> float | None:
        """A second, from the first step to the last, never more than the ``cap``; None: it takes two steps to tell.

        >>> from datetime import UTC, datetime, timedelta
        >>> begun, progress = datetime(2026, 1, 15, tzinfo=UTC), Progress()
        >>> for seconds, done in ((0, 0), (0.1, 20)):
        ...     progress.add(done, begun + timedelta(seconds=seconds))
        >>> progress.value(20.0) is None
        True
        >>> progress.add(40, begun + timedelta(seconds=1.0))
        >>> progress.value(20.0), progress.value()
        (20.0, 22.22222222222222)
        """
        if self._first is None or self._last is None or self._last[1] <= self._first[1]:
            return None
        rate = (self._last[0] - self._first[0]) / (self._last[1] - self._first[1]).total_seconds()
        return rate if cap is None else min(rate, cap)
