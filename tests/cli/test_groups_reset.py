"""``eventops groups reset`` as a shell runs it, held against Kafka's own tool."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventops.events import Partition
from tests.brokers.lab import KafkaLab
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.official import ConsumerGroups
from tests.tui.terminal import Terminal

pytestmark = pytest.mark.broker


@pytest.fixture
def lab(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[KafkaLab]:
    lab = KafkaLab(bootstrap_servers, unique)
    yield lab
    lab.close()


@pytest.fixture
def eventops(bootstrap_servers: str, tmp_path: Path) -> Shell:
    return Shell(tmp_path, bootstrap_servers)


@pytest.fixture
def billing(lab: KafkaLab) -> str:
    """A group at 5 of 8 and at 1 of 2, on a topic of two partitions."""
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), *(b"v%d" % number for number in range(8)))
    lab.append(Partition(topic, 1), b"x", b"y")
    lab.commit(group, {Partition(topic, 0): 5, Partition(topic, 1): 1})
    return group


def test_a_plan_then_the_deed(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    words = ("groups", "reset", billing, "--all-topics", "--to", "shift:-2")
    run = eventops(*words, "-o", "json")
    assert (run.returncode, run.stderr) == (0, "")
    plan = json.loads(run.stdout)
    keeps_its_contract(plan, "groups-reset")
    assert [(m["before"], m["after"], m["skipped"], m["read_again"], m["record"]["value"]) for m in plan["moves"]] == [
        (5, 3, 0, 2, "v3"),
        (1, 0, 0, 1, "x"),
    ]
    assert (plan["executed"], plan["verified"], _offsets(lab, billing)) == (False, None, [5, 1])
    table = eventops(*words, environ={"COLUMNS": "80"})
    assert (
        f"eventops -b {eventops.bootstrap} groups reset {billing} --all-topics --to shift:-2 --execute" in table.stdout
    )
    assert "-1 is below the start of the log: moved up to 0" in table.stdout
    assert [line.split()[1:8] for line in table.stdout.splitlines() if line.startswith("orders")] == [
        ["5", "->", "3", "2", "read", "again", "3"],
        ["1", "->", "0", "1", "read", "again", "0"],
    ], "80 columns hold the record that comes next"
    run = eventops(*words, "--execute", "-o", "json")
    assert run.returncode == 0, run.stderr
    done = json.loads(run.stdout)
    keeps_its_contract(done, "groups-reset")
    assert (done["verified"], [m["read_back"] for m in done["moves"]], _offsets(lab, billing)) == (True, [3, 0], [3, 0])


def test_where_nothing_moves_no_deed_is_offered(eventops: Shell, billing: str) -> None:
    run = eventops("groups", "reset", billing, "--all-topics", "--to", "shift:+0")
    assert run.returncode == 0, run.stderr
    assert "Nothing to write: every offset is there already." in run.stdout
    assert "--execute" not in run.stdout
    run = eventops("groups", "reset", billing, "--topic", f"orders{billing[7:]}", "--to", "offset:5")
    assert "Nothing was written. To carry it out:" in run.stdout, "one of two partitions moves"


def test_a_question_obeys_no_name(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    group, topic = f"{lab.name('slow')}\x1b[2J", f"orders{billing[7:]}"
    lab.commit(group, {Partition(topic, 0): 5})
    words = ("groups", "reset", group, "--topic", topic, "--to", "earliest", "--execute")
    command = [sys.executable, "-m", "eventops", "-b", str(eventops.bootstrap), *words]
    terminal = Terminal(command, eventops.environ, size=(200, 40))
    terminal.until("Set the offsets of")
    terminal.until("on 2 partitions?")
    assert b"\\x1b[2J" in terminal.written
    assert b"\x1b[2J" not in terminal.written, "a name that empties the screen is shown"
    terminal.press("n\r")
    assert terminal.ended() == 1


def test_a_time_ago_becomes_a_moment_in_the_command_that_is_offered(eventops: Shell, billing: str) -> None:
    run = eventops("groups", "reset", billing, "--topic", f"orders{billing[7:]}:0", "--to", "-1h")
    assert run.returncode == 0, run.stderr
    (offered,) = [line for line in run.stdout.splitlines() if "--execute" in line]
    assert "--to 20" in offered
    assert offered.endswith("Z --execute")


def test_members_and_read_only_contexts_are_refused(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    words = ("groups", "reset", billing, "--all-topics", "--to", "earliest")
    with lab.member(billing, lab.name("orders"), client_id="worker-1"):
        planned, run = eventops(*words), eventops(*words, "--execute")
    assert planned.returncode == 0
    assert f"warning: {billing} has 1 member" in planned.stdout
    assert (run.returncode, run.stdout) == (4, "")
    assert "(worker-1 at /127.0.0.1): stop its consumers" in run.stderr
    guarded = Shell(Path(eventops.environ["EVENTOPS_HOME"]))
    added = guarded("context", "add", "prod", "-b", str(eventops.bootstrap), "--read-only")
    assert added.returncode == 0, added.stderr
    assert guarded(*words).returncode == 0
    run = guarded(*words, "--execute")
    assert (run.returncode, run.stdout) == (4, "")
    assert "read-only" in run.stderr
    assert _offsets(lab, billing) == [5, 1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--all-topics", "--to", "5"), "write offset:5 or shift:+5"),
        (("--all-topics", "--to", "soon"), "is none of earliest, latest"),
        (("--to", "latest"), "--topic TOPIC[:P,P] or --all-topics"),
        (("--topic", "orders:x", "--to", "latest"), "neither TOPIC nor TOPIC:PARTITION"),
        (("--topic", "nowhere", "--to", "latest"), "nowhere can't be moved, there is no such topic"),
        (("--to", "file:missing.csv"), "missing.csv can't be read"),
        (("--to", "file:missing.csv", "--all-topics"), "missing.csv can't be read"),
    ],
)
def test_what_is_not_meant_is_a_usage_error(eventops: Shell, billing: str, words: tuple[str, ...], said: str) -> None:
    run = eventops("groups", "reset", billing, *words)
    assert (run.returncode, run.stdout) == (2, "")
    assert said in run.stderr


def test_a_group_that_is_not_there_needs_a_flag(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    words = ("groups", "reset", lab.name("fresh"), "--topic", lab.name("orders"), "--to", "latest", "--execute")
    run = eventops(*words)
    assert (run.returncode, run.stdout) == (1, "")
    assert "add --create" in run.stderr
    lab.forget(lab.name("fresh"))
    run = eventops(*words, "--create")
    assert run.returncode == 0, run.stderr
    assert "2 of 2 offsets set and read back as planned" in run.stdout
    assert _offsets(lab, lab.name("fresh")) == [8, 2]


def test_kafkas_own_tool_plans_the_same(eventops: Shell, billing: str, lab: KafkaLab, tmp_path: Path) -> None:
    official = ConsumerGroups(lab.properties["bootstrap.servers"])
    topic = lab.name("orders")
    theirs = tmp_path / "theirs.csv"
    for ours, its in (
        ("offset:99", ("--to-offset", "99")),
        ("shift:-2", ("--shift-by", "-2")),
        ("-1h", ("--by-duration", "PT1H")),
    ):
        told = official("--reset-offsets", "--group", billing, "--all-topics", *its, "--export", "--dry-run")
        planned = eventops("groups", "reset", billing, "--all-topics", "--to", ours, "-o", "csv")
        assert {tuple(row) for row in csv.reader(io.StringIO(told.stdout)) if row} == {
            (row["topic"], row["partition"], row["after"]) for row in csv.DictReader(io.StringIO(planned.stdout))
        }, (told.stderr, planned.stderr)
        theirs.write_text(told.stdout)
    run = eventops("groups", "reset", billing, "--to", f"file:{theirs}", "-o", "json")
    assert [m["after"] for m in json.loads(run.stdout)["moves"]] == [0, 0], "a file of theirs is read"
    run = eventops(
        "groups", "reset", billing, "--topic", f"{topic}:0", "--to", "offset:2", "--export", str(tmp_path / "p")
    )
    assert run.returncode == 0, run.stderr
    told = official("--reset-offsets", "--group", billing, "--from-file", str(tmp_path / "p"), "--execute")
    assert [line.split() for line in told.stdout.splitlines() if billing in line] == [[billing, topic, "0", "2"]]
    assert _offsets(lab, billing) == [2, 1], "a file of ours is read by theirs"
    again = eventops("groups", "reset", billing, "--all-topics", "--to", "latest", "--export", str(tmp_path / "p"))
    assert again.returncode == 2
    assert "name a file that isn't there yet" in again.stderr


def test_a_file_that_does_not_fit_moves_nothing(eventops: Shell, billing: str, lab: KafkaLab, tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    plan.write_text(f"{lab.name('orders')},0,3\n{lab.name('orders')},7,3\n")
    run = eventops("groups", "reset", billing, "--to", f"file:{plan}", "-o", "json")
    assert run.returncode == 1
    found: dict[str, Any] = json.loads(run.stdout)
    keeps_its_contract(found, "groups-reset")
    assert [one["reason"] for one in found["refused"]] == ["it has partitions 0 to 1"]
    run = eventops("groups", "reset", billing, "--to", f"file:{plan}", "--execute")
    assert run.returncode == 1
    assert "nothing was written" in run.stderr
    assert _offsets(lab, billing) == [5, 1]


def _offsets(lab: KafkaLab, group: str) -> list[int]:
    """Committed offsets by partition."""
    return [offset for _, offset in sorted(lab.broker.committed_offsets([group]).offsets[group].items())]
