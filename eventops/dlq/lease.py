"""Who replays a topic at the moment, as advice to others: taking over is then a choice and no accident. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from eventops.dlq.rows import Lease
from eventops.wording import duration

LIFE: Final = timedelta(seconds=30)
"""A lease without a sign of life for so long is over."""
RENEWAL_SECONDS: Final = 10.0
"""How often it is renewed while nothing is put back."""


def is_held(lease: Lease | None, run_id: str, now: datetime, is_alive: Callable[[Lease], bool]) -> bool:
    """Whether another run seems to be at it. ``is_alive`` knows the processes of this machine, where it can tell."""
    if lease is None or lease.run_id == run_id:
        return False
    return now - lease.seen < LIFE and is_alive(lease)


def objection(lease: Lease, now: datetime) -> str:
    """Why another run doesn't begin."""
    ago = duration(max((now - lease.seen).total_seconds(), 0.0))
    since = duration(max((now - lease.since).total_seconds(), 0.0))
    return f"{lease.operator} has been replaying {lease.topic} for {since} (last sign of life {ago} ago)"
