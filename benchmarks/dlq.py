"""What it costs to list and to group a million letters: ``python -m benchmarks.dlq HOST:PORT [--letters N]``.

The letters are those that Spring Kafka wrote (``tests/letters/recordings``), with keys, ids and messages of their
own, in one topic of four partitions on a real broker, compressed with lz4. In the same run, each in a process of its
own, by turns, best of some runs: the records merely consumed by a client with its default settings (keys, values,
headers and times are taken, nothing is done with them), ``dlq list``, ``dlq groups``. The bar: at most twice the time
of merely consuming them, and less than 250 MB of memory. CPU seconds of the process stand beside, for machines that
others use too.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime

Figures = tuple[float, float, float]
"""Seconds, CPU seconds, the most memory (MB)."""
RUNS = 3
PARTITIONS = 4
KEYS = 200_000
MEGABYTE = 1024


def main() -> None:
    """Fill a topic, measure, print the ratios, delete the topic."""
    asked = argparse.ArgumentParser()
    asked.add_argument("servers")
    asked.add_argument("--letters", type=int, default=1_000_000)
    asked.add_argument("--once", nargs=2, metavar=("WHAT", "TOPIC"))
    given = asked.parse_args()
    if given.once:
        what, topic = given.once
        _measure(given.servers, what, topic, given.letters)
        return
    from confluent_kafka.admin import AdminClient, NewTopic

    topic = f"benchmark-{uuid.uuid4().hex[:8]}-dlt"
    admin = AdminClient({"bootstrap.servers": given.servers})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(30)
    try:
        size = fill(given.servers, topic, given.letters)
        print(f"{given.letters:,} letters of {size / given.letters:,.0f} bytes")
        found: dict[str, list[Figures]] = {what: [] for what in WHAT}
        for _ in range(RUNS):
            for what, figures in found.items():
                figures.append(_once(given.servers, what, topic, given.letters))
        wall_floor, cpu_floor, _memory = map(min, zip(*found["consume"], strict=True))
        for what, runs in found.items():
            walls, cpus, memories = zip(*runs, strict=True)
            wall, cpu = min(walls), min(cpus)
            told = f"{wall:7.2f} s {wall / wall_floor:5.2f} x   CPU {cpu:7.2f} s {cpu / cpu_floor:5.2f} x"
            print(f"{what:10} {told}   {max(memories):4.0f} MB")
    finally:
        admin.delete_topics([topic])[topic].result(30)


def fill(servers: str, topic: str, number: int) -> int:
    """Append the letters; returns their bytes."""
    from confluent_kafka import Producer

    from tests.letters import recorded

    producer = Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 20,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 200_000,
        }
    )
    templates = [
        recorded.letter("spring", "spring-orders-dlt/0/0"),
        recorded.letter("spring", "spring-orders-dlt-dlt/0/0"),
        recorded.letter("spring", "spring-retries-dlt/0/0"),
    ]
    size = 0
    for count in range(number):
        template = templates[count % 7 % 3]
        order = str(count * 7919 % 1_000_000_007).encode()
        headers: list[tuple[str, str | bytes | None]] = [
            (name, raw.replace(b"661702825", order) if raw else raw) for name, raw in template.headers
        ]
        value = b'{"eventId":"e-%d","eventType":"order.%s","quantity":1}' % (count, (b"placed", b"paid")[count % 2])
        key = b"order-%d" % (count % KEYS)
        size += len(key) + len(value) + sum(len(name) + len(raw or b"") for name, raw in headers)
        while True:
            try:
                producer.produce(topic, value, key, count % PARTITIONS, headers=headers)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(120) == 0
    return size


def _once(servers: str, what: str, topic: str, number: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.dlq", servers, "--letters", str(number), "--once", what, topic]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(told[0]), float(told[1]), float(told[2])


def _measure(servers: str, what: str, topic: str, number: int) -> None:
    """One process's figures."""
    started = time.perf_counter()
    found = WHAT[what](servers, topic, number)
    seconds = time.perf_counter() - started
    assert found == number, f"{found} of {number}"
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / MEGABYTE)


def consume(servers: str, topic: str, number: int) -> int:
    """The records and nothing else, as the client is by default."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "benchmark",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    found = 0
    while found < number:
        for message in consumer.consume(1_000, 1.0):
            assert message.error() is None
            message.key(), message.value(), message.headers(), message.timestamp()
            found += 1
    consumer.close()
    return found


def list_letters(servers: str, topic: str, _number: int) -> int:
    """``eventops dlq list``."""
    from eventops.adapters.kafka.broker import KafkaBroker
    from eventops.dlq.service import DeadLetterService

    broker = KafkaBroker({"bootstrap.servers": servers})
    report = DeadLetterService(broker, "benchmark").list(datetime.now(UTC))
    broker.close()
    return next(one.total for one in report.topics if one.topic == topic)


def group_letters(servers: str, topic: str, _number: int) -> int:
    """``eventops dlq groups``."""
    from eventops.adapters.kafka.broker import KafkaBroker
    from eventops.dlq.model import Selection
    from eventops.dlq.service import DeadLetterService

    broker = KafkaBroker({"bootstrap.servers": servers})
    report = DeadLetterService(broker, "benchmark").causes(Selection(topic), datetime.now(UTC))
    broker.close()
    assert len(report.causes) == 3, [cause.cause for cause in report.causes]
    return sum(sum(cause.counts.values()) for cause in report.causes)


WHAT = {"consume": consume, "dlq list": list_letters, "dlq groups": group_letters}

if __name__ == "__main__":
    main()
