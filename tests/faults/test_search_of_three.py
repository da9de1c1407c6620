"""A search while the leaders of what it reads move to other brokers: it goes after them, and finds everything once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import psutil
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from eventops.adapters.kafka import search
from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.raw.leaders import leaders
from eventops.adapters.kafka.raw.sweep import Address
from eventops.events import Partition
from eventops.local.service import LocalKafka
from eventops.ports import Engine, Manner, Range, Sought
from tests.brokers.lab import DEADLINE, KafkaLab, eventually

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PARTITIONS = 6
RECORDS = 2_000
VICTIM = 2


@pytest.mark.timeout(180)
@pytest.mark.parametrize("engine", [Engine.SCAN, Engine.CONSUME])
def test_a_search_goes_after_leaders_that_move(
    three: LocalKafka, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    lab = KafkaLab(three.status().bootstrap_servers or "", unique)
    topic = _replicated_topic(lab)
    led = {p.partition for p in lab.broker.topics([topic])[0].placements if p.leader == VICTIM}
    assert 0 < len(led) < PARTITIONS
    asked: list[Collection[Partition]] = []

    def told_before_it_left(connection: Connection, partitions: Collection[Partition]) -> Mapping[Partition, Address]:
        """The answer is out of date when it is used: its broker left meanwhile, and handed its leaderships over."""
        told = leaders(connection, partitions)
        asked.append(partitions)
        if len(asked) == 1:
            _stop(three, lab, topic)
        return told

    monkeypatch.setattr(search, "leaders", told_before_it_left)
    homes = [Partition(topic, number) for number in range(PARTITIONS)]
    ranges = [Range(home, 0, log.last_stable) for home, log in lab.broker.log_bounds(homes).bounds.items()]
    found = lab.broker.search(Sought((b"needle",)), ranges, Manner(engine))
    if engine is Engine.CONSUME:
        _stop(three, lab, topic)
    pieces = list(found)
    assert not [gap for piece in pieces for gap in piece.gaps]
    assert not [note for piece in pieces for note in piece.notes], "nobody had to step in"
    places = sorted((r.position.partition, r.position.offset) for piece in pieces for r in piece.records)
    assert places == [(number, at) for number in range(PARTITIONS) for at in (0, RECORDS + 1)]
    assert sum(piece.passed for piece in pieces) == PARTITIONS * (RECORDS + 2)
    if engine is Engine.SCAN:
        assert len(asked) > 1, "the leaders were asked for again"
        assert {home.partition for home in asked[1]} <= led, "for what had moved, and nothing else"
    lab.broker.close()


def _replicated_topic(lab: KafkaLab) -> str:
    name = lab.name("orders")
    admin = AdminClient({**lab.properties})
    admin.create_topics([NewTopic(name, PARTITIONS, replication_factor=3)])[name].result(20)
    eventually(lambda: len(lab.broker.topics([name])) == 1 and not lab.broker.topics([name])[0].leaderless)
    producer = Producer({**lab.properties, "enable.idempotence": True})  # in order, whatever is tried again
    for number in range(PARTITIONS):
        for value in (b"needle", *(b"x" * 500 for _ in range(RECORDS)), b"needle"):
            producer.produce(name, value, partition=number)
    assert producer.flush(DEADLINE) == 0
    return name


def _stop(three: LocalKafka, lab: KafkaLab, topic: str) -> None:
    """A controlled shutdown: the broker hands its leaderships over and goes."""
    pid = three.status().nodes[VICTIM - 1].pid
    assert pid is not None
    process = psutil.Process(pid)
    process.terminate()
    process.wait(30)
    eventually(lambda: all(p.leader not in (VICTIM, None) for p in lab.broker.topics([topic])[0].placements))
