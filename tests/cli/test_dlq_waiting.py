"""What an operator sees while letters are read: how far it is, and what Ctrl-C leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from eventops.bootstrap import Desk
from eventops.cli import diagnostics
from eventops.cli.dlq_replay import planning
from eventops.config import BOOTSTRAP, Context
from eventops.dlq.model import Selection
from tests.dlq.workshop import Workshop

pytestmark = pytest.mark.broker


@pytest.fixture
def desk(bootstrap_servers: str) -> Iterator[Desk]:
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as found:
        yield found


def test_a_reading_tells_how_far_it_is(workshop: Workshop, desk: Desk) -> None:
    _orders, letters = workshop.orders_with_letters(30, partitions=3)
    told: list[tuple[int, int]] = []
    service = desk.dlq.telling(lambda done, expected: told.append((done, expected)))
    for ask in (service.letters, service.causes):
        told.clear()
        ask(Selection(letters), datetime.now(UTC))
        assert told[-1] == (90, 90)
        assert sorted(told) == told
    desk.dlq.causes(Selection(letters), datetime.now(UTC))
    assert len([one for one in told if one == (90, 90)]) == 1, "who didn't ask isn't told"


def test_a_line_on_a_terminal_comes_only_where_it_takes_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for patience, is_shown in ((3_600.0, False), (-1.0, True)):
        monkeypatch.setattr(diagnostics, "_MOMENT_SECONDS", patience)
        with diagnostics.progress("reading letters") as tell:
            tell(7, 9)
        assert ("reading letters" in capsys.readouterr().err) is is_shown


def test_who_interrupts_the_planning_is_told_that_nothing_was_written(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt), planning(desk):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == (
        "it was still being planned, and nothing was written: the same command begins anew\n"
    )
