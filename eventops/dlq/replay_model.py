"""What a replay plans and does: the values that travel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from eventops.dlq.model import Letter, LetterId, Selection
from eventops.events import Headers, Partition, Position, Record
from eventops.ports import Coverage, Outgoing

EXACTLY_ONCE: Final = "exactly_once"
AT_LEAST_ONCE: Final = "at_least_once"
MAX_ATTEMPTS: Final = 3
"""Replays of one event, unless told otherwise: what failed so often isn't mended by another one."""


class Action(StrEnum):
    """What is done with letters."""

    REPLAY = "replay"
    DISCARD = "discard"
    RESTORE = "restore"


class Source(StrEnum):
    """What is put back; AUTO: the origin record where it can still be read and is the same event, else the letter."""

    AUTO = "auto"
    ORIGIN = "origin"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How letters are to be put back."""

    to: str | None = None
    """A topic instead of each letter's origin."""
    source: Source = Source.AUTO
    transform: str | None = None
    """A jq expression, applied to what is put back."""
    edited: str | None = None
    """The file that an editor left."""
    new_ids: bool = False
    """What is put back is another event, caused by the one that failed."""
    max_attempts: int = MAX_ATTEMPTS
    again: bool = False
    """Also what was replayed before: a deliberate second time."""
    by_key: bool = False
    """The key chooses the partition, not the origin."""
    drop_headers: tuple[str, ...] = ()
    at_least_once: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What a record says, wherever it stands."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Told(NamedTuple):
    """What the ledger tells of many letters alike. ``group`` and ``cause`` are the failure's; ``change`` says what
    was changed on purpose."""

    target_topic: str
    attempt: int = 1
    group: str | None = None
    cause: str | None = None
    change: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One letter that a replay will put back, and as what.

    ``taken_from`` is ``origin`` where the origin record can still be read and is the same event, else ``letter``.
    """

    letter: Letter
    record: Outgoing
    told: Told
    taken_from: str
    replay_id: str
    source: LetterId
    content: str
    """The letter's content, as the ledger knows it."""
    difference: str | None = None
    """How the origin record differs from its letter; in a few words."""
    compared: Record | None = None
    """What it is shown beside where it differs: the letter, the origin where the letter is put back, or what was there
    before a change."""

    @property
    def target_topic(self) -> str:
        """Where it goes."""
        return self.record.topic

    @property
    def target_partition(self) -> int | None:
        """None: its key chooses."""
        return self.record.partition

    @property
    def key(self) -> bytes | None:
        """Of what is put back."""
        return self.record.key

    @property
    def value(self) -> bytes | None:
        """Of what is put back."""
        return self.record.value

    @property
    def headers(self) -> Headers:
        """Of what is put back."""
        return self.record.headers

    @property
    def attempt(self) -> int:
        """Which deliberate replay of this letter to this target it is."""
        return self.told.attempt

    @property
    def change(self) -> str | None:
        """What was changed on purpose, in a few words."""
        return self.told.change


@dataclass(frozen=True, slots=True)
class Refused:
    """One selected letter that can't be put back, and why."""

    letter: Letter
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay (or a discard, or a restore) would do; nothing was written yet."""

    run_id: str
    selection: Selection
    guarantee: str
    selected: int
    planned: tuple[Planned, ...]
    already_replayed: tuple[Letter, ...]
    refused: tuple[Refused, ...]
    warnings: tuple[str, ...]
    coverage: Coverage
    as_of: datetime
    action: Action = Action.REPLAY
    reason: str | None = None
    """The operator's, for the ledger."""
    wishes: Wishes = Wishes()
    batch_bytes: int | None = None
    """What the smallest of the targets takes at once."""
    ends: Mapping[Partition, int] = field(default_factory=dict)
    """Where the dead-letter topic's partitions ended when this was planned."""
    target_ids: Mapping[str, str] = field(default_factory=dict)
    """Of each target its topic id, where the broker tells it."""

    @property
    def is_replay(self) -> bool:
        """It puts records back; else it only writes to the ledger."""
        return self.action is Action.REPLAY


class Replayed(NamedTuple):
    """A letter and where its record was appended."""

    source: Position
    target: Position


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay did. ``interrupted``: it stopped between two transactions, and ``resume_command`` continues it."""

    plan: Plan
    executed: bool
    replayed: Sequence[Replayed] = ()
    parked: tuple[Refused, ...] = ()
    failed: tuple[Refused, ...] = ()
    overtaken: int = 0
    """Letters that another run had dealt with by the time this one held the ledger."""
    written_off: int = 0
    """Letters that were discarded or restored: nothing but the ledger was written."""
    interrupted: bool = False
    in_doubt: int = 0
    """Letters of a transaction whose end wasn't answered; the ledger will tell the next run."""
    stopped: str | None = None
    """Why it ended before all was done, where it wasn't the operator's wish."""
    failed_again: tuple[Position, ...] = ()
    """Letters that came back while a ramp watched."""
    resume_command: str | None = None

    @property
    def remaining(self) -> int:
        """Letters of the selection that nobody dealt with yet."""
        return len(self.plan.planned) - len(self.replayed) - self.written_off - self.overtaken


@dataclass(frozen=True, slots=True)
class Step:
    """Progress of a replay in execution: letters done of those planned, and the last transaction's seconds."""

    done: int
    total: int
    seconds: float | None = None
    report: ReplayReport | None = field(default=None, compare=False)
    """Set on the last step."""
    told: str | None = None
    """What it waits for, where it waits."""
    parked: int = 0
    """Letters of those done that their target refused so far."""
    refusal: str | None = None
    """Why it refused the last one of them."""
    is_pause: bool = False
    """It waits for a moment that isn't worth telling."""

    @property
    def is_idle(self) -> bool:
        """No transaction is in hand until the next step."""
        return self.is_pause or self.told is not None or self.report is not None
