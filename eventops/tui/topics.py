"""What is there, and who reads it? All topics; Enter shows one topic's partitions and the groups that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from eventops.topics.model import PartitionSpan, TopicsReport, TopicSummary
from eventops.tui.page import Page
from eventops.tui.palette import BAD, FAINT, WARN
from eventops.tui.tail import TailPage
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Column, Table
from eventops.wording import UNKNOWN, count, duration, safe


def kept(topic: TopicSummary) -> Text:
    """For how long records stay."""
    if topic.retention_reason is not None:
        return Text(UNKNOWN, FAINT)
    if topic.cleanup_policy == "compact":
        return Text("compacted")
    return Text("for ever") if topic.retention_seconds is None else Text(duration(topic.retention_seconds))


def readers(topic: TopicSummary) -> Text:
    """The groups; a topic that nobody reads is worth a look."""
    return Text(safe(", ".join(topic.groups), 120)) if topic.groups else Text("nobody", FAINT)


def open_transactions(row: PartitionSpan) -> Text:
    """Offsets that readers of committed records can't pass."""
    number = row.open_transactions
    return Text(count(number), WARN if number else FAINT)


def health(topic: TopicSummary) -> Text:
    """How often each partition is there, and how many of them lack a replica or can't be read at all."""
    lacking, offline = len(topic.under_replicated), len(topic.offline)
    told = Text(f"x{count(topic.replication_factor)}", FAINT if not lacking else "")
    told.append(f", {lacking} under" if lacking else "", WARN)
    return told.append(f", {offline} offline" if offline else "", BAD)


def _trouble_of(topic: TopicSummary) -> tuple[int, int, int]:
    return len(topic.offline), len(topic.under_replicated), -(topic.replication_factor or 0)


def leader(row: PartitionSpan) -> Text:
    """Which broker leads it."""
    if row.placement is None:
        return Text(UNKNOWN, FAINT)
    return Text("none", BAD) if row.placement.leader is None else Text(str(row.placement.leader))


def in_sync(row: PartitionSpan) -> Text:
    """The replicas that have all of it, and those that lack something."""
    if row.placement is None:
        return Text(UNKNOWN, FAINT)
    told = Text(",".join(map(str, row.placement.in_sync)) or "-")
    lacking = ",".join(map(str, row.placement.lacking))
    return told.append(f" not {lacking}" if lacking else "", WARN)


TOPICS: Final[Sequence[Column[TopicSummary]]] = (
    Column("topic", lambda row: row.name, is_flexible=True),
    Column("partitions", lambda row: count(len(row.partitions)), right=True, order=lambda row: len(row.partitions)),
    Column("replicas", health, from_width=90, order=_trouble_of),
    Column("offsets kept", lambda row: count(row.span), right=True, order=lambda row: row.span),
    Column("kept for", kept, right=True, from_width=70, order=lambda row: row.retention_seconds),
    Column("read by", readers, is_flexible=True, from_width=60, at_most=120),
)

PARTITIONS: Final[Sequence[Column[PartitionSpan]]] = (
    Column("partition", lambda row: str(row.partition), right=True, order=lambda row: row.partition),
    Column("leader", leader, right=True, from_width=80, order=lambda row: row.placement and row.placement.leader),
    Column("in sync", in_sync, from_width=80, order=lambda row: row.placement and -len(row.placement.lacking)),
    Column("start", lambda row: count(row.start), right=True, order=lambda row: row.start),
    Column("end", lambda row: count(row.end), right=True, order=lambda row: row.end),
    Column("offsets kept", lambda row: count(row.span), right=True, order=lambda row: row.span),
    Column("in open transactions", open_transactions, right=True, from_width=70),
    Column("", lambda row: row.reason or "", is_flexible=True, at_most=120),
)


class OfTopics(Page):
    """What both screens can do with a topic."""

    section = "topics"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("l", "live", "live: the records that come to it, decoded")]

    def action_live(self) -> None:
        """What comes to it now."""
        target = self.target()
        if target is not None and target.topics:
            self.shell.push_screen(TailPage(target.topics[0]))


class TopicListPage(OfTopics):
    """All topics but Kafka's own."""

    keys = (("Enter", "partitions and readers"), ("l", "live"), ("d", "dead letters"))

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """One report of all topics."""
        return (self.shell.questions.topics,)

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "Topics",
            TOPICS,
            lambda row: row.name,
            empty="No topic here, or none that you may see. `eventops demo` makes some.",
            name="topics",
        )

    def paint(self) -> None:
        """By name."""
        report: TopicsReport | None = self.watches[0].value
        self.query_one("#topics", Table).show(None if report is None else report.topics)

    def target(self) -> Target | None:
        """The topic under the cursor."""
        row: TopicSummary | None = self.query_one("#topics", Table).current
        return None if row is None else Target(topics=(row.name,))

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """It alone."""
        self.shell.push_screen(TopicPage(message.row.name))


class TopicPage(OfTopics):
    """One topic: its partitions, and who reads it."""

    keys = (("l", "live"), ("Enter", "group"), ("Tab", "next"), ("d", "dead letters"), ("Esc", "back"))

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The report of all topics holds it."""
        return (self.shell.questions.topics,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its own command."""
        return ("topics", self.topic)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Its name."""
        return (self.topic,)

    def body(self) -> Iterator[Widget]:
        """A line of figures over two tables."""
        yield Said(id="facts")
        yield Table(
            "Partitions",
            PARTITIONS,
            lambda row: str(row.partition),
            empty="There is no such topic; Esc goes back to all of them.",
            name="partitions",
        )
        names: Table[str] = Table(
            "Read by",
            [Column("group", lambda row: row, is_flexible=True)],
            lambda row: row,
            empty="No group has committed an offset on it, and none has a member on it.",
            name="readers",
        )
        yield names

    def paint(self) -> None:
        """What the report says of it."""
        report: TopicsReport | None = self.watches[0].value
        found = next((topic for topic in report.topics if topic.name == self.topic), None) if report else None
        self.query_one("#facts", Static).update(Text() if found is None else _facts(found))
        waiting = report is None
        self.query_one("#partitions", Table).show(None if waiting else found.partitions if found else ())
        self.query_one("#readers", Table).show(None if waiting else found.groups if found else ())

    def target(self) -> Target | None:
        """The topic."""
        return Target(topics=(self.topic,))

    async def on_table_chosen(self, message: Table.Chosen) -> None:
        """A group that reads it."""
        if isinstance(message.row, str):
            await self.shell.open_group(message.row)


def _facts(topic: TopicSummary) -> Text:
    return Text.assemble(
        ("offsets kept ", FAINT),
        count(topic.span),
        ("   kept for ", FAINT),
        kept(topic),
        ("   cleanup ", FAINT),
        safe(topic.cleanup_policy or UNKNOWN, 40),
        ("   ", FAINT),
        (safe(topic.retention_reason or "", 120), FAINT),
    )
