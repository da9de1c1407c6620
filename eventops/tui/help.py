"""All keys and commands on one page."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from eventops.tui.palette import ACCENT, FAINT

_PAGES: Final = (
    (
        "Everywhere",
        (
            ("1 2 3 4", "overview, lag, trace, dead letters; the same key again: back to its top"),
            ("Enter", "go deeper: a group's partitions, a cause's letters, a letter's trace"),
            ("Esc", "back"),
            ("/", "only rows that hold some text; Esc shows all"),
            ("r", "ask the cluster now"),
            ("Tab", "next table"),
            ("?", "this page"),
            ("q, Ctrl-C", "leave"),
        ),
    ),
    (
        "Dead letters",
        (
            ("R", "replay the topic, cause or letter: shows the plan, writes nothing"),
            ("x", "on the plan: execute, after a typed yes"),
            ("c", "while it runs: stop after the transaction in hand"),
        ),
    ),
    ("Trace", (("s", "search a correlation id or an event id"),)),
    (
        "Commands after :",
        (
            (":lag [GROUP]", "lag, or one group's partitions"),
            (":trace ID", "the chain of a request"),
            (":dlq [TOPIC]", "dead letters, or any topic's as such"),
            (":overview  :q", "what they say"),
        ),
    ),
    (
        "Marks",
        (
            ("✓ ▲ ✗", "fine, look at it, act"),
            ("? ≥", "not known, at least: never shown as 0"),
            ("↻", "put back by a replay"),
        ),
    ),
)


class HelpPage(Screen[None]):
    """Any key leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "app.back", "back")]

    def compose(self) -> ComposeResult:
        """One text."""
        text = Text()
        for title, lines in _PAGES:
            text.append(f"{title}\n", "bold")
            for keys, what in lines:
                text.append(f"  {keys:<16}", ACCENT).append(f"{what}\n")
            text.append("\n")
        text.append(
            "The line that begins with $ is the command that prints what the screen shows. Esc goes back.", FAINT
        )
        yield VerticalScroll(Static(text, id="help"))
