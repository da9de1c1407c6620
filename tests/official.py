"""Kafka's own ``kafka-consumer-groups``, run on the class path of the local Kafka, to hold eventops against."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from eventops.bootstrap import local_kafka
from eventops.local import jars, rules
from eventops.local.disk import directory_aside
from eventops.local.java import java_environ
from eventops.local.lock_file import held

TOOLS: Final = (
    jars.LockedJar(
        "org.apache.kafka",
        "kafka-tools",
        "4.3.1",
        "62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c",
    ),
    jars.LockedJar(
        "com.fasterxml.jackson.dataformat",
        "jackson-dataformat-csv",
        "2.21.7",
        "588050148497158cabdc05c0ae3a7e123194a486b8c62745778fc6239f9b085e",
    ),
)
"""What the tool needs beyond the broker's own jars; no newer kafka-tools than this is published."""

_CLASS: Final = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


class ConsumerGroups:
    """Runs the tool; the jars are fetched once and kept beside Kafka's own."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        kafka = local_kafka()
        self._installation = kafka.install()
        self._libs = _fetched(kafka.home / "kafka" / "tools-4.3.1")

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Its output; the tool ends with 0 after most errors, so look at what it says."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            env=java_environ(),
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        """How it is started."""
        command = rules.java_command(self._installation, _CLASS, ["--bootstrap-server", self._servers, *arguments])
        at = command.index("-cp") + 1
        command[at] = f"{self._libs / '*'}:{command[at]}"
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
        return [command[0], quiet, *command[1:]]


def _fetched(libs: Path) -> Path:
    with held(libs.parent / "tools", "fetching Kafka's tools", 120.0):
        if not all((libs / jar.filename).exists() for jar in TOOLS):
            with directory_aside(libs) as aside, tempfile.TemporaryDirectory() as downloads:
                fetch = jars.jgo_fetch()
                for jar in TOOLS:
                    found = jars._checked(jar, Path(downloads), fetch)
                    (aside / jar.filename).write_bytes(found.read_bytes())
    return libs
