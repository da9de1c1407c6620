"""Records in a table: where they stand, what they are, what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from eventops.events import Event
from eventops.tui.page import Target
from eventops.tui.palette import ACCENT, FAINT
from eventops.tui.record_text import content
from eventops.tui.widgets.columns import Column
from eventops.wording import UNKNOWN, instant, safe

_SHOWN: Final = 600
"""Bytes of a payload that a row is made of."""


def _time(event: Event) -> Text:
    return Text(instant(event.record.timestamp)[11:23], FAINT)


def _value(event: Event) -> Text:
    value = event.record.value
    if value is None:
        return Text("null", FAINT)
    return Text(safe(content(value[:_SHOWN]), 200))


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


def about(event: Event) -> Target:
    """Its request, else itself; the letters of its topic."""
    return Target(identifier=event.ids.correlation_id or event.ids.event_id, topics=(event.position.topic,))
