"""A table that is repainted in place: rows keep their keys, so the cursor and the scroll position stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Resize
from textual.message import Message
from textual.widgets import DataTable, Static

from eventops.tui.filtering import matcher
from eventops.tui.palette import FAINT
from eventops.wording import safe

Row = TypeVar("Row")
_NARROWEST: Final = 8
_PADDING: Final = 2
_REST: Final = "rest"
_MOST: Final = 300
"""Rows on the screen at most: keys have to answer while thousands are known. A filter looks at all of them."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column. ``from_width``: it is left out on narrower tables; ``is_flexible``: it gives way when space is
    short; ``at_most`` characters otherwise. ``order``: what it is sorted by where its text wouldn't do, None last.
    """

    title: str
    cell: Callable[[Row], Text | str]
    right: bool = False
    from_width: int = 0
    is_flexible: bool = False
    at_most: int = 64
    order: Callable[[Row], Any] | None = None

    def text(self, row: Row) -> Text:
        """What stands in the cell, aligned; a plain string is untrusted and made safe."""
        found = self.cell(row)
        text = found.copy() if isinstance(found, Text) else Text(safe(found, self.at_most))
        text.justify = "right" if self.right else "left"
        text.no_wrap = True
        return text


class Table(Vertical, Generic[Row]):
    """Rows of one kind, with a title that counts them and a sentence where there are none."""

    class Chosen(Message):
        """Enter on a row."""

        def __init__(self, table: Table[Any], row: Any) -> None:
            super().__init__()
            self.table, self.row = table, row

        @property
        def control(self) -> Table[Any]:
            """Which table."""
            return self.table

    def __init__(
        self,
        title: str,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], str],
        *,
        empty: str,
        name: str,
        is_timely: bool = True,
    ) -> None:
        """``is_timely``: cells tell how long ago something was; else the same rows aren't painted twice."""
        super().__init__(id=name)
        self._title, self._columns, self._key, self._empty = title, tuple(columns), key, empty
        self._rows: Mapping[str, Row] | None = None
        self.waiting = "asking the cluster …"
        """Said while the rows aren't known."""
        self._needle = ""
        self._note = ""
        self._given: Sequence[Row] | None = None
        self._is_timely = is_timely
        self._sorted_by: str | None = None
        self._is_reversed = False
        self._layout: tuple[tuple[Column[Row], ...], tuple[int, ...]] | None = None
        self._painted: dict[str, tuple[Text, ...]] = {}

    def compose(self) -> ComposeResult:
        """Title, table, and what is said instead of rows."""
        yield Static(classes="title")
        yield DataTable(cursor_type="row", cursor_foreground_priority="renderable")
        yield Static(classes="empty")

    @property
    def needle(self) -> str:
        """Only rows that hold it, in whatever case."""
        return self._needle

    @needle.setter
    def needle(self, text: str) -> None:
        self._needle = text
        self._paint()

    @property
    def rows(self) -> list[Row]:
        """What is shown, from top to bottom."""
        return [self._rows[key] for key in self._painted] if self._rows is not None else []

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        grid = self._grid
        if self._rows is None or not grid.is_valid_row_index(grid.cursor_row):
            return None
        return self._rows.get(list(self._painted)[grid.cursor_row])

    def show(self, rows: Sequence[Row] | None, *, note: str = "") -> None:
        """Show these; None: they aren't known yet. ``note`` stands beside their number."""
        if rows is not None and rows is self._given and note == self._note and not self._is_timely:
            return
        self._given = rows
        self._rows = None if rows is None else {self._key(row): row for row in rows}
        self._note = note
        self._paint()

    def sort_next(self) -> None:
        """Sort by the next column; after the last one the rows stand as they came."""
        titles = [column.title for column in self._visible if column.title]
        at = titles.index(self._sorted_by) + 1 if self._sorted_by in titles else 0
        self.sort_by(titles[at] if at < len(titles) else None)

    def sort_by(self, title: str | None) -> None:
        """Sort by a column, figures with the largest first; the same once more turns it round."""
        self._is_reversed = not self._is_reversed if title == self._sorted_by else False
        self._sorted_by = title
        self._layout = None
        self._paint()

    def turn_round(self) -> None:
        """The other way round."""
        if self._sorted_by is not None:
            self.sort_by(self._sorted_by)

    def focus_rows(self) -> None:
        """Keys move this table's cursor from now on."""
        self._grid.focus()

    @property
    def _grid(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    def on_resize(self, _event: Resize) -> None:
        """Columns come, go and change their widths."""
        self._layout = None
        self._paint()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """A click on a column's title sorts by it."""
        event.stop()
        if event.column_key.value not in (None, _REST):
            self.sort_by(event.column_key.value)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter, or a click on the row under the cursor."""
        event.stop()
        if self.current is not None:
            self.post_message(self.Chosen(self, self.current))

    def _paint(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        columns = self._visible
        is_wanted = matcher(self._needle)
        cells = ((key, tuple(column.text(row) for column in columns)) for key, row in self._in_order())
        wanted = ((key, texts) for key, texts in cells if is_wanted([text.plain for text in texts]))
        shown = dict(islice(wanted, _MOST))
        widths = self._widths(columns, list(shown.values()))
        for texts in shown.values():
            for text, width in zip(texts, widths, strict=True):
                text.truncate(width, overflow="ellipsis")
        self._head(len(self._rows or {}), len(shown))
        with self.app.batch_update():
            self._fill((columns, widths), shown)

    @property
    def _visible(self) -> tuple[Column[Row], ...]:
        return tuple(column for column in self._columns if column.from_width <= self.size.width)

    def _in_order(self) -> Iterable[tuple[str, Row]]:
        rows = (self._rows or {}).items()
        column = next((column for column in self._columns if column.title and column.title == self._sorted_by), None)
        if column is None:
            return rows
        by = column.order or (lambda row: column.text(row).plain.casefold())
        known = [(key, row) for key, row in rows if by(row) is not None]
        unknown = [(key, row) for key, row in rows if by(row) is None]
        is_falling = column.right is not self._is_reversed
        return [*sorted(known, key=lambda item: by(item[1]), reverse=is_falling), *unknown]

    def _widths(self, columns: tuple[Column[Row], ...], rows: Sequence[tuple[Text, ...]]) -> tuple[int, ...]:
        """As wide as the contents; once wide they stay so until the screen changes, and flexible ones give way."""
        before = self._layout[1] if self._layout and self._layout[0] == columns else (0,) * len(columns)
        widths = [
            max(
                [
                    len(column.title) + 2 * (column.title == self._sorted_by),
                    old,
                    *(min(row[number].cell_len, column.at_most) for row in rows),
                ]
            )
            for number, (column, old) in enumerate(zip(columns, before, strict=True))
        ]
        flexible = [number for number, column in enumerate(columns) if column.is_flexible]
        excess = sum(widths) + _PADDING * len(widths) - self.size.width
        while excess > 0 and flexible:
            widest = max(flexible, key=lambda number: widths[number])
            if widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
            excess -= 1
        return tuple(widths)

    def _arrow(self, column: Column[Row]) -> str:
        if not column.title or column.title != self._sorted_by:
            return ""
        return " ↓" if column.right is not self._is_reversed else " ↑"

    def _head(self, known: int, shown: int) -> None:
        title = Text(self._title, style="bold") if self._title else Text()
        if self._rows is not None:
            title.append(
                f"  {shown:,} of {known:,} for “{safe(self._needle, 30)}”" if self._needle else f"  {known:,}", FAINT
            )
            title.append(f"  {self._note}" if self._note else "", FAINT)
            title.append("  the first of them; / narrows, o sorts" if shown == _MOST < known else "", FAINT)
        heading, empty = self.query_one(".title", Static), self.query_one(".empty", Static)
        heading.update(title)
        heading.display = bool(self._title)
        loading = self._rows is None
        empty.update(Text(self.waiting if loading else self._said(known), FAINT))
        empty.display = not shown

    def _said(self, known: int) -> str:
        return f"nothing of {known:,} for “{safe(self._needle, 30)}”; Esc shows them all" if known else self._empty

    def _fill(self, layout: tuple[tuple[Column[Row], ...], tuple[int, ...]], rows: dict[str, tuple[Text, ...]]) -> None:
        if layout == self._layout and list(rows) == list(self._painted):
            self._change(layout[0], rows)
        else:
            self._refill(layout, rows)
        self._layout, self._painted = layout, rows

    def _change(self, columns: Sequence[Column[Row]], rows: dict[str, tuple[Text, ...]]) -> None:
        for key, texts in rows.items():
            for column, old, new in zip(columns, self._painted[key], texts, strict=True):
                if old != new or old.style != new.style or old.spans != new.spans:
                    self._grid.update_cell(key, column.title, new)

    def _refill(
        self, layout: tuple[tuple[Column[Row], ...], tuple[int, ...]], rows: dict[str, tuple[Text, ...]]
    ) -> None:
        grid, (columns, widths) = self._grid, layout
        before, at = list(self._painted), grid.cursor_row
        under_cursor = before[at] if 0 <= at < len(before) else None
        scrolled = grid.scroll_y
        grid.clear(columns=layout != self._layout)
        if not grid.columns:
            for column, width in zip(columns, widths, strict=True):
                label = Text(column.title + self._arrow(column), justify="right" if column.right else "left")
                grid.add_column(label, width=width, key=column.title)
            spare = self.size.width - sum(widths) - _PADDING * (len(widths) + 1)
            if spare > 0:
                grid.add_column("", width=spare, key=_REST, default=Text(""))
        for key, texts in rows.items():
            grid.add_row(*texts, *([Text("")] if len(grid.columns) > len(texts) else []), key=key)
        if under_cursor in rows:
            grid.move_cursor(row=list(rows).index(under_cursor), scroll=False)
        elif rows:
            grid.move_cursor(row=min(max(at, 0), len(rows) - 1), scroll=False)
        grid.scroll_to(y=scrolled, animate=False, force=True)
