"""The real program on a real terminal, before a real broker: what only shows there."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from eventops.events import Partition
from tests.brokers.lab import KafkaLab
from tests.tui.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

GROUPS: Final = 30
PARTITIONS: Final = 50
STEPS: Final = 12
GROWTH: Final = 6.0
"""Megabytes of resident memory by which the allocator may sway."""


@pytest.fixture
def lab(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[KafkaLab]:
    """The run's broker."""
    with closing(KafkaLab(bootstrap_servers, unique)) as found:
        yield found


NOISY: Final = """
import os, threading, time
def speak():
    while True:
        os.write(2, b"noise of a library \\x1b[2J\\n")
        time.sleep(0.02)
threading.Thread(target=speak, daemon=True).start()
from eventops.__main__ import main
main()
"""
"""The program beside a library that writes to standard error by itself, as C libraries do."""


def opened(servers: str, home: Path, *, program: Sequence[str] = ("-m", "eventops")) -> Terminal:
    """``eventops dashboard`` on a terminal of its own, with a memory of its own."""
    command = [sys.executable, *program, "-b", servers, "dashboard", "--refresh", "0.5"]
    return Terminal(command, {"EVENTOPS_HOME": str(home)})


def test_what_a_library_writes_to_stderr_is_not_drawn_over_the_screen(bootstrap_servers: str, tmp_path: Path) -> None:
    terminal = opened(bootstrap_servers, tmp_path, program=("-c", NOISY))
    terminal.until("open letters")
    for key in "12":
        terminal.press(key)
        terminal.until(" old")
    assert terminal.close() == 0
    drawn, _, told = terminal.written.rpartition(b"\x1b[?1049l")
    assert b"noise" not in drawn
    assert b"noise of a library \\x1b[2J" in told, "its last lines are told once the screen is given back, made safe"
    assert told.count(b"noise") <= 25, "not all of an evening"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_terminal_is_given_back_on_a_signal(bootstrap_servers: str, tmp_path: Path, number: int) -> None:
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    os.kill(terminal.process.pid, number)
    assert terminal.ended() == 0
    written = terminal.written
    for given_back in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
        assert given_back in written, "alternate screen, cursor, mouse"


def test_a_terminal_that_is_gone_leaves_no_process(bootstrap_servers: str, tmp_path: Path) -> None:
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    assert terminal.hang_up() >= 0, "it had to be killed"


def test_memory_stays_flat(bootstrap_servers: str, tmp_path: Path, lab: KafkaLab) -> None:
    """The benchmark's soak (`python -m benchmarks.dashboard`) made short: a poll twice a second of 1,500 partitions."""
    topic = lab.topic(partitions=PARTITIONS)
    offsets = {Partition(topic, number): 0 for number in range(PARTITIONS)}
    broker = lab.broker
    for number in range(GROUPS):
        group = lab.name(f"soak-{number}")
        wait_until(lambda name=group: not broker.alter_committed_offsets(name, offsets), "its offsets", 60)  # type: ignore[misc]
    terminal = opened(bootstrap_servers, tmp_path)
    try:
        terminal.until("total lag")
        figures = []
        for step in range(STEPS):
            terminal.press(str(step % 2 + 1))
            terminal.rest(2.5)
            figures.append(terminal.megabytes())
    finally:
        terminal.close()
    third = STEPS // 3
    growth = min(figures[-third:]) - min(figures[third:-third])
    assert growth <= GROWTH, figures


def test_an_escape_is_a_step_back_and_what_begins_like_one_is_its_key(bootstrap_servers: str, tmp_path: Path) -> None:
    """Bytes that are no text are keys of nobody; those after them are read all the same."""
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    terminal.press(":")
    terminal.until("overview ·")
    terminal.press("\x1b[D")  # an arrow: the prompt stays
    terminal.press("q")
    terminal.until("q")
    terminal.press("\x1b")
    terminal.until("Enter open")  # the line of keys, which the prompt lay over
    terminal.press_bytes(b"\xff\xfe\x80")
    terminal.press("2")
    terminal.until("partitions")  # in the line of keys, at any width
    assert terminal.close() == 0
