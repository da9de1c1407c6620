"""A broker that stops answering in the middle of a reset: the dashboard says so on every screen, keeps what would leave
it, and tells the end where somebody looks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from eventops.local.service import LocalKafka
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.reset import ResetPage
from tests.dlq.workshop import Workshop
from tests.tui.stage import front, go, shown, table, type_text, until
from tests.tui.terminal import Terminal
from tests.tui.test_on_a_broker import commit, dashboard, desk_offsets

pytestmark = [pytest.mark.broker, pytest.mark.faults, pytest.mark.asyncio]


@contextmanager
def frozen(kafka: LocalKafka) -> Iterator[None]:
    """It keeps its connections and does nothing."""
    pid = kafka.status().nodes[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def behind(servers: str, unique: Callable[[str], str]) -> tuple[str, str]:
    """A group without members that has read one of three records; and their topic."""
    workshop = Workshop(servers, unique)
    group, orders = unique("slow"), workshop.topic(unique("orders"))
    workshop.put(orders, [(b"k", b"{}", ())] * 3)
    commit(servers, group, orders, 1)
    return group, orders


async def planned(pilot: Pilot[Any], app: Dashboard, group: str) -> ResetPage:
    """A reset of the whole group to the end of its log."""
    await app.open_group(group)
    await until(pilot, lambda: table(app, "partitions").current is not None, "its partitions")
    await pilot.press("R")
    await type_text(pilot, "latest")
    await until(pilot, lambda: "2 offsets skipped" in shown(pilot), "the plan")
    await pilot.press("x")
    return front(app, ResetPage)


async def notes_after(pilot: Pilot[Any], app: Dashboard, *keys: str) -> list[str]:
    """What is told of them."""
    app.clear_notifications()
    await pilot.press(*("space" if key == " " else key for key in keys))
    await until(pilot, lambda: bool(app._notifications), f"an answer to {keys}")
    return [note.message for note in app._notifications]


@pytest.mark.timeout(180)
async def test_a_reset_whose_broker_stands_still_is_guarded_until_it_answers(
    one: LocalKafka, unique: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = one.status().bootstrap_servers or ""
    monkeypatch.setenv("EVENTOPS_CONFIG", str(tmp_path / "contexts.toml"))
    group, orders = behind(servers, unique)
    desk, app = dashboard(servers)
    with desk:
        async with app.run_test(size=(160, 40), notifications=True) as pilot:
            page = await planned(pilot, app, group)
            with frozen(one):
                await type_text(pilot, "yes")
                assert "can't be stopped" in (await notes_after(pilot, app, "escape"))[0]
                assert app.screen is page
                await go(pilot, app, "1")
                await until(pilot, lambda: f"▸ resetting {group}" in shown(pilot).splitlines()[0], "the sign")
                assert "can't be stopped" in (await notes_after(pilot, app, "ctrl+z"))[0]
                assert "once more leaves at once" in (await notes_after(pilot, app, "q"))[0]
                assert "has to end first" in (await notes_after(pilot, app, "colon", *"context local", "enter"))[0]
                assert (app.is_running, app.desk.context.name) == (True, "test")
                await until(pilot, lambda: "no answer for 2 s" in shown(pilot), "since when nobody answers")
                assert page.is_writing, "all of it within the broker's standstill"
            await until(pilot, lambda: not page.is_writing, "the end", 60)
            await until(pilot, lambda: "▸" not in shown(pilot), "no sign")
            said = [note.message for note in app._notifications if note.message.endswith("; W shows it")]
            assert said == [f"Reset of {group}: 1 partition set and read back; W shows it"]
            await pilot.press("W")
            await until(pilot, lambda: "✓ read back" in shown(pilot), "the proof")
            assert app.screen is page
    assert desk_offsets(servers, group) == {(orders, 0): 3}


@pytest.mark.timeout(180)
async def test_a_reset_that_is_never_answered_ends_and_says_that_nothing_is_known(
    one: LocalKafka, unique: Callable[[str], str]
) -> None:
    servers = one.status().bootstrap_servers or ""
    group, _ = behind(servers, unique)
    desk, app = dashboard(servers)
    with desk:
        async with app.run_test(size=(160, 40), notifications=True) as pilot:
            page = await planned(pilot, app, group)
            with frozen(one):
                await type_text(pilot, "yes")
                await go(pilot, app, "5")
                await until(pilot, lambda: page.phase is Phase.FAILED, "the end", 90)
                said = [note.message for note in app._notifications if note.message.endswith("; W shows it")]
                assert len(said) == 1, said
                assert said[0].startswith(f"Reset of {group}: "), said
                await pilot.press("W")
                await until(pilot, lambda: "it isn't known whether anything was written" in shown(pilot), "what is")
            await until(pilot, lambda: app.questions.lag.failure is None, "the broker is back", 60)
            await pilot.press("r")
            await until(pilot, lambda: page.phase is Phase.PLANNED, "where it stands now", 60)


@pytest.mark.timeout(180)
async def test_who_leaves_in_the_middle_is_told_what_tells_where_the_group_stands(
    one: LocalKafka, unique: Callable[[str], str], tmp_path: Path
) -> None:
    """The real program on a terminal of its own."""
    servers = one.status().bootstrap_servers or ""
    group, _ = behind(servers, unique)
    home = {"EVENTOPS_CONFIG": str(tmp_path / "none.toml"), "EVENTOPS_HOME": str(tmp_path / "home")}
    terminal = Terminal([sys.executable, "-m", "eventops", "-b", servers, "dashboard"], home)
    terminal.until("overview")
    terminal.press(f":lag {group}\r")
    terminal.until("oldest waits")
    terminal.press("R")
    terminal.until("earliest")
    terminal.press("latest\r")
    terminal.until("offsets skipped")
    terminal.press("x")
    terminal.until("type yes")
    with frozen(one):
        terminal.press("yes\r")
        terminal.until("the broker is asked to set them")
        terminal.press("q")
        terminal.until("stopped: its")
        terminal.press("q")
        assert terminal.ended() == 0
        assert f"whether the offsets were set, this tells: eventops -b {servers} groups show {group}" in " ".join(
            terminal.text.decode().split()
        )
