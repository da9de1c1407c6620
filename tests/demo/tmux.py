"""A program in a real terminal, played by keys alone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from tests.waiting import wait_until

IS_THERE: Final = shutil.which("tmux") is not None


class Tmux:
    """What tmux keeps of a program: its screen, and whether it ended."""

    def __init__(self, name: str) -> None:
        self._name = name

    def press(self, *keys: str) -> None:
        """Keys by tmux's names, all at once."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Letters as they are, then Enter."""
        self._tmux("send-keys", "-l", text)
        self.press("Enter")

    @property
    def screen(self) -> str:
        """What is seen."""
        return self._tmux("capture-pane", "-p")

    def until(self, pattern: str, what: str, seconds: float = 15.0) -> re.Match[str]:
        """Wait until it is seen.

        Raises:
            AssertionError: it wasn't in time; the message holds the screen.
        """
        found: list[re.Match[str]] = []

        def is_seen() -> bool:
            seen = re.search(pattern, self.screen)
            found.extend([seen] if seen else [])
            return seen is not None

        try:
            wait_until(is_seen, what, seconds)
        except AssertionError as late:
            raise AssertionError(f"{late} ({pattern})\n{self.screen}") from None
        return found[0]

    def has_ended(self) -> bool:
        """The program has."""
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def _tmux(self, *words: str) -> str:
        run = subprocess.run(["tmux", "-L", self._name, *words], capture_output=True, text=True, check=True, timeout=10)
        return run.stdout


@contextmanager
def in_tmux(command: Sequence[str], environ: Mapping[str, str], size: tuple[int, int] = (140, 42)) -> Iterator[Tmux]:
    """Start it in a tmux server of its own, which ends with the block; an ended program's screen stays till then."""
    name = f"eventops-{uuid.uuid4().hex[:8]}"
    ours = ("EVENTOPS_", "TMUX", "COLUMNS", "LINES")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    width, height = map(str, size)
    start = ["new-session", "-d", "-x", width, "-y", height, shlex.join(command)]
    subprocess.run(
        ["tmux", "-L", name, "-f", os.devnull, "set-option", "-g", "remain-on-exit", "on", ";", *start],
        env={**kept, **environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        check=True,
        timeout=10,
    )
    try:
        yield Tmux(name)
    finally:
        subprocess.run(["tmux", "-L", name, "kill-server"], check=False, timeout=10)
