"""What no UTF-8 can hold costs a letter or its headers, and no service: an id (JSON may spell half a character), or the
name of a header."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AdminClient
from kafka import KafkaProducer

from eventops.events import Envelope
from reference_services.kit.runner import Runner
from reference_services.kit.settings import read_settings
from reference_services.kit.topics import create_missing
from reference_services.kit.tracing import Tracing
from tests.services import kafka
from tests.services.collectors import spans_of, taking
from tests.services.processes import Stack, until

pytestmark = pytest.mark.broker

BODY = (
    b'{"eventId":"e-1","eventType":"user.registered","eventVersion":"1.0","timestamp":"2026-01-15T10:30:00Z",'
    b'"source":"user-service","data":{"userId":"u1","email":"ann@example.com","registrationMethod":"email"},'
    b'"metadata":{"correlationId":"req-\\ud800x"}}'
)


@pytest.mark.parametrize("exports", [True, False], ids=["with a collector", "without"])
def test_half_a_character_in_an_id_ends_no_service(
    services: Stack, bootstrap_servers: str, prefix: str, exports: bool
) -> None:
    with taking() as (collector, bodies):
        services.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector} if exports else {}
        started = [services.start(name, SMTP_PORT="1", RETRY_ATTEMPTS="1") for name in ("notifications", "orders")]
        topic = f"{prefix}user-events"
        until(lambda: {topic, f"{topic}-dlt"} <= kafka.topics(bootstrap_servers))
        kafka.produce(bootstrap_servers, topic, [("u1", BODY, [])])
        for group in ("notification-group", "order-group"):
            until(lambda: kafka.committed(bootstrap_servers, prefix + group, topic) == 1)  # noqa: B023
        assert [service.stop() for service in started] == [0, 0]
    letters = kafka.whole(bootstrap_servers, f"{topic}-dlt")
    assert letters
    assert {letter.value for letter in letters} == {BODY}
    assert not any("baggage" in dict(letter.headers) for letter in letters)
    for service in started:
        assert "Failed to encode" not in service.log.read_text()
    if exports:
        ids = [a.value.string_value for _, s in spans_of(bodies["/v1/traces"]) for a in s.attributes if "conv" in a.key]
        assert set(ids) == {"req-\\ud800x"}


class Unreadable(str):
    """A header's name as another client may write it: any bytes."""

    def encode(self, *_: object) -> bytes:
        """Not UTF-8."""
        return b"\xff\xfe"


def test_a_header_whose_name_is_no_text_ends_no_service(bootstrap_servers: str, prefix: str) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers, "TOPIC_PREFIX": prefix, "GROUP_PREFIX": prefix}
    topic, handled = f"{prefix}things", list[Envelope]()
    create_missing(AdminClient({"bootstrap.servers": bootstrap_servers}), [topic])
    event = Envelope("thing.happened", "test", {}, "req-1", kafka.NOW)
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers)
    for _ in range(40):  # enough for CPython to specialise the call
        producer.send(topic, event.to_json(), headers=[(Unreadable("x"), b"v")])
    producer.flush(10)
    producer.close()
    tracing = Tracing("test", {})
    with kafka.running(
        Runner(read_settings("test", environ), "g", ["things"], {event.event_type: handled.append}, tracing)
    ):
        until(lambda: kafka.committed(bootstrap_servers, f"{prefix}g", topic) == 40)
    assert {one.event_id for one in handled} == {event.event_id}
