"""A request that really went through a broker: an order, points for it, a mail that failed, and who read what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from struct import pack

from confluent_kafka import Message, Producer

from eventops.events import Envelope, Headers, Partition, Position
from tests.brokers.lab import DEADLINE, KafkaLab

START = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def envelope(
    event_type: str, correlation: str, cause: Envelope | None = None, *, source: str = "order-service", after: float = 0
) -> Envelope:
    """An event ``after`` so many seconds."""
    moment = START + timedelta(seconds=after)
    return Envelope(event_type, source, {}, correlation, moment, cause.event_id if cause else None)


def letter_headers(origin: Position, group: str, cause: str = "SMTPRecipientsRefused") -> Headers:
    """What Spring's recoverer adds to a record that failed."""
    return (
        ("kafka_dlt-original-topic", origin.topic.encode()),
        ("kafka_dlt-original-partition", pack(">i", origin.partition)),
        ("kafka_dlt-original-offset", pack(">q", origin.offset)),
        ("kafka_dlt-original-consumer-group", group.encode()),
        ("kafka_dlt-exception-fqcn", cause.encode()),
        ("kafka_dlt-exception-message", b"550 \x1b[31mno such user"),
    )


@dataclass
class Request:
    """``order`` led to ``points``, those to ``mail``, on which ``mailer`` gave up; ``shipper`` read nothing."""

    lab: KafkaLab
    correlation: str
    orders: str
    users: str
    letters: str
    places: dict[str, Position] = field(default_factory=dict)
    events: dict[str, Envelope] = field(default_factory=dict)

    def name(self, stem: str) -> str:
        """A group's name of this test alone."""
        return self.lab.name(stem)

    @property
    def topics(self) -> tuple[str, ...]:
        """All of it, for searches that leave the rest of the broker alone."""
        return self.orders, self.users, self.letters

    def put(self, name: str, topic: str, event: Envelope, headers: Headers = (), partition: int = 0) -> Position:
        """Append an event as the reference services do, with its ids in body and headers."""
        self.events[name] = event
        self.places[name] = self.append(topic, event.to_json(), (*event.to_headers(), *headers), partition)
        return self.places[name]

    def append(self, topic: str, value: bytes | None, headers: Headers = (), partition: int = 0) -> Position:
        """Append anything; says where it stands."""
        found: list[Position] = []

        def delivered(error: object, message: Message) -> None:
            assert error is None, error
            found.append(Position(topic, partition, message.offset() or 0))

        producer = Producer(self.lab.properties)
        producer.produce(topic, value, headers=list(headers), partition=partition, on_delivery=delivered)
        assert producer.flush(DEADLINE) == 0
        return found[0]

    def fail(self, name: str, group: str) -> Position:
        """What a consumer does that gives up: the letter first, then the commit past it."""
        origin, event = self.places[name], self.events[name]
        letter = self.append(self.letters, event.to_json(), (*event.to_headers(), *letter_headers(origin, group)))
        self.commit(group, {origin.home: origin.offset + 1})
        return letter

    def commit(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Leave committed offsets, as a consumer of that group would."""
        self.lab.commit(group, offsets)


@contextmanager
def request_on(lab: KafkaLab) -> Iterator[Request]:
    """The request, all of whose topics go when the test ends."""
    found = Request(lab, lab.name("req"), lab.topic("orders", 2), lab.topic("users", 2), lab.topic("users-dlt", 1))
    order = envelope("order.placed", found.correlation)
    points = envelope("user.pointsAwarded", found.correlation, order, source="user-service", after=0.12)
    mail = envelope("mail.requested", found.correlation, points, source="user-service", after=0.7)
    found.put("order", found.orders, order, partition=1)
    found.put("points", found.users, points)
    found.put("mail", found.users, mail)
    found.fail("mail", found.name("mailer"))
    found.commit(found.name("shipper"), {found.places["order"].home: 0})
    yield found
