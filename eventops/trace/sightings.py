"""What a search has seen so far: the events and letters of one chain, and how much was looked at for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from eventops.events import Event, Position, Reader, Record, canonical_id
from eventops.ports import PLAINLY, Batch, Broker, Findings, Gap, Manner, Range, Sought
from eventops.trace.chain import order
from eventops.trace.identifiers import Identifier
from eventops.trace.kin import Kin
from eventops.trace.model import DeadLetter, Found
from eventops.wording import plural

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
        self._replays: dict[Position, Event] = {}
        self._expected = 0
        self._kin: Kin | None = None
        self._unplaced = 0
        self._example: Position | None = None

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
            self._count(piece)
            self._look_at(piece)
            found = tuple(self._events.values())[before:]
            yield Found(self.passed, self._expected, len(self._events), fetched=self.fetched, found=found)

    def _sought(self) -> Sought:
        kin = self._kin.sought if self._kin is not None else Sought()
        return Sought(tuple(dict.fromkeys((*self._wanted.sought, *kin.needles))), kin.words)

    @property
    def is_empty(self) -> bool:
        """Nothing was found."""
        return not (self._events or self._letters or self._effects)

    @property
    def correlation_id(self) -> str:
        """Of the chain that is searched now; the id itself where no correlation id was found."""
        return self._wanted.text

    def told_by(self) -> Event | None:
        """The event that names the correlation id which is to be searched: the one that the searched id means, else the
        first that it caused; None: the chain is found already, or carries none."""
        found = self._others()
        return found[0] if found else None

    def others(self) -> tuple[str, ...]:
        """Further correlation ids that the searched id is tied to; :meth:`told_by` names the one that is followed."""
        ids = {canonical_id(text): text for event in self._others() if (text := event.ids.correlation_id)}
        return tuple(ids.values())[1:]

    def _others(self) -> list[Event]:
        if self._is_correlated():
            return []
        told = (self._events.values(), [letter.event for letter in self._letters.values()], self._effects.values())
        return [event for some in told for event in sorted(some, key=order) if event.ids.correlation_id]

    def turn_to(self, correlation: Identifier) -> None:
        """Search the same ranges again, now for that correlation id."""
        self._wanted = correlation
        self.records = self.bytes = self._unplaced = 0
        self._effects.clear()

    def kin(self) -> Kin | None:
        """Whose causes and effects aren't held; None: there is nobody to ask for. Kin have no kin: one step either way
        of what carries the correlation id."""
        if not self._is_correlated():
            return Kin.of(self.chain())
        return Kin.of([event for event in self._events.values() if belongs(event, self._wanted)])

    def turn_to_kin(self, kin: Kin, *, anew: bool) -> None:
        """From now on also look for what caused the chain and what it caused; ``anew``: in what was read before."""
        self._kin = kin
        if anew:
            self.records = self.bytes = 0

    @property
    def positions(self) -> frozenset[Position]:
        """Where the chain's records stand, but for letters."""
        return frozenset(event.position for event in self.chain())

    def take_letter(self, record: Record) -> None:
        """A letter about one of the chain's records, whatever ids it holds."""
        if record.position not in self._letters and (letter := self._letter_of(record)) is not None:
            self._letters[record.position] = letter

    def take_replays(self, records: Iterable[Record]) -> None:
        """What was put back of the chain's letters, whatever ids it holds."""
        self._replays |= {record.position: self._read(record) for record in records}

    def read_again(self, batch: Batch) -> Found:
        """Progress of reading what was read before for something else: it travels twice, and is looked at once."""
        self.fetched += sum(len(record.value or b"") + len(record.key or b"") for record in batch.records)
        self.gaps = (*self.gaps, *batch.gaps)
        return Found(self.passed, self._expected, len(self._events), fetched=self.fetched)

    def chain(self) -> tuple[Event, ...]:
        """The chain's events. Without any correlation id: the event that was named, and what it caused."""
        return tuple((self._replays | ({} if self._is_correlated() else self._effects) | self._events).values())

    def letters(self) -> tuple[DeadLetter, ...]:
        """The chain's dead letters, as they were written."""
        return tuple(self._letters.values())

    def _is_correlated(self) -> bool:
        return any(self._wanted.names(event.ids.correlation_id) for event in self._held())

    def _held(self) -> list[Event]:
        return [*self._events.values(), *(letter.event for letter in self._letters.values())]

    @property
    def unplaced(self) -> str | None:
        """That the id stands where no id is read, as a sentence; None: it doesn't, as far as was looked."""
        if not self._unplaced:
            return None
        where = f"{plural(self._unplaced, 'record')} where no id is read, such as {self._example}"
        return f"{self._wanted.text} also stands in {where}: eventops.ids.* in the context names further places"

    def _count(self, piece: Findings) -> None:
        self.gaps = (*self.gaps, *piece.gaps)
        self.notes = tuple(dict.fromkeys((*self.notes, *piece.notes)))
        self.passed += piece.passed
        self.records += piece.looked_at
        self.bytes += piece.bytes
        self.fetched += piece.fetched

    def _look_at(self, piece: Findings) -> None:
        for record in piece.records:
            if self._wanted.may_be_in(record) or (self._kin is not None and self._kin.sought.may_be_in(record)):
                letter = self._letter_of(record)
                event = self._read(record) if letter is None else letter.event
                if not self._keeps(event, letter) and self._kin is None and self._wanted.stands_alone_in(record):
                    self._unplaced += 1
                    self._example = record.position

    def _keeps(self, event: Event, letter: DeadLetter | None) -> bool:
        at = event.position
        if belongs(event, self._wanted) or (self._kin is not None and self._kin.includes(event)):
            if letter is None:
                self._events[at] = event
            else:
                self._letters[at] = letter
        elif letter is None and self._wanted.names(event.ids.causation_id):
            self._effects[at] = event
        else:
            return False
        return True


def belongs(event: Event, wanted: Identifier) -> bool:
    """It is the event that was meant, or of the chain or the distributed trace that was."""
    ids = event.ids
    return wanted.names(ids.correlation_id) or wanted.names(ids.event_id) or wanted.names(ids.trace_id)
