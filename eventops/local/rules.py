"""What the local Kafka is made of, decided without touching the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from eventops.local.model import HOST, Installation, Java, Node, Plan

OLDEST_JAVA: Final = 17
"""Kafka 4's brokers need it (KIP-1013)."""
LAST_PORT: Final = 65535
_JAVA_VERSION: Final = re.compile(r'version "(?:1\.)?(\d{1,4})')
_THROWN: Final = re.compile(r"^(Caused by: )?[\w.$]+(Exception|Error)\b")


def java_version(text: str) -> int | None:
    """The feature version in what ``java -version`` prints; None where it prints something else.

    >>> java_version('openjdk version "17.0.15" 2025-04-15'), java_version('java version "1.8.0_402"')
    (17, 8)
    >>> java_version('openjdk version "26-ea" 2026-03-17'), java_version("Unable to locate a Java Runtime")
    (26, None)
    """
    found = _JAVA_VERSION.search(text)
    return int(found[1]) if found else None


def choose_java(candidates: Iterable[Java]) -> Java | None:
    """The first that is new enough, in the order they were looked for; None where none is."""
    return next((java for java in candidates if java.version >= OLDEST_JAVA), None)


def choose_ports(first: int, count: int, is_free: Callable[[int], bool]) -> tuple[int, ...]:
    """``count`` free ports from ``first`` upwards, as close to it as can be; fewer where the numbers run out.

    >>> choose_ports(9092, 3, lambda port: port != 9093)
    (9092, 9094, 9095)
    """
    found: list[int] = []
    for port in range(first, LAST_PORT + 1):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    return tuple(found)


def server_properties(node: Node, plan: Plan, data: Path | None = None) -> str:
    """The configuration of one node: broker and controller in one, reachable from this machine alone.

    Replication is as wide as the cluster allows, up to 3, and a write needs one replica less than that, so that three
    nodes bear the loss of one. The internal topics have few partitions: they are made at first use, which then takes
    no noticeable time. A group's first rebalance waits for nobody. A killed broker is missed after 6 s instead of 9,
    for its next start must wait for that. ``data`` names another directory than the node's own, to format it aside.
    """
    copies = min(3, len(plan.nodes))
    in_sync = max(1, copies - 1)
    voters = ",".join(f"{other.number}@{HOST}:{other.controller_port}" for other in plan.nodes)
    properties = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{node.address},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "log.dirs": data or node.data,
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 5,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 5,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 5,
        "group.initial.rebalance.delay.ms": 0,
        "broker.session.timeout.ms": 6000,
        "broker.heartbeat.interval.ms": 1000,
    }
    return "".join(f"{name}={_escaped(str(value))}\n" for name, value in properties.items())


def _escaped(value: str) -> str:
    r"""As java.util.Properties reads it: a backslash is doubled, and only ASCII is safe.

    >>> _escaped("/home/j\u00fcrgen/\U0001f4c1")
    '/home/j\\u00fcrgen/\\ud83d\\udcc1'
    """
    units = value.replace("\\", "\\\\").encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)


def can_be_told(data: Path, libs: Path) -> bool:
    """Whether Kafka and Java can be given these names: a comma parts log directories, a colon class path entries."""
    return "," not in str(data) and ":" not in str(libs)


def java_command(
    installation: Installation, main_class: str, arguments: Sequence[str], heap: str = "512m"
) -> list[str]:
    """How a class of Kafka's is run. Only the quick compiler: a broker for one person starts often and runs idle."""
    log = "-Dorg.slf4j.simpleLogger"
    return [
        str(installation.java.path),
        f"-Xmx{heap}",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"{log}.showDateTime=true",
        f"{log}.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "-cp",
        str(installation.libs / "*"),
        main_class,
        *arguments,
    ]


def broker_command(installation: Installation, node: Node) -> list[str]:
    return java_command(installation, "kafka.Kafka", [str(node.properties)])


def format_command(installation: Installation, cluster_id: str, properties: str) -> list[str]:
    return java_command(
        installation, "kafka.tools.StorageTool", ["format", "-t", cluster_id, "-c", properties], heap="256m"
    )


def telling_line(log: str) -> str | None:
    """The line of a log that says best why the process died; None where the log is empty.

    Causes are printed last and say most; else what was thrown; else the last error; else the last word.

    >>> telling_line('[main] ERROR kafka.Kafka$ - Exiting\\njava.lang.X: no\\nCaused by: java.io.IOException: full\\n')
    'java.io.IOException: full'
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    thrown = [line for line in lines if _THROWN.match(line)]
    causes = [line for line in thrown if line.startswith("Caused by: ")]
    errors = [line for line in lines if " ERROR " in line]
    for group in (causes, thrown, errors, lines):
        if group:
            return group[-1].removeprefix("Caused by: ")
    return None


def lost_a_port(log: str) -> bool:
    """Whether a broker died because somebody took its port between the choice and the start."""
    return "BindException" in log or "Address already in use" in log
