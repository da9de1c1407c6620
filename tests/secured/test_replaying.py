"""Which rights a replay takes: each one that is missing is named before anything is made or written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from eventops.events import Partition
from eventops.ports import Range
from tests.brokers.lab import KafkaLab, eventually, settled
from tests.secured.conftest import Users, admin_lab
from tests.secured.server import SecuredKafka

pytestmark = pytest.mark.broker

LEDGER = "eventops-ledger"
ORDERS = Partition("orders", 0)


@pytest.fixture
def lab(kafka: SecuredKafka) -> Iterator[KafkaLab]:
    """The administrator's."""
    with closing(admin_lab(kafka)) as lab:
        yield lab


def test_each_right_is_asked_for_by_name_and_nothing_is_written_until_all_are_there(
    users: Users, kafka: SecuredKafka, lab: KafkaLab
) -> None:
    def replay(*options: str) -> subprocess.CompletedProcess[str]:
        return users("replayer", "dlq", "replay", "orders-dlt", "--all", "--execute", "-o", "json", *options)

    def is_refused_for(right: str, *options: str) -> bool:
        run = replay(*options)
        assert (run.returncode, run.stdout) == (4, ""), run.stderr
        assert lab.broker.log_bounds([ORDERS]).bounds[ORDERS].high_watermark == 2
        assert not lab.broker.topics([LEDGER])
        return right in run.stderr

    def allow(kind: ResourceType, name: str, *operations: AclOperation) -> None:
        kafka.allow("replayer", kind, name, *operations)

    allow(ResourceType.TOPIC, "orders*", AclOperation.READ)
    plan = users("replayer", "dlq", "replay", "orders-dlt", "-o", "json")
    assert plan.returncode == 5, "what was replayed before may not be known"
    assert json.loads(plan.stdout)["plan"]["planned"] == 1

    eventually(lambda: is_refused_for("WRITE on the topic orders"))
    allow(ResourceType.TOPIC, "orders", AclOperation.WRITE)
    eventually(lambda: is_refused_for(f"WRITE on the topic {LEDGER}"))
    allow(ResourceType.TOPIC, LEDGER, AclOperation.WRITE, AclOperation.DESCRIBE)
    eventually(lambda: is_refused_for(f"CREATE on the cluster or on the topic {LEDGER}"))
    allow(ResourceType.TOPIC, LEDGER, AclOperation.CREATE)
    eventually(lambda: is_refused_for("on transactional ids that begin with eventops-replay/"))
    allow(ResourceType.TRANSACTIONAL_ID, "eventops-replay/*", AclOperation.WRITE, AclOperation.DESCRIBE)
    eventually(lambda: f"READ on the topic {LEDGER}" in replay().stderr)
    assert lab.broker.log_bounds([ORDERS]).bounds[ORDERS].high_watermark == 2, "what was done can't be known"
    allow(ResourceType.TOPIC, LEDGER, AclOperation.READ)
    eventually(lambda: replay().returncode == 0)

    again = replay()
    assert (again.returncode, json.loads(again.stdout)["plan"]["already_replayed"]) == (1, 1)
    records = [
        record for batch in lab.broker.scan([Range(ORDERS, 0, settled(lab.broker, ORDERS))]) for record in batch.records
    ]
    assert [record.header("eventops-replay-id") is not None for record in records] == [False, False, True]


def test_without_transactions_no_right_to_an_id_is_needed(users: Users, kafka: SecuredKafka, lab: KafkaLab) -> None:
    for name in ("orders", LEDGER):
        for operation in (AclOperation.READ, AclOperation.WRITE):
            kafka.allow("operator", ResourceType.TOPIC, name, operation)
    words = ("dlq", "replay", "orders-dlt", "--all", "--again", "--execute", "-o", "json")
    run = users("operator", *words)
    assert run.returncode == 4
    assert "--at-least-once does without" in run.stderr

    run = users("operator", *words, "--at-least-once")

    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["guarantee"], told["replayed"]) == ("at_least_once", 1)


def test_writing_off_takes_no_right_to_the_target(users: Users, kafka: SecuredKafka, lab: KafkaLab) -> None:
    lab.append(Partition("orders-dlt", 0), b"another one")  # what was put back needs no writing off
    kafka.allow("viewer", ResourceType.TOPIC, LEDGER, AclOperation.READ)
    run = users("viewer", "dlq", "discard", "orders-dlt", "--all", "--reason", "r", "--execute")
    assert (run.returncode, run.stdout) == (4, "")
    assert f"it takes WRITE on the topic {LEDGER}" in run.stderr
