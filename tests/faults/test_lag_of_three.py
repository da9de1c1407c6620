"""One broker of three stops answering, is killed, and comes back: only what it keeps is missing, and it is named."""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from eventops.adapters.kafka.broker import ANSWER_WITHIN, KafkaBroker
from eventops.events import Partition
from eventops.lag.model import GroupSelection, LagReport
from eventops.lag.service import LagService
from eventops.local.service import LocalKafka
from tests.brokers.lab import KafkaLab, eventually
from tests.cli.running import Shell

pytestmark = [pytest.mark.broker, pytest.mark.faults]

GROUPS = 6
PARTITIONS = 6
VICTIM = 2


@pytest.fixture
def three(three: LocalKafka) -> Iterator[LocalKafka]:
    """Three brokers; a stopped one goes on, so that it can end."""
    try:
        yield three
    finally:
        os.kill(_pid(three), signal.SIGCONT)


@pytest.mark.timeout(180)
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # kafka-python leaves sockets that couldn't connect to the collector
def test_a_slow_and_a_killed_broker_cost_only_what_they_keep(
    three: LocalKafka, unique: Callable[[str], str], tmp_path: Path
) -> None:
    servers = three.status().bootstrap_servers or ""
    lab = KafkaLab(servers, unique)
    topic = _spread_topic(lab)
    groups = [lab.name(f"billing-{number}") for number in range(GROUPS)]
    for group in groups:
        lab.commit(group, {Partition(topic, number): 1 for number in range(PARTITIONS)})
    broker = KafkaBroker(lab.properties)
    whole = _snapshot(broker)
    assert whole.coverage.complete
    assert {group.lag for group in whole.groups} == {2 * PARTITIONS}
    kept = {p.partition for p in broker.topics([topic])[0].placements if p.leader == VICTIM}
    assert 0 < len(kept) < PARTITIONS

    group_there = _a_group_that_it_keeps(lab, topic)

    os.kill(_pid(three), signal.SIGSTOP)
    words = ("groups", "reset", group_there, "--topic", topic, "--to", "earliest", "--create")
    reset = Shell(tmp_path, servers)(*words)
    if reset.returncode == 3:
        assert "isn't known: broker 2" in reset.stderr, reset.stderr
    else:  # another broker has taken over meanwhile
        assert f"{group_there} (empty, 0 members)" in reset.stdout, "it isn't taken for a new one"
    started = time.monotonic()
    run = Shell(tmp_path, servers)("lag", "-o", "json")
    assert time.monotonic() - started < ANSWER_WITHIN + 6, "the deadline, and twice as much machine as it needs"
    assert run.returncode == 5, run.stderr
    told = json.loads(run.stdout)
    for group in told["groups"]:
        for partition in group["partitions"]:
            assert partition["lag"] in ((None,) if partition["partition"] in kept else (2,))
    assert "broker 2" in run.stderr or "no leader" in run.stderr
    _only_what_it_keeps_is_missing(_snapshot(broker), kept)
    started = time.monotonic()
    _only_what_it_keeps_is_missing(_snapshot(broker), kept)
    assert time.monotonic() - started < ANSWER_WITHIN, "a broker that was silent isn't waited for again"

    os.kill(_pid(three), signal.SIGCONT)
    eventually(lambda: _snapshot(broker).coverage.complete, 60)

    psutil.Process(_pid(three)).kill()
    started = time.monotonic()
    _only_what_it_keeps_is_missing(_snapshot(broker), kept)
    assert time.monotonic() - started < ANSWER_WITHIN + 6
    three.up()
    eventually(lambda: _snapshot(broker).coverage.complete, 60)
    assert {group.lag for group in _snapshot(broker).groups} == {2 * PARTITIONS}
    told_again = {group.age.seconds is not None for group in _snapshot(broker).groups}
    assert told_again == {True}, "ages come back to who asked before, though leaders have another epoch now"
    broker.close()
    lab.broker.close()
    gc.collect()


def _a_group_that_it_keeps(lab: KafkaLab, topic: str) -> str:
    """Kafka places groups by their names' hashes: one of a few is on the broker that is to fall silent."""
    address = lab.properties["bootstrap.servers"].split(",")[VICTIM - 1]
    for number in range(100):
        group = lab.name(f"kept-{number}")
        lab.commit(group, {Partition(topic, partition): 1 for partition in range(PARTITIONS)})
        if lab.broker.groups([group]).groups[0].coordinator == address:
            return group
    raise AssertionError("no group is kept there")


def _spread_topic(lab: KafkaLab) -> str:
    """One replica a partition: what its broker keeps, nobody else has."""
    name = lab.name("orders")
    admin = AdminClient({**lab.properties})
    admin.create_topics([NewTopic(name, PARTITIONS, replication_factor=1)])[name].result(20)
    eventually(lambda: len(lab.broker.topics([name])) == 1 and not lab.broker.topics([name])[0].leaderless)
    for number in range(PARTITIONS):
        lab.append(Partition(name, number), b"a", b"b", b"c")
    return name


def _only_what_it_keeps_is_missing(report: LagReport, kept: set[int]) -> None:
    assert not report.coverage.complete
    assert report.coverage.gaps
    for group in report.groups:
        for one in group.partitions:
            assert one.lag == (None if one.partition.partition in kept else 2), (group.group, one)


def _snapshot(broker: KafkaBroker) -> LagReport:
    return LagService(broker).snapshot(GroupSelection(), datetime.now(UTC))


def _pid(kafka: LocalKafka) -> int:
    pid = kafka.status().nodes[VICTIM - 1].pid
    assert pid is not None
    return pid
