"""A key that can't do anything says why, and takes the keys behind it: text is never a row of commands. A question
that is answered by typing can be read, on any terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import Action
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.letters import LetterPage
from eventops.tui.messages import Unplanned
from eventops.tui.replay import ReplayPage
from eventops.tui.reset import ResetPage
from tests.tui import reports
from tests.tui.stage import answer, answer_all, front, go, shown, still, type_text, until
from tests.tui.test_letters import planned

pytestmark = pytest.mark.asyncio

Opens = Callable[[Pilot[Any], Dashboard], Awaitable[object]]
TYPED = ("o", "r", "d", "e", "r", "s", "minus", "d", "l", "t", "colon", "q", "slash", "1", "y", "tab", "space", "p")
"""Each of these is a command somewhere."""


async def empty_list(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
    await answer(pilot, app.questions.letters, reports.listed())


async def unread_list(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")


async def empty_causes(pilot: Pilot[Any], app: Dashboard) -> None:
    page = CausesPage("users-dlt")
    await app.open("dlq", page)
    await answer(pilot, page.watches[0], reports.letters())


async def overview(pilot: Pilot[Any], app: Dashboard) -> None:
    await answer_all(pilot, app)


async def a_plan(pilot: Pilot[Any], app: Dashboard) -> None:
    await planned(pilot, app, count=120)


async def an_empty_plan(_pilot: Pilot[Any], app: Dashboard) -> None:
    made = replace(reports.plan(1), planned=())
    await app.open("dlq", ReplayPage(made.selection, made))


async def a_running_plan(pilot: Pilot[Any], app: Dashboard) -> None:
    page = await planned(pilot, app)
    page.phase = Phase.RUNNING
    page.refresh_all()
    await until(pilot, lambda: "How" not in shown(pilot) and app.focused is None, "no options")


async def a_discard(_pilot: Pilot[Any], app: Dashboard) -> None:
    made = replace(reports.plan(3), action=Action.DISCARD, reason="test data")
    await app.open("dlq", ReplayPage(made.selection, made))


async def one_letter(_pilot: Pilot[Any], app: Dashboard) -> None:
    await app.open("dlq", LetterPage(reports.letter(1).position))


async def a_reset(_pilot: Pilot[Any], app: Dashboard) -> None:
    made = reports.reset_plan(members=1)
    await app.open("lag", ResetPage("audit-group", made.target, plan=made))


@pytest.mark.parametrize(
    ("opens", "key", "read_only", "reason"),
    [
        (empty_list, "R", False, "nothing is chosen here: no letters are under the cursor"),
        (empty_list, "D", False, "nothing is chosen here"),
        (empty_list, "U", False, "nothing is chosen here"),
        (unread_list, "D", False, "nothing is chosen here: paused: r asks the cluster"),
        (empty_causes, "R", True, "nothing is chosen here"),
        (overview, "D", False, "D discards letters: where they are"),
        (overview, "x", False, "x executes a plan, and there is none here"),
        (one_letter, "slash", False, "nothing to filter here"),
        (a_plan, "x", True, "not executed: the context prod is read-only"),
        (an_empty_plan, "x", False, "the plan has nothing to write"),
        (a_running_plan, "x", False, "it is being carried out already"),
        (a_running_plan, "e", False, "the reason can't be changed any more"),
        (a_running_plan, "m", False, "the ramp can't be changed any more"),
        (a_discard, "s", False, "a discard has no rate"),
        (a_discard, "m", False, "a discard has no ramp"),
        (a_reset, "x", False, "not executed: the plan has nothing to write, or is refused"),
    ],
)
async def test_what_is_typed_behind_a_key_that_does_nothing_is_no_command(
    opens: Opens, key: str, read_only: bool, reason: str
) -> None:
    app = still(read_only=read_only)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await opens(pilot, app)
        await until(pilot, lambda: app.page is not None, "the page")
        before, depth, focus = app.screen, len(app.screen_stack), app.focused
        await pilot.press(key, *TYPED)
        app.screen.post_message(events.Paste("qqq"))
        await pilot.pause()
        assert reason in shown(pilot)
        assert "Esc or Enter goes on" in shown(pilot)
        assert (app.screen, len(app.screen_stack)) == (before, depth)
        assert app.screen.query_one("#prompt Input", Input).value == ""
        assert not list(app._notifications), "nor did any of it do something else"
        await pilot.press("enter")
        await until(pilot, lambda: reason not in shown(pilot), "what was there before")
        assert (app.screen, app.focused) == (before, focus)


async def test_a_click_elsewhere_ends_a_refusal() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("D")
        await until(pilot, lambda: "D discards letters" in shown(pilot), "why not")
        await pilot.click("#groups Grid", offset=(3, 2))
        await until(pilot, lambda: "D discards letters" not in shown(pilot), "the screen")


async def test_letters_of_a_burst_behind_a_refusal_are_none_of_its_answer() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(pilot, app)
        page.post_message(Unplanned("nobody answers"))
        await until(pilot, lambda: page.phase is Phase.FAILED, "the failure")
        await pilot.press("x", "y", "e", "s", "enter")
        assert page.phase is Phase.FAILED
        assert not page.query_one("#prompt").has_class("-open")


LONG = "orders.of.the.northern.warehouses-that-were-moved.in.2026-dlt"


@pytest.mark.parametrize("size", [(20, 6), (20, 10), (30, 8), (40, 10), (40, 12), (80, 24), (120, 40)])
@pytest.mark.parametrize(("topic", "letters"), [("users-dlt", 120), (LONG, 120), ("users-dlt", 3)])
async def test_a_confirmation_can_be_read_or_is_not_asked_for(size: tuple[int, int], topic: str, letters: int) -> None:
    app = still()
    async with app.run_test(size=size) as pilot:
        page = ReplayPage(Selection(topic), reports.plan(letters, topic=topic))
        await app.open("dlq", page)
        await until(pilot, lambda: app.page is page, "the plan")
        await pilot.press("x")
        await until(pilot, lambda: page.query_one("#prompt").has_class("-open"), "the question")
        text = "".join(shown(pilot).split())
        what = f"{topic} to put 120 letters" if letters > 100 else f"yes to put {letters} letters of {topic}"
        told = f"type {what} back on prod; Esc: don't"
        if (topic, size) == (LONG, (20, 6)):
            assert "thisterminalistoosmalltoconfirmawrite:ittakes20x" in text
            await type_text(pilot, topic)
            assert page.phase is Phase.PLANNED
        else:
            assert told.replace(" ", "") in text
            await type_text(pilot, "no")
            assert page.phase is Phase.PLANNED
            await pilot.press("x")
            await type_text(pilot, page.password)
            assert page.phase is not Phase.PLANNED


async def test_the_question_of_a_reset_can_be_read_on_the_smallest_terminal() -> None:
    app = still()
    async with app.run_test(size=(20, 6)) as pilot:
        made = reports.reset_plan()
        await app.open("lag", ResetPage("audit-group", made.target, plan=made))
        await until(pilot, lambda: app.page is not None, "the plan")
        await pilot.press("x")
        told = "type audit-group to set the offsets of audit-group on 1 partition on prod; Esc: don't"
        await until(pilot, lambda: told.replace(" ", "") in "".join(shown(pilot).split()), "all of it")


async def test_a_question_that_no_longer_fits_is_taken_back() -> None:
    app = still()
    async with app.run_test(size=(80, 24)) as pilot:
        page = ReplayPage(Selection(LONG), reports.plan(120, topic=LONG))
        await app.open("dlq", page)
        await until(pilot, lambda: app.page is page, "the plan")
        await pilot.press("x", "o")
        await pilot.resize_terminal(20, 6)
        await until(pilot, lambda: "too small" in shown(pilot), "why not")
        await type_text(pilot, LONG)
        assert page.phase is Phase.PLANNED
        await pilot.resize_terminal(80, 24)
        await pilot.press("x")
        await until(pilot, lambda: f"type {LONG} to put" in shown(pilot), "the question")
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: "Esc: don't" in shown(pilot), "it fits still")
        assert front(app, ReplayPage) is page
