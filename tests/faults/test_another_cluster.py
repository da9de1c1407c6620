"""A cluster that answers once the dashboard has gone on to another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.worker import WorkerState

from eventops.local.service import LocalKafka
from eventops.tui.overview import OverviewPage
from tests.faults.test_frozen_reset import behind, frozen
from tests.tui.stage import front, shown, table, type_text, until
from tests.tui.test_on_a_broker import dashboard

pytestmark = [pytest.mark.broker, pytest.mark.faults, pytest.mark.asyncio]


@pytest.mark.timeout(180)
async def test_a_record_that_is_found_too_late_leads_nowhere(
    one: LocalKafka,
    bootstrap_servers: str,
    unique: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configuration = tmp_path / "two.toml"
    configuration.write_text(f'[contexts.other]\n"bootstrap.servers" = "{bootstrap_servers}"\n', encoding="utf-8")
    monkeypatch.setenv("EVENTOPS_CONFIG", str(configuration))
    servers = one.status().bootstrap_servers or ""
    group, _ = behind(servers, unique)
    desk, app = dashboard(servers)
    with desk:
        async with app.run_test(size=(160, 40), notifications=True) as pilot:
            await app.open_group(group)
            await until(pilot, lambda: table(app, "partitions").current is not None, "its partitions")
            with frozen(one):
                await pilot.press("t")
                await until(pilot, lambda: any(one.name == "waiting" for one in app.workers), "the question")
                [asked] = [worker for worker in app.workers if worker.name == "waiting"]
                await pilot.press("colon")
                await type_text(pilot, "context other")
                await until(pilot, lambda: app.desk.context.name == "other", "the other cluster")
                await until(pilot, lambda: "cluster ?" not in shown(pilot), "its answer", 60)
                assert asked.state is WorkerState.RUNNING, "nobody answered it yet"
                app.clear_notifications()
            await until(pilot, lambda: asked.is_finished, "the late answer", 60)
            await pilot.pause()
            front(app, OverviewPage)
            assert not app._notifications
            assert group not in shown(pilot)
        app.let_go()
