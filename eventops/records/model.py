"""Records as they are looked at: the values that travel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from eventops.events import Event
from eventops.ports import Coverage, Gap


@dataclass(frozen=True, slots=True)
class Tail:
    """What is watched. ``topics`` are names or globs, none: all but internal ones. ``since`` None: from the log's end
    on, unless ``from_start``. ``follows`` False: only to the end that the log has now, or to the first record of each
    partition that was written at or after ``until``."""

    topics: tuple[str, ...] = ()
    since: datetime | None = None
    from_start: bool = False
    follows: bool = True
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A piece of it: ``records`` looked at, ``events`` among them that were asked for, oldest first.

    ``coverage`` of what was read so far, where it has an end: ``total`` offsets lie between begin and end, ``passed``
    of them are behind us.
    """

    records: int
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    passed: int = 0
    total: int = 0
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """What came since the one before. ``came`` offsets were appended, ``passed_over`` of them weren't read, because
    more came than was wanted; ``events`` are what was read and asked for, oldest first."""

    events: tuple[Event, ...]
    came: int
    passed_over: int
    gaps: tuple[Gap, ...] = ()
