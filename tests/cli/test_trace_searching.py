"""How ``eventops trace`` searches, as a shell sees it: where it looks, how far, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.brokers.lab import KafkaLab
from tests.cli.running import Shell
from tests.trace.requests import Request, envelope, request_on

pytestmark = pytest.mark.broker

ROWS = 24
BOTH = -9
CONTROL = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]")


@pytest.fixture(scope="module")
def request_(bootstrap_servers: str) -> Iterator[Request]:
    run = uuid.uuid4().hex[:8]
    lab = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    with request_on(lab) as found:
        yield found
    lab.close()


@pytest.fixture
def shell(bootstrap_servers: str, tmp_path: Path) -> Shell:
    return Shell(tmp_path, bootstrap_servers)


def topics_of(run: subprocess.CompletedProcess[str]) -> set[str]:
    return {json.loads(line)["topic"] for line in run.stdout.splitlines()}


@pytest.mark.parametrize("engine", ["scan", "consume"])
def test_topics_are_named_by_globs(request_: Request, shell: Shell, engine: str) -> None:
    glob = "*" + request_.orders.removeprefix("orders")
    where = ("--topic", glob, "--exclude", "users-dlt*", "--exclude", "orders*", "--engine", engine, "-o", "ndjson")
    run = shell("trace", request_.correlation, *where)
    assert run.returncode == 0, run.stderr
    assert topics_of(run) == {request_.users}
    assert "dead letters beyond the topics and times searched weren't looked for" in run.stderr


def test_a_glob_that_means_nothing_is_a_usage_error(shell: Shell) -> None:
    run = shell("trace", "x", "--topic", "no-such-*")
    assert (run.returncode, run.stdout) == (2, "")
    assert "no topic matches 'no-such-*'" in run.stderr


def test_a_limit_of_bytes_leaves_gaps(request_: Request, shell: Shell) -> None:
    """The event's own id is found in what the limit allows; its chain would take another reading."""
    run = shell("trace", request_.events["points"].event_id, "--topic", request_.users, "--max-bytes", "1")
    assert run.returncode == 5, run.stderr
    assert "--max-bytes was reached before offsets" in run.stderr
    assert shell("trace", "x", "--max-bytes", "much").returncode == 2


@contextmanager
def on_a_terminal(
    shell: Shell, *words: str, stdout: int = subprocess.PIPE
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, whose stderr is a terminal (with ``BOTH``, its stdout as well), and the other end of it."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (ROWS, 100))
    command = [sys.executable, "-m", "eventops", "-b", str(shell.bootstrap), *words]
    out = follower if stdout == BOTH else stdout
    environ = {**shell.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, env=environ, stdin=follower, stdout=out, stderr=follower, text=True)
    os.close(follower)
    try:
        yield process, leader
    finally:
        process.kill()
        process.communicate()
        os.close(leader)


def until(leader: int, text: str) -> str:
    """What the terminal showed until that text came, without colours and movements of the cursor."""
    shown = b""
    while text not in (told := CONTROL.sub("", shown.decode(errors="replace"))):
        shown += os.read(leader, 10_000)  # the test's own time limit ends it
    return told


def rest(leader: int) -> str:
    """What it showed until its process ended."""
    shown = b""
    with suppress(OSError):  # Linux: nobody holds the other end any more
        while piece := os.read(leader, 10_000):
            shown += piece
    return CONTROL.sub("", shown.decode(errors="replace")).replace("\r", "")


def interrupt_before_the_first_answer(process: subprocess.Popen[str], leader: int) -> None:
    """The process is held as soon as it says that it searches: the signal comes before the first answer does."""
    until(leader, "looking for")
    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGCONT):
        process.send_signal(number)


def test_ctrl_c_prints_what_there_is_and_what_was_not_read(request_: Request, shell: Shell) -> None:
    words = ("trace", request_.correlation, "--topic", request_.orders, "-o", "json")
    with on_a_terminal(shell, *words) as (process, leader):
        interrupt_before_the_first_answer(process, leader)
        assert process.stdout is not None
        document = json.loads(process.stdout.read())
        assert process.wait(20) == 130
    assert document["coverage"]["complete"] is False
    assert {gap["topic"] for gap in document["coverage"]["gaps"]} == {request_.orders}
    assert all(gap["reason"].startswith("the search was interrupted") for gap in document["coverage"]["gaps"])


@pytest.mark.parametrize("way", ["--follow", "--expect"])
def test_ctrl_c_while_something_is_awaited_prints_what_there_is(
    request_: Request, shell: Shell, tmp_path: Path, way: str
) -> None:
    expected = tmp_path / "expect.yaml"
    expected.write_text("events: [order.shipped]\nwithin: 60s")
    words = ["trace", request_.correlation, "--topic", request_.orders, way, *([str(expected)] * (way == "--expect"))]
    with on_a_terminal(shell, *words) as (process, leader):
        interrupt_before_the_first_answer(process, leader)
        assert process.stdout is not None
        summary = process.stdout.readline()
        process.stdout.read()
        said = rest(leader)
        assert process.wait(20) == 130
    assert summary.startswith(request_.correlation)
    assert f"not read: {request_.orders}/" in said
    assert "the search was interrupted" in said
    assert ("not as expected: order.shipped: 0 of 1" in said) is (way == "--expect")


@pytest.mark.timeout(60)
def test_a_tree_is_live_on_a_terminal_and_whole_at_the_end(request_: Request, shell: Shell) -> None:
    """More events than the terminal has lines: the newest are on screen, and all of them are printed at Ctrl-C."""
    correlation = request_.name("live")
    cause = request_.put("live-0", request_.orders, envelope("order.placed", correlation))
    with on_a_terminal(shell, "trace", correlation, "--topic", request_.orders, "-f", "--quiet", "0", stdout=BOTH) as (
        process,
        leader,
    ):
        until(leader, "order.placed")
        for number in range(ROWS):
            request_.put(f"live-{number + 1}", request_.orders, envelope(f"step.number{number}", correlation))
        last = until(leader, f"step.number{ROWS - 1}").rsplit(f"{correlation}: ", 1)[1]
        assert "lines above" in last
        assert "order.placed" not in last
        process.send_signal(signal.SIGINT)
        said = rest(leader)
        assert process.wait(20) == 130
    whole = said.rsplit(f"{correlation}: {ROWS + 1} events", 1)[1]
    assert all(f"step.number{number}" in whole for number in range(ROWS))
    assert "order.placed" in whole
    assert str(cause) in whole
