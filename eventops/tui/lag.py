"""Is anything falling behind? All groups, the worst first; Enter shows one group's partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from eventops.lag import judgement
from eventops.lag.model import GroupLag, LagAge, LagReport, Pace, PartitionLag, Rate, Standing, Verdict
from eventops.lag.pace import UNKNOWN as NO_PACE
from eventops.ports import Range
from eventops.tui.page import Page, Target
from eventops.tui.palette import FAINT, VERDICTS
from eventops.tui.watch import Watch
from eventops.tui.widgets.table import Column, Table
from eventops.wording import UNKNOWN, count, duration, safe


@dataclass(frozen=True)
class Paced:
    """A group and how fast it moved over the last polls."""

    group: GroupLag

    @property
    def pace(self) -> Pace:
        """Its rates."""
        return self.group.pace or NO_PACE


def worst_first(report: LagReport) -> list[Paced]:
    """By verdict, then by what waits: where somebody should look first stands first."""
    return [Paced(group) for group in judgement.worst_first(report.groups)]


def verdict(judged: Verdict | Standing) -> Text:
    """The mark and the word."""
    mark, style = VERDICTS[judged]
    return Text(f"{mark} {judged.value.replace('_', ' ')}", style)


def judged(one: GroupLag | PartitionLag) -> Text:
    """Its verdict; where that takes longer, where it stands meanwhile."""
    found = judgement.of(one)
    if found.verdict is not Verdict.NOT_ENOUGH_HISTORY:
        return verdict(found.verdict)
    return verdict(one.verdict if isinstance(one, GroupLag) else one.standing)


def lag(figure: int | None, known: int = 0) -> Text:
    """The figure; where a part isn't known, at least what is."""
    if figure is not None:
        return Text(count(figure), FAINT if figure == 0 else "bold")
    return Text(f"≥ {count(known)}" if known else UNKNOWN, "bold")


def waits(age: LagAge, known: float | None = None) -> Text:
    """How long the oldest record has waited."""
    if age.seconds is None:
        return Text(f"≥ {duration(known)}" if known else UNKNOWN)
    return Text("-", FAINT) if age.seconds == 0 else Text(duration(age.seconds))


def rate(found: Rate) -> Text:
    """Records a second."""
    return Text(UNKNOWN, FAINT) if found.value is None else Text(f"{found.value:,.1f}")


def eta(paced: Paced) -> Text:
    """When it will have caught up."""
    found = paced.pace.eta
    if found.value is None:
        return Text("never" if "never" in (found.reason or "") else UNKNOWN, FAINT)
    return Text("-", FAINT) if found.value == 0 else Text(duration(found.value))


def _why(one: GroupLag | PartitionLag) -> Text:
    """What is missing, else what the verdict rests on."""
    return Text(safe(one.reason or one.age.reason or judgement.of(one).evidence, 120), FAINT)


GROUPS: Final[Sequence[Column[Paced]]] = (
    Column("group", lambda row: row.group.group, is_flexible=True),
    Column("verdict", lambda row: judged(row.group), order=lambda row: judgement.severity(row.group)),
    Column("lag", lambda row: lag(row.group.lag, row.group.known_lag), right=True, order=lambda row: row.group.lag),
    Column(
        "oldest waits",
        lambda row: waits(row.group.age, row.group.known_age),
        right=True,
        order=lambda row: row.group.age.seconds,
    ),
    Column(
        "in/s", lambda row: rate(row.pace.rate_in), right=True, from_width=66, order=lambda row: row.pace.rate_in.value
    ),
    Column(
        "out/s",
        lambda row: rate(row.pace.rate_out),
        right=True,
        from_width=66,
        order=lambda row: row.pace.rate_out.value,
    ),
    Column("caught up in", eta, right=True, from_width=100, order=lambda row: row.pace.eta.value),
    Column(
        "members",
        lambda row: count(len(row.group.members)),
        right=True,
        from_width=110,
        order=lambda row: len(row.group.members),
    ),
    Column("state", lambda row: row.group.state.replace("_", " "), from_width=120),
    Column("", lambda row: _why(row.group), from_width=120, is_flexible=True, at_most=120),
)

_PARTITIONS: Final[Sequence[Column[PartitionLag]]] = (
    Column("topic", lambda row: row.partition.topic, is_flexible=True),
    Column("p", lambda row: str(row.partition.partition), right=True, order=lambda row: row.partition.partition),
    Column("verdict", judged, order=judgement.severity),
    Column("lag", lambda row: lag(row.lag), right=True, order=lambda row: row.lag),
    Column("oldest waits", lambda row: waits(row.age), right=True, from_width=70, order=lambda row: row.age.seconds),
    Column(
        "start",
        lambda row: _offset(row.offsets.log_start),
        right=True,
        from_width=110,
        order=lambda row: row.offsets.log_start,
    ),
    Column(
        "committed",
        lambda row: _offset(row.offsets.committed),
        right=True,
        from_width=90,
        order=lambda row: row.offsets.committed,
    ),
    Column(
        "end",
        lambda row: _offset(row.offsets.log_end),
        right=True,
        from_width=90,
        order=lambda row: row.offsets.log_end,
    ),
    Column("member", lambda row: row.member or "nobody", from_width=120, is_flexible=True),
    Column("", _why, from_width=120, is_flexible=True, at_most=120),
)


def _offset(offset: int | None) -> str:
    return "-" if offset is None else count(offset)


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

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "Consumer groups",
            GROUPS,
            lambda row: row.group.group,
            empty="No consumer group has committed an offset here yet. Start a consumer, or `eventops demo`.",
            name="groups",
            is_timely=False,
        )

    def paint(self) -> None:
        """The worst first."""
        table: Table[Paced] = self.query_one("#groups", Table)
        table.show(self.shell.worst_groups())

    def target(self) -> Target | None:
        """The group under the cursor."""
        row = self.query_one("#groups", Table).current
        return None if row is None else about(row.group)

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """One group's partitions."""
        self.shell.push_screen(GroupPage(message.row.group.group))


class GroupPage(Page):
    """One group, partition by partition."""

    section = "lag"
    keys = (("t", "trace the oldest"), ("d", "dead letters"), ("Esc", "back"))

    def __init__(self, group: str) -> None:
        super().__init__()
        self.group = group

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The snapshot of all groups holds it."""
        return (self.shell.questions.lag,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its own command."""
        return ("lag", self.group)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Its name."""
        return (self.group,)

    def body(self) -> Iterator[Widget]:
        """A line of figures over the partitions."""
        yield Static(id="facts")
        yield Table(
            "Partitions",
            _PARTITIONS,
            lambda row: str(row.partition),
            empty="The group has no offsets and no members; Esc goes back to all groups.",
            name="partitions",
        )

    def paint(self) -> None:
        """The ones that wait longest stand where the log has them: by topic and partition."""
        groups = self.shell.worst_groups()
        table: Table[PartitionLag] = self.query_one("#partitions", Table)
        if groups is None:
            table.show(None)
            return
        found = next((one for one in groups if one.group.group == self.group), None)
        self.query_one("#facts", Static).update(
            Text("the group isn't there any more") if found is None else _facts(found)
        )
        table.show(found.group.partitions if found else ())

    def target(self) -> Target | None:
        """The partition under the cursor: its oldest waiting record, its topic's letters."""
        row: PartitionLag | None = self.query_one("#partitions", Table).current
        return None if row is None else Target(waiting=unread(row), topics=(row.partition.topic,))


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
        ("   members ", FAINT),
        count(len(group.members)),
        (f"\n{safe(judgement.of(group).evidence)}", FAINT),
    )
