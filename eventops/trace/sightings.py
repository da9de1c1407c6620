"""What a search has seen so far: the events and letters of one chain, and how much was looked at for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from eventops.events import Event, Position, Reader, Record
from eventops.ports import Batch, Broker, Gap, Range
from eventops.trace.chain import order
from eventops.trace.identifiers import Identifier
from eventops.trace.kin import Kin
from eventops.trace.model import DeadLetter, Found, News

LetterOf = Callable[[Record], DeadLetter | None]


class Sightings:
    """Reads ranges and keeps what belongs to the chain. ``records`` and ``bytes`` (keys and values) were looked at."""

    def __init__(self, wanted: Identifier, letter_of: LetterOf, read: Reader) -> None:
        self.records = 0
        self.bytes = 0
        self.passed = 0
        """Offsets passed so far; with compaction and transactions there are fewer records."""
        self.gaps: tuple[Gap, ...] = ()
        self._wanted = wanted
        self._letter_of = letter_of
        self._read = read
        self._events: dict[Position, Event] = {}
        self._effects: dict[Position, Event] = {}
        """Events that name the searched id as their cause, without its correlation id."""
        self._letters: dict[Position, DeadLetter] = {}
        self._expected = 0
        self._kin: Kin | None = None

    def read(self, broker: Broker, ranges: Sequence[Range]) -> Iterator[Found]:
        """Look at every record of the ranges; empty ones cost nothing."""
        ahead = [range_ for range_ in ranges if range_.first < range_.end]
        if not ahead:
            return
        at = {range_.partition: range_.first for range_ in ahead}
        passed = self.passed
        self._expected += sum(range_.end - range_.first for range_ in ahead)
        for batch in broker.scan(ahead):
            self._look_at(batch)
            at.update(batch.positions)
            self.passed = passed + sum(max(0, min(at[r.partition], r.end) - r.first) for r in ahead)
            yield Found(self.passed, self._expected, len(self._events))

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

    def _look_at(self, batch: Batch) -> None:
        self.gaps = (*self.gaps, *batch.gaps)
        self.records += len(batch.records)
        for record in batch.records:
            self.bytes += len(record.value or b"") + len(record.key or b"")
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
