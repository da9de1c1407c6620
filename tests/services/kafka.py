"""Writing to and reading from the test's own topics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event as Flag
from threading import Thread

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from eventops.events import Envelope, Record
from reference_services.kit.records import record_of
from reference_services.kit.runner import Runner
from tests.services.processes import until

Outgoing = tuple[str, bytes, list[tuple[str, bytes]]]
"""Key, value and headers."""

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def produce(bootstrap: str, topic: str, records: Sequence[Outgoing]) -> None:
    """Returns when the broker has them all."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "message.max.bytes": 1_200_000})
    for key, value, headers in records:
        producer.produce(topic, value=value, key=key.encode(), headers=list(headers))
    assert producer.flush(10) == 0


def produce_events(bootstrap: str, topic: str, events: Sequence[Envelope]) -> None:
    """Each event under its own id as key."""
    produce(bootstrap, topic, [(event.event_id, event.to_json(), event.to_headers()) for event in events])


def read(bootstrap: str, topic: str, count: int, seconds: float = 20.0) -> list[Record]:
    """The first ``count`` records of a topic, in order a partition; joins no group."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        records: list[Record] = []
        deadline = time.monotonic() + seconds
        while len(records) < count:
            assert time.monotonic() < deadline, f"{topic}: {len(records)} of {count} records came"
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                records.append(record_of(message))
        return records
    finally:
        consumer.close()


def whole(bootstrap: str, topic: str) -> list[Record]:
    """Everything that a topic holds now, what was aborted apart, in order a partition; joins no group."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    try:
        unread = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in unread])
        records: list[Record] = []
        deadline = time.monotonic() + 20
        while unread:
            assert time.monotonic() < deadline, f"{topic}: {unread} weren't read to their ends"
            message = consumer.poll(0.2)
            if message is None:
                continue
            if (error := message.error()) is None:
                records.append(record_of(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition() or 0)
        return records
    finally:
        consumer.close()


def size(bootstrap: str, topic: str) -> int:
    """How many records a topic has."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none"})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        places = [TopicPartition(topic, number) for number in partitions]
        return sum(high - low for low, high in (consumer.get_watermark_offsets(p, timeout=10) for p in places))
    finally:
        consumer.close()


def committed(bootstrap: str, group: str, topic: str, partitions: int = 3) -> int:
    """The sum of a group's committed offsets on a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        asked = [TopicPartition(topic, number) for number in range(partitions)]
        return sum(max(place.offset, 0) for place in consumer.committed(asked, timeout=10))
    finally:
        consumer.close()


def topics(bootstrap: str) -> set[str]:
    """All topics' names."""
    return set(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics)


def set_topic(bootstrap: str, topic: str, name: str, value: str) -> None:
    """Change one of a topic's properties; ends when the broker tells it so, which is a moment after it agreed."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(timeout=10)
    asked = ConfigResource(ResourceType.TOPIC, topic)
    until(lambda: admin.describe_configs([asked])[asked].result(timeout=10)[name].value == value)


def members(bootstrap: str, group: str) -> int:
    """How many members a group has."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    return len(admin.describe_consumer_groups([group])[group].result(timeout=10).members)


@contextmanager
def running(runner: Runner) -> Iterator[Flag]:
    """The runner in a thread; set the flag to stop it earlier."""
    stop = Flag()
    thread = Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive(), "the runner doesn't end"
