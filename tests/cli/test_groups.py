"""``eventops groups`` as a shell runs it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventops.events import Partition
from tests.brokers.lab import KafkaLab
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract

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
    """A group in the middle of a topic of eight records, and at the start of another partition."""
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), *(b"v%d" % number for number in range(8)))
    lab.commit(group, {Partition(topic, 0): 5, Partition(topic, 1): 0})
    return group


def test_groups_in_every_form(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    run = eventops("groups", f"*{billing[-9:]}", "-o", "json")
    assert (run.returncode, run.stderr) == (0, "")
    found = json.loads(run.stdout)
    keeps_its_contract(found, "groups-list")
    assert [(g["group"], g["state"], g["members"], g["topics"]) for g in found["groups"]] == [
        (billing, "empty", 0, [lab.name("orders")])
    ]
    (row,) = csv.DictReader(io.StringIO(eventops("groups", "list", billing, "-o", "csv").stdout))
    assert row["group"] == billing
    table = eventops("groups", "list", billing, environ={"COLUMNS": "80"})
    assert all(len(line) <= 80 for line in table.stdout.splitlines())
    assert billing in table.stdout


def test_one_group_with_its_members(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    with lab.member(billing, lab.name("orders"), client_id="evil\x1b[2Jclient"):
        run = eventops("groups", "show", billing, "-o", "json")
        table = eventops("groups", "show", billing)
    found = json.loads(run.stdout)
    keeps_its_contract(found, "groups-show")
    assert [len(member["assignment"]) for member in found["members"]] == [2]
    assert [(p["committed"], p["start"], p["end"]) for p in found["partitions"]] == [(5, 0, 8), (0, 0, 0)]
    assert "\x1b" not in table.stdout
    assert r"evil\x1b[2Jclient" in table.stdout
    assert "1 member, assignor range" in table.stdout


def test_groups_by_a_regular_expression(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    found = json.loads(eventops("groups", "list", f"/^{billing}$/", "-o", "json").stdout)
    assert [group["group"] for group in found["groups"]] == [billing]
    topics = json.loads(eventops("topics", f"/^{lab.name('orders')}$/", "-o", "json").stdout)
    assert [topic["topic"] for topic in topics["topics"]] == [lab.name("orders")]
    bad = eventops("groups", "list", "/(/")
    assert (bad.returncode, bad.stdout) == (2, "")


def test_offsets_outside_of_their_log_are_told(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    topic = lab.name("orders")
    lab.commit(billing, {Partition(topic, 1): 9})
    lab.cut(Partition(topic, 0), before=7)
    shown = eventops("groups", "show", billing, environ={"COLUMNS": "200"}).stdout
    assert "below the start: 2 offsets lost to retention" in shown
    assert "beyond the end: the topic was made anew" in shown


def test_a_topic_that_many_groups_read_is_one_row(eventops: Shell, lab: KafkaLab) -> None:
    topic, groups = lab.topic(), [lab.name(f"dead-{number:02}") for number in range(30)]
    for group in groups:
        lab.commit(group, {Partition(topic, 0): 0})
    table = eventops("topics", topic, environ={"COLUMNS": "160"}).stdout
    assert "and 25 more" in " ".join(table.split())
    assert len(table.splitlines()) < 15
    assert len(json.loads(eventops("topics", topic, "-o", "json").stdout)["topics"][0]["groups"]) == 30


def test_peeking_marks_the_next_record(eventops: Shell, billing: str, lab: KafkaLab) -> None:
    found = json.loads(eventops("groups", "peek", billing, "-n", "2", "-o", "json").stdout)
    keeps_its_contract(found, "groups-peek")
    first, second = found["partitions"]
    assert [record["value"] for record in first["before"]] == ["v3", "v4"]
    assert [record["value"] for record in first["after"]] == ["v5", "v6"]
    assert second["notes"] == ["nothing waits: this is the end of the log"]
    table = eventops("groups", "peek", billing, "--topic", lab.name("orders"), "--partition", "0").stdout
    assert [line.split()[1] for line in table.splitlines() if line.startswith(">")] == ["5"]


def test_names_that_are_not_there(eventops: Shell, billing: str) -> None:
    run = eventops("groups", "show", billing[:-1])
    assert (run.returncode, run.stdout) == (1, "")
    assert "did you mean" in run.stderr
    assert billing in run.stderr
    run = eventops("groups", "list", billing, "missing")
    assert run.returncode == 5
    assert "not read: missing: no such group" in run.stderr
    run = eventops("groups", "peek", billing, "--topic", "elsewhere")
    assert (run.returncode, run.stdout) == (1, "")


def test_the_shell_completes_commands_and_groups_without_one_listed(eventops: Shell) -> None:
    words = {"_EVENTOPS_COMPLETE": "bash_complete", "COMP_WORDS": "eventops groups ", "COMP_CWORD": "2"}
    offered = Shell(Path(eventops.environ["EVENTOPS_HOME"]))(environ=words).stdout.split()
    assert {"plain,list", "plain,peek", "plain,show"} <= set(offered)
