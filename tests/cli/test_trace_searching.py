"""How ``eventops trace`` searches, as a shell sees it: where it looks, how far, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers.lab import KafkaLab
from tests.cli.running import Shell
from tests.trace.requests import Request, request_on

pytestmark = pytest.mark.broker


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


def test_ctrl_c_prints_what_there_is_and_what_was_not_read(request_: Request, shell: Shell) -> None:
    """The process is held as soon as it says that it searches: the signal comes before the first answer does."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "eventops", "-b", str(shell.bootstrap), "trace", request_.correlation]
    command += ["--topic", request_.orders, "-o", "json"]
    environ = {**shell.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=follower, text=True)
    os.close(follower)
    try:
        said = b""
        while b"looking for" not in said:
            said += os.read(leader, 1000)
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGCONT):
            process.send_signal(number)
        assert process.stdout is not None
        document = json.loads(process.stdout.read())
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.communicate()
        os.close(leader)
    assert document["coverage"]["complete"] is False
    assert {gap["topic"] for gap in document["coverage"]["gaps"]} == {request_.orders}
    assert all(gap["reason"].startswith("the search was interrupted") for gap in document["coverage"]["gaps"])
