"""Searching what one leader holds: a thread with a connection, a buffer and a decompressor of its own.

While one answer is searched the next is on its way. Receiving and decompressing release the interpreter's lock.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

from eventops.adapters.kafka.raw.batches import Walk, search, walk
from eventops.adapters.kafka.raw.chunks import Backlog, Chunk
from eventops.adapters.kafka.raw.codecs import Decompressor
from eventops.adapters.kafka.raw.dialling import Dialling, Unsuited
from eventops.adapters.kafka.raw.line import Line
from eventops.adapters.kafka.raw.wire import Fetched, Malformed, Piece, Wanted
from eventops.ports import Gap, Range

_ROOM: Final = 64 * 1024
_TRIES: Final = 5
_PAUSE: Final = 0.02
_MOVED: Final = frozenset({3, 5, 6, 7, 9, 56, 74, 75, 78, 100})
"""Error codes that newer metadata may mend: the partition's leader is another one, or none for the moment."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One answer was searched: ``range`` is behind us, ``hits`` may hold what is wanted. ``bytes`` were looked at,
    decompressed; ``wire`` travelled."""

    range: Range
    records: int
    bytes: int
    wire: int
    hits: tuple[Range, ...]
    undecodable: tuple[Range, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """Why each of ``undecodable`` is."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a worker couldn't read, and why. ``moved``: another leader, or the same one later, may be asked."""

    ranges: tuple[Range, ...]
    reason: str
    moved: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker is done."""


News = Searched | Left | Ended


class Worker:
    """Takes chunks from the backlog until there are none, or until it is stopped, and tells ``news``."""

    def __init__(
        self, address: tuple[str, int], dialling: Dialling, backlog: Backlog, needles: Sequence[bytes], size: int
    ) -> None:
        self.news: SimpleQueue[News]
        self._address = address
        self._dialling = dialling
        self._backlog = backlog
        self._needles = needles
        self._size = size
        self._decompressor = Decompressor()
        self._stopped = threading.Event()
        self._line: Line | None = None
        self._load: list[Chunk] = []

    def start(self, news: SimpleQueue[News]) -> None:
        """Begin, in a thread that no process waits for."""
        self.news = news
        threading.Thread(target=self._run, name=f"search {self._address[0]}:{self._address[1]}", daemon=True).start()

    def stop(self) -> None:
        """End soon; what wasn't read isn't told."""
        self._stopped.set()
        line = self._line
        if line is not None:
            line.close()

    def _run(self) -> None:
        try:
            self._line = Line(*self._address, self._dialling, bytearray(self._size + _ROOM))
            self._work(self._line)
        except Unsuited as failure:
            self._give_back(str(failure), moved=False)
        except Malformed as failure:
            self._give_back(f"the broker's answer can't be understood: {failure}", moved=False)
        except OSError as failure:
            self._give_back(f"{self._address[0]}:{self._address[1]} doesn't answer: {failure}", moved=True)
        except MemoryError:
            self._give_back("there isn't enough memory for what the broker sends", moved=False)
        finally:
            if self._line is not None:
                self._line.close()
            self.news.put(Ended())

    def _give_back(self, reason: str, *, moved: bool) -> None:
        ranges = [chunk.left for chunk in self._load if not chunk.is_finished] + self._backlog.abandon()
        if ranges and not self._stopped.is_set():
            self.news.put(Left(tuple(ranges), reason, moved))

    def _work(self, line: Line) -> None:
        self._ask(line, [])
        while self._load and not self._stopped.is_set():
            answer = line.answer()
            if answer.error:
                raise Malformed(f"error {answer.error}")
            self._take(line, answer)

    def _ask(self, line: Line, left: list[Chunk]) -> None:
        """Send for what is left of the load, and for more where there is room."""
        room = self._size - sum(chunk.bytes_left() for chunk in left)
        self._load = left + self._backlog.take(room, {chunk.partition for chunk in left})
        if self._load:
            line.ask([self._wanted(chunk) for chunk in self._load], self._size)

    def _wanted(self, chunk: Chunk) -> Wanted:
        size = min(self._size, chunk.bytes_left() << chunk.tries)
        return Wanted(chunk.partition.topic, chunk.partition.partition, chunk.position, size)

    def _take(self, line: Line, answer: Fetched) -> None:
        """Walk the answer by its headers, send for the next, and only then look into this one."""
        buffer = line.buffer
        chunks = {(chunk.partition.topic, chunk.partition.partition): chunk for chunk in self._load}
        first = self._load[0]
        walks: list[tuple[Range, Piece, Walk]] = []
        left: list[Chunk] = []
        for piece in answer.pieces:
            chunk = chunks.pop((piece.topic, piece.partition), None)
            if chunk is None:
                continue
            if piece.error:
                why = f"Fetch was answered with error {piece.error}"
                self.news.put(Left((chunk.left,), why, piece.error in _MOVED))
                continue
            found = walk(buffer, piece, chunk.position, chunk.end)
            walks.append((Range(chunk.partition, chunk.position, min(found.position, chunk.end)), piece, found))
            if self._goes_on(chunk, piece, found, answer.throttle, is_first=chunk is first):
                left.append(chunk)
        self._leave([chunk.left for chunk in chunks.values()], "the broker's answer leaves it out")
        try:
            self._ask(line, left)
        finally:
            for range_, piece, found in walks:
                self._look_into(buffer, range_, piece, found)

    def _goes_on(self, chunk: Chunk, piece: Piece, found: Walk, throttle: int, *, is_first: bool) -> bool:
        """Move the chunk; whether to ask for more of it. Only the first partition of an answer is certain to have been
        given room, so only of that an empty answer means anything."""
        before = chunk.position
        chunk.moved(found.position, found.end - piece.start)
        if found.trouble is not None:
            self._leave([chunk.left], found.trouble)
            return False
        if throttle:
            self._stopped.wait(throttle / 1000)
        elif is_first and chunk.position == before:
            chunk.tries += 1
            if chunk.tries > _TRIES:
                self._leave([chunk.left], "the broker sends nothing of it")
                return False
            self._stopped.wait(_PAUSE)
        return not chunk.is_finished

    def _look_into(self, buffer: bytearray, range_: Range, piece: Piece, found: Walk) -> None:
        if range_.first >= range_.end:
            return
        seen = search(buffer, found, self._needles, self._decompressor)
        topic, partition = piece.topic, piece.partition
        bad = tuple(Range(range_.partition, a, b + 1) for a, b, _ in seen.undecodable)
        gaps = tuple(Gap(topic, partition, f"offsets {a} to {b}: {why}") for a, b, why in seen.undecodable)
        hits = (Range(range_.partition, max(a, range_.first), min(b + 1, range_.end)) for a, b in seen.hits)
        within = tuple(hit for hit in hits if hit.first < hit.end)
        self.news.put(Searched(range_, found.records, seen.bytes, piece.end - piece.start, within, bad, gaps))

    def _leave(self, ranges: Iterable[Range], reason: str) -> None:
        if left := tuple(range_ for range_ in ranges if range_.first < range_.end):
            self.news.put(Left(left, reason, moved=False))
