"""Who leads which partition, the ids of the topics and their configuration: one question for all of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaError
from kafka.protocol.admin import DescribeConfigsRequest
from kafka.protocol.metadata import MetadataRequest

from eventops.adapters.kafka.failures import GONE, is_gone, reason
from eventops.adapters.kafka.wire.client import Node, Wire
from eventops.events import Partition
from eventops.ports import Cluster, Placement, Topic

NO_LEADER: Final = "it has no leader"
_TOPIC: Final = 2
_Resource = DescribeConfigsRequest.DescribeConfigsResource
_Asked = MetadataRequest.MetadataRequestTopic


@dataclass(slots=True)
class Leaders:
    """``nodes`` and ``epochs`` of the partitions that have a leader, ``failures`` of topics and ``leaderless``
    partitions that don't."""

    nodes: dict[Partition, Node] = field(default_factory=dict)
    epochs: dict[Partition, int] = field(default_factory=dict)
    topic_ids: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    leaderless: set[Partition] = field(default_factory=set)

    def why_not(self, partition: Partition) -> str | None:
        """Why nobody can be asked about a partition; None where somebody can."""
        if partition in self.nodes:
            return None
        return self.failures.get(partition.topic) or (NO_LEADER if partition in self.leaderless else GONE)


def leaders(wire: Wire, topics: Collection[str]) -> Leaders:
    """The partitions of those topics.

    Raises:
        NoWire: no broker answered.
    """
    found = Leaders()
    if not topics:
        return found
    for topic in _asked(wire, sorted(topics)).topics:
        if topic.error_code:
            found.failures[topic.name] = reason(KafkaError(topic.error_code))
            continue
        found.topic_ids[topic.name] = str(topic.topic_id)
        for one in topic.partitions:
            partition = Partition(topic.name, one.partition_index)
            if one.leader_id < 0:
                found.leaderless.add(partition)
            else:
                found.nodes[partition] = one.leader_id
                found.epochs[partition] = one.leader_epoch
    return found


def topics(wire: Wire, names: Collection[str]) -> tuple[tuple[Topic, ...], dict[str, int]]:
    """All topics, or those of ``names`` that exist, by name; and the error codes of those that can't be described.

    Raises:
        NoWire: no broker answered.
    """
    found: list[Topic] = []
    failures: dict[str, int] = {}
    for told in _asked(wire, sorted(set(names)) or None).topics:
        if not told.error_code:
            found.append(_topic(told))
        elif not is_gone(KafkaError(told.error_code)):
            failures[told.name] = told.error_code
    return tuple(sorted(found, key=lambda topic: topic.name)), failures


def cluster(wire: Wire) -> Cluster:
    """Who answers.

    Raises:
        NoWire: no broker did.
    """
    told = _asked(wire, [])
    brokers = tuple(f"{node.host}:{node.port}" for node in sorted(told.brokers, key=lambda node: node.node_id))
    return Cluster(told.cluster_id, brokers, told.controller_id if told.controller_id >= 0 else None)


def configuration(wire: Wire, names: Collection[str]) -> tuple[dict[str, dict[str, str]], dict[str, int]]:
    """Every property that has a value, a topic; and the error codes of topics that don't tell.

    Raises:
        NoWire: no broker answered.
    """
    found: dict[str, dict[str, str]] = {}
    failures: dict[str, int] = {}
    if names:
        wanted = [_Resource(resource_type=_TOPIC, resource_name=n, configuration_keys=None) for n in sorted(set(names))]
        for told in wire.ask_any(lambda: DescribeConfigsRequest(resources=wanted)).results:
            if told.error_code:
                failures[told.resource_name] = told.error_code
            else:
                found[told.resource_name] = {one.name: one.value for one in told.configs if one.value is not None}
    return found, failures


def _asked(wire: Wire, names: list[str] | None) -> Any:
    wanted = None if names is None else [_Asked(topic_id=None, name=name) for name in names]
    return wire.ask_any(lambda: MetadataRequest(topics=wanted, allow_auto_topic_creation=False))


def _topic(told: Any) -> Topic:
    partitions = sorted(told.partitions, key=lambda one: one.partition_index)
    return Topic(
        name=told.name,
        topic_id=str(told.topic_id),
        partitions=tuple(one.partition_index for one in partitions),
        internal=told.is_internal,
        leaderless=tuple(one.partition_index for one in partitions if one.leader_id < 0),
        placements=tuple(_placement(one) for one in partitions),
    )


def _placement(told: Any) -> Placement:
    leader = told.leader_id if told.leader_id >= 0 else None
    return Placement(told.partition_index, leader, tuple(told.replica_nodes), tuple(told.isr_nodes))
