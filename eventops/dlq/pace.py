"""How fast a replay goes, and when it gives up. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

FIRST_CHUNK: Final = 5_000
MOST_A_CHUNK: Final = 50_000
"""Letters that one transaction takes at most, whatever is asked for."""
LEAST_RATE: Final = 0.01
"""Letters a second: one in a hundred seconds. Whoever wants fewer means another unit."""
MOST_RATE: Final = 1_000_000.0
"""More than any cluster takes: whoever wants no limit gives none."""
LONGEST_WAIT: Final = 86_400.0
"""Seconds that a stage of a ramp may take: a day."""
SHORTEST_WAIT: Final = 0.001
"""Seconds that are any, but for none at all."""
MOST_ATTEMPTS: Final = 1_000
"""Replays of one event, whatever is asked for."""
QUICK_SECONDS: Final = 0.5
"""A transaction that takes less may be twice as large the next time."""
LONG_SECONDS: Final = 1.0
"""One that takes longer holds readers back too long, and whoever interrupts it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``chunk`` letters a transaction at most; ``rate`` letters a second, None for no limit; ``patience`` seconds for
    others' open transactions (brokers end them after 60 s by default); ``tries`` after lost transactions in a row;
    ``max_parked`` letters may be refused by their target before the whole replay ends. ``take_over``: though somebody
    else seems to replay the topic."""

    chunk: int = 40_000
    rate: float | None = None
    patience: float = 75.0
    tries: int = 5
    max_parked: int = 20
    take_over: bool = False
    ramp: Ramp | None = None


@dataclass(frozen=True, slots=True)
class Ramp:
    """One letter, then ten, then a hundred, …: the next stage begins when nothing of the last one failed again.

    ``wait``: seconds that the failed group may take to read a stage; ``settle``: seconds that letters may then take to
    come back.
    """

    wait: float = 120.0
    settle: float = 5.0
    factor: int = 10


class Chunks:
    """How many letters the next transaction takes.

    >>> chunks = Chunks(Pace(chunk=16_000))
    >>> chunks.size, chunks.learn(5000, 0.1), chunks.size, chunks.learn(10_000, 0.1), chunks.size
    (5000, None, 10000, None, 16000)
    >>> chunks.learn(16_000, 1.5), chunks.size
    (None, 8000)
    """

    def __init__(self, pace: Pace) -> None:
        self._most = pace.chunk if pace.rate is None else min(pace.chunk, math.ceil(pace.rate))
        self.size = min(FIRST_CHUNK, self._most)

    def learn(self, letters: int, seconds: float) -> None:
        """A transaction of so many letters took so long."""
        if seconds > LONG_SECONDS:
            self.size = max(letters // 2, 1)
        elif seconds < QUICK_SECONDS and letters >= self.size:
            self.size = min(2 * self.size, self._most)
