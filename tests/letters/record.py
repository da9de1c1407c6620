"""Have the real frameworks write letters, and keep what they wrote: ``python -m tests.letters.record HOST:PORT
[NAME ...]``.

Needs Java 17 and Maven, and Go for Watermill; a broker that may be filled with topics, best a fresh one (``eventops
local up``). What they wrote is committed, so that the tests need neither.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient, NewTopic

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.events import Partition, Record, rfc3339
from eventops.ports import Range

HERE = Path(__file__).parent
RECORDED = HERE / "recordings"
PROGRAMS = {
    "Spring": ("spring-orders-dlt", "spring-orders-dlt-dlt", "spring-keys-dlt", "spring-retries-dlt"),
    "Streams": ("streams-letters",),
    "Connect": ("connect-letters", "connect-bare-letters"),
    "Share": ("dlq.share-letters",),
    "SmallRye": ("dead-letter-topic-orders", "dead-letter-topic-again", "dead-letter-topic-retries"),
}
"""Each program of the Maven project and the topics that it leaves letters in."""

BINDER = ("error.binder.orders.billing", "binder-letters")
"""Spring Cloud Stream's are a Maven project of their own: it brings another Spring."""
WATERMILL = ("watermill-orders", "watermill-poison-queue")
"""The topic that its program fills, and the one that it leaves letters in."""


def main(servers: str, names: tuple[str, ...]) -> None:
    """Compile, run each program, and write what its topics hold."""
    wanted = names or (*PROGRAMS, "Binder", "Watermill")
    with tempfile.TemporaryDirectory(prefix="letters-") as place:
        project = Path(place) / "letters"
        shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("recordings", "__pycache__"))
        if java := [name for name in wanted if name in PROGRAMS]:
            classpath = _compiled(project)
            for name in java:
                _run(classpath, name, servers, PROGRAMS[name])
        if "Binder" in wanted:
            _run(_compiled(project / "binder"), "Binder", servers, BINDER)
        if "Watermill" in wanted:
            admin = AdminClient({"bootstrap.servers": servers})
            for made in admin.create_topics([NewTopic(topic, 1, 1) for topic in WATERMILL]).values():
                made.result(20)
            subprocess.run(["go", "run", ".", servers], cwd=project / "watermill", check=True, timeout=300)
            _keep(servers, "Watermill", WATERMILL[1:])


def _compiled(project: Path) -> str:
    """Has Maven compile it; returns its class path."""
    paths = project / "classpath"
    maven = ["mvn", "-q", "-B", "compile", "dependency:build-classpath", f"-Dmdep.outputFile={paths}"]
    subprocess.run(maven, cwd=project, check=True)
    return f"{project / 'target' / 'classes'}:{paths.read_text().strip()}"


def _run(classpath: str, name: str, servers: str, topics: tuple[str, ...]) -> None:
    subprocess.run(["java", "-cp", classpath, f"letters.{name}Letters", servers], check=True, timeout=180)
    _keep(servers, name, topics)


def _keep(servers: str, name: str, topics: tuple[str, ...]) -> None:
    RECORDED.mkdir(exist_ok=True)
    found = [_document(record) for record in _records(servers, topics)]
    (RECORDED / f"{name.lower()}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{name}: {len(found)} letters")


def _records(servers: str, topics: tuple[str, ...]) -> Iterator[Record]:
    broker = KafkaBroker({"bootstrap.servers": servers})
    try:
        homes = [Partition(topic, 0) for topic in topics]
        bounds = broker.log_bounds(homes).bounds
        ranges = [Range(home, found.start, found.last_stable) for home, found in sorted(bounds.items())]
        found = [record for batch in broker.scan(ranges) for record in batch.records]
        yield from sorted(found, key=lambda record: record.position)
    finally:
        broker.close()


def _document(record: Record) -> dict[str, Any]:
    return {
        "at": str(record.position),
        "timestamp": rfc3339(record.timestamp),
        "key": _base64(record.key),
        "value": _base64(record.value),
        "headers": [[name, _base64(value)] for name, value in record.headers],
    }


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


if __name__ == "__main__":
    main(sys.argv[1], tuple(sys.argv[2:]))
