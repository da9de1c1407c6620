"""Everything that can happen on screen besides keys, on one page. Workers only ever post these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from eventops.dlq.replay_model import Plan, Step
    from eventops.groups.model import ResetReport
    from eventops.trace.model import Found
    from eventops.tui.lag_columns import Paced
    from eventops.tui.watch import Watch


@dataclass
class Answered(Message):
    """The cluster answered a question."""

    watch: Watch[Any]
    value: Any


@dataclass
class Arriving(Message):
    """The first answer about lag is under way: the groups that came in so far."""

    groups: list[Paced]


@dataclass
class NotAnswered(Message):
    """It didn't, and ``reason`` says why, with the remedy."""

    watch: Watch[Any]
    reason: str


@dataclass
class Searched(Message):
    """A trace's search went on; the last one carries the report."""

    identifier: str
    found: Found


@dataclass
class SearchFailed(Message):
    """A trace's search ended without a report."""

    identifier: str
    reason: str


@dataclass
class WaitingFound(Message):
    """The oldest waiting record tells of a request (or of itself, by its event id)."""

    identifier: str


@dataclass
class WaitingUnknown(Message):
    """It couldn't be read, or tells of none."""

    reason: str


@dataclass
class PlanMade(Message):
    """What a replay would do is known; nothing was written."""

    plan: Plan


@dataclass
class ResetTold(Message):
    """A group's reset is planned, or was carried out and read back."""

    report: ResetReport


@dataclass
class Unplanned(Message):
    """What was to be written couldn't be planned."""

    reason: str


@dataclass
class Stepped(Message):
    """A transaction of the replay was committed; the last step carries the report."""

    step: Step


@dataclass
class BrokeOff(Message):
    """Writing broke off. What a replay committed stays, and the ledger knows it."""

    reason: str


@dataclass
class Entered(Message):
    """The operator ended the line at the bottom with Enter: a command after ``:``, a filter after ``/``."""

    sign: str
    text: str


@dataclass
class Typed(Message):
    """The operator changed the line at the bottom."""

    sign: str
    text: str


@dataclass
class Left(Message):
    """The operator left the line at the bottom with Escape."""

    sign: str
