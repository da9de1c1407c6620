"""What the dead-letter tests build with: letters as Spring writes them, topics, and a reader of committed records."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, OffsetSpec

from eventops.events import Headers, Position, Record, moment_of

AT = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
TRACEPARENT = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def spring_headers(
    origin: Position,
    *,
    group: str = "billing",
    cause: str = "smtplib.SMTPRecipientsRefused",
    message: str = "refused",
    attempts: int | None = 3,
) -> Headers:
    """What one failure adds to a record, encoded as Spring's recoverer encodes it."""
    told: list[tuple[str, bytes | None]] = [
        ("kafka_dlt-original-topic", origin.topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", origin.partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", origin.offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", int(AT.timestamp() * 1000))),
        ("kafka_dlt-original-timestamp-type", b"CreateTime"),
        ("kafka_dlt-original-consumer-group", group.encode()),
        ("kafka_dlt-exception-fqcn", b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
        ("kafka_dlt-exception-cause-fqcn", cause.encode()),
        ("kafka_dlt-exception-message", message.encode()),
        ("kafka_dlt-exception-stacktrace", f"{cause}: {message}\n\tat nowhere".encode()),
    ]
    if attempts is not None:
        told.append(("kafka_deliveryAttempt", struct.pack(">i", attempts)))
    return tuple(told)


def record(
    headers: Headers = (),
    *,
    at: str = "orders-dlt/0/0",
    key: bytes | None = b"k",
    value: bytes | None = b"{}",
    timestamp: datetime | None = AT,
) -> Record:
    """A record anywhere."""
    return Record(Position.parse(at), timestamp, key, value, headers)


@dataclass
class Workshop:
    """Real topics on the real broker, deleted at the end."""

    bootstrap: str
    unique: Callable[[str], str]
    _made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap})

    def topic(self, name: str, partitions: int = 1, **config: str) -> str:
        """A topic of that name exactly, ready to be written to."""
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self._admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result(20)
        self._made.append(name)
        return name

    def take_only(self, topic: str, size: int) -> None:
        """From now on the topic takes no larger batch."""
        entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        self._admin.incremental_alter_configs([resource])[resource].result(20)
        asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
        wait_until(
            lambda: self._admin.describe_configs([asked])[asked].result(20)["max.message.bytes"].value == str(size)
        )

    def drop(self, name: str) -> None:
        """Delete a topic and wait until it is gone."""
        self._admin.delete_topics([name], operation_timeout=20)[name].result(20)
        wait_until(lambda: name not in self._admin.list_topics(timeout=10).topics)

    def put(
        self,
        topic: str,
        records: Iterable[tuple[bytes | None, bytes | None, Headers]],
        partition: int = 0,
        at: datetime | None = None,
    ) -> None:
        """Append records, written now or ``at`` that time; the first one of a fresh topic has offset 0."""
        written = 0 if at is None else int(at.timestamp() * 1000)
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        failures: list[object] = []
        for key, value, headers in records:
            producer.produce(
                topic,
                value,
                key,
                partition,
                headers=list(headers),
                on_delivery=lambda error, _message: failures.append(error) if error else None,
                timestamp=written,
            )
        assert producer.flush(20) == 0
        assert not failures

    def put_at(self, topic: str, records: Iterable[tuple[datetime, bytes]]) -> None:
        """Append values that were written when they say."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for moment, value in records:
            producer.produce(topic, value, partition=0, timestamp=int(moment.timestamp() * 1000))
        assert producer.flush(20) == 0

    def orders_with_letters(
        self, count: int, *, partitions: int = 1, keys: int = 7, cause: str = "smtplib.SMTPRecipientsRefused"
    ) -> tuple[str, str]:
        """A topic of ``count`` events a partition, and a dead-letter topic with a letter of each."""
        orders = self.topic(self.unique("orders"), partitions)
        letters = self.topic(f"{orders}-dlt", partitions)
        for partition in range(partitions):
            events = [_event(orders, partition, number, keys) for number in range(count)]
            self.put(orders, events, partition)
            failed = [
                (key, value, headers + spring_headers(Position(orders, partition, number), cause=cause))
                for number, (key, value, headers) in enumerate(events)
            ]
            self.put(letters, failed, partition)
        return orders, letters

    def committed(self, topic: str) -> tuple[Record, ...]:
        """Every record that a reader of committed records sees, in log order a partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "never-joined",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            found: list[Record] = []
            ended: set[int] = set()
            deadline = time.monotonic() + 20
            while len(ended) < len(partitions):
                assert time.monotonic() < deadline, f"{topic} wasn't read to its end"
                message = consumer.poll(1)
                if message is None:
                    continue
                if message.error():
                    ended.add(message.partition() or 0)
                    continue
                at = Position(topic, message.partition() or 0, message.offset() or 0)
                headers: Headers = tuple(message.headers() or ())  # type: ignore[arg-type]
                found.append(Record(at, _moment(message), message.key(), message.value(), headers))
            return tuple(found)
        finally:
            consumer.close()

    def end(self, topic: str) -> int:
        """The high watermark of a topic's first partition."""
        first = TopicPartition(topic, 0)
        asked = self._admin.list_offsets({first: OffsetSpec.latest()}, request_timeout=10)
        return int(asked[first].result(10).offset)

    def exists(self, name: str) -> bool:
        """Whether there is such a topic now."""
        return name in self._admin.list_topics(timeout=10).topics

    def forget(self, name: str) -> None:
        """Have a topic that the product made deleted at the end."""
        self._made.append(name)

    def close(self) -> None:
        """Delete what was made."""
        there = [name for name in dict.fromkeys(self._made) if name in self._admin.list_topics(timeout=10).topics]
        for future in self._admin.delete_topics(there, operation_timeout=20).values() if there else ():
            future.result(20)


def replayed(records: Sequence[Record]) -> tuple[Record, ...]:
    """Those that a replay appended."""
    return tuple(one for one in records if one.header("eventops-replay-id") is not None)


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it didn't come true in time"
        time.sleep(0.02)


def _moment(message: Message) -> datetime | None:
    kind, milliseconds = message.timestamp()
    return None if kind == TIMESTAMP_NOT_AVAILABLE else moment_of(milliseconds)


def _event(topic: str, partition: int, number: int, keys: int) -> tuple[bytes, bytes, Headers]:
    """Ids are the topic's own: a trace searches the whole broker, where other tests are at work."""
    ids = {"eventId": f"{topic}-e-{partition}-{number}", "eventType": "order.placed"}
    body = json.dumps({**ids, "metadata": {"correlationId": f"{topic}-c-{number}"}})
    return f"key-{number % keys}".encode(), body.encode(), (("ce_specversion", b"1.0"), TRACEPARENT)
