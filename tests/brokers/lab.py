"""What a test does to a broker behind the back of the Broker protocol. Another adapter brings a lab of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    ShareConsumer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.adapters.kafka.failures import PASSING, error_of, is_silence
from eventops.events import Headers, Partition
from eventops.ports import Broker, Outgoing
from tests.brokers.streams import StreamsMember

DEADLINE = 20.0
_ANSWER = 5.0


class Lab(Protocol):
    """A broker under test, and the hands to prepare it with."""

    @property
    def broker(self) -> Broker:
        """The broker under test."""

    def name(self, stem: str) -> str:
        """A name of this test alone."""

    def topic(self, stem: str = "orders", partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        """A topic that goes when the test ends."""

    def append(self, partition: Partition, *values: bytes) -> None:
        """Append records outside of any transaction."""

    def commit(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Leave committed offsets, as a consumer of that group would."""

    def member(self, group: str, topic: str) -> AbstractContextManager[object]:
        """A context in which a consumer has joined and was assigned its partitions."""

    def cut(self, partition: Partition, before: int) -> None:
        """Lose the records before that offset, as retention does."""

    def delete(self, topic: str) -> None:
        """Delete the topic."""


class KafkaLab:
    """The lab of a real Apache Kafka."""

    def __init__(self, servers: str, unique: Callable[[str], str], login: Mapping[str, str] | None = None) -> None:
        self.properties = {"bootstrap.servers": servers, **(login or {})}
        self.name = unique
        self.broker = KafkaBroker(self.properties)
        self.admin = AdminClient({**self.properties})
        self._topics: list[str] = []
        self._groups: list[str] = []

    def topic(self, stem: str = "orders", partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        topic = self.name(stem)
        self.broker.create_topic(topic, partitions, config or {})
        self._topics.append(topic)
        return topic

    def append(self, partition: Partition, *values: bytes) -> None:
        producer = Producer(self.properties)
        for value in values:
            producer.produce(partition.topic, value, partition=partition.partition)
        assert producer.flush(DEADLINE) == 0

    def commit(self, group: str, offsets: Mapping[Partition, int]) -> None:
        self._groups.append(group)
        wanted = [TopicPartition(p.topic, p.partition, offset) for p, offset in offsets.items()]
        request = ConsumerGroupTopicPartitions(group, wanted)

        def is_set() -> bool:
            """A cluster that just makes its internal topic refuses for a moment; three brokers that start on a busy
            machine may not answer at all for longer than that. The request ends before its future is given up."""
            asked = self.admin.alter_consumer_group_offsets([request], request_timeout=_ANSWER)
            try:
                answer = asked[group].result(DEADLINE)
            except KafkaException as exception:
                if not is_silence(error_of(exception)) and error_of(exception).code() not in PASSING:
                    raise
                return False
            return not any(partition.error for partition in answer.topic_partitions or [])

        eventually(is_set, 3 * DEADLINE)

    @contextmanager
    def member(self, group: str, topic: str, **settings: str) -> Iterator[Consumer]:
        self._groups.append(group)
        named = {key.replace("_", "."): value for key, value in settings.items()}
        consumer = Consumer({**self.properties, "group.id": group, "enable.auto.commit": False, **named})
        consumer.subscribe([topic])
        try:
            eventually(lambda: consumer.poll(0.1) is None and bool(consumer.assignment()))
            yield consumer
        finally:
            consumer.close()

    @contextmanager
    def share_member(self, group: str, topic: str) -> Iterator[ShareConsumer]:
        """A consumer of a share group that begins at the start; what it was given is settled when it polls again."""
        self._groups.append(group)
        earliest = ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)
        settings = ConfigResource(ResourceType.GROUP, group, incremental_configs=[earliest])
        self.admin.incremental_alter_configs([settings])[settings].result(DEADLINE)
        consumer = ShareConsumer({**self.properties, "group.id": group, "log_level": 0})
        consumer.subscribe([topic])
        try:
            yield consumer
        finally:
            consumer.close()

    @contextmanager
    def streams_member(self, group: str, topic: str) -> Iterator[Callable[[], object]]:
        """A member of a streams group whose only part reads ``topic``; calling it sends one more heartbeat."""
        self._groups.append(group)
        with StreamsMember(self.properties, group, topic) as member:
            yield member.beat

    def cut(self, partition: Partition, before: int) -> None:
        where = TopicPartition(partition.topic, partition.partition, before)
        for future in self.admin.delete_records([where]).values():
            future.result(DEADLINE)

    def delete(self, topic: str) -> None:
        self._topics.remove(topic)
        self.admin.delete_topics([topic])[topic].result(DEADLINE)
        eventually(lambda: not self.broker.topics([topic]))

    def forget(self, group: str) -> None:
        """Delete the group when the test ends."""
        self._groups.append(group)

    def close(self) -> None:
        for topic in list(self._topics):
            self.delete(topic)
        for group in set(self._groups):
            self.admin.delete_consumer_groups([group], request_timeout=5)[group].exception(DEADLINE)
        self.broker.close()


def eventually(holds: Callable[[], bool], deadline: float = DEADLINE) -> None:
    """Ask until it holds; fail loudly when it doesn't in time."""
    until = time.monotonic() + deadline
    while not holds():
        assert time.monotonic() < until, f"not within {deadline:g} s"


def settled(broker: Broker, partition: Partition) -> int:
    """The end of the log, once no transaction is open: markers are written a moment after a commit was answered."""

    def is_settled() -> bool:
        bounds = broker.log_bounds([partition]).bounds[partition]
        return bounds.last_stable == bounds.high_watermark

    eventually(is_settled)
    return broker.log_bounds([partition]).bounds[partition].high_watermark


def outgoing(partition: Partition, *values: bytes, key: bytes | None = None, headers: Headers = ()) -> list[Outgoing]:
    """Records for one partition."""
    return [Outgoing(partition.topic, key, value, headers, partition.partition) for value in values]
