"""What keys needn't wait for: workers, the next question, styling for no size."""

from __future__ import annotations

import asyncio
import threading

import pytest

from eventops.ports.attention import Attention, breathe
from eventops.tui import asking, gate
from eventops.tui.frame import sized
from eventops.tui.gate import GATE, Gate, gated
from tests.tui import reports
from tests.tui.stage import answer, still


def test_the_gate_is_open_where_no_loop_runs() -> None:
    assert GATE._is_open.is_set()
    with gated() as runner:
        assert runner.run(_is_open_within()) is False, "the loop is at work"
    assert GATE._is_open.is_set()


def test_a_worker_goes_on_while_the_loop_waits() -> None:
    """Were the gate closed then, the future would come after the deadline."""

    async def asked() -> bool:
        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, GATE._is_open.wait, 10), 10)

    with gated() as runner:
        assert runner.run(asked())


def test_a_screen_that_never_rests_lets_workers_on_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_AT_MOST", 0.001)
    closed = Gate()
    closed.close()
    worker = threading.Thread(target=closed.wait, daemon=True)
    worker.start()
    worker.join(10)
    assert not worker.is_alive()


def test_long_work_breathes_for_whoever_asked_it() -> None:
    breaths: list[str] = []
    breathe()  # nobody asked: nothing to wait for
    with Attention(lambda: breaths.append("lag")).held():
        breathe()
        breathe()
    breathe()
    assert breaths == ["lag", "lag"]


def test_a_reading_of_records_breathes_with_each_piece() -> None:
    breaths: list[int] = []
    attention = Attention(lambda: breaths.append(attention.read))
    attention.note(3)
    attention.note(2)
    assert breaths == [3, 5]


async def _is_open_within() -> bool:
    """Once it has waited for something."""
    await asyncio.sleep(0.001)
    return GATE._is_open.is_set()


@pytest.mark.asyncio
async def test_a_poll_is_painted_before_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_REST", 3600.0)
    app = still()
    asked: list[str] = []
    async with app.run_test(size=(100, 30)) as pilot:
        await answer(pilot, app.questions.cluster, reports.CLUSTER)
        monkeypatch.setattr(app, "ask", lambda watch: asked.append(watch.name))
        app.is_paused = False
        await answer(pilot, app.questions.lag, reports.sick_lag())
        assert not asked
        app._rests_until = 0.0
        app.ask_due()
        assert "lag" in asked


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [(160, 45), (100, 30), (79, 17), (40, 9)])
async def test_a_screen_is_styled_for_the_terminals_size_before_it_is_laid_out(size: tuple[int, int]) -> None:
    """As Textual does it afterwards: then nothing is left for it to style anew."""
    app = still()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert {name: app.screen.has_class(name) for name in sized(app)} == sized(app)
        assert sum(sized(app).values()) == 2
