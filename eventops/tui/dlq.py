"""What failed, why, and can it be put back? Topics, then causes; :mod:`.letters` goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from eventops.dlq.model import CauseGroup, Letter, LettersReport, Selection
from eventops.tui import letter_text, quoting
from eventops.tui.choosing import LettersOf, Marking
from eventops.tui.dlq_columns import cause_columns, most_open, of_them_again, topic_columns
from eventops.tui.ledger import LedgerPage
from eventops.tui.marked import why_unseen
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import safe

_LIST: Final = (("Enter", "causes"), ("R", "replay"), ("D", "discard"), ("h", "history"))


class TopicsPage(LettersOf):
    """All dead-letter topics."""

    keys = _LIST

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The list."""
        return (self.shell.questions.letters,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("dlq", "list")

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "Dead-letter topics",
            topic_columns(self.now),
            lambda row: row.topic,
            empty="No dead-letter topic here, or none that you may see; `:dlq TOPIC` opens any topic.",
            name="topics",
        )

    def paint(self) -> None:
        """Most open letters first."""
        report = self.shell.questions.letters.value
        topics = None if report is None else sorted(report.topics, key=most_open)
        again, narrowed = of_them_again(topics, is_low=self.has_class("-low")), self.narrowed_to
        note = again if narrowed is None else f"{safe(narrowed, 60)}; Esc shows all"
        self.query_one("#topics", Table).show(topics, note=note)

    def _filter(self, text: str) -> None:
        super()._filter(text)
        self.refresh_all()  # whose topics they are is told beside it

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """Its causes."""
        self.shell.push_screen(CausesPage(message.row.topic))

    def target(self) -> Target | None:
        """The topic under the cursor."""
        row = self.query_one("#topics", Table).current
        return None if row is None else Target(topics=(row.topic,))

    def selection(self) -> Selection | None:
        """The whole topic under the cursor."""
        row = self.query_one("#topics", Table).current
        return None if row is None else Selection(row.topic)


class CausesPage(Marking[CauseGroup]):
    """One topic by cause and group; the cause under the cursor is told in full."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """What ``R`` and ``D`` are about."""
        return (("Enter", "letters"), ("Space", "mark"), *self.deeds("cause"), ("h", "history"), ("Esc", "back"))

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """What the topic's letters failed of."""
        return (self.shell.questions.causes_of(self.topic),)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("dlq", "groups", *quoting.about(self.topic))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The topic."""
        return (self.topic,)

    def body(self) -> Iterator[Widget]:
        """The causes, and one of them in full."""
        yield Table(
            "Causes",
            cause_columns(self.now),
            cause_key,
            empty="No letters in this topic. Esc goes back.",
            name="causes",
        )
        yield VerticalScroll(Said(id="detail"), id="about", can_focus=False)

    def paint(self) -> None:
        """As the room orders them: most open letters first."""
        report: LettersReport | None = self.watches[0].value
        causes = None if report is None else report.causes
        self._table.show(causes, note=of_them_again(causes, is_low=self.has_class("-low")))
        self._detail()

    def on_table_moved(self, _message: Table.Moved) -> None:
        """Another cause is under the cursor."""
        self._detail()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """Its letters."""
        from eventops.tui.letters import LettersPage

        self.shell.push_screen(LettersPage(message.row))

    def target(self) -> Target | None:
        """An example of the cause under the cursor."""
        row = self._table.current
        return None if row is None else about(row.example)

    def action_history(self) -> None:
        """Of the topic, whatever is shown of it."""
        self.shell.push_screen(LedgerPage(self.topic))

    def selection(self) -> Selection | None:
        """The marked causes, all of them in sight, else the one under the cursor, of its group."""
        marked = self._table.marked_rows
        row = self._table.current
        if why_unseen(self._table, "cause") is not None:
            return None
        if not marked:
            return None if row is None else of_cause(row)
        report: LettersReport | None = self.watches[0].value
        return of_causes(marked, report.causes if report else ())

    @property
    def unchosen(self) -> str:
        """Nothing, or too much of it, or not what can be seen."""
        if (why := why_unseen(self._table, "cause")) is not None:
            return why
        if self._table.marked_rows:
            return "these causes and groups can't be told in one selection: mark fewer"
        return super().unchosen

    @property
    def _table(self) -> Table[CauseGroup]:
        return self.query_one("#causes", Table)

    def _detail(self) -> None:
        row = self._table.current
        self.query_one("#about").set_class(row is None, "-none")
        self.query_one("#detail", Static).update(Text() if row is None else letter_text.cause(row))


def about(letter: Letter) -> Target:
    """Its request, else its event, else the record that failed."""
    ids = letter.event.ids
    return Target(identifier=ids.correlation_id or ids.event_id, at=letter.position, letter=letter.position)


def cause_key(row: CauseGroup) -> str:
    """One row's for all time."""
    return f"{row.topic}\x00{row.cause_id}\x00{row.group}"


def of_cause(cause: CauseGroup) -> Selection:
    """All letters of it."""
    return Selection(cause.topic, causes=(cause.cause_id,), groups=(cause.group,) if cause.group else ())


def of_causes(marked: Sequence[CauseGroup], known: Sequence[CauseGroup]) -> Selection | None:
    """All letters of several; None where the words of a selection would mean others as well."""
    causes = tuple(dict.fromkeys(one.cause_id for one in marked))
    groups = tuple(dict.fromkeys(one.group for one in marked if one.group is not None))
    has_unnamed = any(one.group is None for one in marked)
    is_meant: Callable[[CauseGroup], bool] = lambda one: (  # noqa: E731 - one condition, said once
        one.cause_id in causes and (has_unnamed or one.group in groups)
    )
    if {cause_key(one) for one in known if is_meant(one)} != {cause_key(one) for one in marked}:
        return None
    return Selection(marked[0].topic, causes=causes, groups=() if has_unnamed else groups)
