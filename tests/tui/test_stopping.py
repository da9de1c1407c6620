"""Ending the dashboard, or a deed, while something is written: what is said is true where the deed stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import AT_LEAST_ONCE, Plan, Step
from eventops.events import Partition
from eventops.groups.model import ResetReport
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.messages import BrokeOff, ResetTold, Stepped, Unplanned
from eventops.tui.replay import ReplayPage
from eventops.tui.reset import ResetPage
from tests.tui import reports
from tests.tui.stage import shown, still, type_text, until

pytestmark = pytest.mark.asyncio

NONE = "no transaction is in hand"


async def running(app: Dashboard, plan: Plan | None = None) -> ReplayPage:
    """A replay of three letters that is on, in front."""
    page = ReplayPage(Selection("users-dlt"), plan or reports.plan(3))
    await app.open("dlq", page)
    page.phase = Phase.RUNNING
    app.begin_writing(page)
    return page


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
@pytest.mark.parametrize(
    ("step", "told", "why"),
    [
        (None, "no letter was touched yet: the replay ends before it begins", "it takes over its id, reads the ledger"),
        (Step(0, 3), "the replay ends once the transaction in hand is finished", "the first one is being written"),
        (Step(1, 3), "the replay ends once the transaction in hand is finished", "and the next"),
        (Step(1, 3, told="waiting until 1 letter"), f"{NONE}: the replay ends now, with 1 of 3 letters done", "a ramp"),
        (Step(2, 3, is_pause=True), f"{NONE}: the replay ends now, with 2 of 3 letters done", "its rate is kept"),
    ],
)
async def test_who_leaves_in_the_middle_is_told_what_is_in_hand(
    key: str, step: Step | None, told: str, why: str
) -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await running(app)
        if step is not None:
            page.post_message(Stepped(step))
            await until(pilot, lambda: page._step is step, "the step")
        await pilot.press(key)
        await until(pilot, lambda: "stopping" in shown(pilot), "what it does now")
        assert [note.message for note in app._notifications] == [f"{told}; once more leaves at once"], why
        assert page.phase is Phase.STOPPING
        assert ("the transaction in hand is finished first" in shown(pilot)) is (NONE not in told and step is not None)


async def test_without_transactions_none_is_promised() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await running(app, replace(reports.plan(3), guarantee=AT_LEAST_ONCE))
        page.post_message(Stepped(Step(1, 3)))
        await until(pilot, lambda: page._step is not None, "the step")
        await pilot.press("q")
        told = "the replay ends once the letters in hand are finished; once more leaves at once"
        assert [note.message for note in app._notifications] == [told]
        assert "transaction" not in shown(pilot)


async def test_a_pause_between_two_transactions_is_no_slower_pace() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await running(app)
        page._rate.add(1, reports.ago(2))
        for step in (Step(2, 3), Step(2, 3, is_pause=True), Step(2, 3)):
            page.post_message(Stepped(step))
            await until(pilot, lambda: page._step is step, "the step")  # noqa: B023 - awaited at once
            assert page._rate.value() == 0.5


async def test_an_older_plans_failure_is_none_of_the_replay_that_runs() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await running(app)
        page.post_message(Unplanned("no answer for 10 s"))
        page.post_message(Stepped(step := Step(2, 3)))
        await until(pilot, lambda: page._step is step, "what came behind it")
        assert (page.phase, page.is_writing, "no answer for" in shown(pilot)) == (Phase.RUNNING, True, False)


async def resetting(pilot: Pilot[Any], app: Dashboard) -> ResetPage:
    """A reset that was confirmed, and isn't answered yet, in front."""
    plan = reports.reset_plan(after=12)
    page = ResetPage("audit-group", plan.target, plan=plan)
    page.execute = lambda: None  # type: ignore[method-assign]
    await app.open("lag", page)
    await pilot.press("x")
    await type_text(pilot, "yes")
    assert page.phase is Phase.RUNNING
    app.clear_notifications()
    return page


CANNOT = "the reset of audit-group can't be stopped: its offsets are on their way to the broker"


async def test_a_second_reset_on_the_same_screen_is_guarded_as_the_first_one() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await resetting(pilot, app)
        await pilot.press("q")
        page.post_message(BrokeOff("no answer"))
        await until(pilot, lambda: page.phase is Phase.FAILED, "its failure")
        page.post_message(ResetTold(ResetReport(reports.reset_plan(after=12))))
        await until(pilot, lambda: page.phase is Phase.PLANNED, "another plan")
        app.clear_notifications()
        await pilot.press("x")
        await type_text(pilot, "yes")
        assert app.writing == [page], "it counts once"
        await pilot.press("q")
        await until(pilot, lambda: bool(app._notifications), "why not")
        assert [note.message for note in app._notifications] == [f"{CANNOT}; once more leaves at once"]
        await pilot.press("q")
    assert app.parting is not None
    assert app.parting.count("left before the broker answered") == 1


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_a_reset_cannot_be_stopped_and_who_leaves_in_the_middle_is_told_what_tells(key: str) -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await resetting(pilot, app)
        await pilot.press(key)
        await until(pilot, lambda: bool(app._notifications), "why not")
        assert [note.message for note in app._notifications] == [f"{CANNOT}; once more leaves at once"]
        assert (app.is_running, page.phase) == (True, Phase.RUNNING)
        await pilot.press(key)
    assert app.parting == (
        "left before the broker answered: whether the offsets were set, this tells: "
        "eventops --context prod groups show audit-group"
    )


async def test_who_waits_for_a_reset_leaves_as_ever() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await resetting(pilot, app)
        await pilot.press("q")
        page.post_message(ResetTold(ResetReport(reports.reset_plan(after=12), {Partition("orders", 0): 12})))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await pilot.press("q")
    assert app.parting is None


@pytest.mark.parametrize(("key", "told"), [("escape", f"{CANNOT}; other screens can be opened meanwhile"),
                                           ("ctrl+z", f"{CANNOT}; wait until it has ended")])  # fmt: skip
async def test_a_reset_that_is_written_is_neither_left_nor_suspended(key: str, told: str) -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await resetting(pilot, app)
        assert "Esc" not in shown(pilot).splitlines()[-1]
        await pilot.press(key)
        await until(pilot, lambda: bool(app._notifications), "why not")
        assert [note.message for note in app._notifications] == [told]
        assert app.screen is page


async def test_of_a_replay_and_a_reset_each_says_what_becomes_of_it() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        replay = await running(app)
        await resetting(pilot, app)
        await pilot.press("q")
        [note] = app._notifications
        assert note.message.startswith("no letter was touched yet: the replay ends before it begins; " + CANNOT)
        assert replay.phase is Phase.STOPPING
        await pilot.press("q")
    assert str(app.parting).count("\neventops: left before the broker answered") == 1
    assert str(app.parting).startswith("left in the middle: the ledger knows what was written, this goes on: ")
