"""An id that no UTF-8 can hold (JSON may spell half a character) costs a letter, and no service."""

from __future__ import annotations

import pytest

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
