"""``NO_COLOR`` (no-color.org) on a terminal: no command sends a colour."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.dlq.workshop import Workshop
from tests.tui.terminal import Terminal

pytestmark = pytest.mark.broker


@pytest.mark.parametrize(
    "words",
    [
        "--help", "lag", "lag --by partition", "topics", "groups list", "dlq", "dlq groups {letters}",
        "dlq show {letters}/0/0", "dlq replay {letters} --all", "dlq history {letters}", "trace nobody --since 1m",
        "trace e-1 -o timeline", "events tail --topic {letters} --from beginning -e", "doctor", "lag nobody",
        "nonsense",
    ],
)  # fmt: skip
def test_no_command_sends_a_colour(bootstrap_servers: str, workshop: Workshop, tmp_path: Path, words: str) -> None:
    letters = workshop.topic(workshop.unique("plain-dlt"))
    workshop.put(letters, [(b"k", b'{"eventId":"e-1","total":6}', ())])
    command = [sys.executable, "-m", "eventops", "-b", bootstrap_servers, *words.format(letters=letters).split()]
    terminal = Terminal(command, {"EVENTOPS_HOME": str(tmp_path), "NO_COLOR": "1"})
    assert terminal.ended(60.0) >= 0
    assert terminal.text.strip()
    assert not terminal.colours


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("lag --watch 1s", "poll"),
        ("trace e-1 --follow --quiet 30", "plain"),
        ("events tail --topic {letters} --from beginning", "e-1"),
        ("dlq replay {letters} --all --to {target} --execute --yes", "replayed"),
    ],
)
def test_what_goes_on_sends_none_either(
    bootstrap_servers: str, workshop: Workshop, tmp_path: Path, words: str, shown: str
) -> None:
    """Repainted tables and trees, and progress on standard error."""
    letters = workshop.topic(workshop.unique("plain-dlt"))
    workshop.put(letters, [(b"k", b'{"eventId":"e-1","eventType":"plain"}', ())] * 20)
    named = words.format(letters=letters, target=workshop.topic(workshop.unique("plain")))
    command = [sys.executable, "-m", "eventops", "-b", bootstrap_servers, *named.split()]
    terminal = Terminal(command, {"EVENTOPS_HOME": str(tmp_path), "NO_COLOR": "1"})
    terminal.until(shown)
    terminal.close(30.0)
    assert not terminal.colours


def test_an_error_is_red_where_colours_are_wanted(tmp_path: Path) -> None:
    environ = {"EVENTOPS_HOME": str(tmp_path), "NO_COLOR": ""}
    terminal = Terminal([sys.executable, "-m", "eventops", "-b", "127.0.0.1:1", "lag"], environ)
    assert terminal.ended(60.0) == 3
    assert b"31" in terminal.colours
