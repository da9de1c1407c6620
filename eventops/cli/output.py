"""Data: one document, printed as JSON, NDJSON, YAML or CSV; tables are drawn by rich, and plain where nobody looks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from eventops.cli.diagnostics import colours
from eventops.cli.json_layout import OBEYED, json_line, json_text, laid_out
from eventops.errors import ExitCode
from eventops.wording import safe, safe_block

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, OverflowMethod
    from rich.table import Table
    from rich.text import Text

F = TypeVar("F", bound=Callable[..., Any])
Document = Mapping[str, Any]
GUTTER: Final = 3
"""Columns between two columns of a table."""
FOLDED: Final = 30
"""What text that may be folded is given room for before other columns are left out."""
NAMED: Final = 48
"""What a name is given room for before other columns are left out; it is folded beyond."""
_LEAST: Final = 6
_BLOCK: Final = 1 << 16
_MOMENT: Final = 0.1


class Format(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    YAML = "yaml"


def output_option(*more: str) -> Callable[[F], F]:
    """``-o/--output``; ``more`` names formats of this command alone, the first being its default."""
    names = [*more, *(format_.value for format_ in Format)]
    return click.option(
        "-o",
        "--output",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="How the report is printed; the JSON is a documented contract.",
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; ``value`` gives text for people from one row of the document.

    On a terminal that is too narrow for all of them, columns with the highest ``spare`` are left out first; those with
    0 never are. Figures (``right``) are whole or not there, text is folded.
    """

    title: str
    value: Callable[[Document], str]
    right: bool = False
    style: Callable[[Document], str] | None = None
    wrap: bool = False
    spare: int = 0


def print_document(document: Document, output: str, rows: Iterable[Document]) -> None:
    """Print whatever isn't a table. ``rows`` are the document's main list: a line each for NDJSON and CSV.

    JSON and NDJSON are printed while iterators in the document, or ``rows``, still bring their items.
    """
    match output:
        case Format.JSON:
            _stream(laid_out(document))
            write("")
        case Format.NDJSON:
            _stream(json_line(row) + "\n" for row in rows)
        case Format.YAML:
            write(_yaml(document).rstrip("\n"))
        case Format.CSV:
            _print_csv(list(rows))
        case _:
            raise ValueError(output)


def _yaml(document: Document) -> str:
    """Letters of all languages as they are, unless a terminal would obey something among them."""
    import yaml

    text: str = yaml.safe_dump(_plain(document), allow_unicode=True, sort_keys=False)
    if OBEYED.search(text):
        text = yaml.safe_dump(_plain(document), allow_unicode=False, sort_keys=False)
    return text


def print_table(title: str, columns: Sequence[Column], rows: Sequence[Document], footer: str = "") -> None:
    """A table that fits the terminal, and is never cut where stdout is a pipe; what was left out is named below."""
    from rich.text import Text

    screen = console()
    for part in drawn(title, columns, rows, screen.width, footer):
        screen.print(part, soft_wrap=isinstance(part, Text))


def drawn(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Document],
    width: int,
    footer: str = "",
    *,
    one_line: bool = False,
) -> Iterator[Table | Text]:
    """The table for a line of ``width``, and the lines below it; ``one_line``: text is cut where it would be folded."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(safe(title)), title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown = _fitting(columns, rows, width)
    widths = _shared_out(shown, rows, width) if one_line else {}
    for column in shown:
        whole = _width(column, rows) if column.right and not one_line else None
        justify: JustifyMethod = "right" if column.right else "left"
        fold: OverflowMethod = "ellipsis" if one_line else "fold"
        no_wrap = column.right or one_line
        table.add_column(
            Text(column.title),
            justify=justify,
            no_wrap=no_wrap,
            overflow=fold,
            min_width=whole,
            width=widths.get(column.title),
        )
    for row in rows:
        table.add_row(*(_cell(column, row) for column in shown))
    yield table
    hidden = [column.title for column in columns if column not in shown]
    if hidden:
        yield Text(f"too narrow for: {', '.join(hidden)}", style="dim")
    if footer:
        yield Text(footer)


def console() -> Console:
    """Where data goes: colours and the terminal's width on a terminal, plain and as wide as needed elsewhere."""
    terminal = sys.stdout.isatty()
    wide = None if terminal else int(os.environ.get("COLUMNS", "0")) or 200
    shown = colours(sys.stdout)
    return _console_class()(
        width=wide, no_color=not shown, highlight=False, emoji=False, markup=False, force_terminal=terminal
    )


@cache
def _console_class() -> type[Console]:
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            """As :func:`write` does; Rich would make it exit code 1."""
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(ExitCode.DONE)

    return Screen


def flat(document: Document, prefix: str = "") -> dict[str, Any]:
    """One level of keys: objects become ``a.b``, lists their JSON.

    >>> flat({"a": {"b": 1}, "c": [1, 2]})
    {'a.b': 1, 'c': '[1, 2]'}
    """
    row: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            row.update(flat(value, f"{prefix}{key}."))
        elif isinstance(value, list | tuple):
            row[prefix + key] = json_text(value)
        else:
            row[prefix + key] = value
    return row


def _print_csv(rows: Sequence[Document]) -> None:
    import csv
    import io

    table = [flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in table for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in table)
    write(text.getvalue().rstrip("\n"))


def csv_cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is kept text (OWASP: CSV injection), and what a terminal would
    obey is shown.

    >>> csv_cell("=1+1"), csv_cell("a\\x1b[2J"), csv_cell(-1)
    ("'=1+1", 'a\\\\x1b[2J', -1)
    """
    if not isinstance(value, str):
        return value
    value = safe_block(value)
    return "'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _fitting(columns: Sequence[Column], rows: Sequence[Document], width: int) -> list[Column]:
    """The columns that a line of ``width`` has room for."""
    shown = list(columns)
    while sum(_width(column, rows) + GUTTER for column in shown) > width:
        most = max(column.spare for column in shown)
        if most == 0:
            break
        shown.remove(next(column for column in reversed(shown) if column.spare == most))
    return shown


def _shared_out(shown: Sequence[Column], rows: Sequence[Document], width: int) -> dict[str, int]:
    """How wide each column is where every row is one line: figures are whole, and what is left belongs to text."""
    widths = {column.title: _width(column, rows) for column in shown}
    rest = width - sum(widths.values()) - GUTTER * (len(shown) - 1)
    for column in reversed(shown):
        if column.wrap and rest > 0:
            widths[column.title] += rest
            rest = 0
        elif not column.right and rest < 0:
            kept = max(widths[column.title] + rest, min(widths[column.title], _LEAST))
            rest += widths[column.title] - kept
            widths[column.title] = kept
    return widths


def _width(column: Column, rows: Sequence[Document]) -> int:
    from rich.cells import cell_len

    natural = max([cell_len(column.title), *(cell_len(safe(column.value(row))) for row in rows)])
    if column.right:
        return natural
    return min(natural, FOLDED if column.wrap else NAMED)


def _cell(column: Column, row: Document) -> Any:
    from rich.text import Text

    style = column.style(row) if column.style else ""
    return Text(safe(column.value(row)), style=style)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _stream(pieces: Iterable[str]) -> None:
    """Print pieces as they come, many at a time, but never keep a reader waiting for more than a moment."""
    waiting: list[str] = []
    size, told = 0, time.monotonic()
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK or time.monotonic() - told > _MOMENT:
            write("".join(waiting), end="")
            waiting.clear()
            size, told = 0, time.monotonic()
    write("".join(waiting), end="")


def write(text: str, end: str = "\n") -> None:
    """To stdout. A reader that went away (``| head``) ends the command, and is no finding: click would make it exit
    code 1."""
    shown = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        click.echo(shown + end, nl=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(ExitCode.DONE) from None
