"""Records in a table: where they stand, what they are, what they hold; and one in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from eventops.events import Event
from eventops.tui.clipboard import copy
from eventops.tui.filtering import Finder
from eventops.tui.page import Page
from eventops.tui.palette import ACCENT, FAINT, WARN
from eventops.tui.record_text import beginning, content, pretty, record
from eventops.tui.ring import size
from eventops.tui.target import Target
from eventops.tui.widgets.columns import Column, Depth
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import UNKNOWN, instant, safe, safe_block

_AROUND: Final = 12
"""Characters beside what was found."""
_SHOWN: Final = 600
"""Bytes of a payload that a row is made of."""


def _time(event: Event) -> Text:
    return Text(instant(event.record.timestamp)[11:23], FAINT)


def _value(event: Event) -> Text:
    value = event.record.value
    if value is None:
        return Text("null", FAINT)
    return Text(safe(beginning(value, _SHOWN), 200))


RECORDS: Final[Sequence[Column[Event]]] = (
    Column("time", _time, order=lambda row: row.record.timestamp, from_width=60),
    Column("record", lambda row: str(row.position), is_flexible=True, order=lambda row: row.position),
    Column("event", lambda row: row.ids.event_type or UNKNOWN, is_flexible=True),
    Column("key", lambda row: content(row.record.key), is_flexible=True, from_width=110, at_most=30),
    Column(
        "correlation id",
        lambda row: Text(safe(row.ids.correlation_id, 40), ACCENT) if row.ids.correlation_id else Text(UNKNOWN, FAINT),
        is_flexible=True,
        from_width=90,
        at_most=40,
    ),
    Column("value", _value, is_flexible=True, from_width=70, at_most=200),
)


def depths(event: Event) -> Iterator[tuple[str, str]]:
    """All that a record holds, as text: where it stands there, and what; the value, which may be long, last."""
    record = event.record
    yield "key", content(record.key)
    yield from (("event id", one) for one in (event.ids.event_id, event.ids.causation_id) if one)
    yield from (("header", f"{name} {content(value)}") for name, value in record.headers)
    if record.value is not None:
        yield "value", content(record.value)


DEPTH: Final = Depth[Event](lambda row: (text for _, text in depths(row)), size)


def found_in(table: Callable[[], Table[Event]]) -> Column[Event]:
    """Where a record holds what is filtered for, if none of its cells shows it."""

    def cell(event: Event) -> Text:
        needle, width = table().needle, table().size.width
        if not needle or needle.startswith("!"):
            return Text()
        finder = Finder(needle)
        if any(finder.holds(column.plain(event)) for column in RECORDS if column.from_width <= width):
            return Text()
        return next((_excerpt(name, text, finder) for name, text in depths(event) if finder.holds(text)), Text())

    return Column("", cell, is_flexible=True, at_most=60, is_answer=True)


def _excerpt(name: str, text: str, finder: Finder) -> Text:
    at = finder.place(text)
    if at is None:
        return Text(f"{name}: further in than {finder.most:,} characters", FAINT)
    first = max(at.start - _AROUND, 0)
    before = ("…" if first else "") + safe(text[first : at.start])
    held, after = safe(text[at.start : at.stop], 40), safe(text[at.stop : at.stop + _AROUND])
    return Text.assemble(
        (f"{name}: ", FAINT), before, (held, WARN), after, "…" if len(text) > at.stop + _AROUND else ""
    )


class RecordPage(Page):
    """One record in full: ids, payload, headers."""

    section = "topics"
    keys: ClassVar = (("t", "trace"), ("d", "dead letters"), ("C", "copy payload"), ("Esc", "back"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "trace_it", "trace", show=False),
        Binding("C", "copy_payload", "copy the payload, what a terminal would obey escaped"),
    ]

    def __init__(self, event: Event, section: str) -> None:
        super().__init__()
        self.event = event
        self.section = section  # type: ignore[misc]  # it stands over whichever section led to it

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("events", "show", str(self.event.position))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Where it stands."""
        return (str(self.event.position),)

    @property
    def freshness(self) -> None:
        """The log keeps it as it is."""
        return None

    def body(self) -> Iterator[Widget]:
        """A long text."""
        yield VerticalScroll(Said(id="detail"), id="whole")

    def paint(self) -> None:
        """It never changes."""
        self.query_one("#detail", Static).update(record(self.event))

    def target(self) -> Target | None:
        """This one."""
        return about(self.event)

    def action_copy_payload(self) -> None:
        """As it is shown, whole."""
        copy(self, safe_block(pretty(self.event.record.value)), "the payload")


def about(event: Event) -> Target:
    """Its request, else itself; the letters of its topic."""
    identifier = event.ids.correlation_id or event.ids.event_id
    return Target(identifier=identifier, at=event.position, topics=(event.position.topic,))
