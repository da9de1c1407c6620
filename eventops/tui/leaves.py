"""The letters of one cause, a page at a time: what is on a page is read when it is opened, and no further."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from eventops.bootstrap import Desk
from eventops.dlq.model import CauseGroup, Letter
from eventops.ports import Gap
from eventops.tui.dlq import of_cause

PAGE: Final = 500
"""Letters on one page."""
_KEPT: Final = 10
"""Pages that are kept; those before them are read anew when they are wanted."""


class Leaves:
    """One cause's. The reading rests between two pages, where it stands; it begins with the cause's oldest letter and
    ends with its last. Asked by workers."""

    def __init__(self, desk: Desk, cause: CauseGroup) -> None:
        self.gaps: tuple[Gap, ...] = ()
        """What couldn't be read, of the log or the ledger."""
        self._unread: tuple[Gap, ...] = ()
        self._desk = desk
        self._cause = cause
        self._lock = threading.Lock()
        self._pages: dict[int, tuple[Letter, ...]] = {}
        self._reading: Iterator[Letter] | None = None
        self._next = 0
        """The page that the reading comes to."""

    def page(self, number: int) -> tuple[Letter, ...]:
        """Its letters, with what became of them by now. Asks the cluster.

        Raises:
            NobodyWaits: the screen was left on the way.
        """
        with self._lock:
            if number in self._pages:
                letters, unjudged = self._desk.dlq.judged(self._pages[number])
                self.gaps = (*self._unread, *unjudged)
                return letters
            try:
                return self._read_on_to(number)
            except BaseException:
                self._reading = None
                raise

    def _read_on_to(self, number: int) -> tuple[Letter, ...]:
        if self._reading is None or number < self._next:
            self._reading, self._next = self._letters(), 0
        found: tuple[Letter, ...] = ()
        while self._next <= number:
            found = tuple(islice(self._reading, PAGE))
            self._pages[self._next] = found
            self._pages.pop(self._next - _KEPT, None)
            self._next += 1
        return found

    def _letters(self) -> Iterator[Letter]:
        whole = of_cause(self._cause)
        total = sum(self._cause.counts.values())
        for piece in self._desk.dlq.export(replace(whole, since=self._cause.oldest, limit=total)):
            yield from piece.letters
            if piece.coverage is not None:
                self.gaps = self._unread = piece.coverage.gaps
