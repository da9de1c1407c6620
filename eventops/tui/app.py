"""The shell: its keys, how it starts, and how it is left."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent
from textual.widgets import Input

from eventops import config
from eventops.bootstrap import Desk
from eventops.tui import kept
from eventops.tui.aside import stderr_aside
from eventops.tui.commands import Command
from eventops.tui.gate import gated
from eventops.tui.kept import Kept
from eventops.tui.page import SECTIONS
from eventops.tui.threads import Impatient, Sweeper, end_after_patience, responsive, watch_for_hangup
from eventops.tui.wearing import Wearing
from eventops.wording import safe

if TYPE_CHECKING:
    from textual.command import Provider

_TICK: Final = 0.25


def _everything() -> type[Provider]:
    from eventops.tui.finding import Everything

    return Everything


class Dashboard(Wearing):
    """All screens over one desk."""

    CSS_PATH = "eventops.tcss"
    TITLE = "eventops"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_everything}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]  # noqa: RUF012 - as declared by App
    VERTICAL_BREAKPOINTS = [(0, "-low"), (10, "-short"), (18, "-tall")]  # noqa: RUF012 - as declared by App
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"go('{name}')", title) for number, (name, title) in enumerate(SECTIONS, start=1)),
        Binding("colon", "prompt(':')", "a command; Tab completes it", priority=True),
        Binding("slash", "prompt('/')", "filter: text or regex, ! what not; Esc shows all", priority=True),
        Binding("ctrl+p", "command_palette", "the palette: everything, found by a few letters", priority=True),
        Binding("question_mark", "help", "this page"),
        Binding("escape", "back", "back"),
        Binding("r", "ask_again", "ask the cluster now"),
        Binding("p", "pause", "pause: nothing is asked until r, or p once more"),
        Binding("plus", "pace(0.5)", "ask twice as often"),
        Binding("minus", "pace(2.0)", "ask half as often"),
        Binding("W", "writing", "back to what writes, or wrote last"),
        Binding("S", "save_screen", "save the screen here, as SVG"),
        Binding("q", "quit", "leave"),
        Binding("ctrl+c", "quit", "quit", priority=True, show=False),
        Binding("ctrl+z", "suspend_process", "back to the shell; fg comes back here", priority=True, show=False),
    ]

    def __init__(
        self,
        desk: Desk,
        *,
        refresh: float | None = None,
        ended: threading.Event | None = None,
        kept: Kept | None = None,
    ) -> None:
        """``refresh``: seconds between two questions, None: as the last time. ``kept``: what is remembered."""
        super().__init__(desk, refresh, kept)
        self._ended = ended
        self._sweeper = Sweeper()
        self.parting: str | None = None
        """What is to be said once the screen is given back."""

    async def on_event(self, event: Event) -> None:
        """Keys and clicks put off what can wait."""
        if isinstance(event, InputEvent):
            self._sweeper.key()
        await super().on_event(event)

    def on_load(self) -> None:
        """Wait for nobody on the way out."""
        asyncio.get_running_loop().set_default_executor(Impatient())

    def on_mount(self) -> None:
        """Ask once the first screen is painted: until then a worker would only take the time that painting needs."""
        self.dress()
        self.call_after_refresh(self.begin)
        self.set_interval(_TICK, self._tick)
        self.set_interval(1.0, self.repaint)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What opens the line at the bottom has priority, so that it has the focus before the next key of a burst is
        looked at; once somebody types there, its keys are text."""
        if action == "prompt" and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def action_prompt(self, sign: str) -> None:
        """Open the line at the bottom."""
        if (page := self.behind_help()) is not None:
            page.prompt(sign)

    def action_ask_again(self) -> None:
        """Ask everything on the screen now."""
        if (page := self.behind_help()) is not None:
            page.ask_again()

    def action_save_screen(self) -> None:
        """As it stands."""
        try:
            self.notify(f"saved as {self.save_screenshot(path='.')}", markup=False)
        except OSError as error:
            self.notify(f"not saved: {error}", severity="warning", markup=False)

    async def action_quit(self) -> None:
        """What writes is stopped first, where it can be; the second time one leaves at once."""
        writing = self.writing
        if endings := [told for page in writing if (told := page.stop_writing()) is not None]:
            self.notify(f"{'; '.join(endings)}; once more leaves at once", markup=False)
        else:
            if writing:
                self.parting = "\neventops: ".join(page.parting for page in writing)
            self.note()
            self.exit()

    def action_suspend_process(self) -> None:
        """Back to the shell until ``fg``; not while something is written, which would stand still in the middle."""
        if writing := self.writing:
            self.notify(writing[-1].why_not_suspended, markup=False)
        else:
            super().action_suspend_process()

    async def obey(self, command: Command) -> None:
        """What leads to no section."""
        match command.name, command.argument:
            case "quit", _:
                await self.action_quit()
            case "context", str(name):
                await self.go_to_named(name)
            case "writing", _:
                await self.action_writing()
            case "theme", None:
                self.action_change_theme()
            case "theme", str(name) if name in self.available_themes:
                self.theme = name
            case "theme", str(name):
                self.notify(f"no such theme: {safe(name, 40)}; Tab completes them", markup=False)
            case _:
                self.action_help()

    async def _tick(self) -> None:
        await self.hurry_keys()
        if self._ended is not None and self._ended.is_set():
            self.exit()
            return
        self.ask_due()
        self._sweeper.sweep()


def run(desk: Desk, *, refresh: float | None, ended: threading.Event | None = None) -> None:
    """Open the dashboard; returns when it was left or ``ended`` was set. The terminal is restored on SIGTERM too."""
    with responsive(), stderr_aside(), gated() as runner:
        app = Dashboard(desk, refresh=refresh, ended=ended, kept=kept.load(config.state_home() / "dashboard.json"))
        try:
            with _leaving_on_signals(app):
                watch_for_hangup(lambda: app.call_later(app.exit))
                runner.run(app.run_async())
        finally:
            app.kept.save()
            app.let_go()
    if app.parting is not None:
        print(f"eventops: {app.parting}", file=sys.stderr)


@contextmanager
def _leaving_on_signals(app: Dashboard) -> Iterator[None]:
    """A signal only asks the app to leave: nothing is raised in the middle of drawing. Where drawing waits for a line
    that takes nothing, it would be asked for ever: then the process ends without it."""
    timers: list[threading.Timer] = []

    def leave(number: int, _frame: object) -> None:
        app.call_later(app.exit)
        timers.append(end_after_patience(number))

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
