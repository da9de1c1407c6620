"""The real program on a real terminal, before a real broker: what only shows there."""

from __future__ import annotations

import itertools
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from eventops.events import Partition
from tests.brokers.lab import KafkaLab
from tests.dlq.workshop import Workshop
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


def test_bytes_of_escape_and_a_key_in_one_packet_are_two_keys(bootstrap_servers: str, tmp_path: Path) -> None:
    """And what is pasted behind a key is for the line that the key opens."""
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    terminal.press_bytes(b":lag\x1b4")
    terminal.until("Dead-letter topics")
    terminal.press_bytes(b":\x1b[200~lag\x1b[201~\r")
    terminal.until("Consumer groups")
    terminal.press_bytes(b":lag\x1bbX\r")  # with Alt, in a line: a word back, where X makes no command of it
    terminal.until("Xlag")
    terminal.press_bytes(b"\x1b\x1b5")
    terminal.until("Topics")
    terminal.press_bytes(b"\x1b[200~2\x1b[31mq\x1b[0m\x1b[201~")  # copied from a log: none of it is a key
    terminal.press_bytes(b":\x1b[200~la\x1b[1mg\x1b[0")
    terminal.press_bytes(b"m\x1b[20")
    terminal.press_bytes(b"1~\r")
    terminal.until("Consumer groups")
    terminal.press_bytes(b"\x1bq")
    assert terminal.ended() == 0


def test_without_colours_only_bold_dim_reverse_and_underline_are_sent(
    bootstrap_servers: str, tmp_path: Path, workshop: Workshop
) -> None:
    """In all screens, the palette, the help, a prompt, a refusal and a theme that was asked for (no-color.org)."""
    orders = workshop.topic(workshop.unique("plain"))
    workshop.put(orders, [(b"k", b'{"total":6}', ())] * 3)
    command = [sys.executable, "-m", "eventops", "-b", bootstrap_servers, "dashboard", "--refresh", "0.5"]
    terminal = Terminal(command, {"EVENTOPS_HOME": str(tmp_path), "NO_COLOR": "1"})
    terminal.until("open letters")
    looks, colours = terminal.looks, terminal.colours
    ways = {
        "2": "Consumer groups", "3": "search", "4": "Dead-letter topics", "5": "Topics", f":tail {orders}\r": "live",
        "f": "held", "\r": "payload", "6": "CEL", ":context\r": "contexts", "?": "Everywhere", "\x1b": "contexts",
        "\x10": "Search for", "\x1bx": "x executes a plan", "\r:theme nord\r": "NO_COLOR is set: no theme is seen",
    }  # fmt: skip
    for keys, shown in ways.items():
        terminal.press(keys)
        terminal.until(shown)
        looks, colours = looks | terminal.looks, colours | terminal.colours
    assert terminal.close() == 0
    assert not colours | terminal.colours
    assert {b"1", b"2", b"7"} <= {part for one in looks for part in one.split(b";")}, "what is told by attributes"


def state_of(terminal: Terminal) -> str:
    """Of its process, as ps tells it: T where it is stopped."""
    return Path(f"/proc/{terminal.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def test_from_the_shell_one_comes_back_to_the_whole_screen(bootstrap_servers: str, tmp_path: Path) -> None:
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    for by_key in (True, False):
        terminal.rest(0.5)
        if by_key:
            terminal.press("\x1a")
        else:
            os.kill(terminal.process.pid, signal.SIGTSTP)
        terminal.until("\x1b[?1049l", raw=True)
        wait_until(lambda: state_of(terminal) == "T", "that it stands still")
        terminal.written = b""
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.until("open letters")
    terminal.press("2")
    terminal.until("Consumer groups")
    assert terminal.close() == 0


def stall(terminal: Terminal, seconds: float) -> None:
    """The line takes nothing, while keys come and answers are drawn."""
    end = time.monotonic() + seconds
    for key in itertools.cycle(b"12345"):
        if time.monotonic() > end:
            return
        os.write(terminal._fd, bytes([key]))
        select.select([], [], [], 0.1)


def test_a_line_that_stalled_goes_on_where_it_should_be(bootstrap_servers: str, tmp_path: Path) -> None:
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    terminal.rest(1.0)
    before = terminal.megabytes()
    stall(terminal, 8.0)
    assert terminal.process.poll() is None
    assert terminal.megabytes() - before < 30, "what wasn't drawn isn't kept"
    terminal.rest(2.0)
    terminal.press("4")
    terminal.until("Dead-letter topics")
    assert terminal.close() == 0


def test_a_signal_ends_it_though_the_line_takes_nothing(bootstrap_servers: str, tmp_path: Path) -> None:
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    stall(terminal, 8.0)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(20) in (0, 128 + signal.SIGTERM)
    os.close(terminal._fd)


def test_a_terminal_that_draws_nothing_is_told_what_to_do_instead(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eventops", "-b", "127.0.0.1:1", "dashboard"]
    terminal = Terminal(command, {"EVENTOPS_HOME": str(tmp_path), "TERM": "dumb"})
    terminal.until("this terminal draws no screens (TERM=dumb): use `eventops lag`")
    assert terminal.ended() == 2


def test_a_storm_of_sizes_ends_in_the_last_one(bootstrap_servers: str, tmp_path: Path) -> None:
    terminal = opened(bootstrap_servers, tmp_path)
    terminal.until("open letters")
    for step in range(200):
        terminal.resize(20 + step * 7 % 150, 5 + step * 5 % 45)
        terminal.read(0.005)
    terminal.resize(120, 30)
    terminal.rest(1.0)
    terminal.press("2")
    terminal.until("Consumer groups")
    assert terminal.close() == 0
