"""Rows of cells of which only those in view are ever drawn: fifty thousand cost what fifty do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Blur, Click, DescendantBlur, DescendantFocus, Event, Focus, Leave, MouseMove, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

PADDING: Final = 2
"""Blank columns of every cell: one on each side."""
_KEPT: Final = 400
"""Drawn lines that are kept."""


@dataclass(frozen=True)
class Head:
    """A column: its title as it is shown, its width, the name that a click on it tells."""

    title: str
    width: int
    name: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A row as it was drawn: of which cells, on which ground."""

    cells: Sequence[Text]
    style: Style
    strip: Strip


class Grid(ScrollView, can_focus=True):
    """Draws lines on demand; ``cells`` is asked for a row when it comes into view."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--head",
        "grid--chosen",
        "grid--cursor",
        "grid--hover",
        "grid--marked",
    }
    """``chosen`` is the cursor's row while keys move it: by ``:focus``, each way of the focus would draw all rows."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "move_page(-1)", "a page up", show=False),
        Binding("pagedown,ctrl+f", "move_page(1)", "a page down", show=False),
        Binding("home,g", "move_to(0)", "first", show=False),
        Binding("end,G", "move_to(-1)", "last", show=False),
        Binding("enter", "choose", "go deeper", show=False),
    ]
    cursor_row: reactive[int] = reactive(0, repaint=False)
    hover_row: reactive[int | None] = reactive(None, repaint=False)

    class Moved(Message):
        """The cursor stands on another row."""

    class Picked(Message):
        """Enter, or a click on the row under the cursor."""

    class Titled(Message):
        """A click on a column's title."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, cells: Callable[[int], Sequence[Text]], is_marked: Callable[[int], bool]) -> None:
        super().__init__()
        self._cells = cells
        self._is_marked = is_marked
        self._heads: tuple[Head, ...] = ()
        self._drawn: dict[tuple[int, str], _Drawn] = {}
        self.row_count = 0

    @property
    def in_view(self) -> range:
        """The rows that are on the screen."""
        top = int(self.scroll_offset.y)
        return range(top, min(top + max(self.size.height - 1, 1), self.row_count))

    def lay_out(self, heads: Sequence[Head], rows: int) -> None:
        """Columns, and how many rows there are now. Lines that say the same aren't drawn again."""
        if tuple(heads) == self._heads and rows == self.row_count:
            self._redraw_changed()
            return
        is_higher = rows != self.row_count
        self._heads, self.row_count = tuple(heads), rows
        self._drawn.clear()
        width = sum(head.width + PADDING for head in heads)
        self.virtual_size = Size(width, rows + 1)
        self.refresh(layout=is_higher)

    def _redraw_changed(self) -> None:
        before, self._drawn = self._drawn, {}
        view = self.in_view
        changed = {row for row in view if not any(key[0] == row for key in before)}
        for (row, look), drawn in before.items():
            if row not in view:
                continue
            if _is_same(drawn.cells, self._cells(row)):
                self._drawn[row, look] = drawn
            else:
                changed.add(row)
        for row in changed:
            self._redraw(row)

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """The title's line and the rows."""
        return self.row_count + 1

    def put_cursor(self, row: int) -> None:
        """On that row, wherever it is scrolled to."""
        self.set_reactive(Grid.cursor_row, row)

    def watch_cursor_row(self, before: int, after: int) -> None:
        """Draw the two rows anew and keep the cursor in view."""
        self._redraw(before)
        self._redraw(after)
        self.show_cursor()
        self.post_message(self.Moved())

    def watch_hover_row(self, before: int | None, after: int | None) -> None:
        """Draw the two rows anew."""
        for row in (before, after):
            if row is not None:
                self._redraw(row)

    def action_move(self, by: int) -> None:
        """So many rows down."""
        self._go(self.cursor_row + by)

    def action_move_page(self, by: int) -> None:
        """So many pages down."""
        self._go(self.cursor_row + by * max(self.size.height - 2, 1))

    def action_move_to(self, row: int) -> None:
        """To the first row, or (-1) the last."""
        self._go(row if row >= 0 else self.row_count - 1)

    def action_choose(self) -> None:
        """Take the row under the cursor; where there is none, that is told too."""
        self.post_message(self.Picked())

    def on_click(self, event: Click) -> None:
        """A title sorts; a row gets the cursor, and the one that has it is taken."""
        if event.y == 0:
            if (name := self._name_at(event.x)) is not None:
                self.post_message(self.Titled(name))
            return
        row = event.y - 1 + int(self.scroll_offset.y)
        if row >= self.row_count:
            return
        if row == self.cursor_row:
            self.action_choose()
        else:
            self._go(row)

    def on_resize(self, _event: Resize) -> None:
        """The cursor stays in view."""
        self.call_after_refresh(self.show_cursor)

    def on_mouse_move(self, event: MouseMove) -> None:
        """The row under the mouse."""
        row = event.y - 1 + int(self.scroll_offset.y)
        self.hover_row = row if event.y > 0 and row < self.row_count else None

    def on_leave(self, _event: Leave) -> None:
        """None any more."""
        self.hover_row = None

    def on_focus(self, event: Focus) -> None:
        """The cursor is drawn as the one that moves."""
        self._take_focus(event, DescendantFocus(self), has_it=True)

    def on_blur(self, event: Blur) -> None:
        """The cursor is drawn faintly."""
        self._take_focus(event, DescendantBlur(self), has_it=False)

    def _take_focus(self, event: Event, told: Event, *, has_it: bool) -> None:
        """As Textual's own handlers, which come behind this one, but for styling and drawing all of it anew."""
        event.prevent_default()
        self.set_reactive(Grid.has_focus, has_it)
        self._redraw(self.cursor_row)
        if self.parent is not None:
            self.parent.post_message(told)

    def redraw(self) -> None:
        """Draw what is in view anew: its marks changed."""
        self._drawn.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The title's line, or the row that stands there."""
        width = self.size.width
        if y == 0:
            style = self.get_component_rich_style("grid--head")
            return self._line([Text(head.title, justify="right" if head.right else "left") for head in self._heads],
                              style, width)  # fmt: skip
        row = y - 1 + int(self.scroll_offset.y)
        if row >= self.row_count:
            return Strip.blank(width, self.rich_style)
        look = self._look(row)
        style = self.get_component_rich_style(look) if look else self.rich_style
        drawn = self._drawn.get((row, look))
        if drawn is None or drawn.style != style:  # another theme
            cells = self._cells(row)
            drawn = _Drawn(cells, style, self._line(cells, style, width))
            if len(self._drawn) > _KEPT:
                self._drawn.clear()
            self._drawn[row, look] = drawn
        return drawn.strip

    def _look(self, row: int) -> str:
        if row == self.cursor_row:
            return "grid--chosen" if self.has_focus else "grid--cursor"
        if row == self.hover_row:
            return "grid--hover"
        return "grid--marked" if self._is_marked(row) else ""

    def _line(self, cells: Sequence[Text], style: Style, width: int) -> Strip:
        segments: list[Segment] = []
        for head, cell in zip(self._heads, cells, strict=False):  # after a resize, columns come a moment later
            text = cell.copy()
            text.truncate(head.width, overflow="ellipsis")
            blank = " " * (head.width - text.cell_len)
            before, after = (blank, "") if cell.justify == "right" else ("", blank)
            segments.append(Segment(" " + before, style))
            segments += _segments(text, style, self.app.console)
            segments.append(Segment(after + " ", style))
        return Strip(segments).adjust_cell_length(width, style).simplify()

    def _name_at(self, x: int) -> str | None:
        for head in self._heads:
            x -= head.width + PADDING
            if x < 0:
                return head.name
        return None

    def _go(self, row: int) -> None:
        if self.row_count:
            self.cursor_row = min(max(row, 0), self.row_count - 1)

    def _redraw(self, row: int) -> None:
        line = row + 1 - int(self.scroll_offset.y)
        if line > 0:
            self.refresh(Region(0, line, self.size.width, 1))

    def show_cursor(self) -> None:
        """Scroll to it where it is out of view."""
        view = self.in_view
        if self.cursor_row < view.start:
            self.scroll_to(y=self.cursor_row, animate=False, force=True, immediate=True)
        elif self.cursor_row >= view.start + max(self.size.height - 1, 1):
            top = self.cursor_row - max(self.size.height - 1, 1) + 1
            self.scroll_to(y=top, animate=False, force=True, immediate=True)


def _is_same(some: Sequence[Text], others: Sequence[Text]) -> bool:
    return len(some) == len(others) and all(
        one == other and one.style == other.style for one, other in zip(some, others, strict=True)
    )


def _segments(text: Text, style: Style, console: Any) -> list[Segment]:
    if not text.spans:
        own = console.get_style(text.style, default="") if isinstance(text.style, str) else text.style
        return [Segment(text.plain, style + own)]
    return [
        Segment(part.text, style + part.style if part.style else style)
        for part in text.render(console)
        if not part.control and part.text
    ]
