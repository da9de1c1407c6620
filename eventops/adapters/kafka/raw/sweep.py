"""Workers for every leader of what is to be searched, and their books: who reads what, and what nobody could read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Final

from eventops.adapters.kafka.raw.chunks import Backlog
from eventops.adapters.kafka.raw.dialling import Dialling
from eventops.adapters.kafka.raw.remaining import Remaining
from eventops.adapters.kafka.raw.worker import Ended, News, Searched, Worker
from eventops.events import Partition
from eventops.ports import Range

Address = tuple[str, int]
Leaders = Callable[[Collection[Partition]], Mapping[Partition, Address]]
"""Where the leaders of partitions are; those without one are left out."""

_CORES: Final = 4
_BUFFERS: Final = 32 * 1024 * 1024
"""Bytes of all receive buffers together."""

_LARGEST: Final = 4 * 1024 * 1024
_SMALLEST: Final = 256 * 1024
_PATIENCE: Final = 2.0
"""Seconds for which a partition that nobody leads is asked for again; the ordinary consumer waits longer."""

_PAUSE: Final = 0.25
_NO_LEADER: Final = "it has no leader"


class Sweep:
    """One raw search. ``remaining`` is what wasn't searched yet; ``given_up`` what the raw way couldn't, and why."""

    def __init__(
        self, ranges: Collection[Range], leaders: Leaders, dialling: Dialling, needles: Sequence[bytes]
    ) -> None:
        self.remaining = Remaining(ranges)
        self.given_up: dict[str, list[Range]] = {}
        self._leaders = leaders
        self._dialling = dialling
        self._needles = needles
        self._news: SimpleQueue[News] = SimpleQueue()
        self._workers: list[Worker] = []
        self._at_work = 0
        self._homeless: list[tuple[Range, str]] = []
        self._again_at = 0.0
        self._trouble_since: dict[Partition, float] = {}

    def start(self) -> None:
        """Begin."""
        self._assign(self.remaining.ranges(), None)

    def stop(self) -> None:
        """End it; nothing more is told."""
        for worker in self._workers:
            worker.stop()

    @property
    def is_over(self) -> bool:
        """Whether nobody is at work and nobody will be."""
        return not self._at_work and not self._homeless

    def news(self, timeout: float) -> list[Searched]:
        """What was searched since; waits at most so many seconds for some."""
        found: list[Searched] = []
        until = time.monotonic() + timeout
        while not self.is_over:
            self._find_homes()
            try:
                told = self._news.get(
                    timeout=max(0.001, min(until - time.monotonic(), _PAUSE)) if not found else 0.0005
                )
            except Empty:
                if found or time.monotonic() >= until:
                    break
                continue
            self._take(told, found)
        if self.is_over and (rest := self.remaining.ranges()):
            self._give_up(rest, "it was left out")
        return found

    def _take(self, told: News, found: list[Searched]) -> None:
        if isinstance(told, Ended):
            self._at_work -= 1
        elif isinstance(told, Searched):
            self.remaining.cross_off(told.range)
            self._trouble_since.pop(told.range.partition, None)
            found.append(told)
        elif told.moved:
            self._postpone(told.ranges, told.reason)
        else:
            self._give_up(told.ranges, told.reason)

    def _postpone(self, ranges: Iterable[Range], reason: str) -> None:
        now = time.monotonic()
        for range_ in ranges:
            if now - self._trouble_since.setdefault(range_.partition, now) > _PATIENCE:
                self._give_up([range_], reason)
            else:
                self._homeless.append((range_, reason))
        self._again_at = now + _PAUSE

    def _give_up(self, ranges: Iterable[Range], reason: str) -> None:
        for range_ in ranges:
            self.given_up.setdefault(reason, []).append(range_)
            self.remaining.cross_off(range_)

    def _find_homes(self) -> None:
        if self._homeless and time.monotonic() >= self._again_at:
            ranges, reason = [range_ for range_, _ in self._homeless], self._homeless[0][1]
            self._homeless = []
            self._assign(ranges, reason)

    def _assign(self, ranges: Sequence[Range], reason: str | None) -> None:
        leaders = self._leaders({range_.partition for range_ in ranges})
        by_leader: dict[Address, list[Range]] = {}
        for range_ in ranges:
            if range_.partition in leaders:
                by_leader.setdefault(leaders[range_.partition], []).append(range_)
        self._postpone([range_ for range_ in ranges if range_.partition not in leaders], reason or _NO_LEADER)
        each = max(1, min(_CORES, os.cpu_count() or 1) // max(1, len(by_leader)))
        size = max(_SMALLEST, min(_LARGEST, _BUFFERS // max(1, each * len(by_leader))))
        for address, mine in by_leader.items():
            backlog = Backlog(mine)
            for _ in range(min(each, len(mine))):
                worker = Worker(address, self._dialling, backlog, self._needles, size)
                self._workers.append(worker)
                self._at_work += 1
                worker.start(self._news)
