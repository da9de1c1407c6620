"""What a search has seen so far: the events and letters of one chain, and how much was looked at for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from eventops.events import Event, Position, Reader, Record
from eventops.ports import PLAINLY, Broker, Findings, Gap, Manner, Range, Sought
from eventops.trace.chain import order
from eventops.trace.identifiers import Identifier
from eventops.trace.kin import Kin
from eventops.trace.model import DeadLetter, Found, News

LetterOf = Callable[[Record], DeadLetter | None]


class Sightings:
    """Reads ranges and keeps what belongs to the chain. ``records`` and ``bytes`` were looked at, those
    decompressed."""

    def __init__(self, wanted: Identifier, letter_of: LetterOf, read: Reader) -> None:
        self.records = 0
        self.bytes = 0
        self.passed = 0
        """Offsets passed so far; with compaction and transactions there are fewer records."""
        self.fetched = 0
        """Bytes that travelled, of all readings."""
        self.gaps: tuple[Gap, ...] = ()
        self.notes: tuple[str, ...] = ()
        self._wanted = wanted
        self._letter_of = letter_of
        self._read = read
        self._events: dict[Position, Event] = {}
        self._effects: dict[Position, Event] = {}
        """Events that name the searched id as their cause, without its correlation id."""
        self._letters: dict[Position, DeadLetter] = {}
        self._expected = 0
        self._kin: Kin | None = None

    def read(self, broker: Broker, ranges: Sequence[Range], manner: Manner = PLAINLY) -> Iterator[Found]:
        """Find what belongs to the chain in the ranges; empty ones cost nothing. ``manner.max_bytes`` holds for all
        readings together."""
        ahead = [range_ for range_ in ranges if range_.first < range_.end]
        if not ahead:
            return
        self._expected += sum(range_.end - range_.first for range_ in ahead)
        if manner.max_bytes is not None:
            manner = replace(manner, max_bytes=max(0, manner.max_bytes - self.fetched))
        for piece in broker.search(self._sought(), ahead, manner):
            before = len(self._events)
            self._look_at(piece)
            found = tuple(self._events.values())[before:]
            yield Found(self.passed, self._expected, len(self._events), fetched=self.fetched, found=found)

    def _sought(self) -> Sought:
        kin = self._kin.sought if self._kin is not None else ()
        return Sought(tuple(dict.fromkeys((*self._wanted.sought, *kin))))

    @property
    def is_empty(self) -> bool:
        """Nothing was found."""
        return not (self._events or self._letters or self._effects)

    @property
    def correlation_id(self) -> str:
        """Of the chain that is searched now; the id itself where no correlation id was found."""
        return self._wanted.text

    def correlation_to_search(self) -> str | None:
        """The correlation id of the event that the searched id names, else of one that it caused; None: the chain is
        found already, or carries none."""
        if self._is_correlated():
            return None
        for held in (self._held(), self._effects.values()):
            for event in sorted(held, key=order):
                if event.ids.correlation_id:
                    return event.ids.correlation_id
        return None

    def turn_to(self, correlation: Identifier) -> None:
        """Search the same ranges again, now for that correlation id."""
        self._wanted = correlation
        self.records = self.bytes = 0
        self._effects.clear()

    def kin(self) -> Kin | None:
        """Whose causes and effects aren't held; None: there is nobody to ask for."""
        found = Kin.of(self.chain())
        return found if found.tokens or found.odd else None

    def turn_to_kin(self, kin: Kin) -> None:
        """Read the same ranges again for what caused the chain and what it caused."""
        self._kin = kin
        self.records = self.bytes = 0

    def chain(self) -> tuple[Event, ...]:
        """The chain's events. Without any correlation id: the event that was named, and what it caused."""
        return tuple((self._events if self._is_correlated() else self._events | self._effects).values())

    def letters(self) -> tuple[DeadLetter, ...]:
        """The chain's dead letters, as they were written."""
        return tuple(self._letters.values())

    def _is_correlated(self) -> bool:
        return any(self._wanted.names(event.ids.correlation_id) for event in self._held())

    def _held(self) -> list[Event]:
        return [*self._events.values(), *(letter.event for letter in self._letters.values())]

    def _look_at(self, piece: Findings) -> None:
        self.gaps = (*self.gaps, *piece.gaps)
        self.notes = tuple(dict.fromkeys((*self.notes, *piece.notes)))
        self.passed += piece.passed
        self.records += piece.looked_at
        self.bytes += piece.bytes
        self.fetched += piece.fetched
        for record in piece.records:
            if self._wanted.may_be_in(record) or (self._kin is not None and self._kin.may_be_in(record)):
                self._keep(news_of(record, self._letter_of, self._read))

    def _keep(self, news: News) -> None:
        at = news.event.position
        if not belongs(news.event, self._wanted) and not (self._kin is not None and self._kin.includes(news.event)):
            if news.letter is None and self._wanted.names(news.event.ids.causation_id):
                self._effects[at] = news.event
        elif news.letter is None:
            self._events[at] = news.event
        else:
            self._letters[at] = news.letter


def news_of(record: Record, letter_of: LetterOf, read: Reader) -> News:
    """The record as an event, or as the letter it is."""
    letter = letter_of(record)
    return News(read(record)) if letter is None else News(letter.event, letter)


def belongs(event: Event, wanted: Identifier) -> bool:
    """It is the event that was meant, or of the chain or the distributed trace that was."""
    ids = event.ids
    return wanted.names(ids.correlation_id) or wanted.names(ids.event_id) or wanted.names(ids.trace_id)
