"""The dashboard before 1,000 groups x 50 partitions: ``python -m benchmarks.dashboard [--soak SECONDS]``.

On a local broker of its own, the real program in a terminal of its own (a pty). Printed: the first paint,
the first rows after the broker's answer, how long after a key its answer is seen while the cluster is asked twice a
second, and what memory does. The bars: 0.5 s, 1 s, 50 ms, flat.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient

from benchmarks.lag import fill, make_groups, make_topics
from eventops.adapters.kafka.broker import KafkaBroker
from eventops.bootstrap import Desk, local_kafka
from eventops.config import BOOTSTRAP, Context
from eventops.lag.model import GroupSelection
from eventops.tui.commands import NAMES
from eventops.tui.palette import THEME
from tests.tui.terminal import Terminal

GROUPS: Final = 1000
KEYS: Final = 120
TIMES: Final = 30
"""Presses of each of the other keys."""
STEPS: Final = 15
"""Measurements of memory; the first third is the warming up."""
GROWTH: Final = 5.0
"""Megabytes between the second third's least and the last third's: what the allocator itself sways by."""

_HOME: Final = tempfile.TemporaryDirectory(prefix="eventops-bench-")
"""Nothing is remembered of earlier runs."""
_CHOSEN: Final = "48;2;" + ";".join(str(int(THEME.variables["row-chosen"][at : at + 2], 16)) for at in (1, 3, 5))
"""The ground of the row under the cursor, as a terminal takes it."""
_AS_INSTALLED: Final = {"PYTHONPYCACHEPREFIX": f"{_HOME.name}/compiled", "PYTHONDONTWRITEBYTECODE": ""}
"""pip compiles what it installs; here the first opening does, whatever the environment says of compiled files."""


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", type=float, default=60.0, metavar="SECONDS", help="how long memory is watched")
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
            _print_keys(f"screen {screen}, a letter after :", _echoes(terminal))
        for what, seconds in _answers(terminal).items():
            _print_keys(f"screen 2, {what}", seconds)
        growth = _print_soak(terminal, soak)
    finally:
        terminal.close()
    if growth > GROWTH:
        raise SystemExit(f"memory isn't flat: {growth:+.1f} MB")


def _opened(servers: str, refresh: str) -> Terminal:
    environ = {"EVENTOPS_HOME": _HOME.name, **_AS_INSTALLED}
    return Terminal([sys.executable, "-m", "eventops", "-b", servers, "dashboard", "--refresh", refresh], environ)


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


def _answers(terminal: Terminal) -> dict[str, list[float]]:
    """Seconds from a key to the first that is seen of what it does, on the screen of all groups."""
    found: dict[str, list[float]] = {}

    def press(what: str, key: str, seen: str, *, raw: bool = False) -> None:
        terminal.press(key)
        found.setdefault(what, []).append(terminal.until(seen, raw=raw))
        terminal.rest(0.25 + len(found[what]) % 7 * 0.03)

    terminal.press("o")  # by the groups' names: by their verdicts they change places
    terminal.rest(1.0)
    for row in range(1, TIMES + 1):
        press("cursor down", "j", f"{_CHOSEN}m bench-group-{row:04}", raw=True)
    for _ in range(TIMES):
        press(": opens", ":", next(iter(NAMES)))
        press("Esc closes", "\x1b", "partitions")
        press("another screen", "1", "open letters")
        press("and back", "2", "caught up in")
        press("Enter, deeper", "\r", f"/ bench-group-{TIMES:04}")
        press("Esc, back", "\x1b", "caught up in")
    return found


def _print_keys(where: str, seconds: list[float]) -> None:
    cut = statistics.quantiles(seconds, n=100, method="inclusive")  # none above the largest that was measured
    print(
        f"{where}: seen after {statistics.median(seconds) * 1e3:.0f} ms in the median, "
        f"p95 {cut[94] * 1e3:.0f} ms, p99 {cut[98] * 1e3:.0f} ms, at most {max(seconds) * 1e3:.0f} ms (bar 50)"
    )


def _print_soak(terminal: Terminal, seconds: float) -> float:
    """Growth in megabytes once warm, least against least: whatever a poll needs for a moment is not in it."""
    figures = []
    for _ in range(STEPS):
        terminal.rest(seconds / STEPS)
        figures.append(terminal.megabytes())
    third = STEPS // 3
    growth = min(figures[-third:]) - min(figures[third:-third])
    told = " ".join(f"{one:.0f}" for one in figures)
    print(f"memory over {seconds:.0f} s: {told} MB; growth once warm {growth:+.1f} MB (bar {GROWTH:.0f})")
    return growth


if __name__ == "__main__":
    main()
