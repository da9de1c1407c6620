"""A cluster that ends with us, for the demo and for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eventops.local import nodes, ports, rules, state
from eventops.local.java import java_environ
from eventops.local.model import ClusterRecord, Installation, Node, Plan, Probe, Progress
from eventops.local.warded import Warded, end_all

_GRACE: Final = 5.0
_ATTEMPTS: Final = 3


@contextmanager
def ephemeral_cluster(
    directory: Path, brokers: int, installation: Installation, answers: Probe, progress: Progress
) -> Iterator[str]:
    """Bootstrap servers of a cluster on free ports, its state in ``directory``; it dies with this process.

    Raises:
        ProvisioningError: it can't be set up.
        BrokerUnreachable: it runs but doesn't answer.
    """
    plan, processes = _started(directory, brokers, installation, answers, progress)
    try:
        yield plan.bootstrap_servers
    finally:
        end_all(processes)


def _started(
    directory: Path, brokers: int, installation: Installation, answers: Probe, progress: Progress
) -> tuple[Plan, list[Warded]]:
    """The ports are free when they are chosen; where one is lost before the start, others are chosen."""
    for attempt in range(1, _ATTEMPTS + 1):
        plan = _plan(directory, brokers)
        processes: list[Warded] = []
        try:
            progress("formatting storage")
            nodes.prepare(plan.nodes, plan, installation)
            progress("starting Kafka")
            launches = [_launch(node, installation, processes) for node in plan.nodes]
            nodes.await_ready(plan, launches, answers)
        except nodes.PortLost:
            end_all(processes)
            if attempt == _ATTEMPTS:
                raise
        except BaseException:
            end_all(processes)
            raise
        else:
            return plan, processes
    raise AssertionError("the last attempt returns or raises")


def _launch(node: Node, installation: Installation, processes: list[Warded]) -> nodes.Launch:
    log_from = nodes.log_size(node)
    process = Warded(rules.broker_command(installation, node), log=node.log, environ=java_environ(), grace=_GRACE)
    processes.append(process.start())
    return nodes.Launch(node, log_from, lambda: process.alive)


def _plan(directory: Path, brokers: int) -> Plan:
    """On new ports; a directory that was used before keeps its cluster and its data."""
    before = state.load(directory)
    chosen = ports.any_free(2 * brokers)
    plan = Plan(
        state.of_this_version(before).plan.cluster_id if before else nodes.new_cluster_id(),
        tuple(
            Node(number, chosen[number - 1], chosen[brokers + number - 1], state.node_directory(directory, number))
            for number in range(1, brokers + 1)
        ),
    )
    state.save(directory, ClusterRecord(plan))
    return plan
