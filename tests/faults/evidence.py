"""What the log itself says of a replay, whatever eventops, its ledger or its reports say."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Consumer, IsolationLevel, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from eventops.events import REPLAY_ID, REPLAY_LINK, Headers, Position
from tests.dlq.workshop import spring_headers
from tests.waiting import wait_until

IS_LONG: Final = os.environ.get("EVENTOPS_TEST_FAULTS") == "long"
"""``make faults`` sets it: each proof at full length."""
KEYS: Final = 20
COMMITTED: Final = "read_committed"
UNCOMMITTED: Final = "read_uncommitted"


@dataclass(frozen=True, slots=True)
class Seen:
    """One record, as a plain consumer sees it."""

    at: Position
    key: bytes
    value: bytes
    headers: Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``attempts`` are the replayed records that a reader of uncommitted records sees: those beyond ``letters`` were
    aborted."""

    letters: int
    attempts: int


@dataclass
class Case:
    """Numbered events of some keys, and a letter of each, in its own order."""

    servers: str
    unique: Callable[[str], str]
    count: int
    partitions: int = 3
    copies: int = 1
    filling: int = 100
    orders: str = ""
    letters: str = ""
    _known: int = 0
    _events: dict[Position, Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._admin = AdminClient({"bootstrap.servers": self.servers})
        self.orders = self.unique("orders")
        self.letters = f"{self.orders}-dlt"
        new = [NewTopic(name, self.partitions, self.copies) for name in (self.orders, self.letters)]
        for made in self._admin.create_topics(new).values():
            made.result(30)
        numbers = range(self.count)
        events = [self._event(number) for number in numbers]
        self._append(self.orders, [(key, value, (("tenant", b"acme"),)) for key, value in events])
        origins = self._positions(self.orders)
        failed = [(*events[n], (("tenant", b"acme"), *spring_headers(origins[events[n][1]]))) for n in numbers]
        self._append(self.letters, failed)
        self._events = {one.at: one for one in self.read(self.letters, COMMITTED)}
        assert len(self._events) == self.count

    def verdict(self) -> Verdict:
        """Each letter's event stands in its topic exactly once more, unchanged, in the order of its key.

        Raises:
            AssertionError: it doesn't.
        """
        back = [one for one in self.read(self.orders, COMMITTED) if REPLAY_ID in one.headers]
        times = Counter(Position.parse((one.headers[REPLAY_LINK] or b"").decode()) for one in back)
        doubled = {at: number for at, number in times.items() if number > 1}
        missing = self._events.keys() - times.keys()
        assert not doubled, f"{len(doubled)} doubled, as {next(iter(doubled.items()))}"
        assert not missing, f"{len(missing)} lost, as {next(iter(missing))}"
        assert len(times) == self.count
        for one in back:
            letter = self._events[Position.parse((one.headers[REPLAY_LINK] or b"").decode())]
            assert (one.key, one.value, one.headers["tenant"]) == (letter.key, letter.value, b"acme")
            assert one.at.partition == self._home(one.key)
        by_key: dict[bytes, list[int]] = {}
        for one in back:
            by_key.setdefault(one.key, []).append(json.loads(one.value)["number"])
        assert all(numbers == sorted(numbers) for numbers in by_key.values()), "a key's events are out of order"
        attempts = sum(REPLAY_ID in one.headers for one in self.read(self.orders, UNCOMMITTED))
        return Verdict(len(back), attempts)

    def ends(self) -> int:
        """The high watermarks of the target, added up: it grows with whatever is appended. As it was last known where
        a leader is missing."""
        homes = {TopicPartition(self.orders, number): OffsetSpec.latest() for number in range(self.partitions)}
        asked = self._admin.list_offsets(homes, request_timeout=3)
        with contextlib.suppress(KafkaException, TimeoutError):
            self._known = sum(int(future.result(4).offset) for future in asked.values())
        return self._known

    def close(self) -> None:
        """Delete what was made."""
        for gone in self._admin.delete_topics([self.orders, self.letters], operation_timeout=20).values():
            gone.result(20)

    def read(self, topic: str, isolation: str) -> list[Seen]:
        """The topic from its beginning to its end as it is now, in log order a partition."""
        consumer = Consumer(
            {"bootstrap.servers": self.servers, "group.id": "never-joined", "isolation.level": isolation}
            | {"enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest"}
        )
        wait_until(lambda: self._is_settled(topic), f"no transaction is open on {topic}", 90)
        found: list[Seen] = []
        ended: set[int] = set()

        def is_read() -> bool:
            for message in consumer.consume(500, 0.2):
                if message.error() is not None:
                    ended.add(message.partition() or 0)
                    continue
                at = Position(topic, message.partition() or 0, message.offset() or 0)
                headers = dict(message.headers() or ())
                found.append(Seen(at, message.key() or b"", message.value() or b"", headers))  # type: ignore[arg-type]
            return len(ended) == self.partitions

        try:
            consumer.assign([TopicPartition(topic, number, 0) for number in range(self.partitions)])
            wait_until(is_read, f"{topic} is read to its end", 60)
            return found
        finally:
            consumer.close()

    def _is_settled(self, topic: str) -> bool:
        """Asked by a new client each time: one that knew a leader that was killed goes on asking for its epoch."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        homes = {TopicPartition(topic, number): OffsetSpec.latest() for number in range(self.partitions)}
        ends = []
        for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
            asked = admin.list_offsets(homes, isolation_level=level, request_timeout=10)
            try:
                ends.append({home.partition: future.result(10).offset for home, future in asked.items()})
            except (KafkaException, TimeoutError):
                return False
        return ends[0] == ends[1]

    def _event(self, number: int) -> tuple[bytes, bytes]:
        body = {"eventId": f"{self.orders}-{number}", "number": number, "filling": "x" * self.filling}
        return b"key-%d" % (number % KEYS), json.dumps(body).encode()

    def _home(self, key: bytes) -> int:
        return int(key.rpartition(b"-")[2]) % self.partitions

    def _append(self, topic: str, records: list[tuple[bytes, bytes, Headers]]) -> None:
        producer = Producer({"bootstrap.servers": self.servers, "enable.idempotence": True})
        failures: list[object] = []
        for key, value, headers in records:
            producer.produce(
                topic,
                value,
                key,
                self._home(key),
                headers=list(headers),
                on_delivery=lambda error, _message: failures.append(error) if error else None,
            )
            producer.poll(0)
        assert producer.flush(60) == 0
        assert not failures

    def _positions(self, topic: str) -> dict[bytes, Position]:
        return {one.value: one.at for one in self.read(topic, COMMITTED)}
