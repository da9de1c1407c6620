"""The shell: which screen is in front, the questions that are asked meanwhile, and how the dashboard is left."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import get_current_worker

from eventops.bootstrap import Desk
from eventops.errors import EventopsError
from eventops.tui.dlq import CausesPage, TopicsPage
from eventops.tui.help import HelpPage
from eventops.tui.history import History
from eventops.tui.lag import GroupPage, LagPage
from eventops.tui.messages import Answered, Entered, NotAnswered
from eventops.tui.overview import OverviewPage
from eventops.tui.page import SECTIONS, Page
from eventops.tui.palette import THEME
from eventops.tui.questions import Questions
from eventops.tui.threads import Impatient
from eventops.tui.trace import TracePage
from eventops.tui.watch import Watch
from eventops.wording import safe

_TICK: Final = 0.25


class Dashboard(App[None]):
    """Four screens over one desk."""

    CSS_PATH = "eventops.tcss"
    TITLE = "eventops"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, Any]] = {"overview": OverviewPage, "lag": LagPage, "trace": TracePage, "dlq": TopicsPage}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]  # noqa: RUF012 - as declared by App
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"go('{name}')", title) for number, (name, title) in enumerate(SECTIONS, start=1)),
        Binding("colon", "prompt(':')", "command"),
        Binding("slash", "prompt('/')", "filter"),
        Binding("question_mark", "help", "help"),
        Binding("escape", "back", "back"),
        Binding("r", "ask_again", "refresh"),
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", "quit", priority=True, show=False),
    ]

    def __init__(self, desk: Desk, *, refresh: float, ended: threading.Event | None = None) -> None:
        super().__init__()
        self.desk = desk
        self.history = History()
        self.questions = Questions(desk, refresh, self.history)
        self._ended = ended
        self._came_from: str | None = None

    async def on_mount(self) -> None:
        """Leave on SIGTERM too, and wait for nobody on the way out."""
        self.register_theme(THEME)
        self.theme = THEME.name
        asyncio.get_running_loop().set_default_executor(Impatient())
        self.set_interval(_TICK, self._tick)
        self.set_interval(1.0, self._repaint)
        await self.switch_mode("overview")

    def ask_due(self) -> None:
        """Ask what is due: the lag always, so that its history has no holes, and what the screen in front wants."""
        now = self.desk.now()
        asked: tuple[Watch[Any], ...] = (self.questions.lag, self.questions.cluster, *self._wanted())
        for watch in asked:
            if watch.is_due(now):
                self.ask(watch)

    def ask(self, watch: Watch[Any]) -> None:
        """Ask one question in a worker; it answers with a message."""
        watch.put(self.desk.now())
        self.run_worker(lambda: self._question(watch), thread=True, name=watch.name, exit_on_error=False)

    def _question(self, watch: Watch[Any]) -> None:
        message: Answered | NotAnswered
        try:
            message = Answered(watch, watch.ask())
        except EventopsError as error:
            message = NotAnswered(watch, str(error))
        except Exception as error:  # noqa: BLE001 - a defect in one question is told, the screen stays
            message = NotAnswered(watch, f"a defect of eventops itself: {type(error).__name__}: {error}")
        if not get_current_worker().is_cancelled:
            self.post_message(message)

    def on_answered(self, message: Answered) -> None:
        """Keep it, and show it where it is wanted."""
        message.watch.take(message.value, self.desk.now())
        self._repaint()

    def on_not_answered(self, message: NotAnswered) -> None:
        """What was known stays, marked as old."""
        message.watch.miss(message.reason)
        self._repaint()

    async def action_go(self, section: str) -> None:
        """A section as it was left; its own key again leads back to its top."""
        self._came_from = None
        if self.current_mode == section:
            await self._to_top()
        else:
            await self.switch_mode(section)

    async def open(self, section: str, *pages: Page) -> None:
        """The top of a section with pages over it; Escape at its top leads back to where one came from."""
        came_from = self.current_mode
        await self.switch_mode(section)
        await self._to_top()
        for page in pages:
            await self.push_screen(page)
        self._came_from = came_from if came_from != section else None

    async def trace(self, identifier: str) -> None:
        """What happened to a request."""
        await self.open("trace")
        if isinstance(self.screen, TracePage):
            self.screen.search(identifier)

    def action_prompt(self, sign: str) -> None:
        """Open the line at the bottom."""
        if isinstance(self.screen, Page):
            self.screen.prompt(sign)

    def action_help(self) -> None:
        """All keys."""
        if not isinstance(self.screen, HelpPage):
            self.push_screen(HelpPage())

    async def action_back(self) -> None:
        """One step back: a filter, a screen, the section one came from."""
        if isinstance(self.screen, Page) and self.screen.back():
            return
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        elif self._came_from is not None:
            section, self._came_from = self._came_from, None
            await self.switch_mode(section)

    def action_ask_again(self) -> None:
        """Ask everything on the screen now."""
        if isinstance(self.screen, Page):
            self.screen.ask_again()

    async def on_entered(self, message: Entered) -> None:
        """A command."""
        match message.text.split():
            case ["q" | "quit"]:
                self.exit()
            case ["overview" | "lag" | "trace" | "dlq" as section]:
                await self.open(section)
            case ["lag", group]:
                await self.open("lag", GroupPage(group))
            case ["trace", identifier]:
                await self.trace(identifier)
            case ["dlq", topic]:
                await self.open("dlq", CausesPage(topic))
            case [_, *_]:
                self.notify(f"no such command: {safe(message.text, 40)}; ? lists them", markup=False)

    async def _to_top(self) -> None:
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    def _wanted(self) -> tuple[Watch[Any], ...]:
        screen: Screen[Any] = self.screen
        return screen.watches if isinstance(screen, Page) else ()

    def _tick(self) -> None:
        if self._ended is not None and self._ended.is_set():
            self.exit()
            return
        self.ask_due()

    def _repaint(self) -> None:
        if isinstance(self.screen, Page):
            self.screen.refresh_all()


def run(desk: Desk, *, refresh: float, ended: threading.Event | None = None) -> None:
    """Open the dashboard; returns when it was left or ``ended`` was set. The terminal is restored on SIGTERM too."""
    app = Dashboard(desk, refresh=refresh, ended=ended)
    with _leaving_on_signals(app):
        app.run()


@contextmanager
def _leaving_on_signals(app: Dashboard) -> Iterator[None]:
    """A signal only asks the app to leave: nothing is raised in the middle of drawing."""

    def leave(*_signal: object) -> None:
        app.call_later(app.exit)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
