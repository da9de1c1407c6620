"""What happened to this request? One chain of events, what each consumer group did with each of them, and when."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import ScreenResume
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from eventops.errors import reason_of
from eventops.events import Position
from eventops.trace.drawing import coverage_line
from eventops.trace.model import Found, Question, TraceReport
from eventops.tui import quoting, record_text, trace_text
from eventops.tui.clipboard import copy
from eventops.tui.messages import Entered, Searched, SearchFailed
from eventops.tui.page import Page
from eventops.tui.palette import FAINT
from eventops.tui.target import Target
from eventops.tui.widgets.chain import Chain, Timeline
from eventops.tui.widgets.lines import Freshness, Said
from eventops.tui.widgets.prompt import Prompt
from eventops.wording import plural, safe, safe_block

_ID: Final = "id"
_HINT: Final = "a correlation id, or an event id of the chain"
_NO_ID: Final = "no request is searched yet: s asks for its id"
_PAUSE: Final = 1.0
"""Seconds between two looks at what came meanwhile, while a chain is followed."""
_PANES: Final = ("chain", "timeline", "payload")


class TracePage(Page):
    """One chain; a search of another one lies over it."""

    section = "trace"
    keys = (
        ("s", "search an id"), ("f", "follow"), ("v", "view"), ("J", "open trace"), ("C", "copy payload"),
        ("d", "its dead letters"),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "search", "search a correlation id or an event id", priority=True),
        Binding("f", "follow", "follow the chain as it goes on, or stop"),
        Binding("v", "view", "narrow terminals: tree, timeline or payload"),
        Binding("J", "open_trace", "open the event's trace in the trace store's own page"),
        Binding("C", "copy_payload", "copy the event's payload, what a terminal would obey escaped"),
        Binding("enter", "search", "search", show=False),
    ]

    def __init__(self, identifier: str | None = None) -> None:
        """``identifier``: what it is about, which ``search`` looks for; None: the operator says it."""
        super().__init__()
        self.identifier = identifier
        self.report: TraceReport | None = None
        self._found: Found | None = None
        self._began: datetime | None = None
        self._failure: str | None = None
        self._reported_at: datetime | None = None
        self._letters_shown = 0
        self._meant: Position | None = None
        self.is_following = False
        self._ended = threading.Event()
        self._pane = 0

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("trace", *quoting.about(self.identifier or "ID", *(("--follow",) if self.is_following else ())))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The id."""
        return () if self.identifier is None else (self.identifier,)

    def body(self) -> Iterator[Widget]:
        """A line about the chain, tree and timeline side by side, the marked event, what the answer rests on."""
        yield Said(id="summary")
        right = Vertical(
            VerticalScroll(Timeline(), id="timeline"),
            VerticalScroll(Said(id="detail"), id="payload"),
            id="right",
        )
        yield Horizontal(Chain(), right, id="panes", classes="-chain")
        yield Said(id="rests")

    def focus_body(self) -> None:
        """Arrow keys go through the chain."""
        self.set_focus(self.query_one(Chain))

    def on_mount(self) -> None:
        """What can be done here."""
        self.call_after_refresh(self._draw)

    def leave(self) -> None:
        """What is not looked at isn't followed; coming back goes on."""
        super().leave()
        self._ended.set()

    def on_screen_resume(self, _event: ScreenResume) -> None:
        """Go on following, or with a search that was left under way."""
        is_unfinished = self.report is None and self._failure is None and self._began is not None
        if self.identifier is not None and self._ended.is_set() and (self.is_following or is_unfinished):
            self._look(self.identifier)

    def action_view(self) -> None:
        """Another pane, where there is room for one."""
        self._pane = (self._pane + 1) % len(_PANES)
        for number, name in enumerate(_PANES):
            self.query_one("#panes").set_class(number == self._pane, f"-{name}")
        self.query_one(f"#{_PANES[self._pane]}").focus()

    def action_follow(self) -> None:
        """Go on reading what comes, or stop."""
        if self.identifier is None:
            self.notify(_NO_ID)
            return
        self.is_following = not self.is_following
        if self.is_following:
            self._look(self.identifier)
        else:
            self._ended.set()
        self.refresh_all()

    def action_open_trace(self) -> None:
        """In the trace store's own page; its address is copied, for over SSH no browser is at hand."""
        url = trace_text.link(self.report, self.query_one(Chain).current)
        if url is None:
            self.notify("no link: name a trace store in the context (eventops.jaeger, eventops.tempo)", markup=False)
            return
        copy(self, url, url, None)
        if not os.environ.get("SSH_CONNECTION"):
            self.app.open_url(url)

    def action_copy_payload(self) -> None:
        """As it is shown, whole."""
        hop = self.query_one(Chain).current
        if hop is None:
            self.notify("no event is marked, so there is no payload to copy")
        else:
            text = safe_block(record_text.pretty(hop.event.record.value))
            copy(self, text, f"the payload of {hop.event.position}")

    def on_chain_moved(self, _message: Chain.Moved) -> None:
        """Another event is marked."""
        self._show_payload()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Its key has priority, as those that open the line at the bottom have; what is typed there is text."""
        if action == "search" and isinstance(self.focused, Prompt):
            return False
        return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Ask for an id."""
        self.ask(_ID, _HINT)

    async def on_entered(self, message: Entered) -> None:  # type: ignore[override]  # Textual awaits it
        """An id to search."""
        if message.sign == _ID:
            message.stop()
            if message.text:
                await self.shell.trace(message.text)

    def search(self, identifier: str, at: Position | None = None) -> None:
        """Look for it in a worker, which answers with messages; ``at``: the event that is meant stands there."""
        self.identifier, self.report, self._found, self._failure = identifier, None, None, None
        self._meant = at
        self.shell.traced[:] = [identifier, *(one for one in self.shell.traced if one != identifier)][:9]
        self._began = self.desk.now()
        self._look(identifier)
        self.refresh_all()
        self._draw()

    def _look(self, identifier: str) -> None:
        """Search in a worker, once or on and on."""
        self._ended.set()
        self._ended = ended = threading.Event()
        self.run_worker(
            lambda: self._search(identifier, ended, follows=self.is_following),
            thread=True,
            name="trace",
            group="trace",
            exclusive=True,
            exit_on_error=False,
        )

    def ask_again(self) -> None:
        """The same once more."""
        if self.identifier is None:
            self.notify(_NO_ID)
        else:
            self.search(self.identifier)

    def _search(self, identifier: str, ended: threading.Event, *, follows: bool) -> None:
        worker, desk = get_current_worker(), self.desk
        question = Question(identifier)
        reading: Generator[Found, None, None]
        reading = desk.trace.watch(question, desk.now) if follows else desk.trace.search(question, desk.now())
        try:
            for found in reading:
                if worker.is_cancelled or ended.is_set():
                    return
                self.post_message(Searched(identifier, found))
                if found.report is not None and ended.wait(_PAUSE if follows else 0.0):
                    return
        except Exception as error:  # noqa: BLE001 - told on the screen, which stays
            if not worker.is_cancelled and not ended.is_set():
                self.post_message(SearchFailed(identifier, reason_of(error)))
        finally:
            reading.close()

    def on_searched(self, message: Searched) -> None:
        """It goes on, or is there; while it is followed, what was known stays until more is."""
        if message.identifier != self.identifier:
            return
        before, self._found, self._failure = self.report, message.found, None
        self.report = message.found.report or (before if self.is_following else None)
        self._reported_at = self.desk.now()
        self.refresh_all()
        if self.report is not None and self.report is not before:
            self._letters_shown = 0
            self._draw()
            self._meant = None

    @property
    def unfinished(self) -> str | None:
        """A search that goes on."""
        if self.identifier is None or self._failure is not None or (self.report is not None and not self.is_following):
            return None
        what = "following" if self.is_following else "the search for"
        return f"{what} {safe(self.identifier, 60)} ended"

    @property
    def freshness(self) -> Freshness | None:
        """None: nothing was asked."""
        return None if self.identifier is None else super().freshness

    @property
    def pace(self) -> float | None:
        """It is read once, unless it is followed."""
        return _PAUSE if self.is_following else None

    @property
    def answered_at(self) -> datetime | None:
        """When the search had ended."""
        return self._reported_at if self.report is not None else None

    def target(self) -> Target | None:
        """The request; and of the marked event's dead letters, else of the chain's, the one whose turn it is."""
        hop = self.query_one(Chain).current
        if hop is None or self.report is None:
            return None
        letters = trace_text.letters(self.report, hop)
        letter = letters[self._letters_shown % len(letters)].position if letters else None
        return Target(self.report.correlation_id or hop.event.ids.event_id, hop.event.position, letter=letter)

    async def action_letters_of_it(self) -> None:
        """One after the other."""
        target = self.target()
        if target is not None and target.letter is None:
            self.notify("no event of this chain has a dead letter")
            return
        await super().action_letters_of_it()
        self._letters_shown += 1

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
            return trace_text.found(self.report, is_followed=self.is_following)
        waited = (self.desk.now() - self._began).total_seconds() if self._began else 0.0
        is_failed = self._failure is not None
        return trace_text.under_way(self.identifier, self._found, waited, is_failed=is_failed)

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        instead = trace_text.hints(self.shell.traced, self.report.coverage if self.report is not None else None)
        is_under_way = self.identifier is not None and self.report is None
        self.query_one(Chain).show(self.report, Text() if is_under_way else instead, self._meant)
        has_events = self.report is not None and bool(self.report.events)
        self.query_one("#panes").set_class(not has_events, "-empty")
        self.query_one(Timeline).show(self.report if has_events else None)
        self._show_payload()
        rests = self.query_one("#rests", Static)
        rests.display = self.report is not None
        if self.report is not None:
            notes = "".join(f"\nnote: {safe(note)}" for note in self.report.notes)
            rests.update(Text(coverage_line(self.report.coverage) + notes, FAINT))

    def _show_payload(self) -> None:
        hop = self.query_one(Chain).current
        self.query_one("#detail", Static).update(Text() if hop is None else record_text.record(hop.event))
