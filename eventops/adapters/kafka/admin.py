"""What the cluster holds: brokers, topics and their configuration; and the one thing made on purpose, a topic."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import Final, TypeVar
from uuid import UUID

from confluent_kafka import KafkaError, KafkaException, Node, TopicCollection, TopicPartitionInfo
from confluent_kafka.admin import (
    AdminClient,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicDescription,
)

from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import error_of, hidden_topic, is_forbidden, is_gone, is_silence
from eventops.errors import EventopsError
from eventops.ports import Cluster, Placement, Topic

Answer = TypeVar("Answer")

_REPLICAS: Final = 3
_PAUSE: Final = 0.05


def cluster(connection: Connection) -> Cluster:
    """Cluster id, brokers and controller, in one question."""
    asked, failures = _answers(
        connection, lambda admin: {"": admin.describe_cluster(request_timeout=connection.timeout)}
    )
    if failures:
        raise connection.failure(failures[""])
    told = asked[""]
    brokers = tuple(f"{node.host}:{node.port}" for node in sorted(told.nodes, key=lambda node: node.id))
    controller = told.controller
    return Cluster(told.cluster_id, brokers, controller.id if controller else None)


def topics(connection: Connection, names: Collection[str]) -> tuple[Topic, ...]:
    """Topics by name. One deleted while we ask, or that may not be seen in a list of all, is left out.

    Raises:
        NotPermitted: a topic that was asked for by name may not be described.
    """
    wanted = sorted(set(names)) or _listed(connection)
    if not wanted:
        return ()
    found, failures = _answers(
        connection, lambda admin: admin.describe_topics(TopicCollection(wanted), request_timeout=connection.timeout)
    )
    for name, error in failures.items():
        if names and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise hidden_topic(connection.servers, name)
        if not (is_gone(error) or (is_forbidden(error) and not names)):
            raise connection.failure(error)
    return tuple(_topic(found[name]) for name in sorted(found))


def topics_soon(connection: Connection, names: Collection[str], most: int, within: float) -> tuple[Topic, ...] | None:
    """The same, of few topics, where all of them are told within so many seconds and without any failure; else None."""
    admin = connection.admin()
    try:
        wanted = sorted(set(names)) or sorted(admin.list_topics(timeout=within).topics)
    except KafkaException:
        return None
    if not 0 < len(wanted) <= most:
        return None
    found, failures = connection.answers(
        admin.describe_topics(TopicCollection(wanted), request_timeout=within), timeout=within
    )
    return None if failures else tuple(_topic(found[name]) for name in sorted(found))


def retention(connection: Connection, names: Collection[str]) -> dict[str, dict[str, str]]:
    """Every property that has a value; a topic that is gone or whose configuration may not be read is left out."""
    resources = {ConfigResource(ResourceType.TOPIC, name): name for name in sorted(set(names))}
    if not resources:
        return {}

    def ask(admin: AdminClient) -> dict[str, Future[dict[str, ConfigEntry]]]:
        asked = admin.describe_configs(list(resources), request_timeout=connection.timeout)
        return {resources[resource]: future for resource, future in asked.items()}

    found, failures = _answers(connection, ask)
    for error in failures.values():
        if not (is_gone(error) or is_forbidden(error)):
            raise connection.failure(error)
    return {
        name: {key: entry.value for key, entry in entries.items() if entry.value is not None}
        for name, entries in found.items()
    }


def create_topic(connection: Connection, name: str, partitions: int, config: Mapping[str, str]) -> None:
    """Create it, on three brokers where there are as many, and wait until its partitions have leaders.

    The broker's own default is often 1, too little for what nobody can read again from elsewhere.
    """
    brokers = len(connection.admin().list_topics(timeout=connection.timeout).brokers)
    new = NewTopic(name, partitions, replication_factor=min(_REPLICAS, brokers), config=dict(config))
    future = connection.admin().create_topics(
        [new], operation_timeout=connection.timeout, request_timeout=connection.timeout
    )[name]
    _, failures = connection.answers({name: future})
    error = failures.get(name)
    if error is not None and error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
        raise connection.failure(error)
    _await_leaders(connection, name)


def _answers(
    connection: Connection, ask: Callable[[AdminClient], Mapping[str, Future[Answer]]]
) -> tuple[dict[str, Answer], dict[str, KafkaError]]:
    """The client puts these questions to the broker that it last heard to be the controller, dead or not. Where nobody
    answers, whoever is up is asked who it is now, and the questions are put once more."""
    answers, failures = connection.answers(ask(connection.admin()))
    if answers or not failures or not all(map(is_silence, failures.values())):
        return answers, failures
    _listed(connection)
    return connection.answers(ask(connection.admin()))


def _await_leaders(connection: Connection, name: str) -> None:
    """A created topic takes a moment to be known to every broker; until then nothing can be appended to it."""
    deadline = time.monotonic() + connection.timeout
    while True:
        found = topics(connection, [name])
        if found and not found[0].leaderless:
            return
        if time.monotonic() > deadline:
            raise EventopsError(f"{name} was created, and has no leader yet", "wait until its brokers are up")
        time.sleep(_PAUSE)


def _listed(connection: Connection) -> list[str]:
    try:
        return sorted(connection.admin().list_topics(timeout=connection.timeout).topics)
    except Exception as exception:
        raise connection.failure(error_of(exception)) from exception


def _topic(told: TopicDescription) -> Topic:
    partitions = sorted(told.partitions, key=lambda partition: partition.id)
    return Topic(
        name=told.name,
        topic_id=_uuid(str(told.topic_id)),
        partitions=tuple(partition.id for partition in partitions),
        internal=told.is_internal,
        leaderless=tuple(p.id for p in partitions if _leader(p) is None),
        placements=tuple(_placement(partition) for partition in partitions),
    )


def _uuid(told: str) -> str:
    """Kafka's own spelling of a topic's id (base64) as UUIDs are written everywhere else: the ledger of replays names
    topics by it, whichever client told it.

    >>> _uuid("hK65ZHpmTd69GtMuaLbScQ")
    '84aeb964-7a66-4dde-bd1a-d32e68b6d271'
    """
    return str(UUID(bytes=urlsafe_b64decode(f"{told}==")))


def _placement(told: TopicPartitionInfo) -> Placement:
    replicas, in_sync = (tuple(node.id for node in nodes) for nodes in (told.replicas, told.isr))
    return Placement(told.id, _leader(told), replicas, in_sync)


def _leader(told: TopicPartitionInfo) -> int | None:
    leader: Node | None = told.leader  # None without a leader, whatever the client's annotation says
    return leader.id if leader is not None and leader.id >= 0 else None
