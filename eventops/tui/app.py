"""The shell: which screen is in front, the questions that are asked meanwhile, and how the dashboard is left."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent

from eventops.bootstrap import Desk
from eventops.tui import commands
from eventops.tui.asking import Asking
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage, LetterPage, TopicsPage
from eventops.tui.help import HelpPage
from eventops.tui.lag import GroupPage, LagPage
from eventops.tui.messages import Entered, WaitingFound
from eventops.tui.overview import OverviewPage
from eventops.tui.page import SECTIONS, Page, Target
from eventops.tui.palette import THEME
from eventops.tui.questions import letter_topics_of
from eventops.tui.replay import ReplayPage
from eventops.tui.threads import Impatient, Sweeper, responsive
from eventops.tui.topics import TopicListPage, TopicPage
from eventops.tui.trace import TracePage
from eventops.tui.widgets.lines import Prompt
from eventops.wording import safe

_TICK: Final = 0.25


class Dashboard(Asking):
    """Five screens over one desk."""

    CSS_PATH = "eventops.tcss"
    TITLE = "eventops"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, Any]] = {
        "overview": OverviewPage,
        "lag": LagPage,
        "trace": TracePage,
        "dlq": TopicsPage,
        "topics": TopicListPage,
    }
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]  # noqa: RUF012 - as declared by App
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012 - as declared by App
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"go('{name}')", title) for number, (name, title) in enumerate(SECTIONS, start=1)),
        Binding("colon", "prompt(':')", "a command; Tab completes it", priority=True),
        Binding("slash", "prompt('/')", "filter: text or regex, ! what not; Esc shows all", priority=True),
        Binding("question_mark", "help", "this page"),
        Binding("escape", "back", "back"),
        Binding("r", "ask_again", "ask the cluster now"),
        Binding("p", "pause", "pause: nothing is asked until r, or p once more"),
        Binding("plus", "pace(0.5)", "ask twice as often"),
        Binding("minus", "pace(2.0)", "ask half as often"),
        Binding("S", "save_screen", "save the screen here, as SVG"),
        Binding("q", "quit", "leave"),
        Binding("ctrl+c", "quit", "quit", priority=True, show=False),
    ]

    def __init__(self, desk: Desk, *, refresh: float, ended: threading.Event | None = None) -> None:
        super().__init__(desk, refresh)
        self.replay: ReplayPage | None = None
        """The last one that was executed."""
        self._ended = ended
        self._came_from: str | None = None
        self._sweeper = Sweeper()

    async def on_event(self, event: Event) -> None:
        """Keys and clicks put off what can wait."""
        if isinstance(event, InputEvent):
            self._sweeper.key()
        await super().on_event(event)

    async def on_mount(self) -> None:
        """Leave on SIGTERM too, and wait for nobody on the way out."""
        self.register_theme(THEME)
        self.theme = THEME.name
        asyncio.get_running_loop().set_default_executor(Impatient())
        self.set_interval(_TICK, self._tick)
        self.set_interval(1.0, self.repaint)
        await self.switch_mode("overview")

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

    async def open_group(self, group: str) -> None:
        """One group's partitions."""
        await self.open("lag", GroupPage(group))

    async def open_letters(self, target: Target) -> None:
        """The dead letters of what is under the cursor: a letter, a topic's causes, or several topics."""
        if target.letter is not None:
            await self.open("dlq", LetterPage(target.letter))
            return
        known = self.questions.letters.value
        if known is None:
            await self.open("dlq")
            return
        found = letter_topics_of(target.topics, [topic.topic for topic in known.topics])
        if not found:
            self.notify(f"no dead-letter topic for {safe(', '.join(target.topics), 80) or 'it'}", markup=False)
        elif len(found) == 1:
            await self.open("dlq", CausesPage(found[0]))
        else:
            await self.open("dlq")
            if isinstance(self.screen, Page):
                self.screen.narrow_to(f"^({'|'.join(found)})$")

    async def on_waiting_found(self, message: WaitingFound) -> None:
        """On to its trace."""
        await self.trace(message.identifier)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What opens the line at the bottom has priority, so that it has the focus before the next key of a burst is
        looked at; once somebody types there, its keys are text."""
        if action == "prompt" and isinstance(self.focused, Prompt):
            return False
        return super().check_action(action, parameters)

    def action_prompt(self, sign: str) -> None:
        """Open the line at the bottom."""
        if isinstance(self.screen, Page):
            self.screen.prompt(sign)

    def action_help(self) -> None:
        """All keys."""
        if not isinstance(self.screen, HelpPage):
            self.push_screen(HelpPage(self.screen))

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

    def action_save_screen(self) -> None:
        """As it stands."""
        try:
            self.notify(f"saved as {self.save_screenshot(path='.')}", markup=False)
        except OSError as error:
            self.notify(f"not saved: {error}", severity="warning", markup=False)

    async def action_quit(self) -> None:
        """A replay that runs is stopped first, between two transactions; the second time one leaves at once."""
        running = self.replay
        if running is None or not running.is_executing or running.phase is Phase.STOPPING:
            self.exit()
            return
        running.action_cancel()
        self.notify("a replay runs: it ends with the transaction in hand; once more leaves at once", markup=False)

    async def on_entered(self, message: Entered) -> None:
        """A command."""
        if not message.text:
            return
        command = commands.parse(message.text)
        match command and (command.name, command.argument):
            case ("quit", _):
                await self.action_quit()
            case ("help", _):
                self.action_help()
            case (section, None):
                await self.open(section)
            case ("lag", str(group)):
                await self.open_group(group)
            case ("trace", str(identifier)):
                await self.trace(identifier)
            case ("dlq", str(topic)):
                await self.open("dlq", CausesPage(topic))
            case ("topics", str(topic)):
                await self.open("topics", TopicPage(topic))
            case _:
                self.notify(f"no such command: {safe(message.text, 40)}; ? lists them", markup=False)

    async def _to_top(self) -> None:
        """Up to a replay that runs at most: it isn't left where nobody sees it."""
        while len(self.screen_stack) > 1 and not (isinstance(self.screen, ReplayPage) and self.screen.is_executing):
            await self.pop_screen()

    def _tick(self) -> None:
        if self._ended is not None and self._ended.is_set():
            self.exit()
            return
        self.ask_due()
        self._sweeper.sweep()


def run(desk: Desk, *, refresh: float, ended: threading.Event | None = None) -> None:
    """Open the dashboard; returns when it was left or ``ended`` was set. The terminal is restored on SIGTERM too."""
    app = Dashboard(desk, refresh=refresh, ended=ended)
    with responsive(), _leaving_on_signals(app):
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
