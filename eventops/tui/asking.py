"""How the dashboard asks: each question in a worker of its own, one at a time, and what comes back as a message."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from textual.app import ScreenStackError
from textual.screen import Screen
from textual.worker import get_current_worker

from eventops.bootstrap import Desk
from eventops.errors import BrokerUnreachable, reason_of
from eventops.ports import Range
from eventops.ports.attention import NobodyWaits
from eventops.tui import commands
from eventops.tui.history import History
from eventops.tui.keys import InOrder
from eventops.tui.lag_columns import Paced
from eventops.tui.messages import Answered, Arriving, NotAnswered, WaitingUnknown
from eventops.tui.page import Page
from eventops.tui.questions import Questions, oldest_waiting
from eventops.tui.seat import Seat
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import every
from eventops.wording import safe

_REST: Final = 0.1
"""Seconds from a poll's answer to the next question. A worker and the painting share the interpreter: a screenful takes
10 ms alone and 40 beside a poll of fifty thousand partitions."""


class Asking(InOrder):
    """The half of the app that asks; widgets are never touched from its workers."""

    def __init__(self, desk: Desk, refresh: float) -> None:
        super().__init__()
        self.is_paused = False
        self._has_begun = False
        self._rests_until = 0.0
        self._seat: Seat | None = None
        self.sit_at(desk, refresh)

    def sit_at(self, desk: Desk, refresh: float) -> None:
        """Ask that cluster from now on; what was known of another one is forgotten, and what it still answers is shown
        nowhere."""
        if self._seat is not None:
            self._seat.leave()
        self._seat = Seat(desk, refresh)

    @property
    def seat(self) -> Seat:
        """The cluster that is asked now, and what is known of it."""
        assert self._seat is not None
        return self._seat

    @property
    def desk(self) -> Desk:
        """Its services."""
        return self.seat.desk

    @property
    def questions(self) -> Questions:
        """What several screens ask it."""
        return self.seat.questions

    @property
    def history(self) -> History:
        """Its lag over this run's polls."""
        return self.seat.history

    def begin(self) -> None:
        """Ask from now on."""
        self._has_begun = True
        self.ask_due()

    def ask_due(self) -> None:
        """Ask what is due: the lag always, so that its history has no holes, and what the screen in front wants."""
        if self.is_paused or not self._has_begun or time.monotonic() < self._rests_until:
            return
        now = self.desk.now()
        first: tuple[Watch[Any], ...] = (self.questions.lag, self.questions.cluster)
        if self.questions.lag.is_first(now):
            due = [watch for watch in first if watch.is_due(now)]
        else:
            others = [watch for watch in self._wanted() if watch not in first]
            due = [watch for watch in first if watch.is_due(now)] + in_turn(others, now)
        for watch in due:
            self.ask(watch)

    def ask_now(self, watches: tuple[Watch[Any], ...]) -> None:
        """Ask these whenever they were asked last, also while paused."""
        for watch in (*watches, self.questions.cluster):
            if not watch.is_out:
                self.ask(watch)

    def ask(self, watch: Watch[Any]) -> None:
        """Ask one question in a worker; it answers with a message."""
        seat = self.seat
        watch.put(seat.desk.now())
        self.run_worker(
            lambda: self._question(seat, watch),
            thread=True,
            name=watch.name,
            group=f"{watch.name} {id(watch)}",
            exclusive=True,
            exit_on_error=False,
        )

    def _question(self, seat: Seat, watch: Watch[Any]) -> None:
        message: Answered | NotAnswered
        try:
            with watch.attention.held():
                message = Answered(watch, seat.ask(watch, lambda groups: self.post_message(Arriving(seat, groups))))
        except NobodyWaits:
            return
        except Exception as error:  # noqa: BLE001 - a defect in one question is told, the screen stays
            message = NotAnswered(watch, reason_of(error), is_told=not isinstance(error, BrokerUnreachable))
        if not get_current_worker().is_cancelled:
            self.post_message(message)

    def on_arriving(self, message: Arriving) -> None:
        """Rows before the figures are whole, of the cluster that they came from."""
        if message.seat.questions.lag.value is None:
            message.seat.arriving = message.groups
            self.repaint()

    def on_answered(self, message: Answered) -> None:
        """Keep it, and show it where it is wanted."""
        message.watch.take(message.value, self.desk.now())
        if message.watch is self.questions.lag:
            self._rest()
        self.ask_due()
        self.repaint()

    def _rest(self) -> None:
        """Figures of many groups are painted before the next question makes painting slow, and keys behind it."""
        self._rests_until = time.monotonic() + _REST
        self.set_timer(_REST, self.ask_due)

    def on_not_answered(self, message: NotAnswered) -> None:
        """What was known stays, marked as old."""
        message.watch.miss(message.reason, is_told=message.is_told)
        self.ask_due()
        self.repaint()

    def trace_waiting(self, unread: Range) -> None:
        """The request that a group's oldest waiting record belongs to: the record is read first, in a worker."""
        seat = self.seat

        def look() -> None:
            try:
                found = oldest_waiting(seat, unread)
            except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                self.post_message(WaitingUnknown(seat, reason_of(error)))
            else:
                self.post_message(found)

        self.notify(f"reading {safe(str(unread.partition), 80)} from {unread.first} on …", markup=False, timeout=2)
        self.run_worker(look, thread=True, name="waiting", group="waiting", exclusive=True, exit_on_error=False)

    def on_waiting_unknown(self, message: WaitingUnknown) -> None:
        """Why not."""
        if not message.seat.is_left:
            self.notify(safe(message.reason, 300), severity="warning", markup=False)

    def names(self) -> dict[str, list[str]]:
        """The names that commands take, by command: those that are on the screens."""
        lag, letters, topics = self.questions.lag.value, self.questions.letters.value, self.questions.topics.value
        return {
            "lag": [group.group for group in lag.groups] if lag else [],
            "dlq": [topic.topic for topic in letters.topics] if letters else [],
            "topics": [topic.name for topic in topics.topics] if topics else [],
            "tail": [topic.name for topic in topics.topics] if topics else [],
        }

    def complete(self, text: str) -> str | None:
        """What a command could become."""
        return commands.completion(text, self.names())

    def action_pause(self) -> None:
        """Stop asking by itself, or go on."""
        self.is_paused = not self.is_paused
        if self.page is None:
            self.notify("paused: nothing is asked" if self.is_paused else "it goes on asking", timeout=2)
        self.repaint()

    def action_pace(self, factor: float) -> None:
        """How often is asked; said where the line of the context doesn't."""
        before = self._shown_pace
        self.questions.pace(factor)
        self.repaint()
        if self._shown_pace in (None, before):
            then = ", once it goes on" if self.is_paused else ""
            self.notify(f"the cluster is asked every {every(self.questions.refresh)} s{then}", timeout=2)

    @property
    def _shown_pace(self) -> float | None:
        """As the line of the context tells it; None: it doesn't."""
        page = self.page
        age = page.freshness if page is not None else None
        if age is None or age.answered_at is None or self.is_paused or self.size.width < 80:
            return None
        return age.every

    def worst_groups(self) -> list[Paced] | None:
        """See :meth:`Seat.worst_groups`."""
        return self.seat.worst_groups()

    @property
    def arrival_note(self) -> str:
        """Beside rows that aren't all."""
        return "so far, more are coming …" if self.seat.arriving is not None else ""

    @property
    def page(self) -> Page | None:
        """The page in front. None under the help, while the page is being built (nothing of it is there yet), and
        while the dashboard is being left: answers and keys come until the end."""
        try:
            screen: Screen[Any] = self.screen
        except ScreenStackError:
            return None
        return screen if isinstance(screen, Page) and screen.is_mounted else None

    def _wanted(self) -> tuple[Watch[Any], ...]:
        page = self.page
        return page.watches if page is not None else ()

    def repaint(self) -> None:
        """The page in front, with what is known now."""
        if (page := self.page) is not None:
            page.refresh_all()


def in_turn(watches: Sequence[Watch[Any]], now: datetime) -> list[Watch[Any]]:
    """Of the questions beside the lag the one that is due longest, while none of the others is out that may answer
    soon: a key waits for each worker that is busy meanwhile. One that takes its time holds up nobody."""
    if any(watch.is_answering(now) for watch in watches):
        return []
    due = [watch for watch in watches if watch.is_due(now)]
    return sorted(due, key=lambda watch: (watch.asked_at is not None, watch.asked_at))[:1]
