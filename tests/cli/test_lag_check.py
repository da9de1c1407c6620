"""``eventops lag check``: every exit code, and the one line that says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventops.events import Partition
from tests.brokers.lab import KafkaLab
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract

SOON = ("--span", "1s")


@pytest.fixture(scope="module")
def lab(bootstrap_servers: str) -> Iterator[KafkaLab]:
    lab = KafkaLab(bootstrap_servers, lambda name: f"{name}-lag-check")
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def billing(lab: KafkaLab) -> str:
    """A group three behind, and nobody is there."""
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, *(b"%d" % number for number in range(5)))
    lab.commit(group, {home: 2})
    lab.commit(lab.name("idle"), {home: 5})
    return group


@pytest.fixture
def eventops(bootstrap_servers: str, tmp_path: Path) -> Shell:
    return Shell(tmp_path, bootstrap_servers)


@pytest.mark.broker
@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("--max-lag", "3"), 0, "fine: billing-lag-check: 3 behind"),
        (("--max-lag", "2"), 1, "breached: billing-lag-check: 3 behind, over 2"),
        (("--max-age", "1h"), 0, "fine: billing-lag-check: 3 behind"),
        (("--max-age", "0ms"), 1, "breached: billing-lag-check: the oldest record waits for "),
        (("--max-eta", "1h", *SOON), 1, "breached: billing-lag-check: 3 behind, caught up never at this rate"),
        (("--min-retention", "6d"), 0, "fine: billing-lag-check: 3 behind"),
        (
            ("--min-retention", "8d"),
            1,
            "breached: billing-lag-check: 3 behind, and retention may take the first of it in 6 d 23 h, under 8 d 0 h",
        ),
        (("--verdict", "error", *SOON), 1, "breached: billing-lag-check: stop: no commit for "),
        (("--verdict", "stall", *SOON), 0, "fine: billing-lag-check: 3 behind"),
        (("--max-lag", "2", "--for", "1s"), 1, "breached: billing-lag-check: 3 behind, over 2, for "),
        (("--max-lag", "3", "--for", "1h"), 0, "fine: billing-lag-check: 3 behind"),
        (("idle-lag-check", "--verdict", "warn"), 1, "breached: billing-lag-check: stop"),
        (
            ("--group", "idle-lag-check", "--max-lag", "2"),
            1,
            "breached: billing-lag-check: 3 behind, over 2; of 2 groups",
        ),
    ],
)
def test_a_check_in_one_line(eventops: Shell, billing: str, words: tuple[str, ...], code: int, line: str) -> None:
    more = SOON if "warn" in words else ()
    run = eventops("lag", "check", billing, *words, *more)
    assert (run.returncode, run.stderr) == (code, "")
    assert run.stdout.startswith(line)
    assert run.stdout.count("\n") == 1


@pytest.mark.broker
def test_where_nothing_waits_no_verdict_is_waited_for(eventops: Shell, billing: str) -> None:
    """A minute's span would end this test by its time-out."""
    run = eventops("lag", "check", "idle-*check", "--verdict", "warn", "--max-eta", "1m", "--for", "1h", timeout=50)
    assert (run.returncode, run.stdout) == (0, "fine: idle-lag-check: 0 behind\n")


@pytest.mark.broker
def test_a_group_that_is_not_there_is_not_known(eventops: Shell, billing: str) -> None:
    run = eventops("lag", "check", billing[:-1], "--max-lag", "9", "-o", "json")
    assert run.returncode == 5
    found = json.loads(run.stdout)
    keeps_its_contract(found, "lag-check")
    assert (found["outcome"], found["findings"][0]["group"]) == ("unknown", billing[:-1])
    assert "did you mean" in found["reason"]
    assert f" {billing}" in found["reason"]
    among = eventops("lag", "check", billing, "missing", "--max-lag", "9")
    assert (among.returncode, among.stdout.startswith("unknown: missing: no such group")) == (5, True)


@pytest.mark.broker
def test_a_check_as_a_report(eventops: Shell, billing: str) -> None:
    run = eventops("lag", "check", billing, "--max-lag", "2", "-o", "json")
    found = json.loads(run.stdout)
    keeps_its_contract(found, "lag-check")
    assert (run.returncode, found["outcome"], found["polls"]) == (1, "breached", 1)
    assert found["findings"] == [{"group": billing, "outcome": "breached", "reason": "3 behind, over 2"}]


def test_a_broker_that_is_not_there_is_3(shell: Shell) -> None:
    run = shell("-b", "127.0.0.1:1", "lag", "check", "--max-lag", "1", "--for", "1m")
    assert (run.returncode, run.stdout) == (3, "")
    assert "nobody answers at 127.0.0.1:1" in run.stderr


@pytest.mark.parametrize("words", [(), ("--max-lag", "-1"), ("--max-age", "soon"), ("--verdict", "bad")])
def test_what_makes_no_check_is_2(shell: Shell, words: tuple[str, ...]) -> None:
    run = shell("-b", "127.0.0.1:1", "lag", "check", *words)
    assert (run.returncode, run.stdout) == (2, "")


@pytest.mark.broker
def test_the_cluster_is_named_before_or_after_the_command(billing: str, bootstrap_servers: str, tmp_path: Path) -> None:
    words = ("lag", "-b", bootstrap_servers, "check", billing, "--max-lag", "3")
    run = Shell(tmp_path)(*words)
    assert (run.returncode, run.stdout) == (0, f"fine: {billing}: 3 behind\n"), run.stderr
