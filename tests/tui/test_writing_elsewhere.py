"""What is being written is seen from every screen, its end is told there; a key, a click or a command leads back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import Refused, ReplayReport, Step
from eventops.events import Partition
from eventops.groups.model import ResetReport
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.lag import GroupPage
from eventops.tui.messages import BrokeOff, ResetTold, Stepped
from eventops.tui.replay import ReplayPage
from eventops.tui.reset import ResetPage
from eventops.tui.widgets.lines import StatusLine
from tests.tui import reports
from tests.tui.stage import go, shown, still, type_text, until

pytestmark = pytest.mark.asyncio

SIGN = "▸ replaying 1,204 of 20,000 (6 %)"


async def running(pilot: Pilot[Any], app: Dashboard, topic: str = "users-dlt") -> ReplayPage:
    """One that has come so far."""
    page = ReplayPage(Selection(topic), reports.plan(3, topic=topic))
    await app.open("dlq", page)
    page.phase = Phase.RUNNING
    app.begin_writing(page)
    page.post_message(Stepped(Step(1204, 20_000)))
    await until(pilot, lambda: page._step is not None, "the step")
    return page


@pytest.mark.parametrize("number", [1, 2, 3, 5, 6])
async def test_a_replay_is_seen_on_every_section_and_not_twice_on_its_own_screen(number: int) -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await running(pilot, app)
        assert "▸" not in shown(pilot)
        await go(pilot, app, str(number))
        await until(pilot, lambda: SIGN in shown(pilot).splitlines()[0], "the sign in the head")
        await pilot.press("question_mark")
        await until(pilot, lambda: SIGN in shown(pilot).splitlines()[0], "on the help too")
        await pilot.press("escape", "W")
        assert app.screen is page
        page.post_message(Stepped(Step(3, 3, report=reports.outcome(reports.plan(3)))))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await go(pilot, app, str(number))
        assert "▸" not in shown(pilot)


async def test_it_is_seen_over_its_own_section_and_in_the_choice_of_contexts() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await running(pilot, app)
        await app.open("dlq", CausesPage("orders-dlt"))
        await until(pilot, lambda: SIGN in shown(pilot), "over a page of the same section")
        await pilot.press("4")
        assert app.screen is page
        await app.open("context")
        await until(pilot, lambda: SIGN in shown(pilot), "where no cluster is")


@pytest.mark.parametrize(
    ("size", "told"),
    [((120, 30), SIGN), ((80, 24), "▸ 1,204 of 20,000 (6 %)"), ((40, 12), "▸ 6 %"), ((20, 6), "▸ 6 %")],
)
async def test_the_sign_is_shorter_where_there_is_less_room(size: tuple[int, int], told: str) -> None:
    app = still()
    async with app.run_test(size=size) as pilot:
        await running(pilot, app)
        await go(pilot, app, "2")
        await until(pilot, lambda: told in shown(pilot).splitlines()[0], "the sign")
        if size[0] > 20:
            assert "0 s old" in shown(pilot).splitlines()[0] or "no answer yet" in shown(pilot).splitlines()[0]


async def by_click(pilot: Pilot[Any], _app: Dashboard) -> None:
    await pilot.click("#status", offset=(shown(pilot).splitlines()[0].index("▸") + 3, 0))


async def by_command(pilot: Pilot[Any], _app: Dashboard) -> None:
    await pilot.press("colon")
    await type_text(pilot, "writing")


async def by_an_older_name(pilot: Pilot[Any], _app: Dashboard) -> None:
    await pilot.press("colon")
    await type_text(pilot, "replay")


@pytest.mark.parametrize("comes_back", [by_click, by_command, by_an_older_name])
async def test_ways_back_to_it(comes_back: Callable[[Pilot[Any], Dashboard], Awaitable[None]]) -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await running(pilot, app)
        await app.open("dlq", CausesPage("orders-dlt"))
        await go(pilot, app, "5")
        await until(pilot, lambda: SIGN in shown(pilot), "the sign")
        await pilot.click("#status", offset=(2, 0))
        assert app.screen is not page, "the context's name leads nowhere"
        await comes_back(pilot, app)
        await until(pilot, lambda: app.screen is page, "the replay")


def stopped() -> ReplayReport:
    made = reports.plan(3)
    refused = Refused(made.planned[1].letter, "too large")
    return ReplayReport(made, executed=True, replayed=(), parked=(refused,), stopped="the topic is gone")


DONE = Stepped(Step(3, 3, report=reports.outcome(reports.plan(3))))


@pytest.mark.parametrize(
    ("message", "told", "severity"),
    [
        (DONE, "Replay of users-dlt: 3 letters replayed", "information"),
        (Stepped(Step(1, 3, report=stopped())), "1 letter parked", "warning"),
        (BrokeOff("no leader"), "Replay of users-dlt: no leader", "warning"),
    ],
)
async def test_its_end_is_told_where_somebody_looks(message: Stepped | BrokeOff, told: str, severity: str) -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await running(pilot, app)
        await go(pilot, app, "1")
        await until(pilot, lambda: SIGN in shown(pilot), "the sign")
        page.post_message(message)
        await until(pilot, lambda: SIGN not in shown(pilot), "no sign")
        [note] = app._notifications
        assert (told in note.message, note.severity) == (True, severity), note.message
        assert note.message.endswith("; W shows it")
        assert note.title == {"information": "done", "warning": "stopped"}[severity] or isinstance(message, BrokeOff)
        await pilot.press("W")
        assert app.screen is page, "what was done can still be read"


async def test_where_nothing_runs_that_is_said() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("W")
        assert [note.message for note in app._notifications] == [
            "nothing is being written, and nothing that was is open"
        ]
        page = await running(pilot, app)
        page.post_message(Stepped(Step(3, 3, report=reports.outcome(reports.plan(3)))))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await pilot.press("escape")
        await until(pilot, lambda: not page.is_attached, "it is left")
        app.clear_notifications()
        await pilot.press("W")
        assert [note.message for note in app._notifications] == [
            "nothing is being written, and nothing that was is open"
        ]


async def test_of_two_that_run_both_are_asked_to_stop_and_none_is_closed() -> None:
    app = still()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        first = await running(pilot, app)
        second = await running(pilot, app, "orders-dlt")
        await go(pilot, app, "2")
        await until(pilot, lambda: f"{SIGN} +1" in shown(pilot), "both")
        await pilot.press("W")
        assert app.screen is second
        await pilot.press("W")
        assert app.screen is second, "the first one lies under it"
        assert any("has to end first" in note.message for note in app._notifications)
        await pilot.press("q")
        assert (first.phase, second.phase) == (Phase.STOPPING, Phase.STOPPING)


async def test_a_step_of_it_paints_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await running(pilot, app)
        await go(pilot, app, "1")
        await until(pilot, lambda: SIGN in shown(pilot), "the sign")
        painted: list[object] = []
        monkeypatch.setattr(app, "repaint", lambda: painted.append("all"))
        monkeypatch.setattr(StatusLine, "tell", lambda *_told: painted.append("head"))
        for number in range(1, 200):
            page.post_message(Stepped(Step(number, 20_000)))
        await until(pilot, lambda: page._step is not None and page._step.done == 199, "all steps")
        assert len(painted) <= 4, "the tick of every second alone"


async def resetting(pilot: Pilot[Any], app: Dashboard) -> ResetPage:
    """A reset that was confirmed, and isn't answered yet."""
    plan = reports.reset_plan()
    page = ResetPage("audit-group", plan.target, plan=plan)
    page.execute = lambda: None  # type: ignore[method-assign]
    await app.open("lag", page)
    await pilot.press("x")
    await type_text(pilot, "audit-group")
    assert page.is_writing
    return page


READ_BACK = ResetTold(ResetReport(reports.reset_plan(), {Partition("orders", 0): 5420}))
NOT_SET = ResetTold(ResetReport(reports.reset_plan(), {Partition("orders", 0): 10}))


@pytest.mark.parametrize(
    ("size", "told"),
    [((120, 30), "▸ resetting audit-group"), ((80, 24), "▸ resetting"), ((40, 12), "▸ reset"), ((20, 6), "▸ reset")],
)
@pytest.mark.parametrize("number", [1, 2, 5])
async def test_a_reset_is_seen_elsewhere_and_leads_back(size: tuple[int, int], told: str, number: int) -> None:
    app = still()
    async with app.run_test(size=size) as pilot:
        plan = reports.reset_plan(after=12)
        page = ResetPage("audit-group", plan.target, plan=plan)
        await app.open("lag", page)
        page.phase = Phase.RUNNING
        app.begin_writing(page)
        await go(pilot, app, str(number)) if number != 2 else await app.open("lag", GroupPage("audit-group"))
        await until(pilot, lambda: told in shown(pilot).splitlines()[0], "the sign in the head")
        await pilot.press("W")
        assert app.screen is page
        page.post_message(READ_BACK)
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await go(pilot, app, "1")
        assert "▸" not in shown(pilot)


async def test_a_reset_that_nobody_answers_says_since_when() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await resetting(pilot, app)
        await until(pilot, lambda: "the broker is asked to set them" in shown(pilot), "what is under way")
        assert "no answer for" not in shown(pilot)
        page._began = reports.ago(8)
        app.repaint()
        await until(pilot, lambda: "no answer for 8 s" in shown(pilot), "since when")
        await go(pilot, app, "1")
        await until(pilot, lambda: "▸ resetting audit-group, no answer for 8 s" in shown(pilot), "elsewhere too")


@pytest.mark.parametrize(
    ("message", "told", "severity", "title"),
    [
        (READ_BACK, "Reset of audit-group: 1 partition set and read back", "information", "done"),
        (NOT_SET, "Reset of audit-group: 0 of 1 partition set and read back", "warning", "done"),
        (BrokeOff("no leader"), "Reset of audit-group: no leader", "warning", "failed"),
    ],
)
async def test_a_resets_end_is_told_where_somebody_looks(
    message: ResetTold | BrokeOff, told: str, severity: str, title: str
) -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await resetting(pilot, app)
        await go(pilot, app, "1")
        page.post_message(message)
        await until(pilot, lambda: not page.is_writing, "the end")
        await until(pilot, lambda: "▸" not in shown(pilot), "no sign")
        [note] = app._notifications
        assert (note.message, note.severity, note.title) == (f"{told}; W shows it", severity, title)
        await pilot.press("W")
        assert app.screen is page, "what was done can still be read"


async def test_a_resets_end_is_not_told_twice_where_it_is_in_front() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await resetting(pilot, app)
        page.post_message(READ_BACK)
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        assert not app._notifications


async def test_what_was_left_is_not_come_back_to() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await go(pilot, app, "2")
        before = app.screen
        assert not await app.come_back_to(GroupPage("nobody"))
        assert app.screen is before
