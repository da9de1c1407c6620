"""What is kept on disk about a cluster between one command and the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from eventops.errors import ProvisioningError
from eventops.local.disk import write_whole, writing
from eventops.local.model import KAFKA_VERSION, ClusterRecord, Node, Plan, ProcessId

_FILE: Final = "cluster.json"
START_ANEW: Final = (
    "`eventops local down --delete-data` deletes it and its topics, then `eventops local up` starts anew"
)


def load(home: Path) -> ClusterRecord | None:
    """The cluster that is kept in this directory; None where there is none.

    Raises:
        ProvisioningError: the file can't be read or isn't ours.
    """
    path = home / _FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _record(home, document)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProvisioningError(
            f"{path} can't be read ({error.strerror})", "make it readable, or move it away"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ProvisioningError(f"{path} isn't a state of the local Kafka", START_ANEW) from error


def load_to_delete(home: Path) -> ClusterRecord | None:
    """Like :func:`load`; where the file can't be read, the nodes are those that have a directory, their ports unknown.

    So even a state that nobody understands is deleted only after its brokers were ended.
    """
    try:
        return load(home)
    except ProvisioningError:
        found = ((directory, directory.name.rpartition("-")[2]) for directory in sorted(home.glob("node-*")))
        return ClusterRecord(
            Plan("", tuple(Node(int(number), 0, 0, directory) for directory, number in found if number.isdigit()))
        )


def save(home: Path, record: ClusterRecord) -> None:
    """
    Raises:
        ProvisioningError: the disk refuses.
    """
    with writing(home):
        write_whole(home / _FILE, json.dumps(_document(record), indent=2) + "\n")


def of_this_version(record: ClusterRecord) -> ClusterRecord:
    """
    Raises:
        ProvisioningError: another version of Kafka left this state.
    """
    if record.plan.version != KAFKA_VERSION:
        raise ProvisioningError(
            f"the local Kafka's data are those of Kafka {record.plan.version}, and this is {KAFKA_VERSION}", START_ANEW
        )
    return record


def node_directory(home: Path, number: int) -> Path:
    return home / f"node-{number}"


def _record(home: Path, document: Any) -> ClusterRecord:
    nodes = tuple(
        Node(
            int(row["number"]), int(row["port"]), int(row["controller_port"]), node_directory(home, int(row["number"]))
        )
        for row in document["nodes"]
    )
    processes = {
        int(row["number"]): ProcessId(int(row["pid"]), float(row["created"])) for row in document["nodes"] if row["pid"]
    }
    return ClusterRecord(Plan(str(document["cluster_id"]), nodes, str(document["kafka"])), processes)


def _document(record: ClusterRecord) -> dict[str, Any]:
    return {
        "kafka": record.plan.version,
        "cluster_id": record.plan.cluster_id,
        "nodes": [_row(node, record.processes.get(node.number)) for node in record.plan.nodes],
    }


def _row(node: Node, process: ProcessId | None) -> dict[str, Any]:
    return {
        "number": node.number,
        "port": node.port,
        "controller_port": node.controller_port,
        "pid": process.pid if process else None,
        "created": process.created if process else None,
    }
