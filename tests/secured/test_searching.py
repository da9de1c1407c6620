"""Searching over TLS, and a log that the broker's cleaner really compacted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.events import Partition
from eventops.ports import Engine, Manner, Range, Sought
from tests.brokers.lab import DEADLINE, KafkaLab, eventually
from tests.secured.conftest import EVENT, Users, admin_lab
from tests.secured.server import ADMIN, SecuredKafka, certificate

pytestmark = pytest.mark.broker


@pytest.fixture
def lab(kafka: SecuredKafka) -> Iterator[KafkaLab]:
    """The administrator's."""
    with closing(admin_lab(kafka)) as lab:
        yield lab


def test_raw_batches_are_fetched_over_tls(kafka: SecuredKafka) -> None:
    ranges = [Range(Partition("orders", 0), 0, 2)]
    with closing(KafkaBroker(kafka.login_over_tls("viewer"))) as broker:
        pieces = list(broker.search(Sought((EVENT[:12],)), ranges, Manner(Engine.SCAN)))
    assert sum(len(piece.records) for piece in pieces) == 2
    assert not [told for piece in pieces for told in (*piece.gaps, *piece.notes)]
    assert sum(piece.fetched for piece in pieces) > 0, "the raw way did it"


@pytest.mark.parametrize("engine", ["scan", "consume"])
def test_a_request_is_traced_over_tls(users: Users, kafka: SecuredKafka, engine: str) -> None:
    run = users.by(
        kafka.login_over_tls(ADMIN), "trace", "req-1", "--engine", engine, "--topic", "orders*", "-o", "json"
    )
    assert run.returncode == 0, run.stderr
    (event,) = json.loads(run.stdout)["events"]
    assert (event["event_id"], event["topic"]) == ("e-1", "orders")
    assert [letter["topic"] for letter in event["dead_letters"]] == ["orders-dlt"]


def test_a_broker_that_nobody_vouches_for_is_not_talked_to(users: Users, kafka: SecuredKafka, tmp_path: Path) -> None:
    """The search is refused before it begins, by a sentence that names the certificate."""
    _, another = certificate(tmp_path)
    login = {**kafka.login_over_tls(ADMIN), "ssl.ca.location": str(another)}
    run = users.by(login, "trace", "req-1", "--topic", "orders*")
    assert (run.returncode, run.stdout) == (3, "")
    assert "certificate" in run.stderr
    assert "Traceback" not in run.stderr


def test_what_the_cleaner_left_is_found_and_what_it_took_is_not(lab: KafkaLab) -> None:
    config = {"cleanup.policy": "compact", "segment.ms": "50", "min.cleanable.dirty.ratio": "0.001"}
    home = Partition(lab.topic("balances", config=config), 0)
    producer = Producer({**lab.properties, "compression.type": "zstd"})
    appended = 0

    def left() -> list[int]:
        """The offsets that still hold a record; those of one batch may be apart."""
        nonlocal appended
        for _ in range(20):
            producer.produce(home.topic, b"needle %d" % appended, key=b"account-%d" % (appended % 3), partition=0)
            appended += 1
        assert producer.flush(DEADLINE) == 0
        return [record.position.offset for batch in lab.broker.scan(whole()) for record in batch.records]

    def whole() -> list[Range]:
        return [Range(home, 0, lab.broker.log_bounds([home]).bounds[home].last_stable)]

    eventually(lambda: len(left()) < appended - 30)
    for engine in (Engine.SCAN, Engine.CONSUME):
        ranges, before = whole(), left()
        pieces = list(lab.broker.search(Sought((b"needle",)), ranges, Manner(engine)))
        found = sorted(record.position.offset for piece in pieces for record in piece.records)
        kept = [offset for offset in before if offset < ranges[0].end]
        assert set(found) <= set(kept), "the cleaner may have gone on meanwhile"
        assert found[-3:] == kept[-3:], "the newest of each key stays"
        assert not [gap for piece in pieces for gap in piece.gaps], "compaction is no loss of what was asked for"
        assert sum(piece.passed for piece in pieces) == ranges[0].end
