"""A table of more rows than its terminal shows: each of them comes into view, the last one too."""

from __future__ import annotations

import pytest

from eventops.dlq.model import Selection
from eventops.tui.lag import GroupPage
from eventops.tui.replay import ReplayPage
from eventops.tui.widgets.grid import Grid
from eventops.tui.widgets.table import Table
from tests.tui import reports
from tests.tui.stage import answer, go, shown, still, until

pytestmark = pytest.mark.asyncio

SIZES = [(120, 40), (80, 24), (40, 12), (20, 6)]


@pytest.mark.parametrize("size", SIZES)
async def test_the_last_row_of_a_list_is_seen(size: tuple[int, int]) -> None:
    app = still()
    async with app.run_test(size=size) as pilot:
        await go(pilot, app, "4")
        names = [f"t{number:03}-dlt" for number in range(60)]
        await answer(pilot, app.questions.letters, reports.listed(*(reports.topic_counts(name) for name in names)))
        await until(pilot, lambda: names[0] in shown(pilot), "the first one")
        await pilot.press("end")
        await until(pilot, lambda: names[-1] in shown(pilot), "the last one")
        for table in app.screen.query(Table):
            assert table.query_one(Grid).region.bottom <= table.region.bottom


async def test_the_last_row_of_a_table_beside_another_is_seen() -> None:
    app = still()
    async with app.run_test(size=(120, 24)) as pilot:
        partitions = [reports.partition("orders", number, 1, 5) for number in range(60)]
        await answer(pilot, app.questions.lag, reports.lag(reports.group("billing-group", *partitions)))
        await app.open("lag", GroupPage("billing-group"))
        await pilot.press("end")
        await until(pilot, lambda: "orders  59" in shown(pilot), "the last partition")


async def test_the_last_option_of_a_replay_is_seen() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open("dlq", ReplayPage(Selection("users-dlt"), reports.plan(3)))
        await pilot.press("end")
        await until(pilot, lambda: " which " in shown(pilot), "the last option")
