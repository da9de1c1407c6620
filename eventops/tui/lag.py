"""Is anything falling behind? All groups, the worst first; Enter shows one group's partitions and members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from eventops.groups import targets
from eventops.lag import judgement
from eventops.lag.model import GroupLag, LagReport, MemberLag, PartitionLag
from eventops.ports import Gap, Range
from eventops.tui import quoting
from eventops.tui.lag_columns import GROUPS, MEMBERS, Paced, eta, judged, lag, partition_columns, rate, trend, waits
from eventops.tui.marked import why_unseen
from eventops.tui.messages import Entered
from eventops.tui.page import Page
from eventops.tui.palette import FAINT
from eventops.tui.peek import PeekPage
from eventops.tui.reset import ResetPage
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import count, safe

_TO: Final = "to"
_NAMED: Final = 5
"""Groups that a command names; more make no line that anybody reads."""
_ORDERS: Final = {"lag": "lag", "oldest waits": "age", "group": "name"}
"""Columns that the command can sort by."""
TARGETS: Final = "earliest · latest · offset:123 · -2h · 2026-01-15T10:00Z · shift:-10 · file:plan.csv"


def about(group: GroupLag) -> Target:
    """The record that waits longest, and the topics whose letters may be the group's."""
    behind = [one for one in group.partitions if one.lag]
    oldest = max(behind, key=lambda one: (one.age.seconds or 0.0, one.lag or 0), default=None)
    topics = {one.partition.topic for one in group.partitions}
    return Target(waiting=None if oldest is None else unread(oldest), topics=tuple(sorted(topics)))


def unread(one: PartitionLag) -> Range | None:
    """From the first record that wasn't consumed to the end; None where that isn't known, or there is none."""
    offsets = one.offsets
    if not one.lag or offsets.committed is None or offsets.log_end is None:
        return None
    start = max(offsets.committed, offsets.log_start or 0)
    return Range(one.partition, start, offsets.log_end)


class LagPage(Page):
    """All groups."""

    section = "lag"
    keys = (("Enter", "partitions"), ("t", "trace"), ("d", "dead letters"))

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """One snapshot of all groups."""
        return (self.shell.questions.lag,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command: of a filter the groups that it lets through, where they are few, and the order."""
        table: Table[Paced] = self.query_one("#groups", Table)
        named = [row.group.group for row in table.rows] if table.needle else []
        title, is_reversed = table.sorting
        order = None if is_reversed or title is None else _ORDERS.get(title)
        groups = [word for name in named for word in ("--group", name)] if len(named) <= _NAMED else []
        return ("lag", *groups, *(("--sort", order) if order else ()))

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "Consumer groups",
            GROUPS,
            lambda row: row.group.group,
            empty="No consumer group here, or none that you may see. Start a consumer, or `eventops demo`.",
            name="groups",
            is_timely=False,
        )

    def paint(self) -> None:
        """The worst first."""
        table: Table[Paced] = self.query_one("#groups", Table)
        table.show(self.shell.worst_groups(), note=self.shell.arrival_note)

    def target(self) -> Target | None:
        """The group under the cursor."""
        row = self.query_one("#groups", Table).current
        return None if row is None else about(row.group)

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """One group's partitions."""
        self.shell.push_screen(GroupPage(message.row.group.group))


class GroupPage(Page):
    """One group: partition by partition, and member by member."""

    section = "lag"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "reset", "set the group's offsets: the marked partitions', or all; the plan first"),
        Binding("space", "mark", "mark the partition"),
    ]

    def __init__(self, group: str) -> None:
        super().__init__()
        self.group = group
        self._shown: GroupLag | None = None

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """A member without partitions has nothing to look at."""
        peek = (("Enter", "peek"),) if self._peeked else ()
        return (*peek, ("R", "reset"), ("Space", "mark"), ("t", "trace the oldest"), ("d", "dead letters"))

    @property
    def _peeked(self) -> bool:
        table = self.front
        row = table.current if table is not None else None
        return row is None or isinstance(row, PartitionLag) or bool(row.partitions)

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The snapshot of all groups holds it."""
        return (self.shell.questions.lag,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its own command."""
        return ("lag", *quoting.about(self.group))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Its name."""
        return (self.group,)

    def body(self) -> Iterator[Widget]:
        """A line of figures over the partitions and the members."""
        yield Said(id="facts")
        yield Table(
            "Partitions",
            partition_columns(lambda: self._shown),
            lambda row: str(row.partition),
            empty="The group has no offsets and no members; Esc goes back to all groups.",
            name="partitions",
            is_timely=False,
        )
        members: Table[MemberLag] = Table(
            "Members",
            MEMBERS,
            lambda row: row.member_id,
            empty="Nobody is in the group: nobody reads for it now.",
            name="members",
            is_timely=False,
        )
        yield members

    def gaps(self) -> Sequence[Gap]:
        """Those of the group and of the topics it reads; what is missing elsewhere is no matter here."""
        report: LagReport | None = self.watches[0].value
        found = next((one for one in report.groups if one.group == self.group), None) if report else None
        topics = {one.partition.topic for one in found.partitions} if found else set()
        return [gap for gap in super().gaps() if gap.subject == self.group or gap.subject in topics]

    def paint(self) -> None:
        """The partitions stand where the log has them: by topic and partition."""
        groups = self.shell.worst_groups()
        table, members = self.query_one("#partitions", Table), self.query_one("#members", Table)
        if groups is None:
            table.show(None)
            members.show(None)
            return
        found = next((one for one in groups if one.group.group == self.group), None)
        self.query_one("#facts", Static).update(
            Text("the group isn't there any more") if found is None else _facts(found)
        )
        self._shown = found.group if found else None
        table.show(found.group.partitions if found else ())
        members.show(found.group.members if found else ())

    def target(self) -> Target | None:
        """The partition under the cursor: its oldest waiting record, its topic's letters."""
        row: PartitionLag | None = self.query_one("#partitions", Table).current
        return None if row is None else Target(waiting=unread(row), topics=(row.partition.topic,))

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """What stands around the committed offset; a member's first partition."""
        row = message.row
        at = row.partition if isinstance(row, PartitionLag) else next(iter(row.partitions), None)
        if at is not None:
            self.shell.push_screen(PeekPage(self.group, at))
        else:
            self.notify("nothing to look at: this member has no partition")

    def on_table_moved(self, _message: Table.Moved) -> None:
        """Another member is under the cursor."""
        self.tell_keys()

    def on_descendant_focus(self) -> None:
        """Partitions, or members."""
        self.tell_keys()

    def action_mark(self) -> None:
        """For a reset of a few."""
        table = self.query_one("#partitions", Table)
        if table.current is None:
            self.tell_nothing("to mark")
        table.toggle_mark()

    def back(self) -> bool:
        """The filter first, then marks."""
        return super().back() or self.query_one("#partitions", Table).unmark()

    def action_reset(self) -> None:
        """Where to? What is marked and not shown would be left out: all of the group would be set then."""
        table = self.query_one("#partitions", Table)
        if (why := why_unseen(table, "partition")) is not None:
            self.refuse(why)
        else:
            self.ask(_TO, TARGETS)

    def on_entered(self, message: Entered) -> None:
        """A target to plan for; nothing is written by planning."""
        if message.sign != _TO:
            return
        message.stop()
        if not message.text:
            return
        marked = self.query_one("#partitions", Table).marked_rows
        try:
            target = targets.target(message.text, self.group, self.shell.desk.now())
        except ValueError as error:
            self.ask_anew(_TO, safe(str(error), 300), TARGETS, message.text)
        else:
            self.shell.push_screen(ResetPage(self.group, target, [one.partition for one in marked]))


def _facts(paced: Paced) -> Text:
    group = paced.group
    return Text.assemble(
        judged(group),
        ("   lag ", FAINT),
        lag(group.lag, group.known_lag),
        ("   oldest waits ", FAINT),
        waits(group.age, group.known_age),
        ("   in/s ", FAINT),
        rate(paced.pace.rate_in),
        ("   out/s ", FAINT),
        rate(paced.pace.rate_out),
        ("   caught up in ", FAINT),
        eta(paced),
        ("   ", FAINT),
        trend(paced),
        ("   members ", FAINT),
        count(len(group.members)),
        (f"\n{safe(judgement.of(group).evidence)}", FAINT),
    )
