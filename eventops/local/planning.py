"""Which nodes on which ports ``up`` shall start."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from eventops.errors import ProvisioningError
from eventops.local import nodes, ports, rules, state
from eventops.local.model import DEFAULT_PORT, HOST, ClusterRecord, Node, Plan

_FIRST_CONTROLLER_PORT = 10092


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked of ``up``. None: as it was before, else one broker on the usual port."""

    brokers: int | None = None
    port: int | None = None


def refuse_what_cannot_be(before: ClusterRecord, wish: Wish, running: Collection[int]) -> None:
    """
    Raises:
        ProvisioningError: the wish contradicts the cluster that is there.
    """
    have = len(before.plan.nodes)
    if wish.brokers is not None and wish.brokers != have:
        raise ProvisioningError(
            f"the local Kafka here has {have} broker{'s' if have > 1 else ''}, not {wish.brokers}", state.START_ANEW
        )
    if running and wish.port is not None and wish.port != before.plan.nodes[0].port:
        raise ProvisioningError(
            f"the local Kafka is up on port {before.plan.nodes[0].port}, not {wish.port}",
            "`eventops local down` first",
        )


def planned(home: Path, before: ClusterRecord | None, wish: Wish, running: Collection[int]) -> Plan:
    """The cluster to bring up. While one of its nodes runs, nobody moves: the others know each by its port.

    Raises:
        ProvisioningError: a port that can't be given up is taken.
    """
    if before is None:
        return _placed(Plan(nodes.new_cluster_id(), _unplaced(home, wish.brokers or 1)), wish)
    if not running:
        return _placed(before.plan, wish)
    for node in before.plan.nodes:
        if node.number not in running:
            _must_be_free(node.port, f"broker {node.number} had it", "free it, or `eventops local down` and up again")
            _must_be_free(node.controller_port, f"broker {node.number} had it", "`eventops local down` and up again")
    return before.plan


def _unplaced(home: Path, brokers: int) -> tuple[Node, ...]:
    return tuple(Node(number, 0, 0, state.node_directory(home, number)) for number in range(1, brokers + 1))


def _placed(plan: Plan, wish: Wish) -> Plan:
    """Ports: those asked for, else those it had, else the usual ones, else the next free ones."""
    count = len(plan.nodes)
    if wish.port is not None:
        asked = tuple(range(wish.port, wish.port + count))
        for port in asked:
            _must_be_free(port, "you asked for it", "free it, choose another with --port, or leave --port out")
    else:
        had = tuple(node.port for node in plan.nodes)
        asked = had if 0 not in had and all(map(ports.is_free, had)) else _from(DEFAULT_PORT, count)
    inner = tuple(node.controller_port for node in plan.nodes)
    if 0 in inner or set(inner) & set(asked) or not all(map(ports.is_free, inner)):
        inner = _from(_FIRST_CONTROLLER_PORT, count, without=asked)
    placed = (
        replace(node, port=port, controller_port=other)
        for node, port, other in zip(plan.nodes, asked, inner, strict=True)
    )
    return replace(plan, nodes=tuple(placed))


def _from(first: int, count: int, without: Collection[int] = ()) -> tuple[int, ...]:
    found = rules.choose_ports(first, count, lambda port: port not in without and ports.is_free(port))
    if len(found) < count:
        raise ProvisioningError(f"no free port from {first} upwards on {HOST}", "end what listens there")
    return found


def _must_be_free(port: int, why: str, remedy: str) -> None:
    if port > rules.LAST_PORT:
        raise ProvisioningError(f"there is no port {port}", "choose a lower --port")
    if not ports.is_free(port):
        raise ProvisioningError(f"port {port} is taken on {HOST} ({why})", remedy)
