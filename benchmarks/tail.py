"""The live tail before a firehose, and the letters of a large topic: ``python -m benchmarks.tail [--rate 50000]``.

On a local broker of its own, the real program in a terminal of its own (a pty), and another process that writes.
Printed: how long a key waits for its echo while so many records a second come to the topic that is looked at, what
memory does meanwhile; then the same while a topic of ``--letters`` dead letters is read. The bars: 50 ms, flat.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.dashboard import _echoes, _opened, _print_keys, _print_soak
from benchmarks.dlq import PARTITIONS, fill
from eventops.bootstrap import local_kafka
from eventops.config import BOOTSTRAP
from tests.tui.terminal import Terminal

TOPIC: Final = "hose"
LETTERS: Final = "hose-dlt"
_TICK: Final = 0.01


def pour(servers: str, rate: int, ended: Event) -> None:
    """So many records a second, each as an order looks."""
    producer = Producer(
        {BOOTSTRAP: servers, "linger.ms": 20, "compression.type": "lz4", "queue.buffering.max.messages": 1_000_000}
    )
    began, number = time.monotonic(), 0
    value = json.dumps(
        {"eventId": "e", "eventType": "order.placed", "data": {"total": 12.5}, "metadata": {"correlationId": "req-1"}}
    ).encode()
    while not ended.is_set():
        due = int((time.monotonic() - began) * rate)
        while number < due:
            try:
                producer.produce(TOPIC, value, b"user-%d" % (number % 100))
            except BufferError:
                producer.poll(0.05)
                continue
            number += 1
        producer.poll(0)
        time.sleep(_TICK)
    seconds = time.monotonic() - began
    producer.flush(10)
    print(f"{number / seconds:,.0f} records a second came to {TOPIC}")


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=50_000, metavar="RECORDS", help="a second")
    parser.add_argument("--letters", type=int, default=1_000_000)
    parser.add_argument("--soak", type=float, default=20.0, metavar="SECONDS", help="how long memory is watched")
    arguments = parser.parse_args()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as home, local_kafka().ephemeral(Path(home)) as servers:
        admin = AdminClient({BOOTSTRAP: servers})
        for future in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (TOPIC, LETTERS)]).values():
            future.result(20)
        measure_tail(servers, arguments.rate, arguments.soak)
        if arguments.letters:
            fill(servers, LETTERS, arguments.letters)
            measure_letters(servers, arguments.letters)


def measure_tail(servers: str, rate: int, soak: float) -> None:
    """Keys and memory before the firehose."""
    context = multiprocessing.get_context("spawn")
    ended = context.Event()
    writer = context.Process(target=pour, args=(servers, rate, ended))
    writer.start()
    terminal = _opened(servers, "2")
    try:
        terminal.until("dead letters")
        _command(terminal, f"tail {TOPIC}")
        terminal.until("passed over")
        _print_keys("live tail", _echoes(terminal))
        _print_soak(terminal, soak)
    finally:
        ended.set()
        writer.join(30)
        terminal.close()


def measure_letters(servers: str, letters: int) -> None:
    """Keys while causes, then a page of letters, are read."""
    terminal = _opened(servers, "2")
    try:
        terminal.until("dead letters")
        began = time.monotonic()
        _command(terminal, f"dlq {LETTERS}")
        terminal.until("% of")
        _print_keys(f"reading {letters:,} letters", _echoes(terminal))
        terminal.until("newest letter", 300.0)
        print(f"the causes of {letters:,} letters after {time.monotonic() - began:.1f} s, while keys were pressed")
        began = time.monotonic()
        terminal.press("\r")
        terminal.until("1 to 500 of", 300.0)
        print(f"a page of 500 of them after {time.monotonic() - began:.1f} s; {terminal.megabytes():.0f} MB")
    finally:
        terminal.close()


def _command(terminal: Terminal, text: str) -> None:
    """After ``:``."""
    terminal.press(":")
    terminal.rest(0.3)
    for key in text:
        terminal.press(key)
    terminal.press("\r")


if __name__ == "__main__":
    main()
