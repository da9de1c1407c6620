"""The last lines of a log, and those to come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LOOK_EVERY: Final = 0.2


def read(path: Path, lines: int, *, follow: bool) -> Iterator[str]:
    """Lines without their ends.

    Following goes on until the reader stops or the log is deleted; a log that is emptied is read from its start.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n") for line in deque(file, maxlen=lines))
        while follow and path.exists():
            if path.stat().st_size < file.tell():
                file.seek(0)
            if line := file.readline():
                yield line.rstrip("\n")
            else:
                time.sleep(_LOOK_EVERY)
