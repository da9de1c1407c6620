"""From cluster to cluster, and what is remembered of each: filters, sorting, the section, how often it is asked."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rich.text import Text

from eventops import config
from eventops.bootstrap import Desk
from eventops.config import Context
from eventops.tui.kept import Kept, Place
from eventops.tui.page import Page
from eventops.tui.travelling import Travelling
from eventops.tui.widgets.columns import Wish
from eventops.tui.widgets.table import Table
from eventops.wording import safe

if TYPE_CHECKING:
    from eventops.tui.confirming import ConfirmingPage

REFRESH: Final = 2.0
"""Seconds between two questions where nobody said otherwise."""
_CHOICE: Final = "context"
"""The section that belongs to no cluster."""


class Switching(Travelling):
    """The half of the app that knows which cluster it is at."""

    def __init__(self, desk: Desk, refresh: float | None, kept: Kept | None) -> None:
        self.kept = kept or Kept()
        place = self.kept.place(desk.context.name)
        self.DEFAULT_MODE = self._section_of(place)  # type: ignore[misc] # else a screen that nobody sees is laid out
        super().__init__(desk, refresh or place.refresh or REFRESH)
        self._writers: list[ConfirmingPage] = []
        """Pages that write, and the last one that did."""
        self._visited: list[Desk] = []

    def contexts(self) -> list[Context]:
        """Those of the configuration.

        Raises:
            ConfigurationError: it can't be read.
        """
        return list(config.load_contexts(config.contexts_path()).by_name.values())

    def names(self) -> dict[str, list[str]]:
        """Contexts and themes too."""
        try:
            known = [context.name for context in self.contexts()]
        except config.ConfigurationError:
            known = []
        return {**super().names(), "context": known, "theme": sorted(self.available_themes)}

    async def go_to_named(self, name: str) -> None:
        """To that context, as the configuration has it: nothing of the command line or the environment is over it."""
        try:
            known = config.load_contexts(config.contexts_path())
            context = config.resolve(known, name=name, environ={})
        except config.ConfigurationError as error:
            self.notify(safe(str(error), 300), severity="warning", markup=False)
        else:
            await self.go_to(context)

    async def go_to(self, context: Context) -> None:
        """To another cluster: every screen begins anew, and nothing that the one before answers is shown there."""
        if self.writing:
            self.notify("something is being written here: it has to end first", severity="warning")
            return
        self.remember()
        self.clear_notifications()  # what they tell of was here
        self._tell_unfinished()
        place, desk = self.kept.place(context.name), Desk(context)
        self._visited.append(desk)
        for change in self._begin_anew(desk, place.refresh or REFRESH):
            await change
        if self.is_running:  # it may have been left on the way
            await self.action_go(self._section_of(place))
            await self.hurry_keys()

    def _begin_anew(self, desk: Desk, refresh: float) -> list[Awaitable[object]]:
        """At that cluster, at once: whatever message comes next, it finds all of the one or all of the other. What is
        awaited are the screens that go."""
        self.traced.clear()
        self._ways_back.clear()
        changes: list[Awaitable[object]] = [self.switch_mode(_CHOICE)]
        for section, begin in self.MODES.items():
            if section != _CHOICE:
                changes.append(self.remove_mode(section))
                self.add_mode(section, begin)
        self.sit_at(desk, refresh)
        return changes

    def begin_writing(self, page: ConfirmingPage) -> None:
        """From now on it writes, whichever screen is in front; perhaps not for the first time."""
        self._writers = [*(one for one in self.writing if one is not page), page]

    @property
    def writing(self) -> list[ConfirmingPage]:
        """The pages that write now, the last one that began at the end."""
        return [page for page in self._writers if page.is_writing]

    def sign_of_writing(self, front: Page | None) -> Text | None:
        """What is written behind the page in front, or on it where it is too low for more; None: nothing. It is asked
        for once a second, so a step costs nothing."""
        behind = [page for page in self.writing if page is not front or page.has_class("-low")]
        if not behind:
            return None
        sign = behind[-1].sign
        return sign.append(f" +{len(behind) - 1}") if behind[1:] else sign

    async def action_writing(self) -> None:
        """To the page that writes (of several, to one that isn't in front), or that wrote last and is still open."""
        behind = [page for page in self.writing if page is not self.page]
        page = next(reversed(behind or [one for one in self._writers if self.mode_of(one) is not None]), None)
        if page is None:
            self.notify("nothing is being written, and nothing that was is open")
        elif page is self.page:
            self.notify("it is in front already")
        elif not await self.come_back_to(page):
            self.notify("another one that writes lies over it: it has to end first", severity="warning")

    def _tell_unfinished(self) -> None:
        """What ends with the screens of this cluster."""
        screens = [screen for stack in self._screen_stacks.values() for screen in stack]
        told = [page.unfinished for page in screens if isinstance(page, Page) and page.unfinished is not None]
        if told:
            where = safe(self.desk.context.name, 40)
            self.notify(f"at {where} {'; '.join(told)}", severity="warning", markup=False)

    def _section_of(self, place: Place) -> str:
        """Where one was the last time."""
        return place.section if place.section in self.MODES and place.section != _CHOICE else "overview"

    def recall(self, page: Page) -> None:
        """Narrow and sort a section's tables as they were."""
        if not page.crumbs:
            tables = self.kept.place(self.desk.context.name).tables
            for table in page.query(Table):
                table.wish = tables.get(f"{page.section}/{table.id}", Wish())

    def note(self) -> None:
        """How the section in front is looked at."""
        page, place = self.page, self.kept.place(self.desk.context.name)
        if page is None:
            return
        place.refresh = self.questions.refresh
        if page.section != _CHOICE:
            place.section = page.section
        if not page.crumbs:
            for table in page.query(Table):
                name, wish = f"{page.section}/{table.id}", table.wish
                if page.narrowed_to is not None:  # a way there, which is none of the next run's: what was before it
                    wish = replace(wish, needle=place.tables.get(name, Wish()).needle)
                place.tables[name] = wish

    def remember(self) -> None:
        """For the next run."""
        self.note()
        self.kept.save()

    def let_go(self) -> None:
        """Of the clusters that were visited; the first one's is whose opened it."""
        for desk in self._visited:
            desk.close()
