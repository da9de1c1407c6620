"""What happened to this request? One chain of events, and what each consumer group did with each of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Final

from rich.console import Console
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from eventops.errors import reason_of
from eventops.trace.drawing import coverage_line, summary, tree
from eventops.trace.model import Found, Question, TraceReport
from eventops.tui.messages import Entered, Searched, SearchFailed
from eventops.tui.page import Page, Target
from eventops.tui.palette import ACCENT, FAINT, TONES, WARN
from eventops.tui.widgets.lines import Prompt
from eventops.wording import count, duration, plural, safe

_ID: Final = "id"
_HINT: Final = "a correlation id, or an event id of the chain"
_NARROWEST: Final = 24


class TracePage(Page):
    """One search at a time; a new one ends the one before it."""

    section = "trace"
    keys = (("s", "search an id"), ("d", "its dead letters"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "search", "search a correlation id or an event id", priority=True),
        Binding("enter", "search", "search", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.identifier: str | None = None
        self.report: TraceReport | None = None
        self._found: Found | None = None
        self._began: datetime | None = None
        self._failure: str | None = None
        self._reported_at: datetime | None = None
        self._letters_shown = 0
        self._earlier: list[str] = []

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("trace", self.identifier or "ID")

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The id."""
        return () if self.identifier is None else (self.identifier,)

    def body(self) -> Iterator[Widget]:
        """A line about the chain, the chain, what the answer rests on."""
        yield Static(id="summary")
        yield VerticalScroll(Static(id="tree"))
        yield Static(id="rests")

    def focus_body(self) -> None:
        """Arrow keys scroll the chain."""
        self.query_one(VerticalScroll).focus()

    def on_mount(self) -> None:
        """Arrow keys scroll the chain."""
        super().on_mount()
        self.focus_body()

    def on_resize(self, _event: Resize) -> None:
        """Lines are broken inside their branch of the tree, so anew for each width."""
        self.call_after_refresh(self._draw)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Its key has priority, as those that open the line at the bottom have; what is typed there is text."""
        if action == "search" and isinstance(self.focused, Prompt):
            return False
        return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Ask for an id."""
        self.ask(_ID, _HINT)

    def on_entered(self, message: Entered) -> None:
        """An id to search."""
        super().on_entered(message)
        if message.sign == _ID:
            message.stop()
            if message.text:
                self.search(message.text)

    def search(self, identifier: str) -> None:
        """Look for it in a worker, which answers with messages."""
        self.identifier, self.report, self._found, self._failure = identifier, None, None, None
        self._earlier = [identifier, *(one for one in self._earlier if one != identifier)][:9]
        self._began = self.shell.desk.now()
        self._worker = self.run_worker(
            lambda: self._search(identifier),
            thread=True,
            name="trace",
            group="trace",
            exclusive=True,
            exit_on_error=False,
        )
        self.refresh_all()
        self._draw()

    def ask_again(self) -> None:
        """The same once more."""
        if self.identifier is not None:
            self.search(self.identifier)

    def _search(self, identifier: str) -> None:
        worker, desk = get_current_worker(), self.shell.desk
        try:
            for found in desk.trace.search(Question(identifier), desk.now()):
                if worker.is_cancelled:
                    return
                self.post_message(Searched(identifier, found))
        except Exception as error:  # noqa: BLE001 - told on the screen, which stays
            if not worker.is_cancelled:
                self.post_message(SearchFailed(identifier, reason_of(error)))

    def on_searched(self, message: Searched) -> None:
        """It goes on, or is there."""
        if message.identifier == self.identifier:
            self._found, self.report = message.found, message.found.report
            self._reported_at, self._letters_shown = self.shell.desk.now(), 0
            self.refresh_all()
            if self.report is not None:
                self._draw()

    @property
    def answered_at(self) -> datetime | None:
        """When the search had ended."""
        return self._reported_at if self.report is not None else None

    def target(self) -> Target | None:
        """The chain's dead letters, one after the other, those that nobody dealt with first."""
        letters = [letter for hop in self.report.events for letter in hop.dead_letters] if self.report else []
        letters.sort(key=lambda letter: letter.is_replayed)
        if not letters:
            return None
        number = self._letters_shown % len(letters)
        self._letters_shown += 1
        return Target(letter=letters[number].position)

    async def action_trace_it(self) -> None:
        """It is here already."""
        self.action_search()

    def on_search_failed(self, message: SearchFailed) -> None:
        """Nobody answers, or may not tell."""
        if message.identifier == self.identifier:
            self._failure = message.reason
            self.refresh_all()
            self._draw()

    def trouble(self) -> str | None:
        """Why there is no chain; what was left out of one."""
        if self._failure is not None:
            return f"{safe(self._failure)}  (r searches again)"
        gaps = self.report.coverage.gaps if self.report is not None else ()
        if gaps:
            first = f"{safe(gaps[0].subject)}: {safe(gaps[0].reason)}"
            return f"not everything was read, {plural(len(gaps), 'gap')}; {first}"
        return None

    def paint(self) -> None:
        """How far the search is."""
        self.query_one("#summary", Static).update(self._said())

    def _said(self) -> Text:
        if self.identifier is None:
            return Text("Which request?", "bold")
        if self.report is not None:
            name, _, rest = summary(self.report).rpartition(": ")
            return Text.assemble((name, f"bold {ACCENT}"), f"   {rest}")
        name = safe(self.identifier, 60)
        if self._failure is not None:
            return Text.assemble((name, f"bold {ACCENT}"), ("   not searched", WARN))
        return Text.assemble((name, f"bold {ACCENT}"), (f"   {self._progress()}", FAINT))

    def _progress(self) -> str:
        waited = (self.shell.desk.now() - self._began).total_seconds() if self._began else 0.0
        if self._found is None:
            return f"asking the cluster … {duration(float(int(waited)))}"
        share = f"{min(100 * self._found.records // max(self._found.expected, 1), 100)} %"
        return f"{share} of {count(self._found.expected)} offsets read, {plural(self._found.events, 'event')} so far"

    def _draw(self) -> None:
        self.query_one("#tree", Static).update(self._chain())
        rests = self.query_one("#rests", Static)
        rests.display = self.report is not None
        if self.report is not None:
            notes = "".join(f"\nnote: {safe(note)}" for note in self.report.notes)
            rests.update(Text(coverage_line(self.report.coverage) + notes, FAINT))

    def _chain(self) -> Text:
        if self.identifier is None or (self.report is not None and not self.report.events):
            return self._next()
        if self.report is None:
            return Text()
        return drawn(self.report, self.query_one("#tree").content_size.width or self.app.size.width - 2)

    def _next(self) -> Text:
        text = Text()
        if self.report is not None:
            text.append("No event has that correlation id or event id in what the log still keeps.\n\n")
        text.append("s", f"bold {ACCENT}").append(
            "  search a correlation id, or the id of any event of the chain\n", FAINT
        )
        text.append("4", f"bold {ACCENT}").append("  choose a dead letter; Enter on it leads to its request\n", FAINT)
        if self._earlier:
            text.append("\nearlier in this run\n", "bold")
            text.append("".join(f"  {safe(one, 60)}\n" for one in self._earlier))
        return text


def drawn(report: TraceReport, width: int) -> Text:
    """The tree; what doesn't fit goes on below, inside its branch."""
    console = Console(width=width, color_system=None)
    text = Text()
    for line in tree(report):
        body = Text.assemble(*((span.text, TONES[span.tone]) for span in line.spans))
        for number, part in enumerate(body.wrap(console, max(width - len(line.under), _NARROWEST))):
            part.rstrip()
            text.append(line.under if number else line.rails, FAINT).append_text(part).append("\n")
    return text
