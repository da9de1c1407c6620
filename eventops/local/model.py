"""The local Kafka as values: what is planned, what runs, what a face prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

KAFKA_VERSION: Final = "4.4.0"
HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9092

Progress = Callable[[str], None]
"""Told in a few words what is being done now."""

Probe = Callable[[str, int], str | None]
"""``(bootstrap servers, brokers)`` -> the cluster's id, once that many brokers answer a metadata request; None before.
Returns within a second or two, raises nothing."""


def silent(_: str) -> None:
    """A progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime that was asked for its version. ``origin`` says where it was found, for people."""

    path: Path
    version: int
    origin: str


@dataclass(frozen=True, slots=True)
class Installation:
    """Kafka's jars and a Java to run them on. ``fresh`` says whether the jars were fetched just now."""

    version: str
    libs: Path
    java: Java
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One broker, which is a controller as well. ``number`` is its Kafka node id, from 1."""

    number: int
    port: int
    controller_port: int
    directory: Path

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def properties(self) -> Path:
        return self.directory / "server.properties"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "kafka.log"


@dataclass(frozen=True, slots=True)
class Plan:
    """A cluster as it is meant to be; survives every process of it."""

    cluster_id: str
    nodes: tuple[Node, ...]
    version: str = KAFKA_VERSION

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(node.address for node in self.nodes)


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, not just its number: the system uses numbers again. ``created`` in seconds since the epoch."""

    pid: int
    created: float


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    """What is kept on disk: the plan, and the processes that were started for its nodes (by node number)."""

    plan: Plan
    processes: Mapping[int, ProcessId] = field(default_factory=dict)


class Standing(Enum):
    RUNNING = "running"
    STOPPED = "stopped"
    BROKEN = "broken"
    """It was started and not stopped, but some of it is gone or doesn't answer."""
    ABSENT = "absent"
    """There never was one here, or its data were deleted."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """``pid`` is None where no process of the node runs."""

    node: Node
    pid: int | None


@dataclass(frozen=True, slots=True)
class LocalCluster:
    """The local Kafka as it stands. ``reason`` says why it is broken; None otherwise."""

    standing: Standing
    home: Path
    version: str = KAFKA_VERSION
    nodes: tuple[NodeStatus, ...] = ()
    reason: str | None = None

    @property
    def bootstrap_servers(self) -> str | None:
        """None where there is no cluster."""
        return ",".join(status.node.address for status in self.nodes) or None


@dataclass(frozen=True, slots=True)
class Started:
    """What ``up`` did: ``notes`` are sentences people should see; ``already`` says that nothing had to be started."""

    cluster: LocalCluster
    already: bool
    notes: tuple[str, ...] = ()
