"""An event chain and what each consumer group did with its events: the values that travel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from eventops.events import Event, Position
from eventops.ports import Coverage, StoredSpan


class Status(Enum):
    """What a consumer group did with an event, as far as the broker can tell."""

    CONSUMED = "consumed"
    PENDING = "pending"
    DEAD_LETTERED = "dead_lettered"
    REPLAYED = "replayed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One group and one event. ``at`` is when, where the evidence tells; ``evidence`` is a sentence with figures."""

    group: str
    status: Status
    at: datetime | None
    evidence: str


class DeadLetter(Protocol):
    """What a trace needs to know of a dead letter; the dlq room's letters fit."""

    @property
    def event(self) -> Event:
        """The event it holds, as the letter's record tells it."""

    @property
    def position(self) -> Position:
        """Where the letter stands."""

    @property
    def timestamp(self) -> datetime | None:
        """When it became a letter."""

    @property
    def group(self) -> str | None:
        """Whose consumer gave up on it, where recorded."""

    @property
    def origins(self) -> tuple[Position, ...]:
        """Where its record stood, hop by hop: first the origin, last the latest."""

    @property
    def is_replayed(self) -> bool:
        """It was put back."""

    @property
    def replayed_as(self) -> Position | None:
        """Where it was put back to."""

    @property
    def cause_key(self) -> str:
        """Why."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that isn't as a chain should be. ``event_id`` None: it concerns the whole chain.

    ``kind`` is ``missing_cause``, ``causation_cycle``, ``clock_skew``, ``orphan`` (no id, no cause),
    ``duplicate_event`` (its id with another content), ``repeated_event`` (the same content again), ``mirrored_event``
    (the same in other topics), ``other_correlation`` (causation leaves the correlation id) or ``original_gone`` (only
    the event's dead letter was found).
    """

    kind: str
    event_id: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Another record of the same event: a replay (``replay_id``), a retry topic's, a redelivery by an outbox."""

    event: Event
    replay_id: str | None = None
    deliveries: tuple[Delivery, ...] = ()

    @property
    def position(self) -> Position:
        """Where it stands."""
        return self.event.position


@dataclass(frozen=True, slots=True)
class Hop:
    """An event of the chain. ``hop_seconds`` is the time since the event that caused it, by both events' own words; it
    may be negative (clock skew) and is None for a root. ``depth`` is 1 for a root, ``children`` are references."""

    event: Event
    depth: int
    hop_seconds: float | None
    children: tuple[str, ...]
    deliveries: tuple[Delivery, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    copies: tuple[Copy, ...] = ()
    spans: tuple[StoredSpan, ...] = ()
    """What a trace store tells of this event: its sending and its handlings, as they began."""

    @property
    def handlings(self) -> tuple[StoredSpan, ...]:
        """The spans of those who handled it."""
        return tuple(span for span in self.spans if span.operation == "process")

    @property
    def is_stand_in(self) -> bool:
        """Only dead letters hold the event: ``event`` is the first letter's, the record it tells of wasn't found."""
        return any(letter.position == self.event.position for letter in self.dead_letters)


@dataclass(frozen=True, slots=True)
class TraceLink:
    """A distributed trace that events of the chain belong to; ``url`` and ``spans`` None where no store answers."""

    trace_id: str
    url: str | None = None
    spans: int | None = None


@dataclass(frozen=True, slots=True)
class TraceReport:
    """The chain of one correlation id, depth first, roots in the order they happened.

    ``correlation_id`` is the one that was found, which for an event id is that event's; the identifier itself where
    nothing was found, or no correlation id. ``notes`` say what bounds the answer (logs cut by retention, …).
    """

    correlation_id: str
    events: tuple[Hop, ...]
    roots: tuple[str, ...]
    anomalies: tuple[Anomaly, ...]
    traces: tuple[TraceLink, ...]
    coverage: Coverage
    notes: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """The longest way from a root, in events; 0 where nothing was found."""
        return max((hop.depth for hop in self.events), default=0)

    @property
    def sources(self) -> tuple[str, ...]:
        """The services that spoke, by name."""
        return tuple(sorted({hop.event.ids.source for hop in self.events if hop.event.ids.source}))

    @property
    def seconds(self) -> float | None:
        """From the first event to the last; None where no event says when it happened."""
        times = [moment for hop in self.events if (moment := hop.event.occurred_at)]
        return (max(times) - min(times)).total_seconds() if times else None


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched and where. ``topics`` empty: all but internal ones."""

    identifier: str
    topics: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    engine: str = "auto"
    """``index``: a trace store says where to read; else one of :class:`eventops.ports.Engine`."""
    follow_causation: bool = False
    """Also what caused the chain, and what it caused, under other correlation ids: one further reading."""
    exclude: tuple[str, ...] = ()
    """Topics that aren't searched; they and ``topics`` may be globs."""
    max_bytes: int | None = None
    """Fetched at most, more or less; the rest of the log becomes gaps."""

    @property
    def is_narrow(self) -> bool:
        """Whether a part of the log was left out on purpose, so that what isn't found may still be there."""
        return bool(self.topics or self.exclude or self.since or self.until)


@dataclass(frozen=True, slots=True)
class Found:
    """Progress of a search: ``records`` (offsets passed) of ``expected`` (offsets to pass), ``events`` found so far, of
    which ``found`` are new; ``fetched`` bytes travelled. ``report`` on the last one."""

    records: int
    expected: int
    events: int
    report: TraceReport | None = None
    fetched: int = 0
    found: tuple[Event, ...] = ()
