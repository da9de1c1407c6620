"""What the dashboard wears: its themes, and what each does to the texts that are coloured by the palette."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from textual.filter import LineFilter, Monochrome, NoColor
from textual.reactive import Reactive
from textual.theme import BUILTIN_THEMES, Theme

from eventops.bootstrap import Desk
from eventops.tui.filters import Ascii, Themed, Uncoloured, draws_only_ascii, rows_of
from eventops.tui.kept import Kept
from eventops.tui.page import Page
from eventops.tui.palette import LIGHT, THEME
from eventops.tui.switching import Switching

_THEMES: Final = {**BUILTIN_THEMES, THEME.name: THEME, LIGHT.name: LIGHT}


class Wearing(Switching):
    """The half of the app that knows its themes. Each parse of the stylesheet takes as long as painting a screen, and
    Textual asks for one on each way to a screen that is new: what is parsed already, and worn, isn't parsed again."""

    theme: Reactive[str] = Reactive(THEME.name, init=False)
    no_color = False

    def __init__(self, desk: Desk, refresh: float | None, kept: Kept | None) -> None:
        super().__init__(desk, refresh, kept)
        self._theming: list[LineFilter] = []
        self.no_color = bool(os.environ.get("NO_COLOR"))  # no-color.org: set, and not empty
        self._filters = [one for one in self._filters if not isinstance(one, Monochrome | NoColor)]
        self._uncoloured: list[LineFilter] = [Uncoloured()] if self.no_color else []
        self._ascii: list[LineFilter] = [Ascii()] if draws_only_ascii(os.environ) else []
        self._parsed = self.theme

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Ours beside Textual's, from the beginning."""
        return _THEMES

    def dress(self) -> None:
        """In the theme of the last run."""
        self.theme_changed_signal.subscribe(self, self._wear)
        self.app_resume_signal.subscribe(self, self._redraw)
        if self.kept.theme in self.available_themes:
            self.theme = self.kept.theme

    def refresh_css(self, animate: bool = True) -> None:
        """Only where the screen in front wears another theme than it should; one that isn't mounted is styled then."""
        is_worn = not self.screen_stack or not self.screen.is_mounted or _worn(self.screen) == self.theme
        if self._parsed == self.theme and is_worn:
            return
        super().refresh_css(animate)
        self._parsed = self.theme
        for screen in self.screen_stack:
            if isinstance(screen, Page):
                screen.worn = self.theme

    def get_theme(self, theme_name: str) -> Theme | None:
        """Without colours all look like ours, of which it is known what is faint."""
        return THEME if self.no_color else super().get_theme(theme_name)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The grounds of rows, for themes that don't know them."""
        return rows_of(self.current_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Ours last: they see what would reach the terminal."""
        return [*super().get_line_filters(), *self._theming, *self._uncoloured, *self._ascii]

    def _redraw(self, _app: object) -> None:
        """Back from the shell: the terminal has forgotten all of it, though nothing changed."""
        self.screen.refresh(layout=True)

    def _wear(self, theme: Theme) -> None:
        if self.no_color and self.theme != self.kept.theme:
            self.notify("NO_COLOR is set: no theme is seen", markup=False)
        self.kept.theme = self.theme
        self._theming = [] if theme.name == THEME.name else [Themed(theme)]
        for screen in self.screen_stack:
            screen.refresh(layout=True)


def _worn(screen: object) -> str | None:
    return screen.worn if isinstance(screen, Page) else None
