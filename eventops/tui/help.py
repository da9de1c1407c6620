"""All keys and commands on one page, made from the bindings themselves, so that no key is missing or made up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from eventops.tui.commands import ALIASES, NAMES
from eventops.tui.palette import ACCENT, FAINT
from eventops.tui.widgets.lines import OneLine

if TYPE_CHECKING:
    from eventops.tui.app import Dashboard

_KEYS: Final = {
    "colon": ":",
    "slash": "/",
    "question_mark": "?",
    "escape": "Esc",
    "enter": "Enter",
    "plus": "+",
    "minus": "-",
    "ctrl+c": "Ctrl-C",
    "ctrl+p": "Ctrl-P",
}
_MARKS: Final = (
    ("✓ ▲ ✗", "fine, look at it, act"),
    ("? ≥", "not known, at least: never shown as 0"),
    ("↻", "put back by a replay"),
)
_COUNTS: Final = (
    ("open", "letters that nobody dealt with, those that failed again among them"),
    ("failed again", "of the open ones: they were put back, and came back as letters"),
    ("parked", "refused by where they were to go: not open; U takes that back"),
)
_LEAST: Final = 10
"""Columns of the keys."""
_TABLES: Final = (("Enter", "go deeper"), ("Tab", "the next table"), ("↑ ↓", "move; PgUp, PgDn, Home and End too"))


class HelpPage(Screen[None]):
    """Escape leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "app.back", "back", show=False)]

    def __init__(self, asked_on: DOMNode) -> None:
        """``asked_on``: the screen whose own keys are told first."""
        super().__init__()
        self._asked_on = asked_on

    def compose(self) -> ComposeResult:
        """One text."""
        text = Text()
        _section(text, "On this screen", _keys(type(self._asked_on)))
        _section(text, "On tables", _TABLES)
        _section(text, "Everywhere", _keys(type(self.app)))
        short = {name: [alias for alias, full in ALIASES.items() if full == name] for name in NAMES}
        _section(
            text,
            "Commands after :   Tab completes",
            ((f":{name} {' '.join(short[name])}", what) for name, what in NAMES.items()),
        )
        _section(text, "Marks", _MARKS)
        _section(text, "Counts of dead letters", _COUNTS)
        text.append("The line that begins with $ is the command that prints what the screen shows; y copies it.", FAINT)
        yield OneLine(id="writing")
        yield VerticalScroll(Static(text, id="help"))

    def on_mount(self) -> None:
        """What is written meanwhile is seen here too."""
        self._tell()
        self.set_interval(1.0, self._tell)

    def _tell(self) -> None:
        sign = cast("Dashboard", self.app).sign_of_writing(None)
        line = self.query_one("#writing", OneLine)
        line.display = sign is not None
        line.update(sign or Text())


def bindings(of: type[DOMNode]) -> Iterator[Binding]:
    """Keys and what they do, of one class and those of ours it is made of; the nearest first."""
    told: set[str] = set()
    for kind in of.__mro__:
        if not kind.__module__.startswith("eventops."):
            continue
        for one in vars(kind).get("BINDINGS", ()):
            if isinstance(one, Binding) and one.show and one.key not in told:
                told.add(one.key)
                yield one


def _keys(of: type[DOMNode]) -> Iterator[tuple[str, str]]:
    return ((_KEYS.get(one.key, one.key), one.description) for one in bindings(of))


def _section(text: Text, title: str, lines: Iterable[tuple[str, str]]) -> None:
    text.append(f"{title}\n", "bold")
    told = list(lines)
    longest = max((len(keys) for keys, _ in told), default=0)
    wide = _LEAST if longest < _LEAST else longest + 2
    for keys, what in told:
        text.append(f"  {keys:<{wide}}", ACCENT).append(f"{what}\n")
    text.append("\n")
