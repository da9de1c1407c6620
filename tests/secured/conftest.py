"""One secured broker for the tests of this room, with users of different rights and something for them to see."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AclOperation, ResourceType

from eventops.events import Partition
from tests.brokers.lab import DEADLINE, KafkaLab
from tests.cli.running import Shell
from tests.secured.server import ADMIN, SecuredKafka, secured_kafka

EVENT = b'{"eventId":"e-1","eventType":"order.placed","metadata":{"correlationId":"req-1"}}'
LETTER: list[tuple[str, str | bytes | None]] = [
    ("kafka_dlt-original-topic", b"orders"),
    ("kafka_dlt-original-partition", bytes(4)),
    ("kafka_dlt-original-offset", bytes(8)),
    ("kafka_dlt-exception-fqcn", b"java.lang.IllegalStateException"),
    ("kafka_dlt-original-consumer-group", b"billing"),
]


class Users:
    """``users("viewer", "groups", "list")`` runs eventops as that user."""

    def __init__(self, home: Path, kafka: SecuredKafka) -> None:
        self._home = home
        self._kafka = kafka

    def __call__(self, user: str, *words: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
        return self.by(self._kafka.login(user, password), *words)

    def by(self, login: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
        """Run eventops with those properties."""
        shell = Shell(self._home, login["bootstrap.servers"])
        return shell(*words, *(word for name, value in login.items() for word in ("-X", f"{name}={value}")))


@pytest.fixture(scope="module")
def kafka() -> Iterator[SecuredKafka]:
    """Topics ``orders``, ``orders-dlt``, ``secrets``; groups ``billing`` and ``hidden`` on the first, ``vault`` on the
    last, each at 1 of 2.

    ``viewer`` may read what begins with ``orders`` and look at ``billing``, ``operator`` may consume as ``billing``,
    ``outsider`` may describe the same and read nothing, ``stranger`` and ``replayer`` may log in.
    """
    directory = Path(tempfile.mkdtemp(prefix="eventops-test-secured-"))
    try:
        with secured_kafka(directory, "viewer", "operator", "outsider", "stranger", "replayer") as kafka:
            for user, operation in (("viewer", "READ"), ("operator", "READ"), ("outsider", "DESCRIBE")):
                kafka.allow(user, ResourceType.TOPIC, "orders*", AclOperation[operation])
            for user, operation in (("viewer", "DESCRIBE"), ("operator", "READ"), ("outsider", "DESCRIBE")):
                kafka.allow(user, ResourceType.GROUP, "billing", AclOperation[operation])
            with closing(admin_lab(kafka)) as lab:
                _fill(lab)
                yield kafka
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def users(kafka: SecuredKafka, tmp_path: Path) -> Users:
    return Users(tmp_path, kafka)


def admin_lab(kafka: SecuredKafka) -> KafkaLab:
    """The hands of the administrator."""
    return KafkaLab(kafka.servers, lambda stem: stem, kafka.login(ADMIN))


def _fill(lab: KafkaLab) -> None:
    for topic in ("orders", "orders-dlt", "secrets"):
        lab.topic(topic)
    lab.append(Partition("orders", 0), EVENT, EVENT)
    lab.append(Partition("secrets", 0), EVENT, EVENT)
    producer = Producer(lab.properties)
    producer.produce("orders-dlt", EVENT, partition=0, headers=LETTER)
    assert producer.flush(DEADLINE) == 0
    for group, topic in (("billing", "orders"), ("hidden", "orders"), ("vault", "secrets")):
        lab.commit(group, {Partition(topic, 0): 1})
