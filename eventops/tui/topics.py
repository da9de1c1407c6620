"""What is there, and who reads it? All topics; Enter shows one topic's partitions and the groups that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from eventops.events import Partition
from eventops.lag.model import LagReport
from eventops.ports import Gap
from eventops.topics.model import TopicsReport, TopicSummary
from eventops.tui import quoting
from eventops.tui.page import Page
from eventops.tui.palette import FAINT
from eventops.tui.questions import offline_told
from eventops.tui.tail import TailPage
from eventops.tui.target import Target
from eventops.tui.topic_columns import PARTITIONS, READERS, TOPICS, Reader, kept, readers_of
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import UNKNOWN, count, safe


class OfTopics(Page):
    """What both screens can do with a topic."""

    section = "topics"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("l", "live", "live: the records that come to it, decoded")]

    def action_live(self) -> None:
        """What comes to it now."""
        target = self.target()
        if target is not None and target.topics:
            self.shell.push_screen(TailPage(target.topics[0]))
        else:
            self.tell_nothing("to look at live")


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

    def alarm(self) -> str | None:
        """Partitions that are offline."""
        report: TopicsReport | None = self.watches[0].value
        topics = report.topics if report is not None else ()
        return offline_told([Partition(topic.name, number) for topic in topics for number in topic.offline])

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
        """The report of all topics holds it, and that of the lag its readers."""
        return (self.shell.questions.topics, self.shell.questions.lag)

    def gaps(self) -> Sequence[Gap]:
        """The topic's own: what the lag lacks of a group stands beside the group, and other topics are no matter."""
        report: TopicsReport | None = self.watches[0].value
        others = {topic.name for topic in report.topics} - {self.topic} if report else set()
        return [gap for gap in self.shell.questions.topics.gaps if gap.subject not in others]

    @property
    def words(self) -> tuple[str, ...]:
        """Its own command."""
        return ("topics", "show", *quoting.about(self.topic))

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
        names: Table[Reader] = Table(
            "Read by",
            READERS,
            lambda row: row.group,
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
        lag: LagReport | None = self.shell.questions.lag.value
        self.query_one("#readers", Table).show(None if waiting else readers_of(found, lag) if found else ())

    def target(self) -> Target | None:
        """The topic."""
        return Target(topics=(self.topic,))

    async def on_table_chosen(self, message: Table.Chosen) -> None:
        """A group that reads it."""
        if isinstance(message.row, Reader):
            await self.shell.open_group(message.row.group)
        else:
            self.notify("l shows its topic's records live; Tab goes to the groups that read it")


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
