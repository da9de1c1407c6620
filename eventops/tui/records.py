"""Records in a table: where they stand, what they are, what they hold; and one in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from eventops.events import Event
from eventops.tui.clipboard import copy
from eventops.tui.page import Page
from eventops.tui.palette import ACCENT, FAINT
from eventops.tui.record_text import beginning, content, pretty, record
from eventops.tui.target import Target
from eventops.tui.widgets.columns import Column
from eventops.tui.widgets.lines import Said
from eventops.wording import UNKNOWN, instant, safe, safe_block

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
