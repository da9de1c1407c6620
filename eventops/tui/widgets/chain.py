"""A chain of events to walk through: the tree with one event marked, and the same against time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.widgets import Static

from eventops.events import Position
from eventops.trace.drawing import Line, Tone, tree
from eventops.trace.model import Hop, TraceReport
from eventops.trace.timeline import timeline
from eventops.tui.palette import BAD, FAINT, GOOD, ODD, STRONG, WARN
from eventops.tui.widgets.lines import Said

_NARROWEST: Final = 24
TONES: Final[dict[Tone, str]] = {
    Tone.PLAIN: "",
    Tone.NAME: STRONG,
    Tone.FAINT: FAINT,
    Tone.GOOD: GOOD,
    Tone.WAITING: WARN,
    Tone.BAD: BAD,
    Tone.ODD: ODD,
}


class Chain(VerticalScroll):
    """The tree; arrow keys go from event to event."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "the event before", show=False),
        Binding("down,j", "move(1)", "the next event", show=False),
        Binding("home,g", "first", "the first event", show=False),
        Binding("end,G", "last", "the last event", show=False),
    ]

    class Moved(Message):
        """Another event is marked."""

    def __init__(self) -> None:
        super().__init__(id="chain")
        self._report: TraceReport | None = None
        self._at = 0
        self._tops: list[int] = []

    def compose(self) -> ComposeResult:
        """One text."""
        yield _Tree(id="tree")

    @property
    def current(self) -> Hop | None:
        """The marked event."""
        events = self._report.events if self._report is not None else ()
        return events[self._at] if self._at < len(events) else None

    def show(self, report: TraceReport | None, instead: Text, at: Position | None = None) -> None:
        """Show the chain, keeping the mark on its event, or with it on the event that stands ``at`` a place, or of
        which a copy or a letter does; ``instead``: what is said where there is none."""
        marked = self.current
        self._report = report if report is not None and report.events else None
        if self._report is None:
            self._at = 0
            self.query_one("#tree", Static).update(instead)
            return
        meant = next((hop for hop in self._report.events if at in _places(hop)), marked)
        references = [hop.event.reference for hop in self._report.events]
        reference = meant.event.reference if meant is not None else None
        self._at = references.index(reference) if reference in references else 0
        self._draw()
        if meant is not marked:
            self.call_after_refresh(self._reveal)

    def action_move(self, by: int) -> None:
        """So many events down."""
        self._go(self._at + by)

    def action_first(self) -> None:
        """The root."""
        self._go(0)

    def action_last(self) -> None:
        """The last one."""
        self._go(len(self._tops) - 1)

    def on_click(self, event: Click) -> None:
        """The event under the mouse."""
        line = event.y + int(self.scroll_offset.y)
        above = [number for number, top in enumerate(self._tops) if top <= line]
        if above:
            self._go(above[-1])

    def redraw(self) -> None:
        """For another width: lines are broken inside their branch."""
        if self._report is not None:
            self._draw()

    def _go(self, at: int) -> None:
        if not self._tops:
            return
        self._at = min(max(at, 0), len(self._tops) - 1)
        self._draw()
        self._reveal()
        self.post_message(self.Moved())

    def _reveal(self) -> None:
        """The marked event, in view."""
        if self._at >= len(self._tops):
            return
        ends = [*self._tops[1:], self.virtual_size.height]
        lines = ends[self._at] - self._tops[self._at]
        self.scroll_to_region(Region(0, self._tops[self._at], 1, max(min(lines, self.size.height), 1)), animate=False)

    def _draw(self) -> None:
        assert self._report is not None
        width = self.query_one("#tree").content_size.width or self.app.size.width - 2
        text, self._tops = drawn(self._report, width, self._at)
        self.query_one("#tree", Static).update(text)


class _Tree(Said):
    """The chain's text; its width is known when it is laid out, and changes with the scrollbar."""

    def on_resize(self) -> None:
        """As wide as it is now."""
        if isinstance(self.parent, Chain):
            self.parent.redraw()


def _places(hop: Hop) -> set[Position]:
    copies = [copy.position for copy in hop.copies]
    return {hop.event.position, *copies, *(letter.position for letter in hop.dead_letters)}


def drawn(report: TraceReport, width: int, marked: int | None = None) -> tuple[Text, list[int]]:
    """The tree, and in which line each event begins; what doesn't fit goes on below, inside its branch."""
    text, tops, lines = Text(), [], 0
    for line in tree(report):
        if line.rails.endswith("─ "):
            tops.append(lines)
        mark = Style(bgcolor="#26404d") if marked is not None and len(tops) - 1 == marked else Style()
        for part in wrapped(line, width):
            part.stylize(mark)
            text.append_text(part).append("\n")
            lines += 1
    return text, tops


def wrapped(line: Line, width: int) -> Iterator[Text]:
    """One line as it fits."""
    console = Console(width=width, color_system=None)
    body = Text.assemble(*((span.text, TONES[span.tone]) for span in line.spans))
    for number, part in enumerate(body.wrap(console, max(width - len(line.under), _NARROWEST))):
        part.rstrip()
        yield Text(line.under if number else line.rails, FAINT).append_text(part)


class Timeline(Said):
    """The chain against time: bars and names share its width, so it draws itself once it has a place."""

    def __init__(self) -> None:
        super().__init__(id="times")
        self._report: TraceReport | None = None

    def show(self, report: TraceReport | None) -> None:
        """This chain; None: there is none."""
        self._report = report
        self.on_resize()

    def on_resize(self) -> None:
        """As wide as it is now."""
        width = self.content_size.width
        if self._report is not None and width > 0:
            self.update(cut(timeline(self._report, width), width))


def cut(lines: Iterable[Line], width: int) -> Text:
    """Lines as they are, cut where the room ends: bars stay under each other."""
    text = Text()
    for line in lines:
        row = Text.assemble((line.rails, FAINT), *((span.text, TONES[span.tone]) for span in line.spans))
        row.truncate(max(width, 1), overflow="ellipsis")
        text.append_text(row).append("\n")
    return text
