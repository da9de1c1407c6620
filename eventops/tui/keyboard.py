"""The terminal's keys as they come, Escape too."""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste

from eventops.tui.keys import AfterEscape
from eventops.tui.pasting import Pastes

_LOOK: Final = 0.1
"""Seconds between two looks at whether the dashboard is being left."""
_AT_ONCE: Final = 4096
_ESCAPE: Final = "\x1b"
_LONGER: Final = "[]P_^X"
"""What sequences of the terminal's own go on with; the beginning of one that isn't known is no key."""


class Keys(XTermParser):
    """Bytes of Escape and of a key behind it may come in one packet, and are the same as of Alt and that key. Textual
    takes them for Alt, with which nothing is bound here but moves in a line."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:
        is_pair = len(sequence) == 2 and sequence[0] == _ESCAPE and sequence[1] not in _LONGER + "O"
        if is_pair or (alt and sequence not in _LONGER):
            for key in super()._sequence_to_key_events(sequence[-1]):
                yield AfterEscape(key.key, key.character)
        else:
            yield from super()._sequence_to_key_events(sequence, alt)


class Keyboard(LinuxDriver):
    """An Escape is the key itself where nothing follows for ``ESCDELAY``. Textual looks for that ten times a second, so
    that a step back takes 100 ms however short the delay is; and bytes that are no text end its reading of keys."""

    def run_input_thread(self) -> None:
        """Read keys until the dashboard is left."""
        parser, pastes = Keys(self._debug), Pastes()
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        patience = _LOOK
        with selectors.SelectSelector() as terminal:
            terminal.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = decode(os.read(self.fileno, _AT_ONCE)) if terminal.select(patience) else ""
                for part in pastes.part(text):
                    for event in (part,) if isinstance(part, Paste) else parser.feed(part):
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)
                patience = constants.ESCAPE_DELAY + 0.001 if text.endswith("\x1b") else _LOOK
        with suppress(EOFError, ParseError):
            for _ in parser.feed(""):
                pass
