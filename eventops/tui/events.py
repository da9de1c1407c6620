"""Which records say so? A search through the log by a condition, over topics and a time, shown as it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import ScreenResume
from textual.widget import Widget
from textual.widgets import Static

from eventops.errors import EventopsError
from eventops.events import Event
from eventops.records.model import Seen
from eventops.tui import combing, events_text, record_text
from eventops.tui.combing import Combing
from eventops.tui.messages import SearchEnded, SeenMore
from eventops.tui.page import Page
from eventops.tui.palette import GOOD, WARN
from eventops.tui.query import Query
from eventops.tui.records import DEPTH, RECORDS, RecordPage, about, found_in
from eventops.tui.ring import Ring
from eventops.tui.target import Target
from eventops.tui.widgets.field import Field, Line
from eventops.tui.widgets.lines import Freshness, Said
from eventops.tui.widgets.table import Table
from eventops.where import Where
from eventops.wording import count, plural, safe

_NOTHING: Final = "Nothing found. w changes the search."
_SEARCHING: Final = "Nothing found so far."
_STOPPED: Final = "Nothing found in what was read until it was stopped; r searches again."
_EXAMPLE: Final = 'value.data.total > 100 && headers["ce_type"] == "order.placed"   (empty: all)'


class EventsPage(Page):
    """A form, and what it finds."""

    section = "events"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "edit", "change the condition, the topics, the times"),
        Binding("n", "more", "go on after the records that are shown"),
        Binding("e", "edit", "change the condition", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.query_ = Query()
        self.ring = Ring(10 * combing.FOUND)
        self._number = 0
        self._search: Combing | None = None
        self._seen: Seen | None = None
        self._where: Where | None = None
        self._found: tuple[Event, ...] | None = None
        self._began: datetime | None = None
        self._ended: datetime | None = None
        self._reads_since: datetime | None = None
        """When it began to read, or went on; None: it doesn't read."""
        self._took = 0.0
        """Seconds of reading; an operator who thinks isn't slow."""
        self._failure: str | None = None
        self._was_stopped = False
        self._is_full = False

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """What can be done now."""
        if isinstance(self.focused, Line):
            return (("Enter", "search"), ("Tab", "next field"), ("Esc", "to the records"))
        more = (("n", "go on"),) if self._is_full else ()
        stop = (("Esc", "stop"),) if self.is_searching else ()
        return (("w", "change the search"), *more, *stop, ("Enter", "record"), ("t", "trace"), ("d", "dead letters"))

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return self.query_.words

    @property
    def is_searching(self) -> bool:
        """A search is under way, or waits to be told to go on."""
        return self._search is not None and not self._search.is_over

    @property
    def unfinished(self) -> str | None:
        """A search that goes on, or waits."""
        if not self.is_searching:
            return None
        seen = self._seen
        return f"the search through records ended after {count(seen.passed if seen is not None else 0)} offsets"

    @property
    def freshness(self) -> Freshness | None:
        """None: nothing was asked."""
        return None if self._began is None else super().freshness

    @property
    def answered_at(self) -> datetime | None:
        """When the search ended, or told of itself last."""
        return self._ended

    def body(self) -> Iterator[Widget]:
        """Four fields, how far it is, what was found, the record under the cursor."""
        yield Vertical(
            Field("where", _EXAMPLE, self.query_.where),
            Horizontal(
                Field("topics", "names or globs   (empty: all)", self.query_.topics),
                Field("from", "15m, a time, or beginning", self.query_.since),
                Field("until", "now", self.query_.until),
                id="when",
            ),
            id="form",
        )  # fmt: skip
        yield Said(id="progress-line")
        yield Table(
            "Records",
            (*RECORDS, found_in(lambda: self._table)),
            lambda row: str(row.position),
            empty=_NOTHING,
            name="records",
            is_timely=False,
            depth=DEPTH,
        )
        yield VerticalScroll(Said(id="detail"), id="about", can_focus=False)

    def on_unmount(self) -> None:
        """Nothing goes on reading for nobody."""
        self._end()

    def on_screen_suspend(self) -> None:
        """A search that nobody looks at reads nothing; one that waits to be told to go on doesn't anyway."""
        is_covered = isinstance(self.app.screen, Page)  # help and palette leave it in view
        if self._search is not None and self.is_searching and not self._is_full and is_covered:
            self._search.hold()
            self._count()
            self.notify("the search waits meanwhile; back here it goes on")

    def on_screen_resume(self, _event: ScreenResume) -> None:
        """Go on, where it was held."""
        if self._search is not None and self._search.is_held:
            self._reads_since = None if self._is_full else self.desk.now()
            self._search.go_on()

    @property
    def _table(self) -> Table[Event]:
        return self.query_one("#records", Table)

    def action_edit(self) -> None:
        """Into the form."""
        next(iter(self.query(Field))).enter()

    def on_field_submitted(self, message: Field.Submitted) -> None:
        """Search for what the fields say."""
        message.stop()
        self.search(Query(*(field.value.strip() for field in self.query(Field))))

    def on_field_entered(self, message: Field.Entered) -> None:
        """Other keys mean something now."""
        message.stop()
        self.refresh_all()

    def on_field_left(self, message: Field.Left) -> None:
        """To the records."""
        message.stop()
        self.focus_body()
        self.refresh_all()

    def put(self, where: str) -> None:
        """Search for a condition, where and when the fields say."""
        next(iter(self.query(Field))).put(where)
        self.on_field_submitted(Field.Submitted())

    def search(self, query: Query) -> None:
        """In a worker; the one before it ends."""
        self._clear(query)
        try:
            where, tail = query.condition(), query.tail(self.desk.now())
        except (EventopsError, ValueError) as error:
            self._failure = str(error)
            if not isinstance(self.focused, Line):
                self.action_edit()  # what is wrong is there to be mended
            self.refresh_all()
            return
        self._where, self._found = where, ()
        self._began = self._reads_since = self.desk.now()
        self._search = search = Combing(self._number, self.post_message)
        self.run_worker(
            lambda: search.run(self.desk, tail, where),
            thread=True,
            name="events",
            group="events",
            exclusive=True,
            exit_on_error=False,
        )
        self.focus_body()
        self.refresh_all()

    def on_seen_more(self, message: SeenMore) -> None:
        """More was read; of an earlier search it is late."""
        if message.number != self._number:
            return
        self._seen, self._is_full = message.seen, message.is_full and self.is_searching
        self._ended = self.desk.now()
        self._count(goes_on=not message.is_full and not message.is_over)
        self.ring.take(message.seen.events)
        self._found = self.ring.events
        if message.is_over:
            self._search = None
        self.refresh_all()

    def on_search_ended(self, message: SearchEnded) -> None:
        """Why; what was found stays."""
        if message.number == self._number:
            self._failure, self._search, self._is_full = message.reason, None, False
            self.refresh_all()

    def action_more(self) -> None:
        """The next thousand."""
        if self._search is None or not self._is_full:
            self.notify("the search goes on by itself" if self.is_searching else "no search waits to be told to go on")
            return
        self._is_full, self._reads_since = False, self.desk.now()
        self._search.more.set()
        self.refresh_all()

    def back(self) -> bool:
        """Escape ends a search first."""
        if self.is_searching:
            self._stop()
            self.refresh_all()
            return True
        return super().back()

    def ask_again(self) -> None:
        """The same once more."""
        if self._began is None:
            self.notify("nothing was searched yet: w writes what to search for")
        else:
            self.search(self.query_)

    def trouble(self) -> str | None:
        """What is wrong with the question or the answer."""
        if self._failure is not None:
            return safe(self._failure, 300)
        gaps = self._seen.coverage.gaps if self._seen is not None and self._seen.coverage is not None else ()
        if gaps:
            place = gaps[0].subject if gaps[0].partition is None else f"{gaps[0].subject}/{gaps[0].partition}"
            return f"not everything was read, {plural(len(gaps), 'gap')}; {safe(place)}: {safe(gaps[0].reason)}"
        return None

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another record is under the cursor."""
        message.stop()
        self._detail()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """It alone."""
        self.shell.push_screen(RecordPage(message.row, self.section))

    def target(self) -> Target | None:
        """The record under the cursor."""
        row = self._table.current
        return None if row is None else about(row)

    def focus_body(self) -> None:
        """Keys are for the records."""
        self._table.focus_rows()

    def paint(self) -> None:
        """How far it is, and what was found."""
        self.query_one("#progress-line", Static).update(self._said())
        self._table.empty = _SEARCHING if self.is_searching else _STOPPED if self._was_stopped else _NOTHING
        self._table.is_partial = self.trouble() is not None
        self._table.show(self._found)
        self._detail()

    def _why_empty(self, trouble: str | None) -> str:
        return "Nothing was searched yet." if trouble is None else "not searched: see above"

    def _said(self) -> Text:
        if self._began is None:
            return events_text.beginning()
        return events_text.under_way(self._state(), self._seen, self._took, self._where)

    def _state(self) -> tuple[str, str]:
        if self._failure is not None:
            return "failed", WARN
        if self._was_stopped:
            return "stopped", WARN
        if self._is_full:
            return f"{count(self.ring.taken)} found: n goes on", WARN
        return ("searching", GOOD) if self.is_searching else ("done", GOOD)

    def _detail(self) -> None:
        row = self._table.current
        self.query_one("#about").set_class(row is None, "-none")
        self.query_one("#detail", Static).update(Text() if row is None else record_text.record(row))

    def _clear(self, query: Query) -> None:
        """Another question: nothing of the one before is shown as its answer."""
        self._end()
        self._number += 1
        self.query_, self._where, self._failure = query, None, None
        self._seen, self._found, self._was_stopped = None, None, False
        self._began = self._ended = None
        self._took = 0.0
        self.ring.clear()

    def _count(self, *, goes_on: bool = False) -> None:
        """The seconds that it has read."""
        if self._reads_since is not None:
            now = self.desk.now()
            self._took += (now - self._reads_since).total_seconds()
            self._reads_since = now if goes_on else None

    def _stop(self) -> None:
        """By the operator."""
        self._end()
        self._was_stopped = True

    def _end(self) -> None:
        self._is_full, self._reads_since = False, None
        if self._search is not None:
            self._search.end()
            self._search = None
