"""What surrounds every screen: its lines, the one at the bottom that asks, and the tables that have the keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from eventops.tui.commands import NAMES
from eventops.tui.messages import Entered, Left, Typed
from eventops.tui.palette import WARN
from eventops.tui.widgets.lines import CommandLine, Notice, StatusLine, Tabs
from eventops.tui.widgets.prompt import Bottom
from eventops.tui.widgets.table import Table

if TYPE_CHECKING:
    from textual.app import App

    from eventops.tui.app import Dashboard

_NARROWEST: Final = 20
"""Columns in which a question can be read, and answered."""
_LINES: Final = 2
"""Of a table of which something is seen: its columns' titles, and a row."""
_NOTHING_TO_SORT: Final = "nothing to sort here: no rows"
_HINTS: Final = {":": " · ".join(NAMES), "/": "text, regex, or !what not to show"}


class Frame(Screen[None]):
    """The lines, and between them what subclasses say (``body``)."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Who loses it and who gets it draw what changes: Textual's own draws the whole screen each time."""
    AUTO_FOCUS: ClassVar[str | None] = ""
    """Nobody by itself: who has the keys is said once it is mounted."""
    worn: str | None = None
    """The theme that it is styled in; None: it isn't yet."""
    _is_built = False
    _narrowed: tuple[str, str] | None = None
    """The filter that a way here has set, and what it lets through."""
    _is_for_sure = False
    """What is asked has to be read before it is answered."""

    @property
    def shell(self) -> Dashboard:
        """The app around it."""
        return cast("Dashboard", self.app)

    def body(self) -> Iterator[Widget]:
        """What is between the lines."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The lines, and the body between them."""
        self.update_classes(sized(self.app), update=False)  # else what is styled for no size is styled once more
        yield StatusLine(id="status")
        yield Tabs(id="tabs")
        yield Notice(id="notice")
        yield Vertical(*self.body(), id="body")
        yield CommandLine(id="command")
        yield Bottom(id="bottom")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be done on a screen that is being built: what it would be done to isn't there yet."""
        return self.is_mounted and super().check_action(action, parameters)

    def prompt(self, sign: str) -> None:
        """Open the line at the bottom."""
        tables = self.shown_tables
        if sign == "/" and not tables:
            self.refuse("nothing to filter here: no rows")
            return
        self.ask(sign, _HINTS[sign], tables[0].needle if sign == "/" else "")

    def ask(self, sign: str, hint: str, text: str = "") -> None:
        """Open the line at the bottom; the answer comes as ``Entered`` or ``Left`` with that sign."""
        self._open(sign, None, hint, text)

    def ask_for_sure(self, sign: str, question: str) -> None:
        """The same over a question that has to be read before it is answered: it stays while somebody types, on as
        many lines as it takes; where they aren't there, it isn't asked."""
        self.app.clear_notifications()  # they would lie over it
        if (room := self._lacking(question)) is None:
            self._open(sign, Text(question), "", "")
            self._is_for_sure = True
        else:
            self.refuse(f"this terminal is too small to confirm a write: it takes {room}")

    def ask_anew(self, sign: str, why: str, hint: str, text: str) -> None:
        """The same question, over what is wrong with the answer, which is there to be mended."""
        self.app.clear_notifications()
        if self._lacking(why) is None:
            self._open(sign, Text(why, WARN), hint, text)
        else:
            self.notify(why, severity="warning", markup=False)
            self._open(sign, None, hint, text)

    def refuse(self, reason: str) -> None:
        """Say why a key does nothing, where text may be typed behind it: that is none of the screen's commands, so it
        is kept from it until Enter or Escape."""
        self._open("✗", Text(reason, WARN), "Esc or Enter goes on", "", is_deaf=True)

    def _open(self, sign: str, question: Text | None, hint: str, text: str, *, is_deaf: bool = False) -> None:
        self._is_for_sure = False
        bottom = self.query_one(Bottom)
        bottom.ask(sign, hint, text, question, suggests=self.shell.complete, is_deaf=is_deaf)

    def _lacking(self, question: str) -> str | None:
        """The size that a question takes; None: there is room."""
        width, height = self.app.size
        wide = max(width, _NARROWEST)
        lines = len(Text(question).wrap(self.app.console, wide - 2)) + 1
        return f"{wide}x{lines}" if width < wide or height < lines else None

    def on_resize(self) -> None:
        """A question that has to be read first, and can't be any more, isn't answered. Who had the keys where it was
        too low to be seen has lost them."""
        self.call_after_refresh(self._give_keys)
        for bottom in self.query(Bottom):
            asked = bottom.asked if self._is_for_sure else None
            if asked is not None and self._lacking(asked[0]) is not None:
                bottom.close()
                self.ask_for_sure(asked[1], asked[0])

    def _give_keys(self) -> None:
        if self.is_mounted and self.focused is None:
            self.focus_body()

    def on_typed(self, message: Typed) -> None:
        """The filter works while it is typed."""
        if message.sign == "/":
            self._filter(message.text)

    def on_left(self, message: Left) -> None:
        """Escape in the filter shows all rows again."""
        if message.sign == "/":
            self._filter("")
        self.focus_body()

    def on_entered(self, message: Entered) -> None:
        """The filter stays; a command is the app's."""
        if message.sign == "/":
            message.stop()
        if not self.query_one(Bottom).is_open:  # a subclass may have asked on
            self.focus_body()

    def action_sort_next(self) -> None:
        """The table in front."""
        if (table := self.front) is None:
            self.notify(_NOTHING_TO_SORT)
        else:
            table.sort_next()
            self._tell_room(table)

    def action_turn_round(self) -> None:
        """The table in front."""
        if (table := self.front) is None:
            self.notify(_NOTHING_TO_SORT)
        elif table.sorting[0] is None:
            self.notify("nothing to turn round: the rows stand as they came, o sorts by a column")
        else:
            table.turn_round()
            self._tell_room(table)

    def _tell_room(self, table: Table[Any]) -> None:
        """That it is sorted isn't seen where low terminals have no line for its rows."""
        if table.size.height < _LINES:
            self.notify("sorted; this terminal is too low to show the rows")

    @property
    def front(self) -> Table[Any] | None:
        """The table that has the keys."""
        tables = self.shown_tables
        return next((table for table in tables if table.has_focus_within), tables[0] if tables else None)

    @property
    def shown_tables(self) -> list[Table[Any]]:
        """Those whose rows can be filtered now."""
        return [table for table in self.query(Table) if table.display]

    def back(self) -> bool:
        """Undo what Escape can undo on this screen; False: nothing, so the screen is left."""
        is_filtered = any(table.needle for table in self.query(Table))
        if is_filtered:
            self._filter("")
        return is_filtered

    def focus_body(self) -> None:
        """Keys are for the screen again."""
        tables, texts = self.query(Table), self.query("#whole")
        if tables:
            tables.first().focus_rows()
        else:
            self.set_focus(texts.first() if texts else None)

    def narrow_to(self, text: str, what: str | None = None) -> None:
        """Show only rows for that filter; Escape shows them all. ``what``: what somebody came here for; None: they
        wrote it themselves."""
        self._narrowed = None if what is None else (text, what)
        self._filter(text)

    @property
    def narrowed_to(self) -> str | None:
        """What somebody came here for, while only that is shown; None: the filter, if any, is the operator's own."""
        if self._narrowed is None:
            return None
        text, what = self._narrowed
        return what if any(table.needle == text for table in self.query(Table)) else None

    def _filter(self, text: str) -> None:
        for table in self.query(Table):
            table.needle = text


def sized(app: App[Any]) -> Mapping[str, bool]:
    """The classes of the terminal's size, as Textual gives them once a screen was laid out for the first time."""
    found: dict[str, bool] = {}
    for limits, size in ((app.HORIZONTAL_BREAKPOINTS, app.size.width), (app.VERTICAL_BREAKPOINTS, app.size.height)):
        reached = [name for limit, name in limits or () if size >= limit]
        found |= {name: name == reached[-1] for _, name in limits or ()}
    return found
