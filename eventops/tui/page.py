"""What every screen is: the lines around it, the questions it asks, and how it repaints."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from eventops.config import Context
from eventops.tui.messages import Entered, Left, Typed
from eventops.tui.watch import Standing, Watch
from eventops.tui.widgets.lines import CommandLine, Keys, Notice, Prompt, StatusLine, Tabs
from eventops.tui.widgets.table import Table

if TYPE_CHECKING:
    from eventops.tui.app import Dashboard

SECTIONS: Final = (("overview", "overview"), ("lag", "lag"), ("trace", "trace"), ("dlq", "dead letters"))
KEYS: Final = ((":", "command"), ("?", "help"), ("q", "quit"))
FILTER: Final = (("/", "filter"),)

_HINTS: Final = {":": "overview · lag [GROUP] · trace ID · dlq [TOPIC] · q", "/": "only rows that hold …"}


class Page(Screen[None]):
    """One screen. Subclasses say what is on it (``body``), what it asks (``watches``) and how it is painted."""

    section: ClassVar[str]
    keys: ClassVar[Sequence[tuple[str, str]]] = ()

    _is_built = False

    @property
    def shell(self) -> Dashboard:
        """The app around it."""
        return cast("Dashboard", self.app)

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The questions that are asked while it is in front; the first one's trouble is the screen's."""
        return ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words after ``eventops`` of the command that prints the same."""
        return (self.section,)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The way down to it from its section."""
        return ()

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """Its own keys that do something now."""
        return self.keys

    def body(self) -> Iterator[Widget]:
        """What is between the lines."""
        raise NotImplementedError

    def paint(self) -> None:
        """Show what is known now; called whenever something came, and once a second."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The lines, and the body between them."""
        yield StatusLine(id="status")
        yield Tabs(id="tabs")
        yield Notice(id="notice")
        yield Vertical(*self.body(), id="body")
        yield CommandLine(id="command")
        yield Keys(id="keys")
        yield Horizontal(Static(id="sign"), Prompt(compact=True), id="prompt")

    def on_mount(self) -> None:
        """Begin with what is known already."""
        self._is_built = True
        self.refresh_all()
        for table in self.query(Table):
            table.focus_rows()
            break

    def on_screen_resume(self) -> None:
        """Back in front: don't show what was known when it was left."""
        for watch in self.watches:
            watch.hurry()
        self.shell.ask_due()
        self.refresh_all()

    def refresh_all(self) -> None:
        """Repaint everything, once there is something to paint on: answers may come before."""
        if not self._is_built:
            return
        now, shell = self.shell.desk.now(), self.shell
        seen = [watch.answered_at for watch in (*self.watches, shell.questions.cluster) if watch.answered_at]
        cluster = shell.questions.cluster.value
        self.query_one(StatusLine).tell(
            shell.desk.context, cluster.cluster_id if cluster else None, max(seen, default=None)
        )
        self.query_one(Tabs).tell(SECTIONS, self.section, self.crumbs)
        self.query_one(Notice).tell(self.trouble())
        self.query_one(CommandLine).tell(shlex.join([*program(shell.desk.context), *self.words]))
        self.query_one(Keys).tell((*self.shown_keys, *(FILTER if self.query(Table) else ()), *KEYS))
        is_stale = any(watch.standing(now) in (Standing.STALE, Standing.SILENT) for watch in self.watches)
        self.query_one("#body").set_class(is_stale, "-stale")
        self.paint()

    def trouble(self) -> str | None:
        """What is wrong with the figures on the screen."""
        now = self.shell.desk.now()
        return next((found for watch in self.watches if (found := watch.trouble(now))), None)

    def prompt(self, sign: str) -> None:
        """Open the line at the bottom."""
        tables = list(self.query(Table))
        if sign == "/" and not tables:
            return
        self.ask(sign, _HINTS[sign], tables[0].needle if sign == "/" else "")

    def ask(self, sign: str, hint: str, text: str = "") -> None:
        """Open the line at the bottom; the answer comes as ``Entered`` or ``Left`` with that sign."""
        self.query_one("#sign", Static).update(Text(f"{sign} "))
        self.query_one(Prompt).ask(sign, hint, text)

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
        self.focus_body()

    def ask_again(self) -> None:
        """Ask everything now."""
        for watch in self.watches:
            watch.hurry()
        self.shell.ask_due()

    def back(self) -> bool:
        """Undo what Escape can undo on this screen; False: nothing, so the screen is left."""
        is_filtered = any(table.needle for table in self.query(Table))
        if is_filtered:
            self._filter("")
        return is_filtered

    def focus_body(self) -> None:
        """Keys are for the screen again."""
        tables = list(self.query(Table))
        if tables:
            tables[0].focus_rows()
        else:
            self.set_focus(None)

    def _filter(self, text: str) -> None:
        for table in self.query(Table):
            table.needle = text


def program(context: Context) -> list[str]:
    """How the cluster in front is reached from the command line; properties may be secrets and aren't repeated."""
    servers = context.bootstrap_servers
    if context.name in (servers, "default"):
        return ["eventops", "-b", servers or "HOST:PORT"]
    return ["eventops", "--context", context.name]
