"""What failed, why, and can it be put back? Topics, then causes, then letters, then one letter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from eventops.dlq.model import CauseGroup, Letter, LettersReport, Selection
from eventops.events import Position
from eventops.tui import letter_text
from eventops.tui.dlq_columns import cause_columns, letter_columns, state, topic_columns
from eventops.tui.page import Page, Target
from eventops.tui.palette import FAINT
from eventops.tui.replay import ReplayPage
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import count

_EVERY: Final = 5.0
"""Seconds between two readings of one letter."""
_MOST_ROWS: Final = 1000
"""Letters of one cause on one screen, the newest; the command prints them all."""


class LettersOf(Page):
    """What the screens of one dead-letter topic share."""

    section = "dlq"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("R", "replay", "replay topic, cause or letter: the plan first")]

    def selection(self) -> Selection | None:
        """What ``R`` would put back; None: nothing to choose from."""
        raise NotImplementedError

    def action_replay(self) -> None:
        """The plan first; nothing is written by coming here."""
        if (selection := self.selection()) is not None:
            self.shell.push_screen(ReplayPage(selection))

    def now(self) -> datetime:
        """The desk's clock."""
        return self.shell.desk.now()


class TopicsPage(LettersOf):
    """All dead-letter topics."""

    keys = (("Enter", "causes"), ("R", "replay topic"))

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
            empty="No dead-letter topic here: nothing failed, or it is kept elsewhere; `:dlq TOPIC` opens any topic.",
            name="topics",
        )

    def paint(self) -> None:
        """Most open letters first."""
        report = self.shell.questions.letters.value
        topics = None if report is None else sorted(report.topics, key=lambda one: (-one.open, -one.total, one.topic))
        self.query_one("#topics", Table).show(topics)

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


class CausesPage(LettersOf):
    """One topic by cause and group."""

    keys = (("Enter", "letters"), ("R", "replay cause"), ("Esc", "back"))

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The topic's letters, which the screens below share."""
        return (self.shell.questions.letters_of(self.topic),)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("dlq", "groups", self.topic)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The topic."""
        return (self.topic,)

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "Causes",
            cause_columns(self.now),
            _cause_key,
            empty="No letters in this topic. Esc goes back.",
            name="causes",
        )

    def paint(self) -> None:
        """As the room orders them: most open letters first."""
        report: LettersReport | None = self.watches[0].value
        self.query_one("#causes", Table).show(None if report is None else report.causes)

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """Its letters."""
        self.shell.push_screen(LettersPage(self.watches[0], message.row))

    def target(self) -> Target | None:
        """An example of the cause under the cursor."""
        row = self.query_one("#causes", Table).current
        return None if row is None else about(row.example)

    def selection(self) -> Selection | None:
        """The cause under the cursor, of its group."""
        row = self.query_one("#causes", Table).current
        return None if row is None else _selection(row)


class LettersPage(LettersOf):
    """The letters of one cause and group, the newest first."""

    keys = (("Enter", "letter"), ("R", "replay cause"), ("Esc", "back"))

    def __init__(self, letters: Watch[LettersReport], cause: CauseGroup) -> None:
        super().__init__()
        self._letters = letters
        self._cause = cause

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The same as the causes'."""
        return (self._letters,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        group = ("--group", self._cause.group) if self._cause.group else ()
        return ("dlq", "show", self._cause.topic, "--cause", self._cause.cause_id, *group)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Topic and cause."""
        return (self._cause.topic, self._cause.cause_key)

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "Letters",
            letter_columns(self.now),
            lambda row: str(row.position),
            empty="No letters of this cause any more. Esc goes back.",
            name="letters",
        )

    def paint(self) -> None:
        """The newest first, up to a bound that is told."""
        report: LettersReport | None = self._letters.value
        table: Table[Letter] = self.query_one("#letters", Table)
        if report is None:
            table.show(None)
            return
        found = [one for one in report.letters if (one.cause, one.group) == (self._cause.cause, self._cause.group)]
        bound = f"the newest of {count(len(found))}; the command below prints all" if len(found) > _MOST_ROWS else ""
        table.show(list(reversed(found))[:_MOST_ROWS], note=bound)

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """It alone."""
        self.shell.push_screen(LetterPage(message.row.position))

    def target(self) -> Target | None:
        """The letter under the cursor."""
        row: Letter | None = self.query_one("#letters", Table).current
        return None if row is None else about(row)

    def selection(self) -> Selection | None:
        """All of the cause."""
        return _selection(self._cause)


class LetterPage(LettersOf):
    """One letter: what it is, why it failed, its payload and stack trace."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "trace_it", "trace", show=False)]
    keys = (("Enter", "trace"), ("R", "replay letter"), ("Esc", "back"))

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position
        self._letter: Watch[Letter] | None = None

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The letter, for its state may change."""
        if self._letter is None:
            desk = self.shell.desk
            self._letter = Watch("letter", lambda: desk.dlq.letter(self.position), _EVERY)
        return (self._letter,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("dlq", "show", str(self.position))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Where it stands."""
        return (str(self.position),)

    def body(self) -> Iterator[Widget]:
        """A long text."""
        yield VerticalScroll(Said(id="letter"))

    def on_mount(self) -> None:
        """Arrow keys scroll the text."""
        super().on_mount()
        self.focus_body()

    def focus_body(self) -> None:
        """Arrow keys scroll the text."""
        self.query_one(VerticalScroll).focus()

    def paint(self) -> None:
        """The whole letter."""
        found: Letter | None = self.watches[0].value
        text = Text("asking the cluster …", FAINT) if found is None else letter_text.letter(found, state(found.state))
        self.query_one("#letter", Static).update(text)

    def target(self) -> Target | None:
        """This one."""
        found: Letter | None = self.watches[0].value
        return None if found is None else about(found)

    def selection(self) -> Selection | None:
        """This one."""
        return Selection(self.position.topic, positions=(self.position,))


def about(letter: Letter) -> Target:
    """Its request, else its event, else the record that failed."""
    ids = letter.event.ids
    return Target(identifier=ids.correlation_id or ids.event_id, letter=letter.position)


def _cause_key(row: CauseGroup) -> str:
    return f"{row.topic}\x00{row.cause_id}\x00{row.group}"


def _selection(cause: CauseGroup) -> Selection:
    return Selection(cause.topic, causes=(cause.cause_id,), groups=(cause.group,) if cause.group else ())
