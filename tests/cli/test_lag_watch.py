"""``eventops lag --watch``: lines for programs, a picture for people, and what becomes of both without a broker."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from eventops.adapters.kafka.probe import answers
from eventops.bootstrap import local_kafka
from eventops.events import Partition
from eventops.local.service import LocalKafka
from tests.apart import first_of
from tests.brokers.lab import KafkaLab
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

WATCH = ("--watch", "250ms", "--span", "1s")


@pytest.fixture
def lab(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[KafkaLab]:
    lab = KafkaLab(bootstrap_servers, unique)
    yield lab
    lab.close()


@pytest.fixture
def eventops(bootstrap_servers: str, tmp_path: Path) -> Shell:
    return Shell(tmp_path, bootstrap_servers)


@contextmanager
def watching(shell: Shell, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a program reads it; ended with the block."""
    command = [sys.executable, "-m", "eventops", "-b", str(shell.bootstrap), "lag", *words]
    with subprocess.Popen(
        command, env=shell.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def test_lines_tell_rates_and_verdicts_as_polls_come_in(eventops: Shell, lab: KafkaLab) -> None:
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), *(b"%d" % number for number in range(5)))
    lab.commit(group, {Partition(topic, 0): 2, Partition(topic, 1): 0})
    with watching(eventops, group, *WATCH) as process:
        lines = [line(process)]
        lab.append(Partition(topic, 0), b"5", b"6")
        while lines[-1]["verdict"] == "not_enough_history":
            lines.append(line(process))
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 130
        assert process.stderr is not None
        assert "interrupted" in process.stderr.read()
    for one in lines:
        keeps_its_contract({"as_of": one["as_of"], "cluster_id": "c", "groups": [one], "coverage": COVERAGE}, "lag")
    assert (lines[0]["rate_in"], lines[0]["rate_in_reason"]) == (None, "a rate takes two snapshots")
    assert lines[0]["evidence"] == "one snapshot: a verdict takes 1.0 s of polls"
    last = lines[-1]
    assert (last["verdict"], last["lag"], last["standing"]) == ("stop", 5, "inactive")
    assert re.fullmatch(
        r"1 of 2 partitions: no commit for \d+\.\d s while 2 arrived; nobody is there", last["evidence"]
    )
    assert last["rate_in"] > 0
    assert last["rate_out"] == 0
    assert (last["eta_seconds"], last["eta_seconds_reason"]) == (None, f"never at this rate: {topic}/0 rests")


def test_a_member_that_does_not_get_on_is_a_stall_and_its_age_is_interpolated(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a")
    lab.commit(group, {home: 1})
    with (
        lab.member(group, home.topic, client_id="worker-1"),
        watching(eventops, group, *WATCH, "--time", "none") as process,
    ):
        assert line(process)["verdict"] == "caught_up"
        lab.append(home, b"b", b"c", b"d")
        found = line(process)
        while found["verdict"] != "stall":
            found = line(process)
    assert found["evidence"].endswith("although a member holds it")
    assert found["lag_age_method"] == "interpolated"
    assert found["lag_age_seconds"] >= 1.0
    assert found["hosts"] == [{"host": found["members"][0]["host"], "members": 1, "lag": 3}]


def test_a_group_that_is_deleted_is_no_cluster_that_is_silent(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.commit(group, {home: 0})
    with watching(eventops, group, *WATCH) as process:
        assert line(process)["group"] == group
        lab.admin.delete_consumer_groups([group])[group].result(20)
        assert process.stderr is not None
        told = process.stderr.readline()
        assert told.startswith(f"eventops: no such group: {group}"), told
        assert "; asking again, the figures are " in told
        lab.commit(group, {home: 0})
        assert process.stderr.readline() == "what was asked for is there again\n"


def test_what_is_not_read_is_told_once_and_as_it_changes(eventops: Shell, lab: KafkaLab) -> None:
    home, group, missing = Partition(lab.topic(), 0), lab.name("billing"), lab.name("missing")
    lab.commit(group, {home: 0})
    with watching(eventops, group, missing, *WATCH) as process:
        assert [line(process)["group"] for _ in range(3)] == [group] * 3
        lab.commit(missing, {home: 0})
        while line(process)["group"] != missing:
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 130
        assert process.stderr is not None
        told = process.stderr.read().splitlines()
    assert told[:2] == [f"not read: {missing}: no such group", f"read again: {missing}"]


def test_a_reader_that_goes_away_ends_it(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.commit(group, {home: 0})
    with watching(eventops, group, *WATCH) as process:
        line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(40) == 0


@pytest.mark.parametrize("form", ["csv", "json", "yaml", "table"])
def test_other_forms_are_no_watch(eventops: Shell, form: str) -> None:
    run = eventops("lag", "--watch", "-o", form)
    assert (run.returncode, run.stdout) == (2, "")
    assert "--watch" in run.stderr


class Terminal:
    """A command on a terminal of that size."""

    def __init__(self, shell: Shell, *words: str, lines: int = 16, columns: int = 120) -> None:
        environ = {**shell.environ, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES"):
            environ.pop(name, None)
        self.shown = b""
        self.pid, self.screen = pty.fork()
        if not self.pid:
            command = [sys.executable, "-m", "eventops", "-b", str(shell.bootstrap), "lag", *words]
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(sys.executable, command, environ)

    def shows(self, text: bytes) -> bool:
        while select.select([self.screen], [], [], 0.05)[0]:
            try:
                self.shown += os.read(self.screen, 65536)
            except OSError:  # the other side is closed
                break
        return text in self.shown

    def type(self, key: bytes) -> None:
        os.write(self.screen, key)

    def ended(self) -> int:
        """The exit code, once everything was read."""
        self.shows(b"\0")
        _, status = os.waitpid(self.pid, 0)
        self.shows(b"\0")
        os.close(self.screen)
        return os.waitstatus_to_exitcode(status)


def test_on_a_terminal_it_repaints_in_place_and_gives_the_terminal_back(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("bill\x1b[31ming")
    lab.append(home, b"a", b"b")
    lab.commit(group, {home: 1})
    terminal = Terminal(eventops, group, *WATCH)
    wait_until(lambda: terminal.shows(b"no commit for "), "the verdict's evidence", 60)
    terminal.type(b"\x03")
    assert terminal.ended() == 130
    shown = terminal.shown
    assert (shown.count(b"\x1b[?1049h"), shown.count(b"\x1b[?1049l")) == (1, 1)
    assert shown.endswith(b"interrupted\r\n")
    assert b"\x1b[2J" not in shown, "it flickers"
    assert b"\x1b[31ming" not in shown, "a name is shown, never obeyed"


def test_more_rows_than_lines_are_counted(eventops: Shell, lab: KafkaLab) -> None:
    topic, group = lab.topic(partitions=20), lab.name("billing")
    lab.commit(group, {Partition(topic, number): 0 for number in range(20)})
    terminal = Terminal(eventops, group, *WATCH, "--by", "partition", lines=14)
    wait_until(lambda: terminal.shows(b"of 20 rows shown"), "what doesn't fit is told", 60)
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.ended() == 143
    assert terminal.shown.count(b"\x1b[?1049l") == 1


def test_a_row_is_shown_on_the_smallest_screen(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("b")
    lab.commit(group, {home: 0})
    terminal = Terminal(eventops, group, *WATCH, lines=5, columns=24)
    wait_until(lambda: terminal.shows(b"b-"), "the group's row", 60)
    terminal.type(b"\x03")
    assert terminal.ended() == 130


def said(stderr: IO[str]) -> str:
    """The next line; not that a broker that goes, or has just come back, knows no groups for a moment."""
    return next(line for line in iter(stderr.readline, "") if "asking again" not in line)


def test_a_broker_that_goes_down_and_comes_back(tmp_path: Path, unique: Callable[[str], str]) -> None:
    (tmp_path / "kafka").symlink_to(local_kafka().install().libs.parents[1])
    local = LocalKafka(tmp_path, tmp_path / "contexts.toml", answers)
    port = first_of(1)
    try:
        servers = str(local.up(port=port).cluster.bootstrap_servers)
        shell, lab = Shell(tmp_path, servers), KafkaLab(servers, unique)
        group, home = lab.name("billing"), Partition(lab.topic(), 0)
        lab.append(home, b"a")
        lab.commit(group, {home: 0})
        with watching(shell, group, "--watch", "250ms") as process:
            assert process.stderr is not None
            assert line(process)["lag"] == 1
            local.down()
            assert "no answer for" in said(process.stderr)
            local.up(port=port)
            assert said(process.stderr) == "the cluster answers again\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(40) == 130
    finally:
        local.down()


COVERAGE: dict[str, Any] = {
    "partitions_total": 0,
    "partitions_complete": 0,
    "records": 0,
    "bytes": 0,
    "from": None,
    "to": None,
    "complete": True,
    "gaps": [],
}


def test_watch_takes_a_group_for_a_group(eventops: Shell, lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a")
    lab.commit(group, {home: 0})
    with watching(eventops, "--watch", group) as process:
        assert line(process)["group"] == group


def test_a_cluster_is_not_asked_without_a_pause(eventops: Shell) -> None:
    run = eventops("lag", "--watch", "0s")
    assert (run.returncode, run.stdout) == (2, "")
    assert "every 0.1 s at most" in run.stderr
