"""One search through records in a worker: it tells some times a second, and waits when it found many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

from textual.message import Message

from eventops.bootstrap import Desk
from eventops.errors import reason_of
from eventops.events import Event
from eventops.records.model import Seen, Tail
from eventops.tui.messages import SearchEnded, SeenMore
from eventops.where import Where

FOUND: Final = 1_000
"""Records that are shown before a search waits to be told to go on."""
_TELL_EVERY: Final = 0.2
"""Seconds between two pieces of a search that the screen hears of."""


class Combing:
    """One of them; ``number`` tells it from others. ``more``: the operator wants more than was found so far."""

    def __init__(self, number: int, tell: Callable[[Message], object]) -> None:
        self.number = number
        self.more = threading.Event()
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._ended = threading.Event()
        self._tell = tell
        self._room = FOUND

    @property
    def is_over(self) -> bool:
        """Nobody waits for it."""
        return self._ended.is_set()

    @property
    def is_held(self) -> bool:
        """It reads nothing until it goes on."""
        return not self._goes_on.is_set()

    def hold(self) -> None:
        """Read nothing for now."""
        self._goes_on.clear()

    def go_on(self) -> None:
        """Where it was held."""
        self._goes_on.set()

    def end(self) -> None:
        """Now."""
        self._ended.set()
        self.more.set()
        self._goes_on.set()

    def run(self, desk: Desk, tail: Tail, where: Where | None) -> None:
        """To the end of what is asked for, or of the patience; a failure is told."""
        try:
            with closing(desk.records.tail(tail, where)) as reading:
                found: list[Event] = []
                seen, told = Seen(0), desk.now()
                for seen in reading:
                    found = self._keep_to_room(seen, [*found, *seen.events])
                    self._goes_on.wait()
                    if self.is_over:
                        return
                    now = desk.now()
                    if (now - told).total_seconds() >= _TELL_EVERY:
                        self._say(seen, found)
                        found, told = [], now
                self._say(seen, found, is_over=True)
        except Exception as error:  # noqa: BLE001 - told on the screen, which stays
            if not self.is_over:
                self._tell(SearchEnded(self.number, reason_of(error)))

    def _keep_to_room(self, seen: Seen, found: list[Event]) -> list[Event]:
        """What doesn't fit waits until the operator wants it."""
        while len(found) >= self._room and not self.is_over:
            shown, found = found[: self._room], found[self._room :]
            self._say(seen, shown, is_full=True)
            self._room = FOUND
            self.more.wait()
            self.more.clear()
        return found

    def _say(self, seen: Seen, found: Sequence[Event], *, is_full: bool = False, is_over: bool = False) -> None:
        self._room -= len(found)
        self._tell(SeenMore(self.number, replace(seen, events=tuple(found)), is_full, is_over))
