"""The newest events of a stream, in bounded memory. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from eventops.events import Event

RECORDS: Final = 1_000
BYTES: Final = 32_000_000
"""Of keys, values and headers: a thousand records may be a gigabyte."""


class Ring:
    """Keeps so many events, and so many bytes of them; the oldest go first. One event is kept whatever its size."""

    def __init__(self, records: int = RECORDS, most: int = BYTES) -> None:
        self._records = records
        self._most = most
        self._held: deque[Event] = deque()
        self.bytes = 0
        self.taken = 0
        """How many were ever taken."""

    def take(self, events: Iterable[Event]) -> None:
        """The next ones."""
        for event in events:
            self._held.append(event)
            self.bytes += size(event)
            self.taken += 1
            while len(self._held) > self._records or (self.bytes > self._most and len(self._held) > 1):
                self.bytes -= size(self._held.popleft())

    @property
    def events(self) -> tuple[Event, ...]:
        """The oldest first."""
        return tuple(self._held)

    @property
    def is_full(self) -> bool:
        """Another one would cost the oldest."""
        return len(self._held) >= self._records or self.bytes >= self._most

    def clear(self) -> None:
        """Begin anew."""
        self._held.clear()
        self.bytes = self.taken = 0


def size(event: Event) -> int:
    """Bytes of what came from outside."""
    record = event.record
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers
