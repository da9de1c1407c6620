"""Setting committed offsets of groups that nobody is in: the one thing eventops writes to a group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, TopicPartition

from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import PASSING, reason
from eventops.errors import GroupInUse, NotPermitted
from eventops.events import Partition
from eventops.ports import NOT_PERMITTED

AT_ONCE: Final = 2_000
"""Partitions a request: the broker appends one to its own log as a single batch, which mustn't pass its limit."""

IN_USE: Final = frozenset(
    {
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.NON_EMPTY_GROUP,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.STALE_MEMBER_EPOCH,
    }
)
"""How a broker refuses offsets that come from outside of a group which has members."""

_PAUSE: Final = 0.2

_RIGHTS: Final = {
    KafkaError.GROUP_AUTHORIZATION_FAILED: "READ on the group",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "READ on the topic",
}


def alter_committed_offsets(
    connection: Connection, group: str, offsets: Mapping[Partition, int]
) -> dict[Partition, str]:
    """Chunk by chunk; what was refused comes back with its reason. Only what a broker wasn't ready for is tried again.

    Raises:
        GroupInUse: the group has members, and nothing was set.
        NotPermitted: all of it was refused for missing rights.
    """
    places = sorted(offsets)
    refused: dict[Partition, KafkaError] = {}
    for start in range(0, len(places), AT_ONCE):
        chunk = {place: offsets[place] for place in places[start : start + AT_ONCE]}
        refused.update(_altered_when_ready(connection, group, chunk))
        if start == 0 and any(error.code() in IN_USE for error in refused.values()):
            raise GroupInUse(f"{group} has members now, and the broker refuses", "stop its consumers, then try again")
    if refused and len(refused) == len(places) and all(error.code() in _RIGHTS for error in refused.values()):
        rights = sorted({_RIGHTS[error.code()] for error in refused.values()})
        raise NotPermitted(
            f"{connection.servers} forbids to set offsets of {group}", f"it takes {' and '.join(rights)}"
        )
    return {place: _why(error) for place, error in refused.items()}


def _altered_when_ready(
    connection: Connection, group: str, offsets: Mapping[Partition, int]
) -> dict[Partition, KafkaError]:
    """A broker that takes over a group refuses its offsets for a moment, and sets none of those."""
    deadline = time.monotonic() + connection.timeout
    while True:
        refused = _altered(connection, group, offsets)
        unready = {at: offsets[at] for at, error in refused.items() if error.code() in PASSING}
        if not unready or time.monotonic() > deadline:
            return refused
        time.sleep(_PAUSE)


def _altered(connection: Connection, group: str, offsets: Mapping[Partition, int]) -> dict[Partition, KafkaError]:
    wanted = [TopicPartition(place.topic, place.partition, offset) for place, offset in offsets.items()]
    request = [ConsumerGroupTopicPartitions(group, wanted)]
    future = connection.admin().alter_consumer_group_offsets(request, request_timeout=connection.timeout)[group]
    answers, failures = connection.answers({group: future})
    if failures:
        return dict.fromkeys(offsets, failures[group])
    told = answers[group].topic_partitions or []
    return {Partition(p.topic, p.partition): p.error for p in told if p.error}


def _why(error: KafkaError) -> str:
    if error.code() in _RIGHTS:
        return f"{NOT_PERMITTED}{_RIGHTS[error.code()]}"
    return "the group has members now" if error.code() in IN_USE else reason(error)
