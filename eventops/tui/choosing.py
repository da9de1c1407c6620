"""Which letters a deed is about: what is marked, or under the cursor. What the screens of dead letters share."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, Generic

from textual.binding import Binding, BindingType
from textual.events import ScreenResume

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import Action
from eventops.tui.ledger import LedgerPage
from eventops.tui.messages import Entered
from eventops.tui.page import Page
from eventops.tui.replay import ReplayPage
from eventops.tui.widgets.columns import Row
from eventops.tui.widgets.table import Table
from eventops.wording import plural

_WHY: Final = "why"
_WHY_RESTORED: Final = "why back"


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
        else:
            self.tell_nothing("that has a history")

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
            self._meant = selection
            self.ask(_WHY, "a reason is needed: why are they written off? Esc: don't")
            return
        self.open_plan(ReplayPage(selection, action=action, reason=message.text or None))

    def now(self) -> datetime:
        """The desk's clock."""
        return self.shell.desk.now()

    @property
    def unchosen(self) -> str:
        """Why there is no selection."""
        is_known = all(watch.value is not None for watch in self.watches[:1])
        told = "no letters are under the cursor, and none are marked" if is_known else self._why_empty(self.trouble())
        return f"nothing is chosen here: {told}"

    def _chosen(self) -> Selection | None:
        selection = self.selection()
        if selection is None:
            self.refuse(self.unchosen)
        return selection


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
        if self._table.current is None:
            self.tell_nothing("to mark")
        self._table.toggle_mark()
        self.refresh_all()

    def action_mark_all(self) -> None:
        """For a replay of all that the filter lets through."""
        if not self._table.rows:
            self.tell_nothing("to mark")
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
