"""What an operator types about dead letters: reasons, times, runs; and the history on a narrow terminal."""

from __future__ import annotations

import pytest

from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("action", ["replay", "discard", "restore"])
def test_a_reason_says_something(operator: Operator, action: str) -> None:
    run = operator(action, "orders-dlt", "--all", "--reason", " ")

    assert (run.returncode, run.stdout) == (2, "")
    assert "it says nothing" in run.stderr


def test_how_long_ago_may_have_a_minus(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(2)

    for since in ("2h", "-2h", "-1.5h"):
        assert operator.planned(letters, "--since", since) == [0, 1]
    assert operator("replay", letters, "--since", "--2h").returncode == 2
    assert operator("replay", letters, "--since", "-soon").returncode == 2


def test_a_run_is_named_by_how_its_id_begins(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(2)
    first = operator.execute(letters, "--offset", "0/0")["run_id"]
    operator.execute(letters, "--all")

    for name in (first, first[:8], first[:8] + "…"):
        rows = operator.document("history", letters, "--run", name, schema="dlq-history")["rows"]
        assert [row["offset"] for row in rows] == [0], name
    assert operator("history", letters, "--run", "").returncode == 2
    assert first[:8] in operator("history", letters, environ={"COLUMNS": "200"}).stdout


def test_a_history_on_a_narrow_terminal_breaks_no_word(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    operator("discard", letters, "--all", "--reason", "test data", "--execute")

    page = operator("history", letters, environ={"COLUMNS": "40"}).stdout

    (row,) = [line.split() for line in page.splitlines() if line.lstrip().startswith("0/0")]
    assert row[:2] == ["0/0", "discarded"]
    assert "too narrow for" in page
