"""One field of a form: its name, and a line to write in."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantFocus, Key
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widgets import Input, Static


class Line(Input):
    """Printable keys are text here, not commands; Escape leaves it."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """Its place is no matter of what is typed, see :class:`eventops.tui.widgets.lines.Prompt`."""

    def on_key(self, event: Key) -> None:
        """Escape leaves the field, not the screen."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.post_message(Field.Left())


class Field(Horizontal):
    """A name and its line; Enter in any of them submits the form."""

    class Submitted(Message):
        """Enter."""

    class Left(Message):
        """Escape."""

    def __init__(self, name: str, hint: str, value: str) -> None:
        super().__init__(name=name, id=f"field-{name}", classes="field")
        self._hint = hint
        self._before = value

    def compose(self) -> ComposeResult:
        """Side by side."""
        yield Static(self.name or "", classes="name")
        yield Line(self._before, placeholder=self._hint, compact=True)

    @property
    def value(self) -> str:
        """What stands in it."""
        return self.query_one(Line).value

    def put(self, text: str) -> None:
        """Write into it."""
        self.query_one(Line).value = text

    def enter(self) -> None:
        """Keys are for it."""
        self.screen.set_focus(self.query_one(Line))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self.post_message(self.Submitted())

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """The screen's keys are others now."""
        self.post_message(self.Entered())

    class Entered(Message):
        """Somebody writes here."""
