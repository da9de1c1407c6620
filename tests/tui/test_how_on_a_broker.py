"""Each option that the screen offers for a replay, chosen by keys on a real broker: what is appended then."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.dlq import revising
from eventops.dlq.model import Selection
from eventops.dlq.replay_model import Wishes
from eventops.events import Position, Record
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.replay import ReplayPage
from eventops.tui.replay_options import Option
from tests.dlq.workshop import Workshop, replayed, spring_headers
from tests.tui.stage import front, shown, table, type_text, until

pytestmark = [pytest.mark.broker, pytest.mark.asyncio, pytest.mark.usefixtures("own_ledger")]


async def planned(pilot: Pilot[Any], app: Dashboard, topic: str) -> ReplayPage:
    """A plan for all letters."""
    page = ReplayPage(Selection(topic))
    await app.open("dlq", page)
    await until(pilot, lambda: page.phase is Phase.PLANNED, "the plan")
    return page


async def choose(pilot: Pilot[Any], app: Dashboard, name: str, text: str | None = None, *, times: int = 1) -> None:
    """Enter on that row, and what is typed then."""
    how = table(app, "how")
    how.focus_rows()
    names = [row.name for row in how.rows if isinstance(row, Option)]
    await pilot.press("home", *["down"] * names.index(name))
    for _ in range(times):
        await pilot.press("enter")
        if text is not None:
            await pilot.press("ctrl+u")
            await type_text(pilot, text)
        await until(pilot, lambda: front(app, ReplayPage).phase in (Phase.PLANNED, Phase.FAILED), "the plan")


async def carry_out(pilot: Pilot[Any], app: Dashboard) -> None:
    """Confirm it, and wait for its end."""
    page = front(app, ReplayPage)
    await pilot.press("x")
    await type_text(pilot, page.password)
    await until(pilot, lambda: page.phase is Phase.DONE, "the end", 60)
    await pilot.pause()


def letters_of_two(workshop: Workshop) -> tuple[str, str]:
    """Two events whose records at the origin are other ones than the letters tell (lower case), with two headers."""
    orders = workshop.topic(workshop.unique("orders"), 3)
    letters = workshop.topic(f"{orders}-dlt")
    told = [json.dumps({"eventId": f"e-{n}", "email": f"ada{n}@x.example", "metadata": {}}).encode() for n in range(2)]
    own = (("app", b"1"), ("tenant", b"acme"))
    workshop.put(orders, [(b"user-%d" % n, told[n].replace(b"ada", b"ADA"), own) for n in range(2)])
    failed = [(b"user-%d" % n, told[n], (*own, *spring_headers(Position(orders, 0, n)))) for n in range(2)]
    workshop.put(letters, failed)
    return orders, letters


def bodies(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [json.loads(one.value or b"{}") for one in records]


Holds = Callable[[Sequence[Record]], bool]


@pytest.mark.parametrize(
    ("name", "text", "times", "words", "holds", "why"),
    [
        ("source", None, 1, "--source origin", lambda put: b"ADA" in (put[0].value or b""), "the origin's record"),
        ("source", None, 2, "--source letter", lambda put: b"ada" in (put[0].value or b""), "the letter's"),
        ("drop-header", "tenant", 1, "--drop-header tenant", lambda put: not put[0].header("tenant"), "left out"),
        ("by-key", None, 1, "--by-key", lambda put: len({one.position.partition for one in put}) == 2, "by their keys"),
        ("transform", ".value.email |= ascii_upcase", 1, "--transform", lambda put: b"ADA0@X" in (put[0].value or b""),
         "changed by jq"),
        ("new-id", None, 1, "--new-id", lambda put: bodies(put)[0]["metadata"]["causationId"] == "e-0", "another"),
        ("at-least-once", None, 1, "--at-least-once", lambda put: len(put) == 2, "without transactions"),
        ("chunk", "1", 1, "--chunk 1", lambda put: len(put) == 2, "a letter a transaction"),
        ("rate", "50", 1, "--rate 50", lambda put: len(put) == 2, "slowly"),
        ("take-over", None, 1, "--take-over", lambda put: len(put) == 2, "from nobody"),
    ],
)  # fmt: skip
async def test_each_option_does_what_it_says(
    bootstrap_servers: str, workshop: Workshop,
    name: str, text: str | None, times: int, words: str, holds: Holds, why: str,
) -> None:  # fmt: skip
    orders, letters = letters_of_two(workshop)
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        app = Dashboard(desk, refresh=2.0)
        async with app.run_test(size=(180, 50)) as pilot:
            page = await planned(pilot, app, letters)
            await choose(pilot, app, name, text, times=times)
            assert words in page.command, page.command
            await carry_out(pilot, app)
            assert "2  letters replayed" in shown(pilot)
    assert holds(sorted(replayed(workshop.committed(orders)), key=lambda one: one.key or b"")), why


async def test_to_another_topic_then_again_and_as_often_as_is_allowed(
    bootstrap_servers: str, workshop: Workshop
) -> None:
    orders, letters = letters_of_two(workshop)
    other = workshop.topic(f"{orders}-again")
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        app = Dashboard(desk, refresh=2.0)
        async with app.run_test(size=(180, 50)) as pilot:
            for number in range(2):
                page = await planned(pilot, app, letters)
                await choose(pilot, app, "to", other)
                if number:
                    await until(pilot, lambda: "2  already replayed" in shown(pilot), "nothing to do")
                    await choose(pilot, app, "again")
                    assert "--again" in page.command
                await carry_out(pilot, app)
                assert "2  letters replayed" in shown(pilot)
                await pilot.press("escape")
            back = [one.header("eventops-replay-id") for one in workshop.committed(other)]
            for at, name in enumerate(back[:2]):
                failed = (*spring_headers(Position(other, 0, at)), ("eventops-replay-id", name))
                workshop.put(letters, [(b"user-%d" % at, b'{"eventId": "e-%d"}' % at, failed)])
            page = await planned(pilot, app, letters)
            await choose(pilot, app, "max-attempts", "1")
            await until(pilot, lambda: "replayed 1 time already, and failed again" in shown(pilot), "left alone")
            assert "--max-attempts 1" in page.command
    assert len(back) == 4
    assert not replayed(workshop.committed(orders))


async def test_what_the_command_edited_is_put_back(bootstrap_servers: str, workshop: Workshop, tmp_path: Path) -> None:
    orders, letters = letters_of_two(workshop)
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        plan = desk.dlq.plan(Selection(letters), desk.now(), "edit", Wishes())
        file = tmp_path / "edited.json"
        file.write_text(revising.documents(plan).replace("ADA0", "eve").replace("ada0", "eve"))
        app = Dashboard(desk, refresh=2.0)
        async with app.run_test(size=(180, 50), notifications=True) as pilot:
            page = await planned(pilot, app, letters)
            await choose(pilot, app, "edit")
            assert app.clipboard == f"eventops --context test dlq replay {letters} --all --edit"
            await choose(pilot, app, "edited", str(tmp_path / "nowhere.json"))
            assert page.phase is Phase.FAILED
            assert "can't be read as text" in shown(pilot)
            await choose(pilot, app, "edited", str(file))
            await until(pilot, lambda: "of them edited" in shown(pilot), "the plan")
            assert f"--edited {file}" in page.command
            await carry_out(pilot, app)
    assert b"eve@x.example" in b"".join(one.value or b"" for one in replayed(workshop.committed(orders)))


async def test_a_second_time_that_was_interrupted_is_gone_on_with(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, letters = workshop.orders_with_letters(4)
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        app = Dashboard(desk, refresh=2.0)
        async with app.run_test(size=(180, 50)) as pilot:
            await planned(pilot, app, letters)
            await carry_out(pilot, app)
            await pilot.press("escape")
            page = await planned(pilot, app, letters)
            await choose(pilot, app, "again")
            await choose(pilot, app, "chunk", "1")
            await choose(pilot, app, "rate", "1")
            await pilot.press("x")
            await type_text(pilot, page.password)
            await until(pilot, lambda: page._step is not None and page._step.done > 0, "the first one")
            assert page._plan is not None
            run = page._plan.run_id
            assert f"--again --chunk 1 --rate 1 --run {run} --execute" in page.resuming
            await pilot.press("c")
            await until(pilot, lambda: page.phase is Phase.DONE, "its end")
            await pilot.press("escape")
            page = await planned(pilot, app, letters)
            await choose(pilot, app, "again")
            await choose(pilot, app, "run", run)
            assert f"--run {run}" in page.command
            await carry_out(pilot, app)
    assert len(replayed(workshop.committed(orders))) == 8, "each letter twice"
