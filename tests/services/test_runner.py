"""The consumer loop on a real broker: at least once, letters before offsets, no effect lost or doubled."""

from __future__ import annotations

import json
import struct
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer
from sqlalchemy import Engine, select

from eventops.events import Envelope
from reference_services.kit import clients
from reference_services.kit.outbox import outbox
from reference_services.kit.retry import PermanentError
from reference_services.kit.runner import Handler, Runner
from reference_services.kit.settings import Settings, read_settings
from reference_services.kit.topics import create_missing
from reference_services.kit.tracing import Tracing
from reference_services.notifications.handlers import MAILS, mail_for
from reference_services.orders.store import OrderStore
from tests.services import kafka
from tests.services.processes import until

pytestmark = pytest.mark.broker

GROUP = "test-group"
KIND = "thing.happened"


def event(name: str = "thing") -> Envelope:
    return Envelope(KIND, "test", {"name": name}, "req-1", datetime.now(UTC))


def body(**changed: object) -> bytes:
    """An event's JSON with some fields replaced."""
    whole: dict[str, object] = json.loads(event().to_json())
    return json.dumps(whole | changed).encode()


@pytest.fixture
def settings(bootstrap_servers: str, prefix: str) -> Settings:
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "TOPIC_PREFIX": prefix,
        "GROUP_PREFIX": prefix,
        "RETRY_ATTEMPTS": "3",
        "RETRY_BASE_SECONDS": "0.05",
    }
    return read_settings("test", environ)


@pytest.fixture
def topic(settings: Settings) -> str:
    name = settings.topic("things")
    create_missing(clients.admin(settings), [name])
    return name


def runner_of(settings: Settings, handler: Handler) -> Runner:
    return Runner(settings, GROUP, ["things"], {KIND: handler}, Tracing("test", {}))


def test_a_malformed_event_becomes_a_letter_and_the_consumer_goes_on(
    bootstrap_servers: str, settings: Settings, topic: str
) -> None:
    broken = [("k", b'{"eventId": "e1"', [("x", b"\xff")]), ("k", b'{"eventId": "e1"}', [])]
    good, unknown = event(), Envelope("other.happened", "test", {}, "req-1", datetime.now(UTC))
    kafka.produce(bootstrap_servers, topic, broken)
    kafka.produce(bootstrap_servers, topic, [("k", e.to_json(), []) for e in (unknown, good)])
    handled: list[Envelope] = []
    with kafka.running(runner_of(settings, handled.append)):
        until(lambda: handled)
        until(lambda: kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 4)
    assert [e.event_id for e in handled] == [good.event_id], "an unknown type is passed over"
    origin = kafka.read(bootstrap_servers, topic, 4)
    letters = kafka.read(bootstrap_servers, topic + "-dlt", 2)
    for letter, record in zip(letters, origin, strict=False):
        assert (letter.key, letter.value, letter.headers[: len(record.headers)]) == (
            record.key,
            record.value,
            record.headers,
        )
        assert letter.position.partition == record.position.partition
        assert letter.header("kafka_dlt-original-offset") == struct.pack(">q", record.position.offset)
        assert letter.header("kafka_dlt-exception-cause-fqcn") == b"eventops.events.MalformedEvent"
    assert [letter.header("kafka_dlt-exception-message") for letter in letters] == [
        b"the value is not a JSON object",
        b"metadata is missing",
    ]


def test_a_transient_error_is_retried_in_place(bootstrap_servers: str, settings: Settings, topic: str) -> None:
    attempts: list[str] = []

    def handler(e: Envelope) -> None:
        attempts.append(e.event_id)
        if len(attempts) < 3:
            raise ConnectionRefusedError(111, "refused")

    first, second = event(), event()
    kafka.produce(bootstrap_servers, topic, [("k", e.to_json(), []) for e in (first, second)])
    with kafka.running(runner_of(settings, handler)):
        until(lambda: kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 2)
    assert attempts == [first.event_id] * 3 + [second.event_id], "its key's next event waited"
    assert kafka.size(bootstrap_servers, topic + "-dlt") == 0


@pytest.mark.parametrize(
    ("error", "attempts", "name"),
    [
        (PermanentError("never"), 1, b"reference_services.kit.retry.PermanentError"),
        (TimeoutError("too late"), 3, b"TimeoutError"),
    ],
    ids=["permanent", "exhausted"],
)
def test_what_is_given_up_is_a_letter_with_all_its_headers(
    bootstrap_servers: str, settings: Settings, topic: str, error: Exception, attempts: int, name: bytes
) -> None:
    def handler(_: Envelope) -> None:
        raise error

    kafka.produce_events(bootstrap_servers, topic, [event()])
    with kafka.running(runner_of(settings, handler)):
        (letter,) = kafka.read(bootstrap_servers, topic + "-dlt", 1)
        until(lambda: kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 1)
    (record,) = kafka.read(bootstrap_servers, topic, 1)
    assert record.timestamp is not None
    traced = dict(letter.headers[-2:])
    assert (set(traced), traced["baggage"]) == ({"traceparent", "baggage"}, b"correlation.id=req-1")
    added = letter.headers[len(record.headers) : -2]
    assert [header for header in added if header[0] != "kafka_dlt-exception-stacktrace"] == [
        ("kafka_dlt-original-topic", topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", record.position.partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", record.position.offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", round(record.timestamp.timestamp() * 1000))),
        ("kafka_dlt-original-timestamp-type", b"CreateTime"),
        ("kafka_dlt-original-consumer-group", settings.group(GROUP).encode()),
        ("kafka_dlt-exception-fqcn", name),
        ("kafka_dlt-exception-cause-fqcn", name),
        ("kafka_dlt-exception-message", str(error).encode()),
        ("kafka_deliveryAttempt", struct.pack(">i", attempts)),
    ]
    assert (letter.key, letter.value) == (record.key, record.value)


def test_stopped_between_two_attempts_the_event_is_delivered_again(
    bootstrap_servers: str, settings: Settings, topic: str
) -> None:
    failing: list[str] = []

    def handler(e: Envelope) -> None:
        failing.append(e.event_id)
        raise TimeoutError

    sent = event()
    kafka.produce_events(bootstrap_servers, topic, [sent])
    patient = Runner(
        settings, GROUP, ["things"], {KIND: handler}, Tracing("test", {}), jitter=lambda _low, _ceiling: 30.0
    )
    with kafka.running(patient) as stop:
        until(lambda: failing)
        stop.set()
        began = time.monotonic()
    assert time.monotonic() - began < 5, "it doesn't wait the thirty seconds"
    assert kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 0
    handled: list[Envelope] = []
    with kafka.running(runner_of(settings, handled.append)):
        until(lambda: handled)
    assert handled[0].event_id == sent.event_id


def test_the_offset_waits_for_the_letter(
    bootstrap_servers: str, settings: Settings, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    kafka.set_topic(bootstrap_servers, topic + "-dlt", "max.message.bytes", "10")
    kafka.produce(bootstrap_servers, topic, [("k", b"no event", [])])
    with kafka.running(runner_of(settings, print)):
        until(lambda: "isn't taken" in caplog.text)
    assert kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 0, "stopped, it leaves the event there"
    caplog.clear()
    with kafka.running(runner_of(settings, print)):
        until(lambda: "isn't taken" in caplog.text)
        kafka.set_topic(bootstrap_servers, topic + "-dlt", "max.message.bytes", "100000")
        until(lambda: kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 1)
    (letter,) = kafka.read(bootstrap_servers, topic + "-dlt", 1)
    assert letter.value == b"no event"
    assert kafka.size(bootstrap_servers, topic + "-dlt") == 1


@pytest.mark.parametrize("milliseconds", [-(2**62), 2**62], ids=["before time", "past every calendar"])
def test_nobodys_timestamp_kills_the_consumer(
    bootstrap_servers: str, settings: Settings, topic: str, milliseconds: int
) -> None:
    kafka.set_topic(bootstrap_servers, topic, "message.timestamp.after.max.ms", str(2**63 - 1))
    handled: list[Envelope] = []
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    value = Envelope(KIND, "test", {}, "req-1", datetime.now(UTC)).to_json()

    def is_taken() -> bool:
        errors: list[object] = []
        producer.produce(topic, value, timestamp=milliseconds, on_delivery=lambda error, _message: errors.append(error))
        producer.flush(10)
        return errors == [None]

    until(is_taken)  # the changed setting reaches the broker a moment later
    with kafka.running(runner_of(settings, handled.append)):
        until(lambda: kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 1)
    assert [event.correlation_id for event in handled] == ["req-1"]


def test_nobodys_bytes_kill_the_consumer(bootstrap_servers: str, settings: Settings, topic: str) -> None:
    """Each of them is a letter; the good one behind them is handled."""

    def handler(e: Envelope) -> None:
        mail_for(e)
        handled.append(e)

    nasty = [
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{" + b" " * 1_048_000,
        b"null",
        body(eventId=7),
        body(metadata=[]),
        body(eventType=KIND, timestamp="yesterday"),
        body(eventType="loyalty.pointsEarned", data={"email": "a@b.example", "orderId": "o", "points": 10**400}),
        body(eventType="loyalty.pointsEarned", data={"email": "a@b.example", "orderId": "o", "points": float("inf")}),
        body(eventType="order.placed", data={"email": {}, "orderId": "\x1b[2J"}),
    ]
    strange = [(name, b"\xff\x00") for name in ("traceparent", "baggage", "ce_id", "ce_correlationid", "kafka_dlt-x")]
    handled: list[Envelope] = []
    good = event()
    kafka.produce(bootstrap_servers, topic, [("k", value, strange) for value in nasty])
    kafka.produce(bootstrap_servers, topic, [("k", good.to_json(), [])])
    kinds = {KIND, *MAILS}
    runner = Runner(settings, GROUP, ["things"], dict.fromkeys(kinds, handler), Tracing("test", {}))
    with kafka.running(runner):
        until(lambda: handled)
        until(lambda: kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == len(nasty) + 1)
    assert [e.event_id for e in handled] == [good.event_id]
    letters = kafka.read(bootstrap_servers, topic + "-dlt", len(nasty))
    assert [letter.value for letter in letters] == nasty
    assert {letter.header("kafka_deliveryAttempt") for letter in letters} == {struct.pack(">i", 1)}


def test_an_aborted_transaction_is_never_seen(bootstrap_servers: str, settings: Settings, topic: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(10)
    events = [event("aborted"), event("committed")]
    for e in events:
        producer.begin_transaction()
        producer.produce(topic, value=e.to_json(), key=b"k")
        producer.flush(10)
        (producer.abort_transaction if e is events[0] else producer.commit_transaction)(10)
    handled: list[Envelope] = []
    with kafka.running(runner_of(settings, handled.append)):
        until(lambda: handled)
    assert [e.data["name"] for e in handled] == ["committed"]


def test_two_consumers_come_and_go_and_each_effect_happens_once(
    bootstrap_servers: str, settings: Settings, topic: str, engine: Engine
) -> None:
    busy = replace(settings, handling_delays={GROUP: 0.005})
    store = OrderStore(engine, "effects")
    deliveries: list[str] = []

    def handler(e: Envelope) -> None:
        deliveries.append(e.event_id)
        effect = Envelope("effect.happened", "test", {}, e.correlation_id, kafka.NOW, causation_id=e.event_id)
        store.follow_up(GROUP, e, e.event_id, [effect], kafka.NOW)

    events = [event(str(number)) for number in range(300)]
    twice = events[:20]
    kafka.produce_events(bootstrap_servers, topic, [*events, *twice])
    with kafka.running(runner_of(busy, handler)) as stop_first:
        until(lambda: len(deliveries) > 30)
        with kafka.running(runner_of(busy, handler)):
            until(lambda: kafka.members(bootstrap_servers, settings.group(GROUP)) == 2)
            until(lambda: len(deliveries) > 100)
            stop_first.set()
            until(lambda: kafka.committed(bootstrap_servers, settings.group(GROUP), topic) == 320, 40)
    with engine.connect() as connection:
        effects = Counter(row.key for row in connection.execute(select(outbox.c.key)))
    assert effects == Counter(e.event_id for e in events)
