"""What every screen is: the lines around it, the questions it asks, and how it repaints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import ScreenResume

from eventops.ports import Gap
from eventops.tui.clipboard import copy
from eventops.tui.frame import Frame
from eventops.tui.quoting import program, shell_line
from eventops.tui.target import Target
from eventops.tui.watch import Standing, Watch
from eventops.tui.widgets.lines import CommandLine, Freshness, Keys, Lasting, Notice, StatusLine, Tabs
from eventops.tui.widgets.table import Table
from eventops.wording import is_shell_word, plural, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk

SECTIONS: Final = (
    ("overview", "overview"),
    ("lag", "lag"),
    ("trace", "trace"),
    ("dlq", "dead letters"),
    ("topics", "topics"),
    ("events", "events"),
)
COMMAND: Final = ((":", "command"),)
ALWAYS: Final = (("?", "help"), ("q", "quit"))
FILTER: Final = (("/", "filter"),)


_WRITE_KEYS: Final = {
    "R": "R plans a replay where letters are, and a reset where a group is",
    "D": "D discards letters: where they are",
    "U": "U restores letters: where they are",
    "x": "x executes a plan, and there is none here",
}
"""Keys that write, after their plan, on other screens: who presses one here may type on, for a name or a reason."""


class Page(Frame):
    """One screen. Subclasses say what is on it (``body``), what it asks (``watches``) and how it is painted. Textual
    calls the handlers (``on_…``) of all its classes, the subclass's first: calling the parent's would do it twice."""

    section: ClassVar[str]
    keys: ClassVar[Sequence[tuple[str, str]]] = ()
    is_wanted = False
    """The operator asked for an answer that hasn't come yet."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "trace_it", "trace it: its request, or a group's oldest waiting record"),
        Binding("d", "letters_of_it", "its dead letters"),
        Binding("y", "copy_command", "copy the command that prints this screen"),
        Binding("c", "copy_id", "copy the id under the cursor"),
        Binding("o", "sort_next", "sort by the next column (or click on its title)"),
        Binding("O", "turn_round", "sort the other way round"),
        *(Binding(key, f"refuse_key({key!r})", what, show=False) for key, what in _WRITE_KEYS.items()),
    ]

    @cached_property
    def desk(self) -> Desk:
        """The cluster that it was opened at: whatever it asks and writes goes there, until it is gone."""
        return self.shell.desk

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

    @property
    def command(self) -> str:
        """What prints the same, as a shell takes it."""
        return shell_line([*program(self.shell.desk.context), *self.words])

    @property
    def answered_at(self) -> datetime | None:
        """The oldest of the answers that are shown."""
        return min((watch.answered_at for watch in self.watches if watch.answered_at), default=None)

    @property
    def freshness(self) -> Freshness | None:
        """How old it is; None: it never changes."""
        is_paused = self.shell.is_paused
        return Freshness(self.answered_at, self.shell.desk.now(), self.pace, is_paused, self.is_wanted, self.is_told)

    @property
    def is_told(self) -> bool:
        """Why nothing is known is said, and it isn't that nobody answers."""
        is_refused = any(watch.is_told and watch.failure for watch in self.watches)
        return is_refused or (not self.watches and self.trouble() is not None)

    @property
    def unfinished(self) -> str | None:
        """What is lost of it where it is closed."""
        return None

    @property
    def is_writing(self) -> bool:
        """It isn't left now, where nobody would see what it does."""
        return False

    @property
    def pace(self) -> float | None:
        """Seconds from one answer to the next; None: nothing is asked again by itself."""
        return max((watch.pace for watch in self.watches), default=None)

    def target(self) -> Target | None:
        """What ``t`` and ``d`` are about: the row under the cursor, as a rule. None: nothing is there."""
        return None

    def paint(self) -> None:
        """Show what is known now; called whenever something came, and once a second."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The lines, and the body; from now on it belongs to the cluster in front, for its workers too."""
        _ = self.desk
        yield from super().compose()

    def on_mount(self) -> None:
        """Begin with what is known already."""
        if not self.shell.is_running:  # it was left while this was built: what belongs on it never will be
            return
        self._is_built, self.worn = True, self.shell.theme
        self.shell.recall(self)
        self.refresh_all()
        self.focus_body()

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Back in front: don't show what was known when it was left."""
        event.refresh_styles = False  # what changes styles restyles by itself, on screens behind too: see `Wearing`
        for watch in self.watches:
            watch.hurry()
        self.shell.ask_due()
        self.refresh_all()

    def on_screen_suspend(self) -> None:
        """What nobody looks at isn't read."""
        self.leave()

    def on_unmount(self) -> None:
        """What nobody looks at isn't read."""
        self.leave()

    def leave(self) -> None:
        """End the readings that are this screen's own; it asks again when it is back in front."""
        shared = self.shell.questions.shared
        for watch in self.watches:
            if watch not in shared:
                watch.let_go()

    def refresh_all(self) -> None:
        """Repaint everything, while there is something to paint on: answers and keys may come before and after."""
        if not (self._is_built and self.is_current and self.is_attached and self.query(StatusLine)):
            return
        now, shell = self.shell.desk.now(), self.shell
        self.is_wanted = self.is_wanted and self.is_asked
        cluster = shell.questions.cluster.value
        cluster_id = cluster.cluster_id if cluster else None
        age, sign = self.freshness or Lasting(shell.is_paused), shell.sign_of_writing(self)
        self.query_one(StatusLine).tell(shell.desk.context, cluster_id, age, sign)
        self.query_one(Tabs).tell(SECTIONS, self.section, self.crumbs)
        trouble, alarm, left_out = self.trouble(), self.alarm(), self.left_out()
        self.query_one(Notice).tell(trouble or alarm or left_out, is_bad=bool(trouble or alarm))
        for table in self.query(Table):
            table.waiting, table.is_partial = self._why_empty(trouble), left_out is not None
        self.query_one(CommandLine).tell(self.command)
        is_stale = any(watch.standing(now) in (Standing.STALE, Standing.SILENT) for watch in self.watches)
        self.query_one("#body").set_class(is_stale, "-stale")
        self.paint()
        self.tell_keys()  # of what is shown now

    def tell_keys(self) -> None:
        """Those that do something now."""
        keys = (*self.shown_keys, *(FILTER if self.shown_tables else ()), *COMMAND)
        self.query_one(Keys).tell(keys, ALWAYS)

    def trouble(self) -> str | None:
        """What is wrong with the figures on the screen."""
        now = self.shell.desk.now()
        return next((found for watch in self.watches if (found := watch.trouble(now))), None)

    def alarm(self) -> str | None:
        """What is wrong with the cluster, and no matter of what was read; None: nothing that this screen knows of."""
        return None

    def gaps(self) -> Sequence[Gap]:
        """What of it couldn't be read."""
        return [gap for watch in self.watches for gap in watch.gaps]

    def left_out(self) -> str | None:
        """What the answers themselves say they don't cover: none of it is shown as nothing."""
        gaps = self.gaps()
        if not gaps:
            return None
        first = f"{safe(gaps[0].subject, 60)}: {safe(gaps[0].reason, 200)}"
        return f"not everything could be read, {plural(len(gaps), 'gap')}; {first}"

    def ask_again(self) -> None:
        """Ask everything now, also while the dashboard is paused."""
        if not self.watches:
            self.notify("nothing to ask: what is shown here stays as it is")
            return
        self.shell.ask_now(self.watches)
        self.is_wanted = True
        self.refresh_all()

    @property
    def is_asked(self) -> bool:
        """An answer is under way."""
        return any(watch.is_out for watch in self.watches)

    async def action_trace_it(self) -> None:
        """The request of what is under the cursor."""
        target = self.target()
        if target is None:
            self.tell_nothing("to trace")
        elif target.identifier is not None:
            await self.shell.trace(target.identifier, target.at)
        elif target.waiting is not None:
            self.shell.trace_waiting(target.waiting)
        else:
            self.notify("no correlation id and no waiting record here, so nothing leads to a trace")

    async def action_letters_of_it(self) -> None:
        """The dead letters of what is under the cursor."""
        target = self.target()
        if target is None:
            self.tell_nothing("to look up dead letters for")
        else:
            await self.shell.open_letters(target)

    def on_table_missed(self, message: Table.Missed) -> None:
        """Enter where no row is."""
        message.stop()
        self.tell_nothing("to open")

    def tell_nothing(self, what: str) -> None:
        """No row is under the cursor, and why, where it isn't that there are none."""
        is_known = all(watch.value is not None for watch in self.watches[:1])
        self.notify(f"nothing under the cursor {what}" if is_known else self._why_empty(self.trouble()), markup=False)

    def action_refuse_key(self, key: str) -> None:
        """Nothing can be written from here."""
        self.refuse(f"nothing happens here: {_WRITE_KEYS[key]}")

    def action_copy_command(self) -> None:
        """By the terminal's own clipboard (OSC 52), so that it works over SSH."""
        if not all(map(is_shell_word, (*program(self.shell.desk.context), *self.words))):
            self.notify("not copied: a name in it has signs that no command line carries", severity="warning")
            return
        copy(self, self.command, self.command, None)

    def action_copy_id(self) -> None:
        """The request's or event's, to be pasted anywhere."""
        target = self.target()
        if target is None or target.identifier is None:
            self.notify("no id under the cursor")
        else:
            copy(self, safe(target.identifier), target.identifier)

    def _why_empty(self, trouble: str | None) -> str:
        """Why there are no rows before the first answer."""
        if trouble is not None:
            return "not known: see above"
        if self.shell.is_paused:
            return "paused: r asks the cluster"
        progress = next((told for watch in self.watches if (told := watch.progress)), None)
        return "asking the cluster …" if progress is None else f"reading … {progress}"
