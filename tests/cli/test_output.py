"""Data is data: anyone's text is printed and never obeyed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
