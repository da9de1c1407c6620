"""Letters that their target refuses: told while a replay runs and at its end, seen, and put back at last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.dlq.model import Selection, State
from eventops.dlq.replay_model import Refused, Step
from eventops.events import Position
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.ledger import LedgerPage, came_of
from eventops.tui.messages import Stepped
from eventops.tui.replay import ReplayPage
from tests.dlq.workshop import Workshop, replayed, spring_headers
from tests.tui import reports
from tests.tui.stage import front, shown, still, table, type_text, until
from tests.tui.test_letters import letters_page, planned

pytestmark = pytest.mark.asyncio

TOO_LARGE = "Message size too large"


async def test_what_is_refused_is_told_while_it_runs_and_at_its_end() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        page.phase = Phase.RUNNING
        page.post_message(Stepped(Step(2, 3, parked=1, refusal=TOO_LARGE)))
        await until(pilot, lambda: f"1 of them parked, the last one: {TOO_LARGE}" in shown(pilot), "the refusal")
        done = reports.outcome(reports.plan(3))
        report = replace(done, replayed=done.replayed[1:], parked=(Refused(done.plan.planned[0].letter, TOO_LARGE),))
        page.post_message(Stepped(Step(3, 3, report=report)))
        await until(pilot, lambda: "done, 1 parked" in shown(pilot), "the end")
        assert "U makes them open" in shown(pilot)


async def test_why_a_letter_is_parked_stands_beside_it_with_the_key_that_takes_it_back() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        parked = replace(reports.letter(1, state=State.PARKED), state_reason=f"{TOO_LARGE} (ada)")
        await letters_page(pilot, app, parked, reports.letter(2), of=2)
        await until(pilot, lambda: f"▲ parked   {TOO_LARGE} (ada)" in shown(pilot), "why")
        assert "U restore" in shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "U restore" in shown(pilot), "the key, of one letter")
        await pilot.press("escape", "up", "up", "down")
        await until(pilot, lambda: "U restore" not in shown(pilot), "an open one")


async def test_the_history_counts_what_was_refused() -> None:
    deeds = reports.ledger().done
    parked = (deeds[0][0]._replace(state=State.PARKED, target=None), None)
    assert came_of([*deeds, parked]) == "1 passed · 1 pending · 1 failed again · 1 parked"


@pytest.mark.broker
@pytest.mark.usefixtures("own_ledger")
async def test_parked_letters_are_put_back_once_their_target_takes_them(
    bootstrap_servers: str, workshop: Workshop
) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    told = [b'{"eventId": "e-%d", "pad": "%s"}' % (number, b"x" * (3000 * (number == 1))) for number in range(3)]
    workshop.put(orders, [(b"k", one, ()) for one in told])
    workshop.put(letters, [(b"k", one, spring_headers(Position(orders, 0, at))) for at, one in enumerate(told)])
    workshop.take_only(orders, 1500)
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        app = Dashboard(desk, refresh=0.5)
        async with app.run_test(size=(160, 45)) as pilot:
            await app.open("dlq", CausesPage(letters))
            await until(pilot, lambda: table(app, "causes").current is not None, "the causes")
            await pilot.press("R")
            await until(pilot, lambda: "1 letter outgrew what" in shown(pilot), "the warning")
            await pilot.press("x")
            await type_text(pilot, "yes")
            await until(pilot, lambda: "done, 1 parked" in shown(pilot), "the end", 60)
            await pilot.press("h")
            await until(pilot, lambda: "1 parked" in shown(pilot) and TOO_LARGE in shown(pilot), "the history")
            front(app, LedgerPage)
            workshop.take_only(orders, 1_000_000)
            await pilot.press("escape", "escape", "R")
            await until(pilot, lambda: "name it with --offset" in shown(pilot), "a cause leaves it alone")
            await pilot.press("escape", "enter")
            await until(pilot, lambda: table(app, "letters").current is not None, "the letters")
            await pilot.press("slash")
            await type_text(pilot, "parked")
            await until(pilot, lambda: len(table(app, "letters").rows) == 1, "the parked one")
            await pilot.press("a", "R")
            await until(pilot, lambda: "1  letter to" in shown(pilot), "the plan")
            assert front(app, ReplayPage)._selection == Selection(letters, positions=(Position(letters, 0, 1),))
            await pilot.press("x")
            await type_text(pilot, "yes")
            await until(pilot, lambda: "1  letter replayed" in shown(pilot), "it is put back", 60)
    assert len(replayed(workshop.committed(orders))) == 3
