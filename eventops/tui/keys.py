"""One key after the other, however many come at once, and what is pasted between them."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from textual.app import App
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from eventops.tui.messages import KeyPassed

if TYPE_CHECKING:
    from textual.driver import Driver

_PATIENCE: Final = 5.0
"""Seconds after which a key that nobody told the end of holds up no other. A machine with much else to do takes its
time for a screen, and what is typed behind the key that opens it is for that screen."""
_IN_LINES: Final = {"b": "ctrl+left", "f": "ctrl+right", "backspace": "ctrl+w"}
"""Keys that, pressed with Alt, move and delete by words where somebody types."""


class AfterEscape(Key):
    """A key right behind Escape, or one that was pressed with Alt: what the terminal sends doesn't tell which."""

    def meant(self, *, is_typing: bool) -> list[Key]:
        """In a line Alt may move by words; no other key is any with Alt.

        >>> [[key.key for key in AfterEscape(one, None).meant(is_typing=True)] for one in "bq"]
        [['ctrl+left'], ['escape', 'q']]
        """
        if is_typing and self.key in _IN_LINES:
            return [Key(_IN_LINES[self.key], None)]
        return [Key("escape", "\x1b"), Key(self.key, self.character)]


class InOrder(App[None]):
    """Over a slow line, and from a script, keys come in bursts. Textual hands each on as it comes; what it is bound to
    happens when it has come back through all that is around the focus, and is overtaken by the text behind it."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: deque[Key | Paste] = deque()
        self._handed_on: float | None = None
        self._number = 0
        """Of the key that was handed on last."""
        self._teller: Widget | None = None
        """Who tells the end of it."""
        self._seen: Screen[object] | None = None
        """What was in front then."""

    def get_driver_class(self) -> type[Driver]:
        """Textual's for this terminal, but for how it reads keys on a Unix one."""
        found = super().get_driver_class()
        if found.__name__ != "LinuxDriver":
            return found
        from eventops.tui.keyboard import Keyboard

        return Keyboard

    async def on_event(self, event: Event) -> None:
        """A key waits for those before it, and so does what is pasted."""
        if not isinstance(event, (Key, Paste)) or event.is_forwarded:
            await super().on_event(event)
            return
        self._keys.append(event)
        if self._handed_on is None:
            await self._hand_on()

    async def on_key_passed(self, message: KeyPassed) -> None:
        """The next one, once the screen that this one led to is laid out; of a key that wasn't waited for any longer it
        is late."""
        if message.number != self._number or not self.screen_stack:
            return
        if not message.is_second:  # Enter on a row opens its page by messages that are on their way now
            self._let_tell(KeyPassed(message.number, is_second=True))
        elif self._keys and self.screen is not self._seen:
            self._seen = self._teller = self.screen
            self.screen.call_after_refresh(self.post_message, message)
        else:
            await self._go_on()

    async def hurry_keys(self) -> None:
        """Now and then: wait no longer for one that was lost. Who has to tell its end may have been closed under it."""
        if self._handed_on is None:
            return
        is_lost = self._teller is None or not self.is_mounted(self._teller)
        if is_lost or time.monotonic() - self._handed_on > _PATIENCE:
            await self._go_on(is_waiting=False)

    def _let_tell(self, passed: KeyPassed) -> None:
        self._teller = self.focused or self.screen
        self._teller.post_message(passed)

    async def _go_on(self, *, is_waiting: bool = True) -> None:
        self._handed_on = None
        if self._keys:
            await self._hand_on(is_waiting=is_waiting)

    async def _hand_on(self, *, is_waiting: bool = True) -> None:
        if not self.screen_stack:
            return
        self._handed_on = time.monotonic()
        self._number += 1
        passed, self._seen = KeyPassed(self._number), self.screen
        if is_waiting and not self.screen.is_mounted:  # nothing of it is there that the key could be about
            self._teller = self.screen
            self.screen.call_after_refresh(self.post_message, KeyPassed(self._number, is_second=True))
            return
        first = self._keys.popleft()
        if isinstance(first, AfterEscape):
            first, *behind = first.meant(is_typing=isinstance(self.focused, Input))
            self._keys.extendleft(behind)
        await super().on_event(first)
        if self.screen_stack:
            self._let_tell(passed)  # behind the key, the same way
