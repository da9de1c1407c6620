"""In which pieces a log is searched: from its end backwards, so that what is recent shows at once. Pure.

How many bytes an offset takes is learned on the way; until then it is guessed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from eventops.events import Partition
from eventops.ports import Range

_GUESS: Final = 1024.0
_SMALLEST: Final = 512 * 1024
_LARGEST: Final = 32 * 1024 * 1024
_MANY: Final = 64
"""Partitions of one request; more would make answers that are mostly headers."""

_SPARE: Final = 64 * 1024


@dataclass(slots=True)
class Chunk:
    """What one worker reads of one partition. ``position`` moves towards ``end``."""

    partition: Partition
    position: int
    end: int
    windows: Windows
    tries: int = 0
    """Answers without any progress, one after another."""

    @property
    def is_finished(self) -> bool:
        """Whether all of it was read."""
        return self.position >= self.end

    @property
    def left(self) -> Range:
        """What wasn't read."""
        return Range(self.partition, self.position, self.end)

    def bytes_left(self) -> int:
        """About so many bytes, and something for the batch that the end stands in."""
        return int((self.end - self.position) * self.windows.density * 1.05) + _SPARE

    def moved(self, position: int, size: int) -> None:
        """So many bytes led to ``position``, which may be beyond the end."""
        if position > self.position:
            self.windows.density = size / (position - self.position)
            self.position = position
            self.tries = 0


class Windows:
    """One range, cut into chunks from its end backwards, each larger than the one before it.

    >>> windows = Windows(Range(Partition("orders", 0), 0, 1000))
    >>> [(c.position, c.end) for c in (windows.take(), windows.take())]
    [(488, 1000), (0, 488)]
    """

    def __init__(self, wanted: Range) -> None:
        self._first, self._end = wanted.first, wanted.end
        self._target = _SMALLEST
        self.partition = wanted.partition
        self.density = _GUESS

    @property
    def left(self) -> Range:
        """What wasn't taken."""
        return Range(self.partition, self._first, self._end)

    @property
    def is_empty(self) -> bool:
        """Whether all of it was taken."""
        return self._first >= self._end

    @property
    def next_size(self) -> int:
        """About so many bytes will be taken."""
        return int(min(self._end - self._first, self._offsets) * self.density)

    @property
    def _offsets(self) -> int:
        return max(1, int(self._target / max(self.density, 0.01)))

    def take(self) -> Chunk:
        """The next chunk; ask only while it isn't empty."""
        first = max(self._first, self._end - self._offsets)
        chunk = Chunk(self.partition, first, self._end, self)
        self._end = first
        self._target = min(self._target * 4, _LARGEST)
        return chunk


class Backlog:
    """What is left to be read from one leader, shared by the workers that read from it; each partition in turn."""

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._lock = threading.Lock()
        self._waiting = deque(Windows(range_) for range_ in ranges if range_.first < range_.end)

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, size: int, busy: Collection[Partition] = ()) -> list[Chunk]:
        """Chunks of about ``size`` bytes together, of one partition each and of none that is ``busy``; one at least
        where there is any and room for it."""
        taken: list[Chunk] = []
        with self._lock:
            for _ in range(min(len(self._waiting), _MANY)):
                windows = self._waiting.popleft()
                room = size > 0 and (not taken or windows.next_size <= size)
                if room and windows.partition not in busy and all(windows.partition != c.partition for c in taken):
                    size -= windows.next_size
                    taken.append(windows.take())
                if not windows.is_empty:
                    self._waiting.append(windows)
        return taken

    def abandon(self) -> list[Range]:
        """Everything that nobody has taken; afterwards there is nothing left."""
        with self._lock:
            left = [windows.left for windows in self._waiting]
            self._waiting.clear()
        return left
