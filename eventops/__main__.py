"""The door: ``eventops`` and ``python -m eventops``. A face is imported only when it is asked for."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threading import Event

    from eventops.bootstrap import Desk

_TEXTUAL: Final = {"ESCDELAY": "10", "TEXTUAL_FPS": "120"}
"""Read by Textual where it is imported. Milliseconds after which an Escape is the key, and not the beginning of another
key's sequence, which comes in one piece, over SSH too (ncurses's variable); frames a second, each of which a key may
wait for."""


def open_dashboard(desk: Desk, *, refresh: float | None, ended: Event | None = None) -> None:
    """The terminal dashboard, until it is left or ``ended`` is set."""
    for name, value in _TEXTUAL.items():
        os.environ.setdefault(name, value)
    gc.disable()  # all of it stays: looking for garbage in it, now or later, only delays the first paint and keys
    from eventops.tui.app import run

    gc.freeze()
    gc.enable()
    run(desk, refresh=refresh, ended=ended)


def serve_dashboard(words: list[str], port: int) -> None:
    """The dashboard in a browser of this machine."""
    from eventops.tui.web import serve

    serve(words, port)


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    is_listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_listening:  # until there is somebody to put it into words, Ctrl-C just ends the process
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from eventops.cli import diagnostics
    from eventops.cli.door import cli
    from eventops.cli.options import Choices

    if is_listening:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = Choices(open_dashboard=open_dashboard, serve_dashboard=serve_dashboard)
    code = diagnostics.run(lambda: cli.main(prog_name="eventops", standalone_mode=False, obj=chosen))
    gc.freeze()  # else the end of the process collects, for some 30 ms, what the system takes back anyway
    sys.exit(code)


if __name__ == "__main__":
    main()
