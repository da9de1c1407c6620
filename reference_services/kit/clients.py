"""Kafka clients with the guarantees the services rely on."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from reference_services.kit.dead_letters import LARGEST_LETTER_BYTES
from reference_services.kit.logs import client_log
from reference_services.kit.settings import MAX_POLL_INTERVAL_SECONDS, Settings


def producer(settings: Settings) -> Producer:
    """Idempotent, acknowledged by all in-sync replicas; a message that waited 30 s is handed back to its owner."""
    return Producer(
        _base(settings)
        | {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 5,
            "message.max.bytes": LARGEST_LETTER_BYTES,
            "message.timeout.ms": 30_000,
            "topic.metadata.refresh.interval.ms": 30_000,
        }
    )


def consumer(settings: Settings, group: str) -> Consumer:
    """Reads only what is committed, from the beginning where the group is new; offsets are committed by the runner."""
    return Consumer(
        _base(settings)
        | {
            "group.id": settings.group(group),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 10_000,
            "max.poll.interval.ms": int(MAX_POLL_INTERVAL_SECONDS * 1000),
            "topic.metadata.refresh.interval.ms": 30_000,
            "fetch.wait.max.ms": 200,
        }
    )


def admin(settings: Settings) -> AdminClient:
    """For creating topics."""
    return AdminClient(_base(settings))


def _base(settings: Settings) -> dict[str, Any]:
    return {"client.id": settings.service, "logger": client_log(), **settings.kafka}
