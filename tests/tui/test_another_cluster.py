"""What the cluster before still answers is shown at no other one, whenever it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.events import Key
from textual.message import Message
from textual.pilot import Pilot

from eventops.events import Position
from eventops.tui import messages
from eventops.tui.app import Dashboard
from eventops.tui.contexts import ContextsPage
from eventops.tui.lag_columns import worst_first
from eventops.tui.messages import Arriving, NotAnswered, WaitingFound, WaitingUnknown
from eventops.tui.overview import OverviewPage
from eventops.tui.seat import Seat
from tests.tui import reports
from tests.tui.stage import go, shown, still, type_text, until

pytestmark = pytest.mark.asyncio

CONTEXTS = """
current = "prod"
[contexts.prod]
"bootstrap.servers" = "127.0.0.1:1"
[contexts.stage]
"bootstrap.servers" = "127.0.0.1:2"
"""
OF_THE_OPERATOR = {messages.KeyPassed, messages.Entered, messages.Typed, messages.Left}


@pytest.fixture(autouse=True)
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clusters at which nothing listens."""
    path = tmp_path / "contexts.toml"
    path.write_text(CONTEXTS, encoding="utf-8")
    monkeypatch.setenv("EVENTOPS_CONFIG", str(path))


async def choosing(pilot: Pilot[Any], app: Dashboard) -> None:
    """The other cluster is under the cursor."""
    await pilot.press("colon")
    await type_text(pilot, "context")
    await until(pilot, lambda: isinstance(app.screen, ContextsPage) and "stage" in shown(pilot), "the contexts")
    await pilot.press("down")


async def at_the_other(pilot: Pilot[Any], app: Dashboard) -> None:
    """Its first screen is in front."""
    await until(pilot, lambda: app.desk.context.name == "stage", "the other cluster")
    await until(pilot, lambda: isinstance(app.screen, OverviewPage) and bool(shown(pilot)), "its first screen")


def arriving(seat: Seat) -> Message:
    return Arriving(seat, worst_first(reports.sick_lag().groups, {}))


def waiting_found(seat: Seat) -> Message:
    return WaitingFound(seat, "req-1", Position("orders", 0, 7))


def waiting_unknown(seat: Seat) -> Message:
    return WaitingUnknown(seat, "no record of orders/0 waits any more")


def not_answered(seat: Seat) -> Message:
    return NotAnswered(seat.questions.lag, "nobody answers at 127.0.0.1:1")


LATE: list[Callable[[Seat], Message]] = [arriving, waiting_found, waiting_unknown, not_answered]


@pytest.mark.parametrize("late", LATE)
async def test_an_answer_that_comes_after_it(late: Callable[[Seat], Message]) -> None:
    app = still()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        before = app.seat
        await choosing(pilot, app)
        await pilot.press("enter")
        await at_the_other(pilot, app)
        app.post_message(late(before))
        await pilot.pause()
        await at_the_other(pilot, app)
        assert not app._notifications
        assert "nobody answers" not in shown(pilot)
        await go(pilot, app, "2")
        assert "billing-group" not in shown(pilot)


@pytest.mark.parametrize("late", LATE)
async def test_an_answer_that_comes_on_the_way(late: Callable[[Seat], Message]) -> None:
    """The screens of the one are gone, those of the other aren't there: a message in between finds neither half."""
    app = still()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        before = app.seat
        await choosing(pilot, app)
        going = asyncio.create_task(pilot.press("enter"))
        for _ in range(300):
            if before.is_left:
                app.post_message(late(before))
            await asyncio.sleep(0)
        await going
        await at_the_other(pilot, app)
        assert not app._notifications
        await go(pilot, app, "2")
        assert "billing-group" not in shown(pilot)


async def test_a_key_behind_the_command_waits_for_no_screen_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_app: Dashboard) -> None:
        """Without what looks for lost keys now and then."""

    monkeypatch.setattr(Dashboard, "_tick", nothing)
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await go(pilot, app, "2")
        for key in (":", *"context stage", "enter", "4"):
            app.post_message(Key({":": "colon", " ": "space"}.get(key, key), key if len(key) == 1 else None))
        await until(pilot, lambda: app.desk.context.name == "stage" and app.current_mode == "dlq", "the section")
        await pilot.press("1")
    app.let_go()


@pytest.mark.parametrize("section", ["lag", "dlq", "trace"])
async def test_a_click_on_the_way_leads_to_a_screen_of_the_other(section: str) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        for key in ("2", "3", "4", "1"):
            await go(pilot, app, key)
        await choosing(pilot, app)
        [other] = [one for one in app.contexts() if one.name == "stage"]
        app.screen.call_later(app.go_to, other)  # the screen's own way there: the app goes on meanwhile
        for _ in range(50):
            app.call_later(app.action_go, section)
            await asyncio.sleep(0)
        await until(pilot, lambda: app.desk.context.name == "stage", "the other cluster")
        await pilot.pause()
        await go(pilot, app, "2")
        page = app.page
        assert page is not None
        assert (page.desk.context.name, page.section) == ("stage", "lag")


async def test_who_leaves_on_the_way_leaves() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        for key in ("2", "4", "1"):
            await go(pilot, app, key)
        await choosing(pilot, app)
        [other] = [one for one in app.contexts() if one.name == "stage"]
        before = app.seat
        app.screen.call_later(app.go_to, other)
        for _ in range(1000):
            if before.is_left:
                break
            await asyncio.sleep(0)
        assert before.is_left
    assert app._exception is None


async def test_what_is_opened_at_a_cluster_stays_its_own() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        before = app.page
        assert before is not None
        await choosing(pilot, app)
        await pilot.press("enter")
        await at_the_other(pilot, app)
        assert before.desk.context.name == "prod"
        assert app.page is not None
        assert app.page.desk.context.name == "stage"


async def test_readings_of_the_cluster_that_is_left_end() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        before = app.questions
        watches = (*before.shared, before.causes_of("users-dlt"))
        for watch in watches:
            watch.put(reports.NOW)
        await choosing(pilot, app)
        await pilot.press("enter")
        await at_the_other(pilot, app)
        assert not [watch.name for watch in watches if watch.is_out]


async def test_every_answer_that_the_app_takes_says_whose_it_is() -> None:
    """Others are posted to the page that asked, which is gone with its cluster."""
    own = {name for kind in Dashboard.__mro__ if kind not in App.__mro__ for name in vars(kind)}
    kinds = [
        kind
        for kind in vars(messages).values()
        if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
    ]
    taken = [kind for kind in kinds if kind.handler_name in own and kind not in OF_THE_OPERATOR]
    assert len(taken) >= 5
    nameless = [kind.__name__ for kind in taken if not {"seat", "watch"} & set(kind.__annotations__)]
    assert not nameless
