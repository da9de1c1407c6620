"""The topics a service needs, created where they are missing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import Event as Flag

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from reference_services.kit import clients
from reference_services.kit.dead_letters import letter_topic
from reference_services.kit.settings import Settings

log = logging.getLogger(__name__)

PARTITIONS = 3
REPLICAS = 3
RETRY_SECONDS = 1.0


def create_topics_when_reachable(settings: Settings, names: Iterable[str], stop: Flag) -> bool:
    """Create topics and their dead-letter topics, for as long as it takes to reach a broker; False: stopped before."""
    admin = clients.admin(settings)
    wanted = sorted({settings.topic(name) for name in names})
    complained = False
    while not stop.is_set():
        try:
            create_missing(admin, wanted)
        except KafkaException as error:
            if not complained:
                log.warning("the topics can't be created yet, trying on: %s", error.args[0])
            complained = True
            stop.wait(RETRY_SECONDS)
        else:
            return True
    return False


def create_missing(admin: AdminClient, topics: Iterable[str]) -> None:
    """Create each topic, and a dead-letter topic with as many partitions as it has.

    Raises:
        KafkaException: no broker answers, or one refuses; that another was faster is fine.
    """
    metadata = admin.list_topics(timeout=3.0)
    replicas = min(REPLICAS, len(metadata.brokers))
    partitions: dict[str, int] = {}
    for topic in topics:
        known = metadata.topics.get(topic)
        partitions[topic] = partitions[letter_topic(topic)] = len(known.partitions) if known else PARTITIONS
    missing = [NewTopic(name, n, replicas) for name, n in partitions.items() if name not in metadata.topics]
    if not missing:
        return
    for future in admin.create_topics(missing).values():
        try:
            future.result(timeout=10)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
