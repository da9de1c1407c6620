"""What stands over a table's rows, and instead of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from eventops.tui.palette import FAINT, WARN
from eventops.tui.widgets.columns import Arranged, Column, Wish, arrow
from eventops.tui.widgets.grid import PADDING, Head
from eventops.wording import safe

_NEEDLE: Final = 30


@dataclass(frozen=True, slots=True)
class Count:
    """Of ``known`` rows those that are ``shown`` under a filter, and how many are marked. ``looked_to``: of longer
    texts it looked through so many characters alone; 0: it was looked for as plain text alone."""

    known: int
    shown: int
    needle: str
    marked: int
    looked_to: int | None = None


def counted(rows: Arranged[Any] | None, needle: str, marked: int) -> Count | None:
    """None: they aren't known yet."""
    return None if rows is None else Count(rows.known, len(rows.rows), needle, marked, rows.looked_to)


def title(name: str, told: Count | None, note: str) -> Text:
    """How many there are of what; ``told`` None: that isn't known yet."""
    line = Text(name, "bold" if name else "")
    if told is None:
        return line
    of = f"  {told.shown:,} of {told.known:,} for {_quoted(told.needle)}" if told.needle else f"  {told.known:,}"
    line.append(of, FAINT)
    if told.looked_to is not None:
        line.append(f"  {_looked(told.looked_to)}", WARN)
    line.append(f"  {told.marked:,} marked" if told.marked else "", "bold")
    return line.append(f"  {note}" if note else "", FAINT)


def _looked(to: int) -> str:
    return f"values looked through to {to:,} characters" if to else "taken as plain text: it could take minutes"


def instead(told: Count, empty: str, *, is_partial: bool) -> str:
    """Why no row is shown. ``empty``: where there is none; ``is_partial``: not everything could be read."""
    if told.known:
        where = "" if told.looked_to is None else f" ({_looked(told.looked_to)})"
        return f"nothing of {told.known:,} for {_quoted(told.needle)}{where}; Esc shows them all"
    return "none in what could be read: see above" if is_partial else empty


def heads(columns: Sequence[Column[Any]], wide: Sequence[int], wish: Wish) -> list[Head]:
    """The columns' titles, with an arrow on the one that the rows are sorted by."""
    return [
        Head(column.title + arrow(column, wish), width, column.title, column.right)
        for column, width in zip(columns, wide, strict=True)
    ]


def rest(wide: Sequence[int], width: int) -> list[Head]:
    """The blank that is left of the line behind the last column."""
    spare = width - sum(wide) - PADDING * (len(wide) + 1)
    return [Head("", spare, "")] if spare > 0 else []


def _quoted(needle: str) -> str:
    return f"“{safe(needle, _NEEDLE)}”"
