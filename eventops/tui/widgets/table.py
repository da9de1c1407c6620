"""A table whose rows have keys: rows come, go and change, the cursor and the scroll position stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.events import DescendantFocus, Resize
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from eventops.tui.messages import Ordered
from eventops.tui.palette import FAINT
from eventops.tui.widgets import caption
from eventops.tui.widgets.columns import Arranged, Column, Depth, Row, Wish, arranged, is_light, place, widths
from eventops.tui.widgets.grid import Grid
from eventops.tui.widgets.lines import OneLine, Said
from eventops.tui.widgets.marking import Markable

__all__ = ["Column", "Table"]

_FEW: Final = 300
"""Rows that are put in order at once; more of them in a worker, for keys have to answer meanwhile."""
_MEASURED: Final = 60
"""Rows whose cells tell how wide the columns are, beside those in view."""


class Table(Markable[Row]):
    """Rows of one kind, with a title that counts them and a sentence where there are none."""

    class Chosen(Message):
        """Enter on a row."""

        def __init__(self, table: Table[Any], row: Any) -> None:
            super().__init__()
            self.table, self.row = table, row

    class Missed(Message):
        """Enter, and no row is there."""

    class Moved(Message):
        """Another row is under the cursor."""

        def __init__(self, table: Table[Any]) -> None:
            super().__init__()
            self.table = table

    def __init__(
        self,
        title: str,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], str],
        *,
        empty: str,
        name: str,
        is_timely: bool = True,
        depth: Depth[Row] | None = None,
    ) -> None:
        """``is_timely``: cells tell how long ago something was; else the same rows aren't painted twice. ``depth``:
        what a filter looks through beside the cells."""
        super().__init__(id=name)
        self._title, self._columns, self._key, self._depth = title, tuple(columns), key, depth
        self.empty = empty
        """Said where there are no rows."""
        self.waiting = "asking the cluster …"
        """Said while the rows aren't known."""
        self.is_partial = False
        """Something couldn't be read: no rows doesn't mean that there are none."""
        self._follows, self._note, self._is_timely = False, "", is_timely
        self._given: Sequence[Row] | None = None
        self._wish, self._number = Wish(), 0
        self._said = (self._note, self.empty, self.is_partial)
        self._visible: tuple[Column[Row], ...] = ()
        self._wide: tuple[int, ...] = ()
        self._width = 0
        self._instead: Said | None = None
        self._told: dict[int, list[Text]] = {}  # texts of rows since they were shown: measured, compared and drawn

    def compose(self) -> ComposeResult:
        """Title and rows; what is said instead of them comes when it is said first."""
        yield OneLine(classes="title")
        yield Grid(self._cells, lambda row: self._shown is not None and self._shown.keys[row] in self.marked)

    @property
    def needle(self) -> str:
        """Only rows that hold it, in whatever case."""
        return self._wish.needle

    @needle.setter
    def needle(self, text: str) -> None:
        self._ask_for(replace(self._wish, needle=text))

    @property
    def wish(self) -> Wish:
        """What is asked of the order: filter, column, direction."""
        return self._wish

    @wish.setter
    def wish(self, wish: Wish) -> None:
        if wish != self._wish:
            self._ask_for(wish)

    @property
    def sorting(self) -> tuple[str | None, bool]:
        """The column that the rows are sorted by, None: as they came; and whether the other way round."""
        return self._wish.sorted_by, self._wish.is_reversed

    @property
    def rows(self) -> Sequence[Row]:
        """What is shown, from top to bottom."""
        return self._shown.rows if self._shown is not None else ()

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        at, rows = self._grid.cursor_row, self.rows
        return rows[at] if 0 <= at < len(rows) else None

    def show(self, rows: Sequence[Row] | None, *, note: str = "") -> None:
        """Show these; None: they aren't known yet. ``note`` stands beside their number."""
        is_same = rows is not None and rows is self._given
        said = (note, self.empty, self.is_partial)
        if is_same and said == self._said and not self._is_timely:
            return
        self._given, self._note, self._said = rows, note, said
        is_arranged = is_same and self._shown is not None and self._visible
        self._fit() if is_arranged else self._arrange()

    def sort_next(self) -> None:
        """Sort by the next column; after the last one the rows stand as they came."""
        titles = [column.title for column in self._visible if column.title]
        at = titles.index(self._wish.sorted_by) + 1 if self._wish.sorted_by in titles else 0
        self.sort_by(titles[at] if at < len(titles) else None)

    def sort_by(self, title: str | None, *, is_reversed: bool | None = None) -> None:
        """Sort by a column, figures with the largest first; the same once more turns it round."""
        if is_reversed is None:
            is_reversed = not self._wish.is_reversed if title == self._wish.sorted_by else False
        self._wide = ()
        self._ask_for(replace(self._wish, sorted_by=title, is_reversed=is_reversed))

    def turn_round(self) -> None:
        """The other way round."""
        if self._wish.sorted_by is not None:
            self.sort_by(self._wish.sorted_by)

    def go_to(self, row: int) -> None:
        """Put the cursor there, in view."""
        self.call_after_refresh(self._grid.action_move_to, max(row, 0))

    def follow(self, is_following: bool) -> None:
        """Keep the cursor on the row that was given last, wherever it stands, from now on until it is moved."""
        self._follows = is_following
        if is_following:
            self._to_last()

    @property
    def is_at_newest(self) -> bool:
        """The cursor stands on that one of the shown rows that was given last, or nowhere."""
        shown, at = self._shown, self._grid.cursor_row
        return shown is None or not 0 <= at < len(shown.keys) or shown.keys[at] == shown.last

    def _to_last(self) -> None:
        shown = self._shown
        last = None if shown is None else shown.last
        self._grid.put_cursor(0 if shown is None or last is None else place(shown.keys, last, len(shown.keys) - 1))

    def focus_rows(self) -> None:
        """Keys move this table's cursor from now on."""
        self.screen.set_focus(self._grid)  # at once: a key behind the one that led here may ask for another focus

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """Low terminals show the others' titles only; elsewhere it is noted, and styled when the terminal gets low."""
        for table in self.screen.query(Table):
            table.set_class(table is not self, "-behind", update=not self.screen.has_class("-tall"))

    def on_resize(self, _event: Resize) -> None:
        """Columns come, go and change their widths."""
        if self.size.width != self._width:
            self._wide, self._width = (), self.size.width
            if self._see():
                self._arrange()
        self._fit()

    def on_grid_titled(self, event: Grid.Titled) -> None:
        """A click on a column's title sorts by it."""
        event.stop()
        if event.name:
            self.sort_by(event.name)

    def on_grid_picked(self, event: Grid.Picked) -> None:
        """Enter, or a click on the row under the cursor."""
        event.stop()
        self.post_message(self.Missed() if (row := self.current) is None else self.Chosen(self, row))

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """What comes into view may be wider."""
        event.stop()
        self._fit(is_drawn=True)
        self.post_message(self.Moved(self))

    def on_ordered(self, message: Ordered) -> None:
        """The answer to the latest wish; others are late. What waits to be painted comes first: a key led to it."""
        message.stop()
        self.call_after_refresh(self._take_latest, message)

    def _take_latest(self, message: Ordered) -> None:
        if message.number == self._number:
            self._take(message.result)

    def _ask_for(self, wish: Wish) -> None:
        self._wide = self._wide if wish.needle == self._wish.needle else ()
        self._wish = wish
        self._arrange()

    def _has_width(self) -> bool:
        """Else its rows are put in order once it has one: a screen is seen before the rows on it, of which there may be
        many."""
        return self.is_mounted and self._width > 0

    def _see(self) -> bool:
        before = self._visible
        self._visible = tuple(column for column in self._columns if column.from_width <= self._width)
        return self._visible != before

    def _arrange(self) -> None:
        """Put the rows in order: few at once, many in a worker while those before stay."""
        if not self._has_width():
            return
        self._number += 1
        number, rows, columns, wish, depth = self._number, self._given, self._visible, self._wish, self._depth
        if rows is None or (len(rows) <= _FEW and (not wish.needle or is_light(rows, depth))):
            self._take(None if rows is None else arranged(rows, columns, self._key, wish, depth=depth))
            return

        given = [rows]  # Textual's workers live on in cycles until the collector comes: they shan't hold the rows

        def work() -> None:
            worker = get_current_worker()
            result = arranged(given.pop(), columns, self._key, wish, lambda: worker.is_cancelled, depth)
            if result is not None and not worker.is_cancelled:
                self.post_message(Ordered(number, result))

        self.run_worker(work, thread=True, name="order", group=f"order {self.id}", exclusive=True, exit_on_error=False)

    def _take(self, result: Arranged[Row] | None) -> None:
        before, grid, goes_on = self._shown, self._grid, self._follows and self.is_at_newest  # else it was moved
        under = before.keys[grid.cursor_row] if before and 0 <= grid.cursor_row < len(before.keys) else None
        self._shown = result
        self._told.clear()
        keys = result.keys if result is not None else ()
        if goes_on and keys:
            self._to_last()
            self.call_after_refresh(grid.show_cursor)
        elif under is not None and keys:
            grid.put_cursor(place(keys, under, grid.cursor_row))
        elif not keys:
            grid.put_cursor(0)
        self._fit()
        self.post_message(self.Moved(self))

    def _fit(self, *, is_drawn: bool = False) -> None:
        """Measure what is in view and draw it; ``is_drawn``: only where that makes columns wider."""
        if not self._has_width():
            return
        if not is_drawn:
            self._told.clear()
        grid, count = self._grid, len(self.rows)
        measured = grid.in_view if is_drawn else {*range(min(count, _MEASURED)), *grid.in_view}
        cells = [self._texts(row) for row in measured if row < count]
        before = self._wide if len(self._wide) == len(self._visible) else ()
        wide = widths(self._visible, cells, before, self._width, self._wish.sorted_by)
        if is_drawn and wide == self._wide:
            return
        self._wide = wide
        self._head()
        rest = caption.rest(self._wide, self._width)
        grid.lay_out([*caption.heads(self._visible, self._wide, self._wish), *rest], count)

    def _cells(self, row: int) -> Sequence[Text]:
        return self._texts(row) if row < len(self.rows) else [Text("") for _ in self._visible]

    def _texts(self, row: int) -> list[Text]:
        if row not in self._told:
            if len(self._told) > _FEW:
                self._told.clear()
            self._told[row] = [column.text(self.rows[row]) for column in self._visible]
        return self._told[row]

    def _head(self) -> None:
        told = caption.counted(self._shown, self.needle, len(self.marked))
        heading = self.query_one(".title", Static)
        heading.update(caption.title(self._title, told, self._note))
        is_told = self.needle or self.marked or self._note or not self.screen.has_class("-low")
        heading.display = bool(self._title and is_told)
        instead = self.waiting if told is None else caption.instead(told, self.empty, is_partial=self.is_partial)
        self._say(Text(instead, FAINT), is_shown=told is None or not told.shown)

    def _say(self, text: Text, *, is_shown: bool) -> None:
        if self._instead is None:
            if not is_shown:
                return
            self._instead = Said(classes="empty")
            self.mount(self._instead)
        self._instead.update(text)
        self._instead.display = is_shown
