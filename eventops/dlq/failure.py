"""Why and where records failed, as letters tell it: the values that decoders and groups are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from eventops.events import Position

UNKNOWN_CAUSE: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record became a letter, in the words of its framework; None where it didn't say."""

    exception_class: str | None = None
    cause_class: str | None = None
    message: str | None = None
    stack: str | None = None
    part: str | None = None
    """Which part of the record or of the processing failed, in the framework's words (``key``, ``VALUE_CONVERTER``)."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One failure that a letter tells of; None: not recorded for this one. ``topic`` may be known where the
    position isn't
    whole; ``timestamp`` is the failed record's, ``failed_at`` and ``due`` (the next try) the failure's."""

    topic: str | None = None
    position: Position | None = None
    timestamp: datetime | None = None
    group: str | None = None
    attempts: int | None = None
    exception_class: str | None = None
    message: str | None = None
    failed_at: datetime | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What letters are grouped by: the root cause's class (the message where there is none), the first frame of
    our own code, and the message without what differs from letter to letter. None where the letter doesn't tell."""

    kind: str
    frame: str | None = None
    pattern: str | None = None


class Kind(Enum):
    """What sort of failure a cause is."""

    POISON_PILL = "poison_pill"
    """Few keys fail the same way whenever they come: mend first."""
    OUTAGE = "outage"
    """Many keys failed at once: replay when it is over."""
    UNDECIDED = "undecided"


class Trend(Enum):
    """The last hour against the one before; NEW: first seen in the last hour, QUIET: none in it."""

    NEW = "new"
    RISING = "rising"
    STEADY = "steady"
    FALLING = "falling"
    QUIET = "quiet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What sort of failure it is, and why."""

    kind: Kind
    reason: str


NO_CAUSE: Final = Cause(UNKNOWN_CAUSE)
NO_VERDICT: Final = Verdict(Kind.UNDECIDED, "")
