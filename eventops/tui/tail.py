"""What comes to a topic, live: looked at twice a second and more, and never more of it than a screen can show."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import ScreenResume
from textual.widget import Widget
from textual.widgets import Static

from eventops.errors import EventopsError, reason_of
from eventops.events import Event
from eventops.lag import pace
from eventops.records.live import Live
from eventops.records.model import Glance
from eventops.tui import record_text
from eventops.tui.history import sparkline
from eventops.tui.messages import Entered, Glanced, NotGlanced
from eventops.tui.page import Page
from eventops.tui.palette import ACCENT, BAD, FAINT, GOOD, ODD, WARN
from eventops.tui.records import DEPTH, RECORDS, RecordPage, about, found_in
from eventops.tui.ring import Ring
from eventops.tui.target import Target
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.where import Where
from eventops.wording import count, plural, safe, waited

EVERY: Final = 0.4
"""Seconds between two looks."""
MOST: Final = 400
"""Records that one look reads: a thousand a second, decoded, leave keys their time."""
BEFORE: Final = 200
"""Offsets before the end that the first look goes back."""
_RETRY: Final = 2.0
_LONG: Final = 5.0
"""Seconds between two looks that may be an outage, a pause, or time on another screen."""
_EMPTY: Final = "Nothing stands in this topic yet; what comes is shown here."
_NONE_OF: Final = "None of the records that were looked at fulfils the condition; what does is shown here as it comes."
_WHERE: Final = "where"
_HINT: Final = 'a condition in CEL, as in value.total > 100 && headers["ce_type"] == "order.placed"; empty: all'


class TailPage(Page):
    """The newest records of one topic. The cursor follows them until it is moved; what stands still then is counted."""

    section = "topics"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow what comes, or hold what is shown"),
        Binding("w", "where", "only records for which a condition (CEL) holds"),
    ]

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic
        self.is_following = True
        self.ring = Ring()
        self._shown: tuple[Event, ...] | None = None
        self._where: Where | None = None
        self._rates: deque[int | None] = deque(maxlen=120)
        self._came = self._passed = 0
        self._held_at = 0
        self._looked_at: datetime | None = None
        self._seconds = EVERY  # between the last two looks
        self._failure: str | None = None
        self._gap: str | None = None
        self._live: Live | None = None  # where the next look goes on, also after the screen was left
        self._looking = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """What ``f`` would do."""
        return (
            ("Enter", "record"), ("f", "hold" if self.is_following else "follow"), ("w", "where"), ("p", "pause"),
            ("t", "trace"), ("d", "dead letters"), ("Esc", "back"),
        )  # fmt: skip

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        where = () if self._where is None else ("--where", self._where.text)
        return ("events", "tail", "--topic", self.topic, *where)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The topic."""
        return (self.topic, "live")

    @property
    def answered_at(self) -> datetime | None:
        """The last look."""
        return self._looked_at

    @property
    def pace(self) -> float:
        """Looks don't wait for each other."""
        return EVERY

    def body(self) -> Iterator[Widget]:
        """How fast it comes, the newest records, and, while they are held, the one under the cursor."""
        yield Said(id="facts")
        yield Table(
            "Records",
            (*RECORDS, found_in(lambda: self._table)),
            lambda row: str(row.position),
            empty=_EMPTY,
            name="records",
            is_timely=False,
            depth=DEPTH,
        )
        yield VerticalScroll(Said(id="detail"), id="about", can_focus=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self._table.follow(True)
        if self._ended.is_set():
            self._look()

    def leave(self) -> None:
        """What is not looked at isn't read; coming back goes on."""
        super().leave()
        self._ended.set()

    def on_screen_resume(self, _event: ScreenResume) -> None:
        """Go on."""
        if self._ended.is_set():
            self._look()

    @property
    def _table(self) -> Table[Event]:
        return self.query_one("#records", Table)

    def _look(self) -> None:
        self._ended.set()
        self._ended = ended = threading.Event()
        self.run_worker(
            lambda: self._watch(ended), thread=True, name="tail", group="tail", exclusive=True, exit_on_error=False
        )

    def _watch(self, ended: threading.Event) -> None:
        """In a worker: a look now and then, until the screen is left; failures are told, and it goes on."""
        wait = 0.0
        with self._looking:
            while not ended.wait(wait):
                wait = EVERY
                if self.shell.is_paused and not self.is_wanted:
                    continue
                live = self._live
                try:
                    if live is None:
                        live = self._live = self.desk.records.live((self.topic,), BEFORE)
                    found = live.glance(MOST, self._where)
                except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                    wait = _RETRY
                    if not ended.is_set():
                        self.post_message(NotGlanced(reason_of(error)))
                else:
                    if live is self._live:  # what it read isn't read again, so it is told though the screen was left
                        self.post_message(Glanced(found))

    def on_glanced(self, message: Glanced) -> None:
        """Keep the newest."""
        glance: Glance = message.glance
        now, before = self.desk.now(), self._looked_at
        self._looked_at, self._failure, self.is_wanted = now, None, False
        self.ring.take(glance.events)
        if before is not None:
            seconds = max((now - before).total_seconds(), EVERY / 2)
            is_gap = pace.is_gap(seconds, self._seconds, _LONG)  # what came in that time is no rate of now
            self._rates.append(None if is_gap else round(glance.came / seconds))
            self._seconds = seconds
            self._came += glance.came
            self._passed += glance.passed_over
        self._gap = None if not glance.gaps else f"{safe(glance.gaps[0].subject)}: {safe(glance.gaps[0].reason)}"
        if self.is_following or self._shown is None:
            self._shown, self._held_at = self.ring.events, self.ring.taken
        self.refresh_all()

    def on_not_glanced(self, message: NotGlanced) -> None:
        """What was seen stays."""
        self._failure, self.is_wanted = message.reason, False
        self.refresh_all()

    def trouble(self) -> str | None:
        """Why nothing comes."""
        if self._failure is not None:
            since = self._looked_at
            told = "" if since is None else f" for {waited((self.desk.now() - since).total_seconds())}"
            return f"not looked at{told}, retrying: {safe(self._failure)}"
        if self._gap is not None:
            return f"not everything is read: {self._gap}"
        if self._where is not None and self._where.unjudged:
            said = plural(self._where.unjudged, "record")
            return f"{said} couldn't be judged, and left out: {safe(self._where.reason or '', 120)}"
        return None

    def paint(self) -> None:
        """How fast it comes, and the newest."""
        self.query_one("#facts", Static).update(self._facts())
        waiting = self.ring.taken - self._held_at
        self._table.is_partial = self._gap is not None
        self._table.empty = _EMPTY if self._where is None else _NONE_OF
        note = "" if self.is_following else f"held; {count(waiting)} since, f shows them"
        self._table.show(self._shown, note=note)
        self.query_one("#body").set_class(self._failure is not None, "-stale")
        self._detail()

    def on_table_moved(self, message: Table.Moved) -> None:
        """Away from the newest: hold what is shown. Back on it: follow."""
        message.stop()
        rows = self._table.rows
        is_newest = self._table.is_at_newest
        if is_newest is not self.is_following and rows:
            self._follow(is_newest)
        self._detail()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """It alone."""
        self.shell.push_screen(RecordPage(message.row, self.section))

    def action_follow(self) -> None:
        """Follow, or hold."""
        self._follow(not self.is_following)

    def _follow(self, is_following: bool) -> None:
        self.is_following = is_following
        self._held_at = self.ring.taken
        self._table.follow(is_following)
        if is_following and self._looked_at is not None:
            self._shown = self.ring.events
        self.refresh_all()

    def action_where(self) -> None:
        """Ask for a condition."""
        self.ask(_WHERE, _HINT, self._where.text if self._where is not None else "")

    def on_entered(self, message: Entered) -> None:
        """A condition: what was kept under another one goes."""
        if message.sign != _WHERE:
            return
        message.stop()
        try:
            self._where = Where.of(message.text) if message.text else None
        except EventopsError as error:
            self.ask_anew(_WHERE, safe(str(error), 300), _HINT, message.text)
            return
        self.ring.clear()
        self._shown = self._live = None
        self._looked_at = None
        self._follow(True)
        self._look()

    def ask_again(self) -> None:
        """Look at once, also while the dashboard is paused."""
        self.is_wanted = True
        self._look()
        self.refresh_all()

    @property
    def is_asked(self) -> bool:
        """Until the look that was asked for."""
        return self.is_wanted

    def target(self) -> Target | None:
        """The record under the cursor, else the topic."""
        row = self._table.current
        return Target(topics=(self.topic,)) if row is None else about(row)

    def _facts(self) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        if self.shell.is_paused:
            text.append("paused", ODD)
        elif self._failure is not None:
            text.append("not looked at", BAD)
        elif self._gap is not None:
            text.append("not all of it is read", WARN)
        elif self.is_following:
            text.append("● live", GOOD)
        else:
            text.append("held", WARN)
        rate = self._rates[-1] if self._rates and self._failure is None else None
        text.append("   comes ", FAINT).append("?" if rate is None else f"{rate:,} a second")
        text.append(f"  {sparkline(list(self._rates), 40)}" if self._rates else "", ACCENT)
        if self._passed:
            share = f"{count(self._passed)} of {count(self._came)}"
            text.append("   passed over ", FAINT).append(share, WARN).append(", for it comes too fast", FAINT)
        if self._where is not None:
            text.append("   where ", FAINT).append(safe(self._where.text, 80), ACCENT)
        return text

    def _detail(self) -> None:
        row: Any = self._table.current
        is_shown = row is not None and not self.is_following
        self.query_one("#about").set_class(not is_shown, "-none")
        self.query_one("#detail", Static).update(record_text.record(row) if is_shown else Text())
