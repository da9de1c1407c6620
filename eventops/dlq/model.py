"""Dead letters and what became of them: the values that travel. What a replay plans and does is in
:mod:`.replay_model`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from eventops.dlq.failure import NO_CAUSE, NO_VERDICT, Cause, Failure, Hop, Trend, Verdict
from eventops.events import Event, Position, Record, read_event
from eventops.ports import Coverage, Range

if TYPE_CHECKING:
    from eventops.dlq.conditions import LetterCondition

LOG_END: Final = 2**63 - 1
"""The end of a range that has none: no offset is as large."""


class State(Enum):
    """What became of a letter; everything but OPEN is told by the ledger."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    PARKED = "parked"
    FAILED_AGAIN = "failed_again"


class LetterId(NamedTuple):
    """One letter for all time. ``topic_id`` is the topic's name, after ``name:``, where the broker tells no ids."""

    cluster_id: str
    topic_id: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a letter's record stood before it failed; the first hop where there were several."""

    position: Position
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, decoded. ``attempts`` are failed deliveries, None where not recorded; ``hops`` counts the failures
    that its headers tell of (a letter that was replayed and failed again has two)."""

    event: Event
    family: str
    origin: Origin | None
    group: str | None
    failure: Failure
    hops: int = 1
    attempts: int | None = None
    replay_id: str | None = None
    """The id of the replay that this record came from: it failed again."""
    replay_of: Position | None = None
    """The earlier letter that was replayed and failed again as this one."""
    state: State = State.OPEN
    state_reason: str | None = None
    """In the ledger's words: why it was discarded or parked, and by whom."""
    replayed_as: Position | None = None
    """Where it was put back to, by the ledger."""
    origins: tuple[Position, ...] = ()
    """Every hop's position: first the origin, last the latest."""
    path: tuple[Hop, ...] = ()
    """Every hop, the oldest first; empty where no family knows the record."""
    cause: Cause = NO_CAUSE
    source: Event | None = None
    """The record it was made of, where the letter holds neither key nor value and the record could still be read."""
    is_bare: bool = False
    """It holds neither key nor value, and isn't a tombstone: the record at its origin has them."""

    @property
    def is_replayed(self) -> bool:
        """It was put back, and didn't fail again."""
        return self.state is State.REPLAYED

    @property
    def position(self) -> Position:
        """Where the letter itself stands."""
        return self.event.position

    @property
    def timestamp(self) -> datetime | None:
        """When it became a letter: the letter's own record time."""
        return self.event.record.timestamp

    @property
    def came_from(self) -> str | None:
        """The topic that its record stood in; some families tell it without partition and offset."""
        return self.origin.position.topic if self.origin else self.path[0].topic if self.path else None

    @property
    def record(self) -> Record:
        """The letter as the broker holds it."""
        return self.event.record

    @property
    def correlation_id(self) -> str | None:
        """Of the event inside."""
        return self.event.ids.correlation_id

    @property
    def cause_key(self) -> str:
        """What it is grouped and selected by."""
        return self.cause.kind

    @property
    def brief(self) -> Brief:
        """What grouping needs of it."""
        return Brief(self.event.record, self.group, self.cause, self.event.ids.event_type)


@dataclass(slots=True)
class Brief:
    """As much of a letter as grouping and selecting need."""

    record: Record
    group: str | None
    cause: Cause
    event_type: str | None

    @property
    def position(self) -> Position:
        """Where it stands."""
        return self.record.position

    @property
    def timestamp(self) -> datetime | None:
        """When it became a letter."""
        return self.record.timestamp

    @property
    def correlation_id(self) -> str | None:
        """Of the event inside, read when it is asked for."""
        return read_event(self.record).ids.correlation_id


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters of a dead-letter topic are meant. Empty tuples and None mean "any"."""

    topic: str
    causes: tuple[str, ...] = ()
    positions: tuple[Position, ...] = ()
    """Letters by name, together with those in ``ranges``."""
    ranges: tuple[Range, ...] = ()
    groups: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    where: LetterCondition | None = None
    keys: tuple[bytes, ...] = ()
    correlation_ids: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """No condition narrows it, whatever the limit."""
        return replace(self, limit=None) == Selection(self.topic)


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """One dead-letter topic: how many letters in which state. ``newest`` and ``oldest`` are record times."""

    topic: str
    counts: dict[State, int]
    oldest: datetime | None
    newest: datetime | None
    per_hour: float | None
    """Letters that arrived in the last hour before the report."""
    unread: str | None = None
    """Why not all of its letters were read: there are at least so many then."""

    @property
    def is_unknown(self) -> bool:
        """Nothing of it was read: what stands here as 0 isn't known."""
        return self.unread is not None and not self.total

    @property
    def total(self) -> int:
        """Letters still in the log."""
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        """Letters that nobody dealt with: open, or failed again."""
        return self.counts.get(State.OPEN, 0) + self.counts.get(State.FAILED_AGAIN, 0)


@dataclass(frozen=True, slots=True)
class ListReport:
    """All dead-letter topics."""

    as_of: datetime
    topics: tuple[TopicCounts, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """Letters of one topic that share a cause and a group."""

    topic: str
    cause_key: str
    group: str | None
    counts: dict[State, int]
    oldest: datetime | None
    newest: datetime | None
    distinct_keys: int
    """Of the letters that have a key."""
    example: Letter
    """The newest."""
    cause: Cause = NO_CAUSE
    cause_id: str = ""
    """Names the cause on a command line; the same in every run."""
    keys_exact: bool = True
    """False: ``distinct_keys`` is an estimate."""
    event_types: dict[str | None, int] = field(default_factory=dict)
    """Letters an event type, most first."""
    per_hour: float | None = None
    """Letters in the last hour before the report; None where none has a time."""
    peak_per_minute: float | None = None
    """Letters a minute when they came fastest; None where none has a time."""
    trend: Trend = Trend.UNKNOWN
    verdict: Verdict = NO_VERDICT

    @property
    def open(self) -> int:
        """Letters that nobody dealt with: open, or failed again."""
        return self.counts.get(State.OPEN, 0) + self.counts.get(State.FAILED_AGAIN, 0)


@dataclass(frozen=True, slots=True)
class LettersReport:
    """Letters of one topic, and the same grouped by cause (most open letters first)."""

    as_of: datetime
    topic: str
    letters: tuple[Letter, ...]
    causes: tuple[CauseGroup, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Piece:
    """Some letters of an export. ``coverage`` is set on the last piece, and None where a limit ended it."""

    letters: tuple[Letter, ...]
    coverage: Coverage | None = None
