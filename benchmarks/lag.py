"""A snapshot of all groups against the official tool: ``python -m benchmarks.lag``.

1,000 groups x 50 partitions over 10,000 partitions, on a local broker of its own. Printed in one run: wall time and
peak memory of whole processes, the time until the first row, and how it grows from 100 over 300 to 1,000 groups. The
bars: at most 0.15 of the official tool's time, the first rows within a second, less than 200 MB, linear.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.bootstrap import local_kafka
from eventops.events import Partition
from tests.official import ConsumerGroups

TOPICS: Final = 200
PARTITIONS: Final = 50
STEPS: Final = (100, 300, 1000)
RUNS: Final = 3
RECORDS: Final = 2


@dataclass(frozen=True, slots=True)
class Measure:
    """One process: ``seconds`` until it ended, ``first`` until its first row, ``megabytes`` at most."""

    seconds: float
    first: float
    megabytes: float


def main() -> None:
    """Print what was measured, and the ratio."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # 10,000 logs are made there in a fraction of the time
    with tempfile.TemporaryDirectory(dir=memory) as home, local_kafka().ephemeral(Path(home)) as servers:
        admin, broker = AdminClient({"bootstrap.servers": servers}), KafkaBroker({"bootstrap.servers": servers})
        started = time.monotonic()
        make_topics(admin)
        fill(servers)
        made = 0
        print(f"{TOPICS * PARTITIONS:,} partitions in {time.monotonic() - started:.0f} s")
        for groups in STEPS:
            make_groups(broker, made, groups)
            made = groups
            print(_line(f"eventops lag -o json, {groups:,} groups", _best(_eventops(servers, "json"))))
        lines = _best(_eventops(servers, "ndjson"))
        print(_line("eventops lag -o ndjson", lines))
        theirs = ConsumerGroups(servers).command("--describe", "--all-groups")
        ours, official = _in_turns(_eventops(servers, "json"), theirs)
        print(_line("in turns: eventops lag -o json", ours))
        print(_line("kafka-consumer-groups --describe --all-groups", official))
        print(f"ratio of time {ours.seconds / official.seconds:.3f} (bar 0.15), of memory", end=" ")
        print(f"{ours.megabytes / official.megabytes:.2f}; first row after {lines.first:.2f} s (bar 1)")


def _eventops(servers: str, output: str) -> list[str]:
    return [sys.executable, "-m", "eventops", "-b", servers, "lag", "-o", output]


def _best(command: Sequence[str]) -> Measure:
    return _fastest([_measured(command) for _ in range(RUNS)])


def _in_turns(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Measure, Measure]:
    """The best of each: what else the machine and the broker do meanwhile comes to both."""
    pairs = [(_measured(ours), _measured(theirs)) for _ in range(RUNS)]
    return _fastest([first for first, _ in pairs]), _fastest([second for _, second in pairs])


def _fastest(found: Sequence[Measure]) -> Measure:
    return min(found, key=lambda one: one.seconds)


def _measured(command: Sequence[str]) -> Measure:
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    first = None
    seen = b""
    while block := os.read(process.stdout.fileno(), 1 << 16):
        if first is None:
            seen += block
            first = time.monotonic() - started if b"bench-" in seen else None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.stderr.read().decode()[-2000:]
    assert first is not None, "no row was printed"
    return Measure(time.monotonic() - started, first, usage.ru_maxrss / 1024)


def _line(name: str, found: Measure) -> str:
    return f"{name:48} {found.seconds:6.2f} s   first row {found.first:5.2f} s   {found.megabytes:5.0f} MB"


def make_topics(admin: AdminClient) -> None:
    """50 topics a request: a broker refuses more than 10,000 changes at once."""
    for start in range(0, TOPICS, 50):
        new = [NewTopic(f"bench-{number:03}", PARTITIONS, 1) for number in range(start, start + 50)]
        for future in admin.create_topics(new, operation_timeout=120, request_timeout=120).values():
            future.result()


def fill(servers: str) -> None:
    """Ends when every log was made: the broker answers before."""
    settings = {
        "bootstrap.servers": servers,
        "linger.ms": 100,
        "log_level": 0,
        "message.timeout.ms": 900_000,
        "topic.metadata.propagation.max.ms": 900_000,
    }
    producer = Producer(settings)
    failed: list[object] = []
    for number in range(TOPICS):
        for partition in range(PARTITIONS):
            for _ in range(RECORDS):
                producer.produce(
                    f"bench-{number:03}",
                    b"x",
                    partition=partition,
                    on_delivery=lambda error, _: failed.append(error) if error else None,
                )
        producer.poll(0)
    assert producer.flush(900) == 0
    assert not failed, failed[0]


def make_groups(broker: KafkaBroker, first: int, end: int) -> None:
    """A tenth of each group's partitions is one record behind."""
    for number in range(first, end):
        topic = f"bench-{number % TOPICS:03}"
        offsets = {Partition(topic, p): RECORDS - (p % 10 == 0) for p in range(PARTITIONS)}
        refused = broker.alter_committed_offsets(f"bench-group-{number:04}", offsets)
        assert not refused, refused


if __name__ == "__main__":
    main()
