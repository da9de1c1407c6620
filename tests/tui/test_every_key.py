"""Every key on every screen, in each state that there is a picture of, on small terminals and where nothing may be
written: nothing breaks, a key that is told of does something that is seen, and one that is bound to nothing does
nothing."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from eventops.config import BOOTSTRAP, Context
from eventops.tui.app import Dashboard
from eventops.tui.help import bindings
from eventops.tui.kept import Kept
from eventops.tui.page import SECTIONS, Page
from eventops.tui.switching import REFRESH
from tests.tui.stage import StillDesk, still, until
from tests.tui.test_pictures import SIZED, SIZES, STATES, Opens

pytestmark = pytest.mark.asyncio

CHARACTERS: Final = {_character_to_key(one): one for one in string.printable if one.isprintable()}
"""The name of each key that writes an ASCII character, and what it writes."""
MOVES: Final = ("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab")
ELSEWHERE: Final = ("1", "2", "3", "4", "5", "6", "ctrl+p", "question_mark")
"""Ways to sections, to the palette and to the help; Escape leads back from each."""
LAST: Final = ("p", "r", "escape")
"""What others would be changed by."""
LEAVING: Final = {"q", "ctrl+c", "ctrl+q"}
"""What ends the dashboard, where nothing is typed; the second time at the latest."""
PLACES: Final = ((1, 0), (3, 1), (3, 4), (30, 6), (8, 12), (-3, -3))
"""Cells that are clicked on; negative ones from the right and from below."""
MOST_STEPS: Final = 2000
"""Of the event loop, after which it isn't idle by itself."""
TOLD: Final = {"Enter": "enter", "Tab": "tab", "Esc": "escape", "Space": "space"}
"""Keys in the line at the bottom by the names that the terminal has for them."""


@dataclass(frozen=True)
class Scene:
    """A state of a screen."""

    name: str
    opens: Opens
    size: str = "usual"
    read_only: bool = False


def screen_of(state: str) -> str:
    """
    >>> screen_of("lag-no-permission")
    'lag'
    """
    return state.partition("-")[0]


def scenes(screen: str) -> Iterator[Scene]:
    """All states of it; its fullest one on low and tiny terminals too, and where nothing may be written."""
    states = {name: opens for name, opens in STATES.items() if screen_of(name) == screen}
    for name, opens in states.items():
        yield Scene(name, opens)
    fullest = SIZED.get(screen) or SIZED.get(f"{screen}-plan") or list(states.values())[-1]
    yield Scene(f"{screen}, low", fullest, size="low")
    yield Scene(f"{screen}, tiny", fullest, size="tiny")
    yield Scene(f"{screen}, read-only", fullest, read_only=True)


class Keyboard:
    """What somebody presses, and what they see of it."""

    def __init__(self, pilot: Pilot[Any], app: Dashboard) -> None:
        self.pilot, self.app = pilot, app
        self.leavings = 0
        app.exit = self._leave  # type: ignore[method-assign] # the screen is still wanted

    def _leave(self, *_: object, **__: object) -> None:
        self.leavings += 1

    async def press(self, *keys: str) -> None:
        """As the terminal sends them; returns when all that they led to has happened."""
        for key in keys:
            self.app.post_message(events.Key(key, CHARACTERS.get(key)))
        await self.rest(", ".join(keys))

    async def click(self, x: int, y: int) -> None:
        """Press and let go there, then turn the wheel, both ways."""
        for kind in (events.MouseDown, events.MouseUp, events.MouseScrollDown, events.MouseScrollUp):
            self.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, x, y))
        await self.rest(f"a click at {x}, {y}")

    async def rest(self, what: str) -> None:
        """Until nothing is under way but workers."""
        app = self.app
        for _ in range(MOST_STEPS):
            await asyncio.sleep(0)
            if self._is_idle():
                break
        await self.pilot._wait_for_screen()
        await until(self.pilot, self._is_idle, f"the end of {what}")
        assert app._exception is None, f"{what}: {app._exception!r}"

    def _is_idle(self) -> bool:
        app = self.app
        return not (app._keys or app._handed_on or app._batch_count or app._message_queue.qsize())

    def sees(self) -> tuple[Any, ...]:
        """All that a key can change for who presses it."""
        app, screen = self.app, self.app.screen
        lines = screen._compositor.render_strips(app.size)
        drawn = tuple((one.text, str(one.style)) for line in lines for one in line)
        notes = tuple(id(note) for note in app._notifications)
        return screen, drawn, app.focused, notes, app.clipboard, self.leavings

    async def back_to(self, screen: Screen[Any], section: str) -> bool:
        """By Escape, and by the section's key; False: they don't lead there any more."""
        for _ in range(4):
            if self.app.screen is screen and not isinstance(self.app.focused, Input):
                return True
            is_elsewhere = self.app.current_mode != section and isinstance(self.app.screen, Page)
            await self.press(key_of(section) if is_elsewhere else "escape")
        return self.app.screen is screen


def told(screen: Screen[Any]) -> set[str]:
    """The keys that the help and the line at the bottom tell of."""
    named = {one.key for one in (*bindings(type(screen)), *bindings(type(screen.app)))}
    shown = {key for key, _ in screen.shown_keys} if isinstance(screen, Page) else set()
    return named | {TOLD.get(key, _character_to_key(key)) for key in shown}


def key_of(section: str) -> str:
    """What leads there."""
    return str([name for name, _ in SECTIONS].index(section) + 1)


def is_idle(app: Dashboard, key: str) -> bool:
    """Whether it may do nothing: one is there already, and nothing lies behind a section's top."""
    return len(app.screen_stack) == 1 and key in ("escape", key_of(app.current_mode))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are saved there, and no browser is opened."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 22")
    monkeypatch.setenv("EVENTOPS_CONFIG", str(tmp_path / "contexts.toml"))


async def anew(pilot: Pilot[Any], app: Dashboard, scene: Scene, section: str) -> Screen[Any]:
    """The scene, with nothing left there of the one before."""
    app.kept, app.is_paused, app.theme = Kept(), True, "eventops"
    app.clear_notifications()
    app._ways_back.clear()
    app.sit_at(StillDesk(Context("prod", {BOOTSTRAP: "127.0.0.1:1"}, {"read-only": scene.read_only})), REFRESH)
    if app.size != SIZES[scene.size]:
        await pilot.resize_terminal(*SIZES[scene.size])
    await app.switch_mode("context")
    await app.remove_mode(section)
    app.add_mode(section, app.MODES[section])
    await app.action_go(section)
    await scene.opens(pilot, app)
    for line in app.screen.query(Input):
        line.cursor_blink = False
    await pilot.pause()
    return app.screen


@pytest.mark.parametrize("screen", dict.fromkeys(map(screen_of, STATES)))
async def test_every_key(screen: str) -> None:
    app = still()
    silent: list[str] = []
    async with app.run_test(size=SIZES["usual"]) as pilot:
        section = app.current_mode
        for number, scene in enumerate(scenes(screen)):
            await anew(pilot, app, scene, section)
            section = app.current_mode
            silent += [f"{scene.name}: {key}" for key in await pressed(pilot, app, scene, is_first=not number)]
    assert not silent, f"told of, and nothing is seen of them: {', '.join(silent)}"


async def pressed(pilot: Pilot[Any], app: Dashboard, scene: Scene, *, is_first: bool) -> list[str]:
    """Everything that can be pressed there; the keys of which nothing was seen, though they are told of. Ways to
    elsewhere are the same in all states: they are looked at in the first one."""
    keyboard, screen, section = Keyboard(pilot, app), app.screen, app.current_mode
    bound, wanted, silent = screen.active_bindings, told(screen), list[str]()
    is_writing = isinstance(app.focused, Input)
    before = keyboard.sees()
    await keyboard.press(*(key for key in CHARACTERS if key not in bound))
    assert is_writing or keyboard.sees() == before, f"{scene.name}: keys that are bound to nothing"
    await keyboard.press(*(key for key in dict.fromkeys([*MOVES, *bound]) if key not in wanted | LEAVING))
    ways = sorted(ELSEWHERE, key=lambda key: key == key_of(section))  # it closes the page
    if not is_first:
        await keyboard.press(*ways[:-1], "escape")
    others = [one for one in bound if one in wanted and one not in (*ways, *LAST)]
    for key in [*others, *(ways if is_first else ()), *LAST]:
        is_new = key == "escape"  # what it takes back may be out of sight while all is asked anew
        if is_new or not await keyboard.back_to(screen, section):
            screen = await anew(pilot, app, scene, section)
        is_seen = key not in wanted or is_idle(app, key)
        before = () if is_seen else keyboard.sees()
        await keyboard.press(key)
        if not is_seen and keyboard.sees() == before:
            silent.append(key)
    for x, y in PLACES:
        await keyboard.click(x % app.size.width, y % app.size.height)
    for key in LEAVING:
        was, keyboard.leavings = keyboard.leavings, 0
        await keyboard.press(key, key)
        assert keyboard.leavings, f"{scene.name}: {key}"
        keyboard.leavings += was
    return silent
