"""Ending the dashboard, or a deed, while something is written: what is said is true where the deed stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import AT_LEAST_ONCE, Plan, Step
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.messages import Stepped, Unplanned
from eventops.tui.replay import ReplayPage
from tests.tui import reports
from tests.tui.stage import shown, still, until

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
