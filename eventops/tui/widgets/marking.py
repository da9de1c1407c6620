"""Rows that the operator marked, by their keys: they stay marked whatever is filtered, sorted or asked anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic

from textual.containers import Vertical

from eventops.tui.widgets.columns import Arranged, Row
from eventops.tui.widgets.grid import Grid


class Markable(Vertical, Generic[Row]):
    """The half of a table that knows what is marked. What is drawn of it is the other half's."""

    _key: Callable[[Row], str]
    _shown: Arranged[Row] | None = None

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.marked: set[str] = set()
        """Keys of the rows that are marked, shown or not."""

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        raise NotImplementedError

    @property
    def _grid(self) -> Grid:
        return self.query_one(Grid)

    def _head(self) -> None:
        raise NotImplementedError

    @property
    def marked_rows(self) -> list[Row]:
        """Those of the shown rows that are marked."""
        if self._shown is None:
            return []
        return [row for name, row in zip(self._shown.keys, self._shown.rows, strict=True) if name in self.marked]

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on to the next."""
        if (row := self.current) is not None:
            self._grid.action_move(1)
            self._mark(self.marked ^ {self._key(row)})

    def toggle_marks(self) -> None:
        """Mark all rows that are shown; where all are marked, take their marks away."""
        shown = set(self._shown.keys) if self._shown is not None else set()
        self._mark(self.marked - shown if shown <= self.marked else self.marked | shown)

    def unmark(self, keys: Iterable[str] | None = None) -> bool:
        """Take these marks away, None: all; False: there were none."""
        had = bool(self.marked)
        self._mark(set() if keys is None else self.marked.difference(keys))
        return had

    def _mark(self, keys: set[str]) -> None:
        self.marked = keys
        self._head()
        self._grid.redraw()
