"""Ports for clusters whose brokers a test ends and starts again: meanwhile no other process of it may take them."""

from __future__ import annotations

import os
from typing import Final

from eventops.local import ports

_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FIRST: Final = 21_000
_EACH: Final = 100
"""Ports a process of the run: below those that systems give to outgoing connections."""

CONTROLLERS: Final = 23_000 + _EACH * _WORKER
"""The first port for controllers."""


def first_of(count: int) -> int:
    """The first of so many free ports in a row, which are this process's own."""
    own = range(_FIRST + _EACH * _WORKER, _FIRST + _EACH * (_WORKER + 1) - count)
    return next(port for port in own if all(map(ports.is_free, range(port, port + count))))
