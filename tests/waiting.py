"""Waiting for what will become true, with a deadline: tests don't sleep for a guess."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Return once ``holds()`` does.

    Raises:
        AssertionError: it didn't within ``seconds``; the message says ``what`` was waited for.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
