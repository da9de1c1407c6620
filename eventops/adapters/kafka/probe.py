"""Whether a Kafka is there: one metadata request, and silence when it isn't."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_ANSWER_SECONDS: Final = 1.5


def answers(bootstrap_servers: str, brokers: int) -> str | None:
    """The cluster's id, once at least that many brokers are in its metadata; takes at most two seconds."""
    properties: dict[str, Any] = {
        "bootstrap.servers": bootstrap_servers,
        "client.id": "eventops-probe",
        "log_level": 0,
        "error_cb": lambda _: None,
        "socket.connection.setup.timeout.ms": 1000,
        "reconnect.backoff.max.ms": 200,
    }
    client = AdminClient(properties)
    try:
        told = client.list_topics(timeout=_ANSWER_SECONDS)
    except KafkaException:
        return None
    return str(told.cluster_id) if len(told.brokers) >= brokers else None
