"""Dead letters by keys alone, on a real broker: pages, marks, discard and restore, a ramp, what came of it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.pilot import Pilot

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.dlq.model import Selection
from eventops.events import Partition, Position
from eventops.ports.attention import Attention, NobodyWaits
from eventops.tui import leaves
from eventops.tui import letters as screen
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.ledger import LedgerPage
from eventops.tui.letters import LetterPage, LettersPage
from eventops.tui.replay import ReplayPage
from tests.dlq.workshop import Workshop, replayed
from tests.tui.stage import front, shown, table, type_text, until
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.asyncio]


def dashboard(servers: str, *, read_only: bool = False) -> tuple[Desk, Dashboard]:
    """On the real broker, as the command opens it."""
    desk = Desk(Context("test", {BOOTSTRAP: servers}, {"read-only": read_only}))
    return desk, Dashboard(desk, refresh=0.5)


async def letters_of(pilot: Pilot[Any], app: Dashboard, topic: str) -> LettersPage:
    """The letters of the topic's only cause."""
    await app.open("dlq", CausesPage(topic))
    await until(pilot, lambda: table(app, "causes").current is not None, "the causes")
    await pilot.press("enter")
    await until(pilot, lambda: table(app, "letters").current is not None, "the letters")
    return front(app, LettersPage)


async def confirm(pilot: Pilot[Any], app: Dashboard) -> None:
    """Once there is a plan."""
    await until(pilot, lambda: "nothing was written yet" in shown(pilot), "the plan")
    await pilot.press("x")
    await type_text(pilot, front(app, ReplayPage).password)


@pytest.mark.usefixtures("own_ledger")
async def test_letters_of_several_pages_are_marked_and_put_back(
    bootstrap_servers: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (leaves, screen):
        monkeypatch.setattr(module, "PAGE", 4)
    orders, letters = workshop.orders_with_letters(10)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await letters_of(pilot, app, letters)
            assert [row.position.offset for row in table(app, "letters").rows] == [0, 1, 2, 3]
            await pilot.press("space", "n")
            await until(pilot, lambda: "5 to 8 of 10" in shown(pilot), "the second page")
            assert [row.position.offset for row in table(app, "letters").rows] == [4, 5, 6, 7]
            await pilot.press("n")
            await until(pilot, lambda: "9 to 10 of 10" in shown(pilot), "the last page")
            await pilot.press("down", "space", "R")
            await until(pilot, lambda: "2  letters to" in shown(pilot), "the plan")
            assert "--offset 0/0 --offset 0/9" in shown(pilot)
            await confirm(pilot, app)
            await until(pilot, lambda: "2  letters replayed" in shown(pilot), "the replay")
            await pilot.press("h")
            await until(pilot, lambda: "unknown" in shown(pilot), "what became of them")
            assert [row[0].letter.offset for row in table(app, "deeds").rows] in ([0, 9], [9, 0])
            await pilot.press("enter")
            await until(pilot, lambda: "↻ replayed" in shown(pilot), "the letter and its ledger")
    assert len(replayed(workshop.committed(orders))) == 2


@pytest.mark.usefixtures("own_ledger")
async def test_a_letter_is_written_off_with_a_reason_and_taken_back(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, letters = workshop.orders_with_letters(2)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await app.open("dlq", LetterPage(Position(letters, 0, 1)))
            await until(pilot, lambda: "✗ open" in shown(pilot), "the letter")
            await pilot.press("D")
            await type_text(pilot, "test data")
            await until(pilot, lambda: "1  letter to discard" in shown(pilot), "the plan")
            await confirm(pilot, app)
            await until(pilot, lambda: "1  letter discarded" in shown(pilot), "the deed")
            await pilot.press("escape")
            await until(pilot, lambda: "discarded   test data" in shown(pilot), "the letter's new state")
            await pilot.press("U")
            await type_text(pilot, "")
            await confirm(pilot, app)
            await until(pilot, lambda: "1  letter restored" in shown(pilot), "taken back")
            await pilot.press("h")
            await until(pilot, lambda: len(table(app, "deeds").rows) == 2, "both deeds")
            assert front(app, LedgerPage).topic == letters
            assert "restored" in shown(pilot)
    assert len(workshop.committed(orders)) == 2, "nothing was put back"
    assert len(workshop.committed(letters)) == 2, "the log keeps them"


@pytest.mark.usefixtures("own_ledger")
async def test_a_ramp_waits_for_the_group_and_is_interrupted(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, letters = workshop.orders_with_letters(5)
    desk, app = dashboard(bootstrap_servers)
    with desk:
        here = {Partition(orders, 0): 0}
        wait_until(
            lambda: not desk.broker.alter_committed_offsets("billing", here), "the group, which nobody is in", 60
        )
        async with app.run_test(size=(140, 40)) as pilot:
            await app.open("dlq", CausesPage(letters))
            await until(pilot, lambda: table(app, "causes").current is not None, "the causes")
            await pilot.press("R")
            await until(pilot, lambda: "nothing was written yet" in shown(pilot), "the plan")
            await pilot.press("m")
            await confirm(pilot, app)
            await until(pilot, lambda: "waiting until 1 letter of this stage of 1" in shown(pilot), "the first stage")
            assert "1 of 5 letters" in shown(pilot)
            await pilot.press("c")
            await until(pilot, lambda: front(app, ReplayPage).phase is Phase.DONE, "its end")
            text = shown(pilot)
            assert "interrupted" in text
            assert "4  remaining" in text
            assert "--ramp --execute" in text, "the command that goes on"
    assert len(replayed(workshop.committed(orders))) == 1


async def test_read_only_is_enforced_on_the_way_to_a_deed(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, letters = workshop.orders_with_letters(2)
    desk, app = dashboard(bootstrap_servers, read_only=True)
    with desk:
        async with app.run_test(size=(140, 40)) as pilot:
            await letters_of(pilot, app, letters)
            for key, reason in (("R", None), ("D", "why"), ("U", "why")):
                await pilot.press(key)
                if reason is not None:
                    await type_text(pilot, reason)
                await until(pilot, lambda: front(app, ReplayPage).phase is Phase.PLANNED, "the plan, which only reads")
                await pilot.press("x")
                assert front(app, ReplayPage).phase is Phase.PLANNED
                await pilot.press("escape")
    assert len(workshop.committed(orders)) == 2


@pytest.mark.usefixtures("own_ledger")
async def test_a_reading_that_nobody_waits_for_ends(bootstrap_servers: str, workshop: Workshop) -> None:
    _orders, letters = workshop.orders_with_letters(3000)
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        whole = Attention()
        with whole.held():
            desk.dlq.causes(Selection(letters), desk.now())
        assert (whole.read, whole.total) == (3000, 3000)
        left = Attention()
        left.leave()
        with left.held(), pytest.raises(NobodyWaits):
            desk.dlq.causes(Selection(letters), desk.now())
        assert left.read < 3000, "it ended on the way"
        assert sum(desk.dlq.causes(Selection(letters), desk.now()).causes[0].counts.values()) == 3000, "others go on"


async def test_what_one_thread_reads_is_not_counted_for_another(bootstrap_servers: str, workshop: Workshop) -> None:
    _orders, letters = workshop.orders_with_letters(5)
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        mine = Attention()
        with mine.held():
            other = threading.Thread(target=lambda: desk.dlq.causes(Selection(letters), desk.now()))
            other.start()
            other.join(20)
        assert not other.is_alive()
        assert mine.total == 0
