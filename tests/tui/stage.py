"""A dashboard that asks nobody and whose clock stands still: reports reach it as the messages that workers post."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.screen import Screen

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.tui.app import Dashboard
from eventops.tui.kept import Kept
from eventops.tui.messages import Answered
from eventops.tui.page import SECTIONS
from eventops.tui.watch import Watch
from eventops.tui.widgets.table import Table
from tests.tui import reports

Shown = TypeVar("Shown", bound=Screen[Any])


class StillDesk(Desk):
    """One moment for ever."""

    def now(self) -> datetime:
        return reports.NOW


def still(*, read_only: bool = False, colour: str | None = None, remembered: Kept | None = None) -> Dashboard:
    """Paused: the only answers are those that a test posts. Nothing listens at the address."""
    settings = {"read-only": read_only, "colour": colour}
    app = Dashboard(StillDesk(Context("prod", {BOOTSTRAP: "127.0.0.1:1"}, settings)), kept=remembered)
    app.is_paused = True
    return app


async def answer(pilot: Pilot[Any], watch: Watch[Any], value: object) -> None:
    """As if the cluster had answered."""
    pilot.app.post_message(Answered(watch, value))
    await pilot.pause()


async def answer_all(pilot: Pilot[Any], app: Dashboard, *, lag: object = None, letters: object = None) -> None:
    """Everything that the overview asks."""
    found = reports.some_letters()
    await answer(pilot, app.questions.cluster, reports.CLUSTER)
    await answer(pilot, app.questions.lag, lag or reports.sick_lag())
    await answer(pilot, app.questions.letters, letters or reports.some_topics())
    await answer(pilot, app.questions.offline, ())
    await answer(pilot, app.questions.causes, tuple(cause for cause in found.causes if cause.open))
    await answer(pilot, app.questions.topics, reports.topics())


async def until(pilot: Pilot[Any], holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Let the dashboard work until a condition holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}\n{shown(pilot)}"
        await pilot.pause(0.02)


async def go(pilot: Pilot[Any], app: Dashboard, key: str) -> None:
    """To the section of that number, until it is there."""
    section, _title = SECTIONS[int(key) - 1]
    await pilot.press(key)
    await until(pilot, lambda: app.current_mode == section and app.screen.is_mounted, f"the section {section}")


async def settle(pilot: Pilot[Any]) -> None:
    """Until three looks in a row, after each of which every queue was emptied, find the same picture: a pause alone
    takes a process that the machine has no time for to be idle."""
    seen: list[str] = []

    def is_still() -> bool:
        seen.append(shown(pilot))
        return len(seen) >= 3 and bool(seen[-1]) and seen[-1] == seen[-2] == seen[-3] and not pilot.app._batch_count

    await until(pilot, is_still, "a picture that stands still")


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """Key by key, then Enter."""
    names = {"-": "minus", ".": "full_stop", " ": "space", "_": "underscore", "!": "exclamation_mark", "/": "slash"}
    await pilot.press(*(names.get(character, character) for character in text), "enter")
    await pilot.pause()


def shown(pilot: Pilot[Any]) -> str:
    """The screen as text, a line a row; nothing where a screen came to the front and isn't laid out yet."""
    screen = pilot.app.screen
    width, height = pilot.app.size
    lines = screen._compositor.render_strips(pilot.app.size)
    if len(lines) < height:
        return ""
    return "\n".join(line.text[:width].rstrip() for line in lines)


def front(app: Dashboard, kind: type[Shown]) -> Shown:
    """The screen in front, which has to be of that kind."""
    assert isinstance(app.screen, kind), f"{app.screen} is in front"
    return app.screen


def current(app: Dashboard, name: str) -> Any:
    """The row under a table's cursor."""
    found = table(app, name).current
    assert found is not None
    return found


def table(app: Dashboard, name: str) -> Table[Any]:
    """A table of the screen in front."""
    found = app.screen.query_one(f"#{name}", Table)
    assert isinstance(found, Table)
    return found
