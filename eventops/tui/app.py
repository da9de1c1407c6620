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
from eventops.lag.model import GroupSelection, LagReport
from eventops.ports import Cluster
from eventops.tui.history import History
from eventops.tui.lag import LagPage
from eventops.tui.messages import Answered, Entered, NotAnswered
from eventops.tui.page import SECTIONS, Page
from eventops.tui.palette import THEME
from eventops.tui.threads import Impatient
from eventops.tui.watch import Watch

_TICK: Final = 0.25


class Dashboard(App[None]):
    """Four screens over one desk."""

    CSS_PATH = "eventops.tcss"
    TITLE = "eventops"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, Any]] = {"lag": LagPage}
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
        self.every = refresh
        self.history = History()
        self.lag: Watch[LagReport] = Watch("lag", lambda: desk.lag.snapshot(GroupSelection(), desk.now()), refresh)
        self.cluster: Watch[Cluster] = Watch("cluster", lambda: desk.broker.cluster(), max(refresh, 10.0))
        self._ended = ended

    async def on_mount(self) -> None:
        """Leave on SIGTERM too, and wait for nobody on the way out."""
        self.register_theme(THEME)
        self.theme = THEME.name
        asyncio.get_running_loop().set_default_executor(Impatient())
        self.set_interval(_TICK, self._tick)
        self.set_interval(1.0, self._repaint)
        await self.switch_mode("lag")

    def ask_due(self) -> None:
        """Ask what is due: the lag always, so that its history has no holes, and what the screen in front wants."""
        now = self.desk.now()
        for watch in {id(one): one for one in (self.lag, self.cluster, *self._wanted())}.values():
            if watch.is_due(now):
                self.ask(watch)

    def ask(self, watch: Watch[Any]) -> None:
        """Ask one question in a worker; it answers with a message."""
        watch.put(self.desk.now())
        self.run_worker(lambda: self._question(watch), thread=True, name=watch.name, exit_on_error=False)

    def _question(self, watch: Watch[Any]) -> None:
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
        if message.watch is self.lag:
            self.history.add(message.value)
        self._repaint()

    def on_not_answered(self, message: NotAnswered) -> None:
        """What was known stays, marked as old."""
        message.watch.miss(message.reason)
        self._repaint()

    async def action_go(self, section: str) -> None:
        """A section as it was left; its own key again leads back to its top."""
        if self.current_mode == section:
            while len(self.screen_stack) > 1:
                await self.pop_screen()
        else:
            await self.switch_mode(section)

    def action_prompt(self, sign: str) -> None:
        """Open the line at the bottom."""
        if isinstance(self.screen, Page):
            self.screen.prompt(sign)

    async def action_back(self) -> None:
        """One step back: a filter, a screen."""
        if isinstance(self.screen, Page) and self.screen.back():
            return
        if len(self.screen_stack) > 1:
            await self.pop_screen()

    def action_ask_again(self) -> None:
        """Ask everything on the screen now."""
        for watch in self._wanted():
            if not watch.is_out:
                self.ask(watch)

    async def on_entered(self, message: Entered) -> None:
        """A command."""
        words = message.text.split()
        if words and words[0] in ("q", "quit"):
            self.exit()

    def _wanted(self) -> tuple[Watch[Any], ...]:
        screen: Screen[Any] = self.screen
        return screen.watches if isinstance(screen, Page) else ()

    def _tick(self) -> None:
        if self._ended is not None and self._ended.is_set():
            self.exit()
            return
        self.ask_due()

    def _repaint(self) -> None:
        if isinstance(self.screen, Page) and self.screen.is_mounted:
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
