"""Groups, their members and positions, and what stands around a position: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from eventops.events import Partition, Record
from eventops.ports import Coverage, Group, LogBounds, Member


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """One group of many. ``topics``: those it committed on or has members on; None with the ``reason``."""

    group: Group
    topics: tuple[str, ...] | None
    reason: str | None = None

    @property
    def members(self) -> int | None:
        """How many; None for a kind of group whose members this client can't see."""
        return None if self.group.unsupported is not None else len(self.group.members)


@dataclass(frozen=True, slots=True)
class GroupsReport:
    """The groups that were asked for, by name."""

    as_of: datetime
    groups: tuple[GroupSummary, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group stands on one partition.

    ``committed`` None: it never committed here; with a ``reason`` that isn't known. ``start``, ``end`` and
    ``last_stable`` None: the partition didn't answer, and the ``reason`` says why. ``owner`` None: no member has it.
    """

    partition: Partition
    committed: int | None
    start: int | None
    end: int | None
    last_stable: int | None
    owner: Member | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupReport:
    """One group, partition by partition."""

    as_of: datetime
    group: Group
    places: tuple[Place, ...]
    coverage: Coverage

    @property
    def unowned(self) -> tuple[Partition, ...]:
        """Partitions that nobody was given, though the group has members; none for a group that nobody is in."""
        return tuple(place.partition for place in self.places if place.owner is None) if self.group.members else ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The records just before and just after a place, in the order of the log, and what else is to be known there."""

    place: Place
    before: tuple[Record, ...]
    after: tuple[Record, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeekReport:
    """What stands around a group's committed offsets."""

    as_of: datetime
    group: Group
    partitions: tuple[Surroundings, ...]
    coverage: Coverage


class Kind(StrEnum):
    """What a reset aims at."""

    EARLIEST = "earliest"
    LATEST = "latest"
    OFFSET = "offset"
    MOMENT = "moment"
    SHIFT = "shift"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Target:
    """Where offsets shall go. ``text`` says it again on a command line, with a moment instead of a time ago. ``number``
    is the offset, or how far to shift; ``offsets`` are a file's."""

    kind: Kind
    text: str
    number: int = 0
    moment: datetime | None = None
    offsets: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which partitions a reset is about: those of ``topics`` (None: all of that topic), or whatever the group committed
    on. A file is a scope of its own."""

    topics: Mapping[str, tuple[int, ...] | None] = field(default_factory=dict)
    all_topics: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One partition's way from ``before`` (None: never committed) to ``after``. ``note``: how the target was fitted to
    the log. ``record`` is the first at or after the new offset, None with the reason."""

    partition: Partition
    before: int | None
    after: int
    bounds: LogBounds
    note: str | None = None
    record: Record | None = None
    record_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A partition (or, with None, a topic) that can't be moved."""

    topic: str
    partition: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ResetPlan:
    """What a reset would do; nothing of it is done. ``group`` is of state ``absent`` where it would come to be."""

    as_of: datetime
    group: Group
    target: Target
    moves: tuple[Move, ...]
    refused: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class ResetReport:
    """A plan, and what became of it. ``read_back``: what the broker held afterwards; None: not executed."""

    plan: ResetPlan
    read_back: Mapping[Partition, int] | None = None
    refusals: Mapping[Partition, str] = field(default_factory=dict)

    @property
    def executed(self) -> bool:
        """Whether it was carried out."""
        return self.read_back is not None

    @property
    def verified(self) -> bool | None:
        """Whether every offset was read back as planned; None: not executed."""
        if self.read_back is None:
            return None
        return all(self.read_back.get(move.partition) == move.after for move in self.plan.moves)
