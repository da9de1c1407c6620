"""Letters of a chain that are told by where they came from, and what replays made of them.

A letter needn't hold any of the chain's ids: share groups write neither key nor value by default (KIP-1191), and some
serialisers write something new. What is put back of such a letter doesn't hold them either: the replay ledger knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from eventops.events import Partition, Position, Record
from eventops.ports import Bounds, Broker, Gap, Manner, Range
from eventops.trace.model import DeadLetter, Found
from eventops.trace.reach import beginnings, clipped
from eventops.trace.sightings import Sightings
from eventops.wording import plural

L = TypeVar("L", bound=DeadLetter)
_CLOCKS_APART: Final = timedelta(minutes=1)
_MOST: Final = 200_000
"""Records of dead-letter topics that are looked at for where they came from."""


class Letters(Protocol[L]):
    """The dead-letter room, as far as a trace needs it. Only ``judged`` asks the broker."""

    def letter_of(self, record: Record) -> L | None:
        """The letter that a record holds; None: it isn't one."""

    def origins_of(self, record: Record) -> tuple[Position, ...]:
        """Where a letter's record stood, hop by hop; empty where it doesn't say."""

    def holds_letters(self, topic: str) -> bool:
        """Whether a topic is named for letters."""

    def judged(self, letters: Sequence[L]) -> tuple[tuple[L, ...], tuple[Gap, ...]]:
        """The same letters with what the replay ledger says of them, and what of it couldn't be read."""


class Origins:
    """Reads topics named for letters from the time of the chain's first event. ``unseen`` records weren't looked at."""

    def __init__(self, broker: Broker, letters: Letters[Any], manner: Manner) -> None:
        self.unseen = 0
        self._broker = broker
        self._letters = letters
        self._manner = manner
        self._to: dict[Partition, int] = {}
        self._about: frozenset[Position] = frozenset()

    def read(self, seen: Sightings, read_to: Mapping[Partition, int], bounds: Bounds) -> Iterator[Found]:
        """What wasn't read yet, up to where the search is. An event that wasn't known before may have its letter in
        what was: then all of it is read again."""
        about = seen.positions
        if not about <= self._about:
            self._to.clear()
        self._about = about
        homes = [home for home in read_to if self._letters.holds_letters(home.topic)] if about else []
        if new := [home for home in homes if home not in self._to]:
            self._to |= beginnings(self._broker, new, self._begin(seen), bounds)
        homes = [home for home in homes if home in self._to]
        ahead, _ = clipped((Range(home, self._to[home], read_to[home]) for home in homes), _MOST)
        if ahead and not self._is_ended(seen):
            yield from self._look(seen, ahead)
        self.unseen = sum(max(0, read_to[home] - self._to[home]) for home in homes)

    @property
    def note(self) -> str | None:
        """What was left out, as a sentence."""
        if not self.unseen:
            return None
        many = plural(self.unseen, "record")
        return f"{many} of dead-letter topics may be about the chain without holding its ids, and weren't looked at"

    def judged(self, seen: Sightings) -> tuple[tuple[Any, ...], tuple[Gap, ...]]:
        """The chain's letters with what became of them."""
        return self._letters.judged(seen.letters()) if seen.letters() else ((), ())

    def read_replays(self, seen: Sightings, letters: Sequence[DeadLetter], read_to: Mapping[Partition, int]) -> bool:
        """Take in what was put back of the letters, where it isn't known; whether there was any."""
        told = {letter.replayed_as for letter in letters if letter.replayed_as is not None} - seen.positions
        there = [at for at in told if at.offset < read_to.get(at.home, 0)]
        records = self._broker.read(there) if there else {}
        seen.take_replays(records.values())
        return bool(records)

    def _look(self, seen: Sightings, ahead: Sequence[Range]) -> Iterator[Found]:
        """Families name the origin's offset in a header, so most letters about others are passed over undecoded."""
        written = frozenset(spelling for at in self._about for spelling in _spellings(at.offset))
        for batch in self._broker.scan(ahead):
            for record in batch.records:
                if written.isdisjoint([value for _, value in record.headers]):
                    continue
                if not self._about.isdisjoint(self._letters.origins_of(record)):
                    seen.take_letter(record)
            self._to |= batch.positions
            yield seen.read_again(batch)
            if self._is_ended(seen):
                break

    def _is_ended(self, seen: Sightings) -> bool:
        most = self._manner.max_bytes
        return self._manner.stopped() or (most is not None and seen.fetched >= most)

    def _begin(self, seen: Sightings) -> datetime | None:
        times = [event.record.timestamp for event in seen.chain()]
        known = [at for at in times if at is not None]
        return min(known) - _CLOCKS_APART if len(known) == len(times) else None


def _spellings(offset: int) -> tuple[bytes, ...]:
    """As families write offsets: digits, or big endian."""
    short = (offset.to_bytes(4),) if offset < 2**31 else ()
    return (str(offset).encode(), offset.to_bytes(8), *short)
