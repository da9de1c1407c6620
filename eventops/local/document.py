"""The local Kafka as a JSON document."""

from __future__ import annotations

from typing import Any

from eventops.local.model import LocalCluster, NodeStatus, Started


def document(cluster: LocalCluster) -> dict[str, Any]:
    """``status`` is running, stopped, broken or absent; ``reason`` says why it is broken, else null."""
    return {
        "status": cluster.standing.value,
        "status_reason": cluster.reason,
        "version": cluster.version,
        "bootstrap_servers": cluster.bootstrap_servers,
        "home": str(cluster.home),
        "brokers": [_broker(status) for status in cluster.nodes],
    }


def started_document(started: Started) -> dict[str, Any]:
    """The same, with what ``up`` did."""
    return {**document(started.cluster), "already": started.already, "notes": list(started.notes)}


def _broker(status: NodeStatus) -> dict[str, Any]:
    return {
        "id": status.node.number,
        "address": status.node.address,
        "pid": status.pid,
        "log": str(status.node.log),
        "data": str(status.node.data),
    }
