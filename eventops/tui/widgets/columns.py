"""Which rows a table shows, in which order, and how wide its columns are. Pure: it may be worked out in any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Generic, TypeVar

from rich.text import Text

from eventops.tui.filtering import Matcher
from eventops.tui.widgets.grid import PADDING
from eventops.wording import safe

Row = TypeVar("Row")
_NARROWEST: Final = 8
_LIGHT: Final = 500_000
"""Bytes that a filter looks through at once: some milliseconds."""
_PIECE: Final = 250
"""Rows between two looks at whether anybody still wants the answer."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column. ``from_width``: it is left out on narrower tables; ``is_flexible``: it gives way when space is
    short; ``at_most`` characters otherwise. ``order``: what it is sorted by where its text wouldn't do, None last.
    ``is_answer``: it tells what a filter found, so it isn't filtered itself.
    """

    title: str
    cell: Callable[[Row], Text | str]
    right: bool = False
    from_width: int = 0
    is_flexible: bool = False
    at_most: int = 64
    order: Callable[[Row], Any] | None = None
    is_answer: bool = False

    def text(self, row: Row) -> Text:
        """What stands in the cell, aligned; a plain string is untrusted and made safe."""
        found = self.cell(row)
        text = found.copy() if isinstance(found, Text) else Text(safe(found, self.at_most))
        text.justify = "right" if self.right else "left"
        text.no_wrap = True
        return text

    def plain(self, row: Row) -> str:
        """The same as a filter sees it."""
        found = self.cell(row)
        return found.plain if isinstance(found, Text) else safe(found, self.at_most)


@dataclass(frozen=True)
class Depth(Generic[Row]):
    """What a filter finds of a row beside its cells: ``texts``, the cheapest first, of so many bytes (``size``)."""

    texts: Callable[[Row], Iterable[str]]
    size: Callable[[Row], int]


@dataclass(frozen=True)
class Wish:
    """What the operator asked of the order: rows that hold ``needle``, by the column of that title."""

    needle: str = ""
    sorted_by: str | None = None
    is_reversed: bool = False


@dataclass(frozen=True)
class Arranged(Generic[Row]):
    """The rows from top to bottom, with their keys; ``known`` is how many there are without a filter, ``last`` the key
    of that one of them that was given last. ``looked_to``: the filter looked through so many characters of texts that
    are longer, and they may hold what is wanted further on; None: there are none of these."""

    known: int
    rows: tuple[Row, ...]
    keys: tuple[str, ...]
    last: str | None
    looked_to: int | None = None


def arrow(column: Column[Any], wish: Wish) -> str:
    """Beside the title of the column that the rows are sorted by: which way."""
    if not column.title or column.title != wish.sorted_by:
        return ""
    return " ↓" if column.right is not wish.is_reversed else " ↑"


def arranged(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    key: Callable[[Row], str],
    wish: Wish,
    is_dropped: Callable[[], bool] = lambda: False,
    depth: Depth[Row] | None = None,
) -> Arranged[Row] | None:
    """Filter, then sort; of rows with the same key the last one stands. None: it was dropped on the way."""
    by_key = {key(row): row for row in rows}
    wanted = list(by_key.items())
    is_wanted = Matcher(wish.needle)
    if wish.needle:
        wanted = list(_matching(wanted, _texts(columns, depth), is_wanted, is_dropped))
        if is_dropped():
            return None
    last = wanted[-1][0] if wanted else None
    ordered = _in_order(wanted, columns, wish)
    names = tuple(name for name, _ in ordered)
    return Arranged(len(by_key), tuple(row for _, row in ordered), names, last, is_wanted.looked_to)


def _matching(
    rows: Iterable[tuple[str, Row]],
    texts: Callable[[Row], Iterable[str]],
    is_wanted: Matcher,
    is_dropped: Callable[[], bool],
) -> Iterator[tuple[str, Row]]:
    for number, (name, row) in enumerate(rows):
        if number % _PIECE == 0 and is_dropped():
            return
        if is_wanted(texts(row)):
            yield name, row


def _texts(columns: Sequence[Column[Row]], depth: Depth[Row] | None) -> Callable[[Row], Iterable[str]]:
    def texts(row: Row) -> Iterator[str]:
        yield from (column.plain(row) for column in columns if not column.is_answer)
        if depth is not None:
            yield from depth.texts(row)

    return texts


def _in_order(rows: list[tuple[str, Row]], columns: Sequence[Column[Row]], wish: Wish) -> list[tuple[str, Row]]:
    column = next((one for one in columns if one.title and one.title == wish.sorted_by), None)
    if column is None:
        return rows
    by = column.order or (lambda row: column.plain(row).casefold())
    valued = [(by(item[1]), item) for item in rows]
    known = [pair for pair in valued if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=column.right is not wish.is_reversed)
    return [item for _, item in known] + [item for value, item in valued if value is None]


def is_light(rows: Iterable[Row], depth: Depth[Row] | None) -> bool:
    """Whether a filter has looked through these before a key is missed."""
    return depth is None or all(read <= _LIGHT for read in accumulate(map(depth.size, rows)))


def widths(
    columns: Sequence[Column[Row]],
    rows: Iterable[Sequence[Text]],
    before: Sequence[int],
    total: int,
    sorted_by: str | None,
) -> tuple[int, ...]:
    """As wide as the contents; once wide they stay so until the layout changes, and flexible ones give way: remarks
    without a title before names."""
    found = [
        max(len(column.title) + 2 * (column.title == sorted_by and bool(column.title)), old)
        for column, old in zip(columns, before or (0,) * len(columns), strict=True)
    ]
    for row in rows:
        for number, (column, text) in enumerate(zip(columns, row, strict=True)):
            found[number] = max(found[number], min(text.cell_len, column.at_most))
    flexible = [number for number, column in enumerate(columns) if column.is_flexible]
    excess = sum(found) + PADDING * len(found) - total
    while excess > 0 and flexible:
        widest = max(flexible, key=lambda number: (_gives_way(columns[number], found[number]), found[number]))
        if found[widest] <= _NARROWEST:
            break
        found[widest] -= 1
        excess -= 1
    return tuple(found)


def _gives_way(column: Column[Row], width: int) -> bool:
    return not column.title and not column.is_answer and width > _NARROWEST


def place(keys: Sequence[str], wanted: str, at: int) -> int:
    """Where a key stands now, looked for first where it stood; the same place where it is gone.

    >>> place(("a", "b", "c"), "c", 0), place(("a", "b"), "z", 5), place(("a", "b"), "b", 1)
    (2, 1, 1)
    """
    if at < len(keys) and keys[at] == wanted:
        return at
    try:
        return keys.index(wanted)
    except ValueError:
        return min(max(at, 0), len(keys) - 1)
