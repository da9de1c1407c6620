"""Groups, their members and positions, and what stands around a position: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from eventops.events import Partition, Record
from eventops.ports import Coverage, Group, Member


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """One group of many. ``topics``: those it committed on or has members on; None with the ``reason``."""

    group: Group
    topics: tuple[str, ...] | None
    reason: str | None = None

    @property
    def members(self) -> int | None:
        """How many; None for a kind of group whose members this client can't see."""
        return None if self.group.type == "unknown" else len(self.group.members)


@dataclass(frozen=True, slots=True)
class GroupsReport:
    """The groups that were asked for, by name."""

    as_of: datetime
    groups: tuple[GroupSummary, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group stands on one partition.

    ``committed`` None: it never committed here, or wasn't read, and the coverage says so. ``start``, ``end`` and
    ``last_stable`` None: the partition didn't answer, and ``reason`` says why. ``owner`` None: no member was given it.
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
