"""Is anything wrong? The worst groups, the open letters, their causes, and whether records still come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import Static

from eventops.events import Partition
from eventops.lag.model import LagReport, Verdict
from eventops.tui import pages
from eventops.tui.dlq_columns import cause_columns, most_open, of_them_again, topic_columns
from eventops.tui.history import History, sparkline, total
from eventops.tui.lag_columns import GROUPS, Paced, lag, rate
from eventops.tui.page import Page
from eventops.tui.palette import ACCENT, BAD, FAINT, GOOD, WARN
from eventops.tui.questions import TOPICS_READ, offline_told
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import OneLine
from eventops.tui.widgets.table import Column, Table
from eventops.wording import UNKNOWN, count, plural

if TYPE_CHECKING:
    from eventops.dlq.model import CauseGroup, ListReport, TopicCounts

_TINY: Final = 60
_SHORT: Final = ("lag", "in/s", "letters", "groups")
"""The figures' labels where there is no room for more."""


class OverviewPage(Page):
    """Everything at once; Enter leads on."""

    section = "overview"
    keys = (("Enter", "open"), ("t", "trace"), ("d", "dead letters"), ("Tab", "next"))

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """Lag, letters, causes, partitions that nobody leads."""
        asked = self.shell.questions
        return (asked.lag, asked.letters, asked.causes, asked.offline)

    @property
    def words(self) -> tuple[str, ...]:
        """The nearest command."""
        return ("lag",)

    def body(self) -> Iterator[Widget]:
        """Figures over tables; side by side where there is room."""
        yield OneLine(id="figures")
        groups: Table[Paced] = Table(
            "Consumer groups",
            _narrowed(),
            lambda row: row.group.group,
            empty="No consumer group here, or none that you may see.",
            name="groups",
            is_timely=False,
        )
        topics: Table[TopicCounts] = Table(
            "Dead letters",
            _few(self.now),
            lambda row: row.topic,
            empty="No dead-letter topic here, or none that you may see.",
            name="topics",
        )
        causes: Table[CauseGroup] = Table(
            "Causes of open letters",
            cause_columns(self.now, with_topic=True),
            lambda row: f"{row.topic}\x00{row.cause_id}\x00{row.group}",
            empty="No letter is open.",
            name="causes",
        )
        yield Container(groups, Vertical(topics, causes, id="letters"), id="tables")

    def now(self) -> datetime:
        """The desk's clock."""
        return self.shell.desk.now()

    def paint(self) -> None:
        """Everything that is known."""
        shell = self.shell
        report, letters, causes = shell.questions.lag.value, shell.questions.letters.value, shell.questions.causes.value
        told = figures(report, letters, shell.questions.offline.value, shell.history, self.app.size.width)
        self.query_one("#figures", Static).update(told)
        self.query_one("#groups", Table).show(shell.worst_groups(), note=shell.arrival_note)
        topics = None if letters is None else sorted(letters.topics, key=most_open)
        self.query_one("#topics", Table).show(topics, note=of_them_again(topics, is_low=self.has_class("-low")))
        is_behind = not causes and _is_older(shell.questions.causes, shell.questions.letters)
        self.query_one("#causes", Table).show(None if is_behind else causes, note=_whose(letters))

    def alarm(self) -> str | None:
        """Partitions that are offline: whoever reads or writes them waits."""
        return offline_told(self.shell.questions.offline.value or ())

    def target(self) -> Target | None:
        """The row under the cursor of the table in front."""
        table = self.front
        row = None if table is None else table.current
        if table is None or row is None:
            return None
        if table.id == "groups":
            return pages.about_group(row.group)
        return Target(topics=(row.topic,)) if table.id == "topics" else pages.about_letter(row.example)

    def on_descendant_focus(self) -> None:
        """Low terminals give their room to the side that has the keys."""
        is_behind = not self.query_one("#groups").has_class("-behind")
        self.query_one("#letters").set_class(is_behind, "-behind")

    async def on_table_chosen(self, message: Table.Chosen) -> None:
        """A group, a topic or a cause in its own section."""
        row, shell = message.row, self.shell
        if message.table.id == "groups":
            await shell.open("lag", pages.group(row.group.group))
        elif message.table.id == "topics":
            await shell.open("dlq", pages.causes(row.topic))
        else:
            await shell.open("dlq", pages.causes(row.topic), pages.letters(row))


def figures(
    report: LagReport | None,
    letters: ListReport | None,
    offline: Sequence[Partition] | None,
    history: History,
    width: int,
) -> Text:
    """The figures that say whether anything is wrong, each under its label; what is offline stands before them."""
    labels = list(_SHORT if width < _TINY else ("total lag", "records in/s", "open letters", "groups"))
    told = [_lag(report), _rate(report, history), _open(letters), _groups(report)]
    if offline or width >= 80:
        at = 0 if offline else len(told)
        labels.insert(at, "offline")
        told.insert(at, _offline(offline))
    if width >= 120:
        known = [figure for figure in history.totals if figure is not None]
        told.append(Text(sparkline(list(history.totals), min(width - 96, 60)) or " ", ACCENT))
        labels.append(f"total lag, {plural(len(history.totals), 'poll')}, up to {count(max(known, default=None))}")
    return _under(labels, told, 4 if width >= 80 else 2 if width >= _TINY else 1)


def _is_older(causes: Watch[Any], letters: Watch[ListReport]) -> bool:
    """Whether letters came in that the last answer about causes knows nothing of: it can't say that there are none."""
    if letters.value is None or letters.answered_at is None or not any(topic.open for topic in letters.value.topics):
        return False
    return causes.answered_at is None or causes.answered_at < letters.answered_at


def _whose(letters: ListReport | None) -> str:
    """Beside the number of causes, where they aren't those of all topics with open letters."""
    topics = () if letters is None else letters.topics
    is_part = sum(topic.open > 0 or topic.is_unknown for topic in topics) > TOPICS_READ
    return f"of the {TOPICS_READ} topics with most open letters" if is_part else ""


def _under(labels: Sequence[str], told: Sequence[Text], gap: int) -> Text:
    above, below = Text(), Text()
    for label, figure in zip(labels, told, strict=True):
        wide = max(len(label), figure.cell_len) + gap
        above.append(label.ljust(wide), FAINT)
        below.append_text(figure).append(" " * (wide - figure.cell_len))
    return above.append("\n").append_text(below)


def _offline(partitions: Sequence[Partition] | None) -> Text:
    if partitions is None:
        return Text(UNKNOWN)
    return Text(count(len(partitions)), f"bold {BAD}" if partitions else GOOD)


def _lag(report: LagReport | None) -> Text:
    if report is None:
        return Text(UNKNOWN)
    return lag(total(report), sum(group.known_lag for group in report.groups))


def _rate(report: LagReport | None, history: History) -> Text:
    if report is None:
        return Text(UNKNOWN)
    return rate(history.arrivals())


def _open(letters: ListReport | None) -> Text:
    if letters is None:
        return Text(UNKNOWN)
    number = sum(topic.open for topic in letters.topics)
    if not number and not letters.coverage.complete:
        return Text(UNKNOWN, f"bold {WARN}")
    return Text.assemble(
        (count(number), f"bold {WARN if number else GOOD}"), "" if letters.coverage.complete else " at least"
    )


def _groups(report: LagReport | None) -> Text:
    if report is None:
        return Text(UNKNOWN)
    fine = sum(group.verdict is Verdict.CAUGHT_UP for group in report.groups)
    number = len(report.groups)
    return Text.assemble(
        (count(number), "bold"), (f"  {fine} caught up" if number else "", GOOD if fine == number else WARN)
    )


def _narrowed() -> list[Column[Paced]]:
    return [column for column in GROUPS if column.title in ("group", "verdict", "lag", "oldest waits", "in/s", "out/s")]


def _few(now: Any) -> list[Column[TopicCounts]]:
    return [column for column in topic_columns(now) if column.title in ("topic", "open", "last hour", "newest")]
