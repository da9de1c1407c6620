"""How fast a request is found: ``python -m benchmarks.trace -b HOST:PORT [--records 4000000] [--codecs none,zstd]``.

Whole processes, best of some runs, all in one run on one log a codec: ``eventops trace ID`` against Debian's kcat with
grep (on values, on headers), against confluent-kafka's plain ``consume()``, and against fetching whole batches without
looking at them (the floor). The bars: at least 3 times as fast as kcat with grep on the value; the scan alone at least
half as fast as the floor; less than 200 MB. The topics are deleted afterwards, unless ``--keep``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.events import Partition
from eventops.ports import Engine, Manner, Range, Sought

IDENTIFIER = "benchmark-3f2b6c1e-0001"
PARTITIONS = 6
_BODY = (
    '{"eventId":"%s","eventType":"order.placed","eventVersion":"1.0","source":"order-service",'
    '"timestamp":"2026-01-15T10:30:%02d.%03dZ","data":{"orderId":"order-%d","customer":"customer-%s","items":'
    '[{"sku":"sku-%s","quantity":%d,"price":"%d.90"},{"sku":"sku-%s","quantity":2,"price":"12.50"}],"address":'
    '"12 Some Street, 01234 Some Town","note":"please leave it at the door"},'
    '"metadata":{"correlationId":"%s","causationId":"%s"}}'
)


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall seconds, CPU seconds of its own, peak memory in MB."""

    seconds: float
    cpu: float
    megabytes: float


def fill(servers: str, topic: str, codec: str, records: int) -> None:
    """About 560 bytes and 3 headers a record; three of them are of the request, at the start, middle and end."""
    AdminClient({"bootstrap.servers": servers}).create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    tuning = {"linger.ms": 20, "batch.size": 524_288, "queue.buffering.max.messages": 200_000, "acks": "1"}
    producer = Producer({"bootstrap.servers": servers, "compression.type": codec, **tuning})
    while producer.list_topics(topic, timeout=10).topics[topic].error is not None:
        time.sleep(0.1)
    wanted = {10, records // 2, records - 10}
    for number in range(records):
        key, value, correlation = record(number, is_wanted=number in wanted)
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_id", key),
            ("ce_correlationid", correlation),
            ("ce_type", b"order.placed"),
        ]
        while True:
            try:
                producer.produce(topic, value, partition=number % PARTITIONS, headers=headers)
                break
            except BufferError:
                producer.poll(0.05)
        if number % 5000 == 0:
            producer.poll(0)
    producer.flush()


def record(number: int, *, is_wanted: bool) -> tuple[bytes, bytes, bytes]:
    """Event id, body and correlation id; ids are random, as they are in the field."""
    r = os.urandom(48).hex()
    event = f"{r[30:38]}-{r[38:42]}-4{r[42:45]}-8{r[45:48]}-{r[48:60]}"
    correlation = IDENTIFIER if is_wanted else f"{r[0:8]}-{r[8:12]}-4{r[12:15]}-8{r[15:18]}-{r[18:30]}"
    item = (r[60:68], r[68:74], number % 9, number % 97, r[74:80])
    body = _BODY % (event, number // 1000 % 60, number % 1000, number, *item, correlation, event)
    return event.encode(), body.encode(), correlation.encode()


def measured(command: list[str], runs: int) -> Run:
    """The best of some runs of a whole process."""
    return min((_once(command) for _ in range(runs)), key=lambda run: run.seconds)


def _once(command: list[str]) -> Run:
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1, 5), command
    return Run(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def floor(servers: str, topic: str) -> None:
    """Fetch every batch with as many connections as the scan has, and look at nothing."""
    _timed(servers, topic, Sought((b"x" * 8,)), look=False)


def scan(servers: str, topic: str) -> None:
    """The scan itself, in a process that is up."""
    _timed(servers, topic, Sought((IDENTIFIER.encode(),)), look=True)


def _timed(servers: str, topic: str, sought: Sought, *, look: bool) -> None:
    from eventops.adapters.kafka.raw import worker
    from eventops.adapters.kafka.raw.batches import Searched

    broker = KafkaBroker({"bootstrap.servers": servers})
    bounds = broker.log_bounds([Partition(topic, number) for number in range(PARTITIONS)]).bounds
    ranges = [Range(partition, log.start, log.last_stable) for partition, log in bounds.items()]
    if not look:
        setattr(worker, "search", lambda *_: Searched())  # noqa: B010 -- the floor is the same way, without the look
    started = time.perf_counter()
    found = [r for piece in broker.search(sought, ranges, Manner(Engine.SCAN)) for r in piece.records]
    print(f"{time.perf_counter() - started:.3f} {len(found)}")
    broker.close()


def consume(servers: str, topic: str) -> None:
    """confluent-kafka's consumer, ten thousand at a time, comparing bytes of the value."""
    client = Consumer({"bootstrap.servers": servers, "group.id": "benchmark", "enable.partition.eof": True})
    client.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    needle, ended, found = IDENTIFIER.encode(), 0, 0
    while ended < PARTITIONS:
        for message in client.consume(10_000, 1.0):
            if message.error():
                ended += 1
            elif needle in (message.value() or b""):
                found += 1
    print(found)
    client.close()


INSIDE: dict[str, Callable[[str, str], None]] = {"floor": floor, "scan": scan, "consume": consume}


def compare(servers: str, topic: str, runs: int) -> None:
    """Print a line a way."""
    kcat = f"kcat -b {servers} -C -e -q -t {topic} -f '%s\\n' | grep -c {IDENTIFIER}"
    inside = [sys.executable, "-m", "benchmarks.trace", "-b", servers, "--topic", topic, "--inside"]
    ways = {
        "eventops trace": [sys.executable, "-m", "eventops", "-b", servers, "trace", IDENTIFIER, "--topic", topic],
        "kcat, grep on the value": ["sh", "-c", kcat.replace("%s", "%s")],
        "kcat, grep on the headers": ["sh", "-c", kcat.replace("%s", "%h")],
        "plain consume()": [*inside, "consume"],
    }
    found = {name: measured(command, runs) for name, command in ways.items()}
    ours = found["eventops trace"]
    for name, run in found.items():
        ratio = f"{run.seconds / ours.seconds:5.1f} x ours" if run is not ours else f"{ours.megabytes:4.0f} MB"
        print(f"  {name:28} {run.seconds:7.2f} s  {run.cpu:6.2f} s CPU  {ratio}", flush=True)
    alone = {name: min(_inside([*inside, name]) for _ in range(runs)) for name in ("scan", "floor")}
    part = alone["floor"] / alone["scan"]
    print(
        f"  {'scan alone':28} {alone['scan']:7.2f} s  floor {alone['floor']:.2f} s: {part:.2f} of its speed",
        flush=True,
    )


def _inside(command: list[str]) -> float:
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def main() -> None:
    """Fill, compare and clean up, a codec after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-b", dest="servers", default="127.0.0.1:9092")
    parser.add_argument("--records", type=int, default=4_000_000)
    parser.add_argument("--codecs", default="none,lz4,zstd")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--topic", help=argparse.SUPPRESS)
    parser.add_argument("--inside", choices=INSIDE, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        INSIDE[chosen.inside](chosen.servers, chosen.topic)
        return
    admin = AdminClient({"bootstrap.servers": chosen.servers})
    for codec in chosen.codecs.split(","):
        topic = f"benchmark-{codec}-{chosen.records}"
        if topic not in admin.list_topics(timeout=10).topics:
            fill(chosen.servers, topic, codec, chosen.records)
        print(f"{chosen.records:,} records, {codec}", flush=True)
        compare(chosen.servers, topic, chosen.runs)
        if not chosen.keep:
            admin.delete_topics([topic])[topic].result()


if __name__ == "__main__":
    main()
