"""From screen to screen: sections by their keys, deeper with Enter, back with Escape, anywhere by a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.screen import Screen

from eventops.bootstrap import Desk
from eventops.events import Position
from eventops.tui import commands, pages
from eventops.tui.asking import Asking
from eventops.tui.messages import Entered, WaitingFound
from eventops.tui.page import Page
from eventops.tui.questions import letter_topics_of
from eventops.tui.target import Target
from eventops.wording import few, safe

_BY_NAME: Final[Mapping[str, Callable[[str], Page]]] = {
    "lag": pages.group,
    "dlq": pages.letters_at,
    "topics": pages.topic,
}
"""Sections that a command opens with a name: what is shown of it."""
_STEPS_KEPT: Final = 30
"""Ways back that are remembered."""
_DEEPEST: Final = 30
"""Pages over each other; beyond, a section begins anew at its top."""


@dataclass(frozen=True, slots=True)
class _Step:
    """From one section into another, or on in the same: there, ``base`` pages stood, and ``landed`` after it."""

    section: str
    into: str
    base: int
    landed: int


class Travelling(Asking):
    """The half of the app that knows which screen is in front."""

    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        "overview": pages.overview,
        "lag": pages.groups,
        "trace": pages.trace,
        "dlq": pages.letter_topics,
        "topics": pages.topics,
        "events": pages.events,
        "context": pages.contexts,
    }

    def __init__(self, desk: Desk, refresh: float) -> None:
        super().__init__(desk, refresh)
        self._ways_back: list[_Step] = []
        self.traced: list[str] = []
        """Ids that were searched at this cluster, the last one first."""

    def delay_update(self, delay: float = 0.0) -> None:
        """Not at all: Textual holds a new screen back for 50 ms, until it isn't blank any more, and that is all that a
        key may take. A page is told what it shows before it is laid out."""

    async def action_go(self, section: str) -> None:
        """A section as it was left; its own key again leads back to its top."""
        self._ways_back.clear()
        self.note()
        if self.current_mode == section:
            self._to_top()
        else:
            await self.switch_mode(section)

    async def open(self, section: str, *above: Page) -> None:
        """A section with pages over its top; Escape leads back to where one came from, at once: what lies under the
        pages was never visited. What a way back leads to stays under them."""
        came_from, leads_back = self.current_mode, self._leads_back(section)
        self.note()
        await self.switch_mode(section)
        if not (above and leads_back) or len(self.screen_stack) > _DEEPEST:
            self._to_top()
        if above and _is_same(self.page, above[-1]):
            return
        base = len(self.screen_stack)
        for page in above:
            await self.push_screen(page)
        if above or came_from != section:
            self._ways_back.append(_Step(came_from, section, base, len(self.screen_stack)))
            del self._ways_back[:-_STEPS_KEPT]

    def _leads_back(self, section: str) -> bool:
        """Escape comes to it, sooner or later, or it is in front."""
        return self.current_mode == section or any(step.section == section for step in self._ways_back)

    def note(self) -> None:
        """What is to be remembered of the screen in front, before it is left."""

    async def trace(self, identifier: str, at: Position | None = None) -> None:
        """What happened to a request; ``at``: the event of its chain that is meant. A chain that one came from stays
        under it."""
        from eventops.tui.trace import TracePage

        is_new = isinstance(self.page, TracePage) and self.page.identifier is None
        await self.open("trace", *([pages.trace(identifier)] if self._leads_back("trace") and not is_new else []))
        if isinstance(self.screen, TracePage):
            self.screen.search(identifier, at)

    async def find_events(self, where: str) -> None:
        """Records for which a condition holds."""
        from eventops.tui.events import EventsPage

        await self.open("events")
        if isinstance(self.screen, EventsPage):
            self.screen.put(where)

    async def open_group(self, group: str) -> None:
        """One group's partitions."""
        await self.open("lag", pages.group(group))

    async def open_letters(self, target: Target) -> None:
        """The dead letters of what is under the cursor: a letter, a topic's causes, or several topics."""
        if target.letter is not None:
            before = self.screen
            await self.open("dlq", pages.letter(target.letter))
            if self.screen is before:
                self.notify("it is here already")
            return
        known = self.questions.letters.value
        if known is None:
            await self.open("dlq")
            return
        found = letter_topics_of(target.topics, [topic.topic for topic in known.topics])
        if not found:
            self.notify(f"no dead-letter topic for {safe(', '.join(target.topics), 80) or 'it'}", markup=False)
        elif len(found) == 1:
            await self.open("dlq", pages.causes(found[0]))
        else:
            await self.open("dlq")
            if (page := self.page) is not None:
                page.narrow_to(f"^({'|'.join(map(re.escape, found))})$", f"those of {few(target.topics, 2)}")
                page.refresh_all()

    async def on_waiting_found(self, message: WaitingFound) -> None:
        """On to its trace; of a cluster that was left it leads nowhere."""
        if not message.seat.is_left:
            await self.trace(message.identifier, message.position)

    def behind_help(self) -> Page | None:
        """The page in front; the help over it is closed, for it tells of keys that are tried at once."""
        if self.screen_stack and not isinstance(self.screen, Page):
            from eventops.tui.help import HelpPage

            if isinstance(self.screen, HelpPage):
                self._pop()
        return self.page

    def action_help(self) -> None:
        """All keys."""
        if (page := self.page) is not None:
            self.push_screen(pages.helping(page))

    async def action_back(self) -> None:
        """One step back: a filter, a screen, the screen that one came from, of whatever section."""
        if (page := self.page) is not None and page.back():
            return
        step = self._ways_back[-1] if self._ways_back else None
        if step is None or step.into != self.current_mode or len(self.screen_stack) > step.landed:
            if len(self.screen_stack) > 1:
                self._pop()
            return
        self._ways_back.pop()
        while len(self.screen_stack) > step.base:
            self._pop()
        if step.section != self.current_mode:
            await self.switch_mode(step.section)

    async def on_entered(self, message: Entered) -> None:
        """A command."""
        if message.text:
            await self.carry_out(message.text)

    async def carry_out(self, text: str) -> None:
        """A command, as it is typed after ``:``."""
        command = commands.parse(text)
        if command is None:
            self.notify(f"no such command: {safe(text, 40)}; ? lists them", markup=False)
        elif command.argument is None and command.name in self.MODES:
            await self.open(command.name)
        elif command.name == "tail":
            await self.open("topics", *([] if command.argument is None else [pages.tail(command.argument)]))
        elif command.argument is not None and command.name in _BY_NAME:
            await self.open(command.name, _BY_NAME[command.name](command.argument))
        elif command.argument is not None and command.name == "trace":
            await self.trace(command.argument)
        elif command.argument is not None and command.name == "events":
            await self.find_events(command.argument)
        else:
            await self.obey(command)

    async def obey(self, command: commands.Command) -> None:
        """A command that leads to no screen of this cluster."""
        raise NotImplementedError

    def mode_of(self, page: Page) -> str | None:
        """The section in which a page lies; None: it was left."""
        return next((mode for mode, stack in self._screen_stacks.items() if page in stack), None)

    async def come_back_to(self, page: Page) -> bool:
        """A page that was left where it lies, in whichever section. False: it doesn't lie anywhere, or what lies over
        it writes, and isn't closed."""
        if (mode := self.mode_of(page)) is None:
            return False
        self.note()
        await self.switch_mode(mode)
        self._ways_back.clear()
        while self.screen is not page:
            if self.page is not None and self.page.is_writing:
                return False
            self._pop()
        return True

    def _to_top(self) -> None:
        """Up to a page that writes at most: it isn't left where nobody sees it."""
        while len(self.screen_stack) > 1 and not (self.page is not None and self.page.is_writing):
            self._pop()

    def _pop(self) -> None:
        """Away from the page in front, without waiting until it has ended: what asks for that may be the page itself
        (a click on its section's tab, an id that is searched), and it would wait for ever."""
        self.pop_screen()


def _is_same(one: Page | None, other: Page) -> bool:
    """Two pages about the same."""
    return one is not None and type(one) is type(other) and one.crumbs == other.crumbs
