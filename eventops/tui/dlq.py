"""What failed, why, and can it be put back? Topics, then causes; :mod:`.letters` goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Generic

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import ScreenResume
from textual.widget import Widget
from textual.widgets import Static

from eventops.dlq.model import CauseGroup, Letter, LettersReport, Selection
from eventops.dlq.replay_model import Action
from eventops.tui import letter_text, quoting
from eventops.tui.dlq_columns import cause_columns, most_open, of_them_again, topic_columns
from eventops.tui.ledger import LedgerPage
from eventops.tui.messages import Entered
from eventops.tui.page import Page
from eventops.tui.replay import ReplayPage
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.columns import Row
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import plural

_WHY: Final = "why"
_WHY_RESTORED: Final = "why back"
_LIST: Final = (("Enter", "causes"), ("R", "replay"), ("D", "discard"), ("h", "history"))


class LettersOf(Page):
    """What the screens of one dead-letter topic share."""

    section = "dlq"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "replay", "replay what is marked, or under the cursor: the plan first"),
        Binding("D", "discard", "discard what is marked, or under the cursor, with a reason: the plan first"),
        Binding("U", "restore", "restore what was discarded or parked, marked or under the cursor: the plan first"),
        Binding("h", "history", "what was done about its letters, and what came of it"),
    ]

    _meant: Selection | None = None
    """What was chosen when a reason was asked for: whatever is under the cursor by the time it is typed."""

    def selection(self) -> Selection | None:
        """What ``R``, ``D`` and ``U`` are about; None: nothing to choose from."""
        raise NotImplementedError

    def action_replay(self) -> None:
        """The plan first; nothing is written by coming here."""
        if (selection := self._chosen()) is not None:
            self.open_plan(ReplayPage(selection))

    def action_discard(self) -> None:
        """Why? The ledger keeps it with the operator's name."""
        if (chosen := self._chosen()) is not None:
            self._meant = chosen
            self.ask(_WHY, "why are they written off? The ledger keeps it with your name")

    def action_restore(self) -> None:
        """Why? That may be left open."""
        if (chosen := self._chosen()) is not None:
            self._meant = chosen
            self.ask(_WHY_RESTORED, "why are they open again? May be left empty")

    def open_plan(self, page: ReplayPage) -> None:
        """Go to a plan for what is chosen here."""
        self.shell.push_screen(page)

    def action_history(self) -> None:
        """Of the topic under the cursor, or of this one."""
        if (selection := self.selection()) is not None:
            self.shell.push_screen(LedgerPage(selection.topic))

    def on_entered(self, message: Entered) -> None:
        """A reason, for a plan."""
        action = {_WHY: Action.DISCARD, _WHY_RESTORED: Action.RESTORE}.get(message.sign)
        if action is None:
            return
        message.stop()
        selection, self._meant = self._meant, None
        if selection is None:
            return
        if action is Action.DISCARD and not message.text:
            self.notify("not discarded: a reason is needed", severity="warning", markup=False)
            return
        self.open_plan(ReplayPage(selection, action=action, reason=message.text or None))

    def now(self) -> datetime:
        """The desk's clock."""
        return self.shell.desk.now()

    def _chosen(self) -> Selection | None:
        selection = self.selection()
        if selection is None:
            self.notify("nothing is chosen here")
        return selection


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
        self.query_one("#topics", Table).show(topics, note=of_them_again(topics, is_low=self.has_class("-low")))

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


class Marking(LettersOf, Generic[Row]):
    """Rows can be marked, to deal with several at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark it, to deal with several at once"),
        Binding("a", "mark_all", "mark all rows that are shown, or take their marks away"),
    ]

    _plan: ReplayPage | None = None
    """The last plan that was made here."""
    _planned: frozenset[str] = frozenset()
    """The marks that it came from."""

    @property
    def _table(self) -> Table[Row]:
        raise NotImplementedError

    @property
    def chosen_marks(self) -> frozenset[str]:
        """The marks that ``R``, ``D`` and ``U`` are about now; none: the row under the cursor is meant."""
        return frozenset(self._table.marked)

    def open_plan(self, page: ReplayPage) -> None:
        """Know which marks it came from."""
        self._plan, self._planned = page, self.chosen_marks
        super().open_plan(page)

    def on_screen_resume(self, _event: ScreenResume) -> None:
        """Marks don't outlive their deed: the next one would be about them, wherever the cursor is."""
        if self._plan is not None and self._plan.is_carried_out:
            self._plan = None
            self._table.unmark(self._planned)
            self.refresh_all()

    def action_mark(self) -> None:
        """For a replay of several."""
        self._table.toggle_mark()
        self.refresh_all()

    def action_mark_all(self) -> None:
        """For a replay of all that the filter lets through."""
        self._table.toggle_marks()
        self.refresh_all()

    def deeds(self, one: str) -> tuple[tuple[str, str], ...]:
        """``R`` and ``D`` with what they are about; ``one``: what a row is."""
        number = len(self.chosen_marks)
        what = plural(number, one) if number else one
        return (("R", f"replay {what}"), ("D", "discard them" if number > 1 else "discard"))

    def back(self) -> bool:
        """The filter first, then marks."""
        if super().back():
            return True
        if not self._table.unmark():
            return False
        self.refresh_all()
        return True


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
        """The marked causes, else the one under the cursor, of its group."""
        marked = self._table.marked_rows
        row = self._table.current
        if not marked:
            return None if row is None else of_cause(row)
        report: LettersReport | None = self.watches[0].value
        selection = of_causes(marked, report.causes if report else ())
        if selection is None:
            self.notify("these causes and groups can't be told in one selection: mark fewer", markup=False)
        return selection

    @property
    def chosen_marks(self) -> frozenset[str]:
        """Those of the causes that are shown."""
        return frozenset(map(cause_key, self._table.marked_rows))

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
