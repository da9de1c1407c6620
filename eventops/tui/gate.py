"""Workers wait while the screen has something to do: beside one that computes, painting takes twice as long."""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Final

_AT_MOST: Final = 0.05
"""Seconds that a worker waits at once: under a screen that never rests it still gets on, a piece at a time."""


class Gate:
    """Open while the event loop waits for something to do."""

    def __init__(self) -> None:
        self._is_open = Event()
        self._is_open.set()

    def open(self) -> None:
        """Workers may go on."""
        self._is_open.set()

    def close(self) -> None:
        """The event loop has something to do."""
        self._is_open.clear()

    def wait(self) -> None:
        """Until the event loop has nothing to do, for a moment at most.

        >>> gate = Gate()
        >>> gate.wait()  # nobody closed it
        """
        if not self._is_open.is_set():
            self._is_open.wait(_AT_MOST)


GATE: Final = Gate()
"""One interpreter, one gate."""


class Gated(selectors.DefaultSelector):
    """What an event loop waits with: the gate is open for as long as it does."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See :class:`selectors.BaseSelector`."""
        if timeout is not None and timeout <= 0:  # there is more to do
            return super().select(timeout)
        GATE.open()
        try:
            return super().select(timeout)
        finally:
            GATE.close()


@contextmanager
def gated() -> Iterator[asyncio.Runner]:
    """What runs the dashboard, its workers behind the gate; on Windows, whose loop has no selector, it stays open."""
    factory = None if sys.platform == "win32" else lambda: asyncio.SelectorEventLoop(Gated())
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            yield runner
    finally:
        GATE.open()
