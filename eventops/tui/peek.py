"""What stands around a group's committed offset: the record it waits at, those before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from eventops.events import Event, Partition
from eventops.groups.model import PeekReport, Surroundings
from eventops.tui import quoting, record_text
from eventops.tui.page import Page
from eventops.tui.palette import FAINT, WARN
from eventops.tui.records import DEPTH, RECORDS, RecordPage, about, found_in
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.columns import Column
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import count, safe

_EACH: Final = 20
"""Records on each side."""
_EVERY: Final = 5.0
_OFFSET: Final = Column[Event](
    "offset", lambda row: Text(str(row.position.offset)), right=True, order=lambda row: row.position
)
"""All records are of one partition."""


class PeekPage(Page):
    """Records around one committed offset; the one under the cursor is shown whole."""

    section = "lag"
    keys: ClassVar = (("Enter", "record"), ("t", "trace"), ("d", "dead letters"), ("Esc", "back"))

    def __init__(self, group: str, partition: Partition) -> None:
        super().__init__()
        self.group, self.partition = group, partition
        self._watch: Watch[PeekReport] | None = None
        self._next: Event | None = None
        self._was_placed = False

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """One look."""
        if self._watch is None:
            desk, at = self.desk, self.partition
            self._watch = Watch(
                "peek",
                lambda: desk.groups.peek(
                    self.group, desk.now(), topics=(at.topic,), partition=at.partition, each=_EACH
                ),
                _EVERY,
            )
        return (self._watch,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        at = self.partition
        where = ("--topic", at.topic, "--partition", str(at.partition), "-n", str(_EACH))
        return ("groups", "peek", *quoting.about(self.group, *where))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Group and partition."""
        return (self.group, str(self.partition))

    def body(self) -> Iterator[Widget]:
        """Where the group stands, the records, the one under the cursor."""
        yield Said(id="facts")
        marked: Column[Event] = Column(">", lambda row: Text(">" if row is self._next else " ", WARN))
        yield Table(
            "Records",
            (marked, RECORDS[0], _OFFSET, *RECORDS[2:], found_in(lambda: self.query_one("#records", Table))),
            lambda row: str(row.position),
            empty="No record stands around the committed offset.",
            name="records",
            depth=DEPTH,
        )
        yield VerticalScroll(Said(id="detail"), id="lower")

    def paint(self) -> None:
        """The next record that the group takes is under the cursor first."""
        report: PeekReport | None = self.watches[0].value
        table: Table[Event] = self.query_one("#records", Table)
        if report is None:
            table.show(None)
            return
        found = report.partitions[0]
        read = self.desk.reader
        before, after = [read(one) for one in found.before], [read(one) for one in found.after]
        self._next = after[0] if after else None
        self.query_one("#facts", Static).update(_where(found))
        table.show([*before, *after])
        if not self._was_placed and table.rows:
            self._was_placed = True
            table.go_to(len(before) if after else len(before) - 1)
        self._detail()

    def on_table_moved(self, _message: Table.Moved) -> None:
        """Another record is under the cursor."""
        self._detail()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """It alone."""
        self.shell.push_screen(RecordPage(message.row, self.section))

    def target(self) -> Target | None:
        """The record under the cursor."""
        row: Event | None = self.query_one("#records", Table).current
        return None if row is None else about(row)

    def _detail(self) -> None:
        row: Event | None = self.query_one("#records", Table).current
        self.query_one("#detail", Static).update(Text() if row is None else record_text.record(row))


def _where(found: Surroundings) -> Text:
    place = found.place
    committed = "never committed here" if place.committed is None else f"committed {count(place.committed)}"
    text = Text.assemble((committed, "bold"), (f"   the log holds {count(place.start)} to {count(place.end)}", FAINT))
    text.append(f"   {safe(place.owner.client_id, 60)}" if place.owner else "   nobody has it", FAINT)
    for note in found.notes:
        text.append(f"\n{safe(note, 200)}", FAINT)
    return text
