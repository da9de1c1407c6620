"""Where the leaders of partitions are."""

from __future__ import annotations

from collections.abc import Collection

from confluent_kafka import KafkaException

from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.raw.sweep import Address
from eventops.events import Partition


def leaders(connection: Connection, partitions: Collection[Partition]) -> dict[Partition, Address]:
    """Host and port a partition; those without a leader are left out, all of them where nobody answers."""
    topics = {partition.topic for partition in partitions}
    only = next(iter(topics)) if len(topics) == 1 else None
    try:
        told = connection.admin().list_topics(only, timeout=connection.timeout)
    except KafkaException:
        return {}
    found: dict[Partition, Address] = {}
    for partition in partitions:
        topic = told.topics.get(partition.topic)
        known = topic.partitions.get(partition.partition) if topic else None
        if known is not None and known.leader in told.brokers:
            broker = told.brokers[known.leader]
            found[partition] = (str(broker.host), broker.port)
    return found
