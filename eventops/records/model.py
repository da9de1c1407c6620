"""Records as they are looked at: the values that travel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from eventops.events import Event
from eventops.ports import Gap


@dataclass(frozen=True, slots=True)
class Tail:
    """What is watched. ``topics`` are names or globs, none: all but internal ones. ``since`` None: from the log's end
    on, unless ``from_start``. ``follows`` False: only to the end that the log has now."""

    topics: tuple[str, ...] = ()
    since: datetime | None = None
    from_start: bool = False
    follows: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """A piece of it: ``records`` looked at, ``events`` among them that were asked for, oldest first."""

    records: int
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
