"""Data is data: anyone's text is printed and never obeyed."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from eventops.cli import json_layout, output


def test_json_keeps_scripts_readable_and_escapes_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"text": "grüße \x9b2J \u202e \ud800"}
    output.print_document(document, "json", [])
    printed = capsys.readouterr().out
    assert "grüße \\u009b2J \\u202e \\ud800" in printed
    assert json.loads(printed) == document


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_printed_json_is_the_same_json(value: object) -> None:
    document = {"value": value}
    assert json.loads(json_layout.json_text(document)) == document
    assert json.loads(json_layout.json_line(document)) == document
    assert json.loads("".join(json_layout.laid_out(document))) == document


def test_what_is_no_number_is_null() -> None:
    assert json_layout.json_line({"eta": float("nan"), "rate": float("inf")}) == '{"eta":null,"rate":null}'


def test_csv_holds_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_document({}, "csv", [{"a": "=1+1", "b": {"c": -3}}])
    assert capsys.readouterr().out == "a,b.c\n'=1+1,-3\n"


def test_a_table_shows_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [output.Column("[bold]name[/]", lambda row: row["name"])]
    output.print_table("t", columns, [{"name": "[red]x\x1b[2J"}])
    printed = capsys.readouterr().out
    assert "[red]x\\x1b[2J" in printed
    assert "[bold]name[/]" in printed


def test_a_narrow_terminal_loses_whole_columns_never_digits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    columns = [
        output.Column("topic", lambda row: row["topic"]),
        output.Column("open", lambda row: row["open"], right=True),
        output.Column("parked", lambda row: row["parked"], right=True, spare=1),
    ]
    output.print_table("", columns, [{"topic": "orders-dead-letters", "open": "1,234,567", "parked": "89"}])
    printed = capsys.readouterr().out
    assert "1,234,567" in printed
    assert "89" not in printed
    assert "too narrow for: parked" in printed


@pytest.mark.parametrize("width", [40, 60, 80, 100, 150, 250])
@pytest.mark.parametrize("name", ["billing", "a" * 200, "ü" * 60])
def test_a_line_a_row_keeps_figures_whole_and_names_what_it_leaves_out(width: int, name: str) -> None:
    columns = [
        output.Column("group", lambda row: row["name"]),
        output.Column("lag", lambda _: "1,234,567", right=True),
        output.Column("members", lambda _: "7", right=True, spare=2),
        output.Column("state", lambda _: "preparing rebalance", spare=3),
        output.Column("", lambda _: "no progress for 22.9 s while 50 wait " * 4, wrap=True),
    ]
    screen = Console(width=width, file=io.StringIO(), no_color=True)
    for part in output.drawn("", columns, [{"name": name}, {"name": "b"}], width, one_line=True):
        screen.print(part)
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    rows = [line for line in lines if "1,234,567" in line]
    assert len(rows) == 2, lines
    assert all(row.split()[0][:2] in (name[:2], "b") for row in rows)
    for title in ("members", "state"):
        assert title in " ".join(lines), "it is a column, or named below"
