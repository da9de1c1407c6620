"""``eventops topics`` and ``eventops doctor`` on a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventops.events import Partition
from tests.brokers.lab import KafkaLab, eventually, outgoing, settled
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


def test_a_topic_with_its_readers_partition_by_partition(lab: KafkaLab, eventops: Shell) -> None:
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 1), b"a", b"b", b"c")
    lab.commit(group, {Partition(topic, 1): 1})
    run = eventops("topics", topic, "-o", "json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    keeps_its_contract(report, "topics")
    (told,) = report["topics"]
    assert (told["offsets"], told["groups"]) == (3, [group])
    assert [(p["start"], p["end"], p["open_transactions"]) for p in told["partitions"]] == [(0, 0, 0), (0, 3, 0)]
    assert [(p["leader"] in p["replicas"], p["replicas"] == p["in_sync"]) for p in told["partitions"]] == [
        (True, True)
    ] * 2
    assert (told["replication_factor"], told["under_replicated"], told["offline"]) == (1, [], [])
    table = eventops("topics", f"{topic[:-2]}*", environ={"COLUMNS": "80"}).stdout
    assert topic in table
    assert all(len(line) <= 80 for line in table.splitlines())


def test_one_topic_in_full(lab: KafkaLab, eventops: Shell) -> None:
    topic, group = lab.topic(partitions=2, config={"retention.ms": "3600000"}), lab.name("billing")
    lab.append(Partition(topic, 1), b"a", b"b", b"c")
    lab.commit(group, {Partition(topic, 1): 1})
    lab.commit(lab.name("audit"), {Partition(topic, 1): 9})
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(Partition(topic, 1), b"held back"))
    run = eventops("topics", "show", topic, "-o", "json")
    table = eventops("topics", "show", topic, environ={"COLUMNS": "80"}).stdout
    producer.abort()
    producer.close()
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    keeps_its_contract(found, "topics-show")
    assert (found["config"]["retention.ms"], found["retention_seconds"]) == ("3600000", 3600.0)
    assert [(r["group"], r["lag"]) for r in found["readers"]] == [(lab.name("audit"), None), (group, 3)]
    empty, full = found["partitions"]
    assert (empty["first_at"], full["end"], full["open_transactions"]) == (None, 4, 1)
    assert full["first_at"] <= full["last_at"] <= found["as_of"]
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "retention.ms" in table


def test_a_topic_that_is_not_there_is_told_and_is_not_created(eventops: Shell, lab: KafkaLab) -> None:
    name = lab.name("nowhere")
    for _ in range(2):
        run = eventops("topics", name)
        assert (run.returncode, run.stdout) == (1, "")
        assert f"there is no topic '{name}'" in run.stderr
    run = eventops("topics", f"{name}*")
    assert (run.returncode, run.stdout) == (1, "")
    assert "`eventops topics` lists them" in run.stderr
    run = eventops("topics", "*", name)
    assert (run.returncode, run.stdout) == (1, "")


def test_the_doctor_finds_the_cluster_well(eventops: Shell) -> None:
    run = eventops("doctor", "-o", "json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    keeps_its_contract(report, "doctor")
    health = {check["subject"]: check["health"] for check in report["checks"] if check["area"] == "cluster"}
    assert health["topics"] == health["groups"] == health["settings"] == health["replay"] == "ok"


def test_the_doctor_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    nothing_configured = Shell(tmp_path)("doctor", "-o", "json")
    assert nothing_configured.returncode == 2
    (problem,) = [check for check in json.loads(nothing_configured.stdout)["checks"] if check["health"] == "problem"]
    assert "eventops local up" in problem["remedy"]
    nobody_there = Shell(tmp_path, "127.0.0.1:1")("doctor")
    assert nobody_there.returncode == 3
    assert "✗" in nobody_there.stdout


def test_a_topic_s_readers_have_the_lag_that_lag_tells(eventops: Shell, lab: KafkaLab) -> None:
    """A group that stands at a transaction's marker, one that lost records, and a share group."""
    home = Partition(lab.topic(), 0)
    at_marker, behind, shared = lab.name("at-marker"), lab.name("behind"), lab.name("shared")
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, *(b"%d" % number for number in range(9))))
    producer.commit()
    producer.close()
    settled(lab.broker, home)
    lab.commit(at_marker, {home: 9})
    lab.commit(behind, {home: 1})
    lab.cut(home, before=4)
    with lab.share_member(shared, home.topic) as member:
        eventually(lambda: not member.poll(0.1) and home in lab.broker.share_progress([shared]).shares[shared])
        shown = json.loads(eventops("topics", "show", home.topic, "-o", "json").stdout)
        told = json.loads(eventops("lag", "--topic", home.topic, "-o", "json").stdout)
    assert {group["group"]: group["lag"] for group in told["groups"]} == {
        reader["group"]: reader["lag"] for reader in shown["readers"]
    }
    lags = {reader["group"]: reader["lag"] for reader in shown["readers"]}
    assert (lags[at_marker], lags[behind]) == (0, 6)
