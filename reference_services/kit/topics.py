"""The topics a service needs, created where they are missing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from threading import Event as Flag

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from reference_services.kit import clients
from reference_services.kit.dead_letters import LARGEST_LETTER_BYTES, letter_topic
from reference_services.kit.settings import Settings

log = logging.getLogger(__name__)

PARTITIONS = 3
REPLICAS = 3
LETTER_CONFIG = {"max.message.bytes": str(LARGEST_LETTER_BYTES)}
RETRY_SECONDS = 1.0
METADATA_SECONDS = 1.0
"""Short, so that a service without a broker still ends promptly; connecting goes on between two tries."""


def create_topics_when_reachable(settings: Settings, names: Iterable[str], stop: Flag) -> str | None:
    """Create topics and their dead-letter topics, for as long as it takes to reach a broker.

    The cluster's id; None where ``stop`` came before.
    """
    admin = clients.admin(settings)
    wanted = sorted({settings.topic(name) for name in names})
    complained = False
    while not stop.is_set():
        try:
            return create_missing(admin, wanted)
        except KafkaException as error:
            if not complained:
                log.warning("the topics can't be created yet, trying on: %s", error.args[0])
            complained = True
            stop.wait(RETRY_SECONDS)
    return None


def create_missing(admin: AdminClient, topics: Iterable[str]) -> str:
    """Create each topic, and a dead-letter topic with as many partitions as it has; the cluster's id.

    Raises:
        KafkaException: no broker answers, or one refuses; that another was faster is fine.
    """
    metadata = admin.list_topics(timeout=METADATA_SECONDS)
    replicas = min(REPLICAS, len(metadata.brokers))
    wanted: list[NewTopic] = []
    for topic in topics:
        known = metadata.topics.get(topic)
        number = len(known.partitions) if known else PARTITIONS
        wanted += [
            NewTopic(topic, number, replicas),
            NewTopic(letter_topic(topic), number, replicas, config=LETTER_CONFIG),
        ]
    missing = [topic for topic in wanted if topic.topic not in metadata.topics]
    for future in admin.create_topics(missing).values() if missing else ():
        try:
            future.result(timeout=10)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    return str(metadata.cluster_id)
