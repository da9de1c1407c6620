"""The terminal's keys as they come, Escape too."""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import Final

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

_LOOK: Final = 0.1
"""Seconds between two looks at whether the dashboard is being left."""
_AT_ONCE: Final = 4096


class Keyboard(LinuxDriver):
    """An Escape is the key itself where nothing follows for ``ESCDELAY``. Textual looks for that ten times a second, so
    that a step back takes 100 ms however short the delay is; and bytes that are no text end its reading of keys."""

    def run_input_thread(self) -> None:
        """Read keys until the dashboard is left."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        patience = _LOOK
        with selectors.SelectSelector() as terminal:
            terminal.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = decode(os.read(self.fileno, _AT_ONCE)) if terminal.select(patience) else ""
                for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                    self.process_message(event)
                patience = constants.ESCAPE_DELAY + 0.001 if text.endswith("\x1b") else _LOOK
        with suppress(EOFError, ParseError):
            for _ in parser.feed(""):
                pass
