"""Everything that can happen on screen besides keys, on one page. Workers only ever post these.

An answer finds back to whoever asked, and to nobody else: it is posted to the page that asked, which is gone with its
cluster, or names what was asked (its ``watch``), or the cluster (its ``seat``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from eventops.dlq.replay_model import Plan, Step
    from eventops.events import Position
    from eventops.groups.model import ResetReport
    from eventops.records.model import Glance, Seen
    from eventops.trace.model import Found
    from eventops.tui.lag_columns import Paced
    from eventops.tui.replay_options import Manner
    from eventops.tui.replay_text import Told
    from eventops.tui.seat import Seat
    from eventops.tui.watch import Watch
    from eventops.tui.widgets.columns import Arranged


@dataclass
class Answered(Message):
    """The cluster answered a question."""

    watch: Watch[Any]
    value: Any


@dataclass
class Ordered(Message):
    """Many rows of a table were put in order in a worker; ``number`` says for which wish."""

    number: int
    result: Arranged[Any]


@dataclass
class Arriving(Message):
    """The first answer about lag is under way: the groups that came in so far, of the cluster that was asked."""

    seat: Seat
    groups: list[Paced]


@dataclass
class NotAnswered(Message):
    """It didn't, and ``reason`` says why, with the remedy. ``is_told``: somebody answered, that it is refused or can't
    be done; else nobody did."""

    watch: Watch[Any]
    reason: str
    is_told: bool = False


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
    """The oldest waiting record, at that position, tells of a request (or of itself, by its event id)."""

    seat: Seat
    identifier: str
    position: Position


@dataclass
class WaitingUnknown(Message):
    """It couldn't be read, or tells of none."""

    seat: Seat
    reason: str


@dataclass
class PlanMade(Message):
    """What a replay would do is known, and counted; nothing was written."""

    plan: Plan
    told: Told
    manner: Manner


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
    """A transaction of the replay was committed; the last step carries the report, and ``told`` counts it."""

    step: Step
    told: Told | None = None


@dataclass
class BrokeOff(Message):
    """Writing broke off. What a replay committed stays, and the ledger knows it."""

    reason: str


@dataclass
class Glanced(Message):
    """What came to a topic since the look before."""

    glance: Glance


@dataclass
class NotGlanced(Message):
    """It couldn't be looked at; the next look goes on where the last one ended."""

    reason: str


@dataclass
class SeenMore(Message):
    """A search through records went on; ``number`` says which. ``is_full``: it waits to be told to go on; ``is_over``:
    this was its last piece."""

    number: int
    seen: Seen
    is_full: bool = False
    is_over: bool = False


@dataclass
class SearchEnded(Message):
    """A search through records failed on the way."""

    number: int
    reason: str


@dataclass
class KeyPassed(Message):
    """Whatever the key of that number is bound to has happened; on its second way, what that led to by messages too."""

    number: int
    is_second: bool = False


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
