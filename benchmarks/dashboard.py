"""The dashboard before 1,000 groups x 50 partitions: ``python -m benchmarks.dashboard [--soak SECONDS]``.

On a local broker of its own, the real program in a terminal of its own (a pty). Printed: the first paint,
the first rows after the broker's answer, how long a key waits for its echo while the cluster is asked twice a second,
and what memory does. The bars: 0.5 s, 1 s, 50 ms, flat.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient

from benchmarks.lag import fill, make_groups, make_topics
from eventops.adapters.kafka.broker import KafkaBroker
from eventops.bootstrap import Desk, local_kafka
from eventops.config import BOOTSTRAP, Context
from eventops.lag.model import GroupSelection

GROUPS: Final = 1000
KEYS: Final = 120
_ESCAPES: Final = re.compile(rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
_WIDTH: Final = 160
_HEIGHT: Final = 45


class Terminal:
    """A program on a pty, and what it wrote since somebody looked."""

    def __init__(self, command: list[str]) -> None:
        self.started = time.monotonic()
        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _HEIGHT, _WIDTH, 0, 0))
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True, close_fds=True
        )
        os.close(theirs)
        self._seen = b""

    def press(self, key: str) -> None:
        """A key; what was written before is forgotten."""
        self._read(0.0)
        self._seen = b""
        os.write(self._fd, key.encode())

    def until(self, text: str, seconds: float = 60.0) -> float:
        """Seconds until it stands in what was written, escapes left out."""
        began = time.monotonic()
        while text.encode() not in _ESCAPES.sub(b"", self._seen):
            assert time.monotonic() - began < seconds, f"no {text!r}: {_ESCAPES.sub(b'', self._seen)[-400:]!r}"
            self._read(0.002)
        return time.monotonic() - began

    def rest(self, seconds: float) -> None:
        """Let it work."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(min(left, 0.05))
        self._seen = b""

    def megabytes(self) -> float:
        """What it holds in memory now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def close(self) -> None:
        """End it as an operator does."""
        with suppress(OSError):
            os.write(self._fd, b"\x03")
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError):
                self._read(0.05)
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def _read(self, seconds: float) -> None:
        while select.select([self._fd], [], [], seconds)[0]:
            self._seen = (self._seen + os.read(self._fd, 1 << 16))[-(1 << 20) :]
            seconds = 0.0


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", type=float, default=30.0, metavar="SECONDS", help="how long memory is watched")
    parser.add_argument("--servers", help="a broker that holds the groups already")
    arguments = parser.parse_args()
    if arguments.servers:
        measure(arguments.servers, arguments.soak)
        return
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as home, local_kafka().ephemeral(Path(home)) as servers:
        make_topics(AdminClient({BOOTSTRAP: servers}))
        fill(servers)
        make_groups(KafkaBroker({BOOTSTRAP: servers}), 0, GROUPS)
        measure(servers, arguments.soak)


def measure(servers: str, soak: float) -> None:
    """All figures of one broker."""
    answer = min(_answer(servers) for _ in range(3))
    paint, rows = min(_opening(servers) for _ in range(3))
    print(
        f"first paint {paint:.2f} s (bar 0.5); the broker's answer takes {answer:.2f} s, first rows after {rows:.2f} s"
    )
    terminal = _opened(servers, "0.5")
    try:
        terminal.until("bench-group-")
        for screen in ("1", "2"):
            terminal.press(screen)
            terminal.rest(3.0)
            _print_keys(f"screen {screen}", _echoes(terminal))
        _print_soak(terminal, soak)
    finally:
        terminal.close()


def _opened(servers: str, refresh: str) -> Terminal:
    return Terminal([sys.executable, "-m", "eventops", "-b", servers, "dashboard", "--refresh", refresh])


def _opening(servers: str) -> tuple[float, float]:
    terminal = _opened(servers, "2")
    try:
        terminal.until("dead letters")
        paint = time.monotonic() - terminal.started
        terminal.until("bench-group-")
        return paint, time.monotonic() - terminal.started
    finally:
        terminal.close()


def _answer(servers: str) -> float:
    """How long a snapshot takes where nobody paints it."""
    began = time.monotonic()
    with Desk(Context("bench", {BOOTSTRAP: servers})) as desk:
        assert len(desk.lag.snapshot(GroupSelection(), desk.now()).groups) == GROUPS
    return time.monotonic() - began


def _echoes(terminal: Terminal) -> list[float]:
    """Seconds from a key to its echo in the command line, spread over several refreshes."""
    found, typed = [], ""
    terminal.press(":")
    terminal.rest(0.3)
    for number in range(KEYS):
        typed += "zyxwv"[number % 5]
        terminal.press(typed[-1])
        found.append(terminal.until(typed[-30:]))
        terminal.rest(0.03 + number % 7 * 0.02)
        if number % 30 == 29:
            terminal.press("\x1b")
            terminal.rest(0.5)
            terminal.press(":")
            terminal.rest(0.3)
            typed = ""
    terminal.press("\x1b")
    terminal.rest(0.5)
    return found


def _print_keys(where: str, seconds: list[float]) -> None:
    cut = statistics.quantiles(seconds, n=100)
    print(
        f"{where}: a key's echo after {statistics.median(seconds) * 1e3:.0f} ms in the median, "
        f"p95 {cut[94] * 1e3:.0f} ms, p99 {cut[98] * 1e3:.0f} ms, at most {max(seconds) * 1e3:.0f} ms (bar 50)"
    )


def _print_soak(terminal: Terminal, seconds: float) -> None:
    terminal.rest(seconds / 5)
    figures = [terminal.megabytes()]
    for _ in range(4):
        terminal.rest(seconds / 5)
        figures.append(terminal.megabytes())
    print(f"memory over {seconds:.0f} s: {' '.join(f'{one:.0f}' for one in figures)} MB")


if __name__ == "__main__":
    main()
