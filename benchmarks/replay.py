"""What exactly once costs: ``python -m benchmarks.replay HOST:PORT [--letters N]``.

In one run, on one broker, several times in turn, the median of each: the records of a plan produced by a plain
idempotent producer, with the client's own defaults and a delivery callback that counts what wasn't delivered; and the
plan carried out by ``DeadLetterService.execute``: the transactional id taken over, the ledger read, every record
appended with its row in transactions, the report made. Planning only reads and isn't counted; how long it took is
printed. Letters are made of those that Spring Kafka wrote (``tests/letters/recordings``), in four partitions, new ones
each time. At the end a reader of committed records counts what was appended. The bar: at least half of plain producing.
"""

from __future__ import annotations

import argparse
import time
import uuid
from datetime import UTC, datetime
from statistics import median

from benchmarks.dlq import fill
from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq.model import Selection
from eventops.dlq.pace import Pace
from eventops.dlq.replay_model import Plan, Wishes
from eventops.dlq.service import DeadLetterService
from eventops.events import Partition
from eventops.ports import Range

RUNS = 5
PARTITIONS = 4


def main() -> None:
    """Fill a topic, measure, print the ratio, delete the topics."""
    asked = argparse.ArgumentParser()
    asked.add_argument("servers")
    asked.add_argument("--letters", type=int, default=100_000)
    asked.add_argument("--chunk", type=int, default=Pace().chunk)
    given = asked.parse_args()
    from confluent_kafka.admin import AdminClient, NewTopic

    name = uuid.uuid4().hex[:8]
    letters = [f"benchmark-{name}-{run}-dlt" for run in range(RUNS)]
    targets = [f"benchmark-{name}-{run}" for run in range(2 * RUNS)]
    admin = AdminClient({"bootstrap.servers": given.servers})
    for topic, made in admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in (*letters, *targets)]).items():
        made.result(30)
        assert topic
    broker = KafkaBroker({"bootstrap.servers": given.servers})
    try:
        plain, exact = [], []
        for run in range(RUNS):
            fill(given.servers, letters[run], given.letters)
            service = DeadLetterService(broker, "benchmark")
            wishes = Wishes(to=targets[2 * run])
            started = time.perf_counter()
            plan = service.plan(Selection(letters[run]), datetime.now(UTC), str(uuid.uuid4()), wishes)
            planning = time.perf_counter() - started
            assert len(plan.planned) == given.letters
            plain.append(given.letters / produce(given.servers, plan, targets[2 * run + 1]))
            exact.append(given.letters / replay(service, plan, given.chunk))
            for topic in targets[2 * run : 2 * run + 2]:
                assert count(broker, topic) == given.letters, topic
            print(f"planned in {planning:5.2f} s   plain {plain[-1]:9,.0f}/s   exactly once {exact[-1]:9,.0f}/s")
        usual, exactly = median(plain), median(exact)
        print(f"{given.letters:,} letters, each counted once by a reader of committed records, {RUNS} times")
        print(f"plain idempotent {usual:,.0f}/s, exactly once {exactly:,.0f}/s: {exactly / usual:.2f} of it (bar 0.5)")
        print(f"the best of each: {max(plain):,.0f}/s and {max(exact):,.0f}/s, {max(exact) / max(plain):.2f}")
    finally:
        broker.close()
        for made in admin.delete_topics([*letters, *targets]).values():
            made.result(30)


def produce(servers: str, plan: Plan, topic: str) -> float:
    """Seconds for the plan's records without transactions and ledger."""
    from confluent_kafka import KafkaError, Message, Producer

    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
    producer.list_topics(topic, timeout=10)
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(error)

    records = [one.record for one in plan.planned]
    started = time.perf_counter()
    for _target, key, value, told, _partition in records:
        headers: list[tuple[str, str | bytes | None]] = list(told)
        while True:
            try:
                producer.produce(topic, value, key, headers=headers, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.05)
    assert producer.flush(60) == 0
    seconds = time.perf_counter() - started
    assert not failures
    return seconds


def replay(service: DeadLetterService, plan: Plan, chunk: int) -> float:
    """Seconds for the plan's execution."""
    started = time.perf_counter()
    *_, last = service.execute(plan, Pace(chunk=chunk))
    seconds = time.perf_counter() - started
    assert last.report is not None
    assert len(last.report.replayed) == len(plan.planned), last.report.stopped
    return seconds


def count(broker: KafkaBroker, topic: str) -> int:
    """Records that a reader of committed records finds."""
    bounds = broker.log_bounds([Partition(topic, number) for number in range(PARTITIONS)]).bounds
    ranges = [Range(home, found.start, found.high_watermark) for home, found in bounds.items()]
    return sum(len(batch.records) for batch in broker.scan(ranges))


if __name__ == "__main__":
    main()
