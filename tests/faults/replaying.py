"""Replays as processes, which can be killed."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.cli.running import Shell

GOES_ON = (1, 3, 130)
"""Exit codes after which the same command is given again: letters remain, nobody answered, or it was interrupted."""


_WITH_A_LEDGER: Final = (
    "import sys; from eventops.dlq import ledger; ledger.TOPIC = sys.argv.pop(1); "
    "from eventops.__main__ import main; main()"
)


class Replays:
    """They have a ledger of their own: what is killed leaves transactions open, and whoever looks at that ledger
    meanwhile is told that something is hidden.

    Starts ``eventops dlq replay TOPIC --all --execute``, and other commands of the room."""

    def __init__(self, home: Path, servers: str) -> None:
        self._shell = Shell(home)
        self._servers = servers
        self._ledger = f"ledger-{uuid.uuid4().hex[:8]}"
        self._started: list[subprocess.Popen[str]] = []

    def start(self, topic: str, *options: str) -> subprocess.Popen[str]:
        """One more."""
        return self.run("replay", topic, "--all", "--execute", *options)

    def run(self, *words: str) -> subprocess.Popen[str]:
        """``eventops dlq WORDS``."""
        process = subprocess.Popen(
            [sys.executable, "-c", _WITH_A_LEDGER, self._ledger, "-b", self._servers, "dlq", *words],
            env=self._shell.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def complete(self, topic: str, *options: str, seconds: float = 120, tries: int = 10) -> int:
        """Again and again until all is done; how often it took."""
        for number in range(1, tries + 1):
            process = self.start(topic, *options)
            _page, speech = process.communicate(timeout=seconds)
            if process.returncode == 0 or "nothing to replay" in speech:
                return number
            assert process.returncode in GOES_ON, speech
            assert "Traceback" not in speech, speech
        raise AssertionError(f"not done after {tries} tries: {speech}")

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            if process.stdout is not None and not process.stdout.closed:
                process.communicate()


@contextmanager
def replays(home: Path, servers: str) -> Iterator[Replays]:
    """Whatever still runs at the end is killed."""
    found = Replays(home, servers)
    try:
        yield found
    finally:
        found.end()
