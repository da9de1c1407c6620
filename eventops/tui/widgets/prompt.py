"""The bottom of every screen: the line of its keys, and the one that asks, made when something is asked first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.events import Key, Paste
from textual.geometry import Size
from textual.reactive import Reactive
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from eventops.tui.messages import Entered, Left, Typed
from eventops.tui.widgets.lines import Keys, Said

_ASKS: Final = "-asks"
_OPEN: Final = "-open"


class Bottom(Container):
    """The keys, and over them a line for text under a question. Most screens are left before anything is asked, and
    what asks is a fifth of the work that a screen takes before it is seen."""

    _prompt: Prompt | None = None

    def compose(self) -> ComposeResult:
        """The keys."""
        yield Keys(id="keys")

    @property
    def is_open(self) -> bool:
        """Keys are for the line that asks."""
        return self._prompt is not None and self._prompt.is_open

    @property
    def is_asking(self) -> bool:
        """An answer is waited for."""
        return self._prompt is not None and self._prompt.is_asking

    @property
    def asked(self) -> tuple[str, str] | None:
        """The question that stands over the line, and what it is asked for; None: none does."""
        if self._prompt is None or not self.is_asking or not self.has_class(_ASKS):
            return None
        return self.query_one("#question", Said).told, self._prompt.sign

    def ask(
        self,
        sign: str,
        hint: str,
        text: str,
        question: Text | None = None,
        *,
        suggests: Callable[[str], str | None],
        is_deaf: bool = False,
    ) -> None:
        """Open the line, with ``text`` in it. ``question`` stands over it, on as many lines as it takes."""
        prompt = self._prompt or self._build()
        self.query_one("#sign", Static).update(Text(f"{sign} "))
        self.query_one("#question", Said).update(question or Text())
        self.set_class(question is not None, _ASKS)
        prompt.suggests = suggests
        prompt.ask(sign, hint, text, is_deaf=is_deaf)

    def close(self) -> None:
        """As Escape does, but that nobody is told."""
        if self._prompt is not None:
            self._prompt.close()

    def _build(self) -> Prompt:
        line = Horizontal(id="prompt")
        self.mount(Said(id="question"), before=0)
        self.mount(line)
        self._prompt = Prompt()
        line.mount(Static(id="sign"), self._prompt)
        return self._prompt


class Completion(Suggester):
    """What a command could become; only after ``:``."""

    def __init__(self, line: Prompt) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._line = line

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line."""
        return self._line.suggests(value) if self._line.sign == ":" else None


class Prompt(Input):
    """The line at the bottom: a command after ``:``, a filter after ``/``. A deaf one takes every key and does nothing
    with it: what is typed behind a key that does nothing is text, and none of it a command."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """Its place is no matter of what is typed: Textual's own lays the whole screen out anew at each key."""
    sign = ":"
    suggests: Callable[[str], str | None] = staticmethod(lambda _text: None)
    is_deaf = False
    _before: Widget | None = None

    def __init__(self) -> None:
        super().__init__(compact=True, suggester=Completion(self))

    def ask(self, sign: str, hint: str, text: str, *, is_deaf: bool = False) -> None:
        """Open it."""
        self.sign, self.is_deaf = sign, is_deaf
        self.value = text
        self.placeholder = hint
        self.parent_line.add_class(_OPEN)
        if self.screen.focused is not self:
            self._before = self.screen.focused
        self.screen.set_focus(self)  # at once: `focus` would come a message later, and keys of a burst before it

    @property
    def parent_line(self) -> Widget:
        """The whole line, with its sign."""
        assert isinstance(self.parent, Widget)
        return self.parent

    @property
    def is_open(self) -> bool:
        """Keys are for it."""
        return self.parent_line.has_class(_OPEN)

    @property
    def is_asking(self) -> bool:
        """An answer is waited for."""
        return self.is_open and not self.is_deaf

    def close(self) -> None:
        """Leave it; keys are at once for whoever had them."""
        self._shut()
        self.screen.set_focus(self._before)
        if self.screen.focused is self:
            self.screen.set_focus(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """A filter works while it is typed."""
        event.stop()
        if self.is_asking:
            self.post_message(Typed(self.sign, event.value))

    def on_paste(self, event: Paste) -> None:
        """Text, too."""
        if self.is_deaf:
            event.stop()
            event.prevent_default()

    def on_blur(self) -> None:
        """A click led elsewhere: what was refused is read."""
        if self.is_deaf and self.screen.focused is not self:
            self._shut()

    def _shut(self) -> None:
        self.parent_line.remove_class(_OPEN)
        self.screen.query_one(Bottom).remove_class(_ASKS)

    def on_key(self, event: Key) -> None:
        """Tab completes; Enter and Escape end the line; Escape leaves it, not the screen."""
        if self.is_deaf:
            if event.key in ("enter", "escape"):
                self.close()
        elif event.key == "tab" and self.cursor_at_end:
            self.action_cursor_right()
        elif event.key == "enter":
            self.close()
            self.post_message(Entered(self.sign, self.value.strip()))
        elif event.key == "escape":
            self.close()
            self.post_message(Left(self.sign))
        else:
            return
        event.stop()
        event.prevent_default()
