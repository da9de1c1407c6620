"""One node: its files, its storage, its start, its log."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eventops.errors import BrokerUnreachable, ProvisioningError
from eventops.local import rules
from eventops.local.disk import directory_aside, write_whole, writing
from eventops.local.java import java_environ
from eventops.local.model import Installation, Node, Plan, Probe

_FORMAT_SECONDS: Final = 60.0
_READY_SECONDS: Final = 90.0
_LOOK_EVERY: Final = 0.05
_LOG_LIMIT: Final = 16 * 1024 * 1024
_TAIL: Final = 256 * 1024


class PortLost(ProvisioningError):
    """Somebody took a port between its choice and the start; another choice may help."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A start to watch. What the log holds before ``log_from`` is of earlier starts."""

    node: Node
    log_from: int
    is_alive: Callable[[], bool]


def new_cluster_id() -> str:
    """A UUID as Kafka writes it; never with a leading dash, which its tools take for an option."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return new_cluster_id() if text.startswith("-") else text


def prepare(nodes: Sequence[Node], plan: Plan, installation: Installation) -> None:
    """Write each node's configuration, and format its storage where that was never done.

    Raises:
        ProvisioningError: the disk refuses, or Kafka refuses to format, or can't be told the directory's name.
    """
    for node in nodes:
        if not rules.can_be_told(node.data, installation.libs):
            raise ProvisioningError(
                f"Kafka can't work in {node.data}, for a comma or colon in its name or that of {installation.libs}",
                "name another directory with EVENTOPS_HOME",
            )
    with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
        for done in [pool.submit(_prepare, node, plan, installation) for node in nodes]:
            done.result()


def _prepare(node: Node, plan: Plan, installation: Installation) -> None:
    with writing(node.directory):
        write_whole(node.properties, rules.server_properties(node, plan))
        bound(node.log)
        if not (node.data / "meta.properties").exists():
            _format(node, plan, installation)


def _format(node: Node, plan: Plan, installation: Installation) -> None:
    """Format a directory aside and rename it, so that a broker never meets half a storage."""
    properties = node.directory / "format.properties"
    with directory_aside(node.data) as aside:
        write_whole(properties, rules.server_properties(node, plan, data=aside))
        run = subprocess.run(
            rules.format_command(installation, plan.cluster_id, str(properties)),
            env=java_environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_FORMAT_SECONDS,
            check=False,
        )
        properties.unlink()
        if run.returncode != 0:
            told = rules.telling_line(run.stdout.decode(errors="replace"))
            raise ProvisioningError(f"Kafka can't format {node.data} ({told})", "see that the disk has space")


def bound(log: Path) -> None:
    """Keep a log from growing for ever: past its limit it is copied to ``….1`` and emptied; its writer appends."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        with log.open("r+b") as file:
            file.truncate()


def log_size(node: Node) -> int:
    return node.log.stat().st_size if node.log.exists() else 0


def await_ready(plan: Plan, launches: Sequence[Launch], answers: Probe, seconds: float = _READY_SECONDS) -> None:
    """Return once every node of the plan answers.

    Raises:
        PortLost: a broker died because its port was taken.
        ProvisioningError: a broker died at its start; the message carries its log's telling line.
        BrokerUnreachable: all run, but don't answer in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        for launch in launches:
            if not launch.is_alive():
                raise _death(launch)
        if all_answer(plan, answers):
            return
        if time.monotonic() > deadline:
            logs = ", ".join(str(node.log) for node in plan.nodes)
            raise BrokerUnreachable(f"the local Kafka runs but hasn't answered for {seconds:.0f} s", f"see {logs}")
        time.sleep(_LOOK_EVERY)


def all_answer(plan: Plan, answers: Probe) -> bool:
    """Each node is asked itself: for some seconds the others still count one that was killed. Another cluster's answer,
    from a port that it took before us, is none."""
    return all(answers(node.address, len(plan.nodes)) == plan.cluster_id for node in plan.nodes)


def _death(launch: Launch) -> ProvisioningError:
    node = launch.node
    log = _text_from(node.log, launch.log_from)
    told = rules.telling_line(log) or "it left no word"
    if rules.lost_a_port(log):
        return PortLost(
            f"port {node.port} or {node.controller_port} was taken while broker {node.number} started", "try again"
        )
    return ProvisioningError(f"broker {node.number} died at its start ({told})", f"its log is {node.log}")


def _text_from(log: Path, start: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - _TAIL))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
