"""An evening on call, by keys alone, in a real terminal: the alarm, the trace, the dead letter, the replay, solved."""

from __future__ import annotations

import email
import json
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from eventops.bootstrap import local_kafka
from eventops.config import data_home
from tests.cli.running import ROOT, Shell
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.broker,
    pytest.mark.timeout(420),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux isn't installed: nobody plays the evening on call"),
]

REFUSED: Final = "SMTPRecipientsRefused"
LETTER: Final = re.compile(r"/ (user-events-dlt/\d+/\d+)")
WAITS: Final = re.compile(r"order-events +0 +\S+ [a-z ]+? +[1-9]")
ALARM: Final = re.compile(r"loyalty-group +[▲✗]")


class Tmux:
    """A program in a terminal that tmux keeps."""

    def __init__(self, command: list[str], environ: dict[str, str], width: int = 140, height: int = 42) -> None:
        self._socket = f"eventops-{uuid.uuid4().hex[:8]}"
        told = shlex.join(["env", *(f"{name}={value}" for name, value in environ.items()), *command])
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), told)
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names, one after the other."""
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        """Letter by letter, then Enter."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    @property
    def screen(self) -> str:
        """What is seen."""
        return self._tmux("capture-pane", "-p")

    def until(self, holds: Callable[[str], object], what: str, seconds: float = 40.0) -> str:
        """Wait for what is seen."""
        try:
            wait_until(lambda: bool(holds(self.screen)), what, seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.screen}") from None
        return self.screen

    def is_over(self) -> bool:
        """The program ended."""
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def close(self) -> None:
        """The terminal is closed."""
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        run = subprocess.run(["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=True)
        return run.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data home where nothing ever ran, but whose jars need no second download."""
    local_kafka().install()
    (tmp_path / "kafka").symlink_to(data_home() / "kafka")
    return tmp_path


@pytest.fixture
def shell(home: Path) -> Iterator[Shell]:
    """A shell on a machine with a local Kafka."""
    words = Shell(home)
    up = words("local", "up")
    assert up.returncode == 0, up.stderr
    try:
        yield words
    finally:
        assert words("local", "down").returncode == 0


@contextmanager
def demo(home: Path, *words: str) -> Iterator[Tmux]:
    """``eventops demo`` as it opens, left with Ctrl-C."""
    environ = {"EVENTOPS_HOME": str(home), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    terminal = Tmux([sys.executable, "-m", "eventops", "demo", *words], environ)
    try:
        yield terminal
        terminal.press("C-c")
        wait_until(terminal.is_over, "the demo ends", 60)
    finally:
        terminal.close()


def test_from_the_alarm_to_the_cure(shell: Shell, home: Path) -> None:
    with demo(home, "--rate", "6") as screen:
        screen.until(lambda text: "open letters" in text and ALARM.search(text), "the lag alarm on the overview", 150)
        screen.press("2")
        narrowed(screen, "loyalty")
        screen.press("Enter")
        screen.until(WAITS.search, "the partition under the cursor, with records that wait", 60)
        screen.press("t")
        screen.until(lambda text: "pending" in text, "the trace of the group's oldest waiting record")
        screen.press("4")
        screen.until(lambda text: re.search(r"user-events-dlt +\d", text), "topics of dead letters", 60)
        letter = go_to_a_refused_mail(screen)
        screen.press("t")
        screen.until(lambda text: "dead-lettered" in text, "the same failure in its chain")
        screen.press("d")
        screen.until(lambda text: letter in text and "✗ open" in text, "back to the letter")

    with demo(home, "--no-failures", "--rate", "0") as screen:  # the mail server was mended
        screen.until(lambda text: "Dead-letter topics" in text, "where one was", 150)
        letter = go_to_a_refused_mail(screen)
        screen.press("R")
        screen.until(lambda text: "nothing was written yet" in text, "the plan")
        screen.press("x")
        screen.until(lambda text: "type yes to" in text, "the question")
        screen.type("yes")
        screen.until(lambda text: re.search(r"\b1 +letter replayed", text), "what was done")
        held = answer(shell, "dlq", "show", letter)
        event = held["event"]["event_id"]
        wait_until(lambda: mails(home).count(event) > 0, "the mail arrives", 60)
        screen.press("Escape", "r")
        screen.until(lambda text: "↻ replayed" in text, "solved")
    assert answer(shell, "dlq", "show", letter)["state"] == "replayed"
    assert mails(home).count(event) == 1, "once"


def narrowed(screen: Tmux, needle: str) -> None:
    """Only rows that hold it; what was remembered in the line is taken away first."""
    screen.press("/", "C-u")
    screen.type(needle)
    screen.until(lambda text: f"for “{needle}”" in text, f"only {needle}")


def go_to_a_refused_mail(screen: Tmux) -> str:
    """Topic, cause, letter; returns where it stands."""
    narrowed(screen, "user-events")
    screen.press("Enter")
    screen.until(lambda text: REFUSED in text, "its causes")
    narrowed(screen, REFUSED)
    screen.press("Enter")
    screen.until(lambda text: "✗ open" in text, "its letters")
    screen.press("Enter")
    text = screen.until(lambda text: re.search(LETTER, text), "one letter")
    found = re.search(LETTER, text)
    assert found is not None
    return found.group(1)


def mails(home: Path) -> list[str | None]:
    """The events that the mails which arrived tell of."""
    return [email.message_from_bytes(path.read_bytes())["X-Event-Id"] for path in home.glob("demo/*/mails/*.eml")]


def answer(shell: Shell, *words: str) -> Any:
    """What a command prints as JSON."""
    run = shell(*words, "-o", "json", timeout=120)
    assert run.returncode in (0, 1), run.stderr
    return json.loads(run.stdout)
