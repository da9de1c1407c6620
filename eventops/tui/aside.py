"""The screen's own line to the terminal: what a library below Python writes to standard error isn't drawn over it."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from eventops.wording import safe

_KEPT: Final = 20
"""Lines that are told afterwards, the last ones."""
_BLOCK: Final = 1 << 16
_LONGEST: Final = 500
_STDOUT: Final = 1
_STDERR: Final = 2


@contextmanager
def stderr_aside() -> Iterator[None]:
    """Until the end of the block descriptor 2 leads into memory, and Textual (which draws on ``sys.__stderr__``) has
    another one to the terminal: the standard error's, or the standard output's where that is the terminal. What was
    written meanwhile is told on the standard error afterwards, its last lines, made safe."""
    before, terminal = sys.__stderr__, os.dup(_STDERR if os.isatty(_STDERR) else _STDOUT)
    standard = os.dup(_STDERR)
    reading, writing = os.pipe()
    os.dup2(writing, _STDERR)
    os.close(writing)
    lines: deque[str] = deque(maxlen=_KEPT)
    reader = Thread(target=_read, args=(reading, lines), name="eventops-stderr", daemon=True)
    reader.start()
    try:
        with open(terminal, "w", encoding="utf-8", errors="replace") as screen:  # noqa: PTH123 - a descriptor
            sys.__stderr__ = screen  # type: ignore[misc]
            yield
    finally:
        sys.__stderr__ = before  # type: ignore[misc]
        os.dup2(standard, _STDERR)
        os.close(standard)
        reader.join(1.0)
        for line in lines:
            print(line, file=sys.stderr)


def _read(reading: int, lines: deque[str]) -> None:
    """Until nobody has the other end any more."""
    rest = b""
    with open(reading, "rb", buffering=0) as pipe:
        while block := pipe.read(_BLOCK):
            *whole, rest = (rest + block[-_BLOCK:]).split(b"\n")
            lines.extend(safe(line.decode(errors="replace"), _LONGEST) for line in whole)
            rest = rest[-_LONGEST:]
    if rest:
        lines.append(safe(rest.decode(errors="replace"), _LONGEST))
