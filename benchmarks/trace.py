"""How fast a request is found: ``python -m benchmarks.trace -b HOST:PORT [--records 4000000] [--codecs none,zstd]``.

Whole processes, in turns, the best of some runs, all in one run on one log a codec: ``eventops trace ID`` against
Debian's kcat with grep (on values, on headers), against confluent-kafka's plain ``consume()``, and against fetching
whole batches without looking at them (the floor). Then one hour of the log's day, and an index (``--jaeger BINARY``, a
real one).

The bars, each printed with its verdict: at least 3 times as fast as kcat with grep on the value; the scan alone at
least half as fast as the floor, uncompressed; less than 200 MB; an hour fetches an hour's bytes; with the index less
than a second. The topics are deleted afterwards, unless ``--keep``; ``--fill-only`` only makes them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.jaeger import jaeger
from benchmarks.trace_log import HOURS, IDENTIFIER, PARTITIONS, fill, topic_of
from eventops.adapters.kafka.broker import KafkaBroker
from eventops.events import Partition, Record, read_event
from eventops.ports import Engine, Isolation, Manner, Range, Sought

_MEGABYTES = 200
_KCAT = 3.0
_FLOOR = 0.5
_INDEXED = 1.0


_WAYS = ("value", "headers", "consume")


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall seconds, CPU seconds of its own, peak memory in MB."""

    seconds: float
    cpu: float
    megabytes: float


def measured(command: list[str], runs: int, **environment: str) -> Run:
    """The best of some runs of a whole process."""
    return _best([_once(command, environment) for _ in range(runs)])


def _best(runs: list[Run]) -> Run:
    return min(runs, key=lambda run: run.seconds)


def _once(command: list[str], environment: Mapping[str, str]) -> Run:
    started = time.perf_counter()
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=nowhere, stderr=nowhere)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Run(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def floor(servers: str, topic: str) -> None:
    """Fetch every batch with as many connections as the scan has, and look at nothing."""
    _timed(servers, topic, Sought((b"x" * 8,)), look=False)


def scan(servers: str, topic: str) -> None:
    """The scan itself, in a process that is up."""
    _timed(servers, topic, Sought((IDENTIFIER.encode(),)), look=True)


def _timed(servers: str, topic: str, sought: Sought, *, look: bool) -> None:
    from eventops.adapters.kafka.raw import worker
    from eventops.adapters.kafka.raw.batches import LookedInto

    broker = KafkaBroker({"bootstrap.servers": servers})
    ranges = _whole(broker, topic)
    if not look:
        setattr(worker, "search", lambda *_: LookedInto())  # noqa: B010 -- the floor is the same way, without the look
    started = time.perf_counter()
    found = [r for piece in broker.search(sought, ranges, Manner(Engine.SCAN)) for r in piece.records]
    print(f"{time.perf_counter() - started:.3f} {len(found)}")
    broker.close()


def _whole(broker: KafkaBroker, topic: str) -> list[Range]:
    bounds = broker.log_bounds([Partition(topic, number) for number in range(PARTITIONS)]).bounds
    return [Range(partition, log.start, log.end(Isolation.READ_COMMITTED)) for partition, log in bounds.items()]


def consume(servers: str, topic: str) -> None:
    """confluent-kafka's consumer, ten thousand at a time, comparing bytes of the value."""
    settings = {"group.id": "benchmark", "enable.auto.commit": False, "enable.partition.eof": True}
    client = Consumer({"bootstrap.servers": servers, **settings})
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


@dataclass(frozen=True, slots=True)
class Bench:
    """One log, and how often each way through it is gone."""

    servers: str
    topic: str
    runs: int

    @property
    def ours(self) -> list[str]:
        """The whole command."""
        return [sys.executable, "-m", "eventops", "-b", self.servers, "trace", IDENTIFIER, "--topic", self.topic]

    @property
    def inside(self) -> list[str]:
        """A way of this file, as a process."""
        return [sys.executable, "-m", "benchmarks.trace", "-b", self.servers, "--topic", self.topic, "--inside"]

    def compare(self, ways: list[str]) -> None:
        """A line a way, and the bars."""
        kcat = f"kcat -b {self.servers} -C -e -q -t {self.topic} -f '%s\\n' | grep -c {IDENTIFIER}"
        known = {
            "value": ("kcat, grep on the value", ["sh", "-c", kcat]),
            "headers": ("kcat, grep on the headers", ["sh", "-c", kcat.replace("%s", "%h")]),
            "consume": ("plain consume()", [*self.inside, "consume"]),
        }
        commands = {"eventops trace": self.ours, **dict(known[way] for way in ways)}
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(self.runs):
            for name, command in commands.items():
                runs[name].append(_once(command, {}))
        ours = _best(runs.pop("eventops trace"))
        print(f"  {'eventops trace':28} {ours.seconds:7.2f} s  {ours.cpu:6.2f} s CPU  {ours.megabytes:4.0f} MB")
        for name, theirs in runs.items():
            run = _best(theirs)
            ratio = run.seconds / ours.seconds
            print(f"  {name:28} {run.seconds:7.2f} s  {run.cpu:6.2f} s CPU  {ratio:5.1f} x ours", flush=True)
            if name == known["value"][0]:
                _bar(f"{_KCAT:.0f} x kcat with grep on the value", ratio >= _KCAT)
        _bar(f"less than {_MEGABYTES} MB", ours.megabytes < _MEGABYTES)

    def alone(self) -> None:
        """The scan against the floor."""
        found = {name: min(self._inside(name) for _ in range(self.runs)) for name in ("scan", "floor")}
        part = found["floor"] / found["scan"]
        print(f"  {'scan alone':28} {found['scan']:7.2f} s  floor {found['floor']:.2f} s: {part:.2f} of its speed")
        if "-none-" in self.topic:
            _bar(f"{_FLOOR} of the floor's speed", part >= _FLOOR)

    def hour(self) -> None:
        """The hour in the middle, by its bytes and as a whole command."""
        broker = KafkaBroker({"bootstrap.servers": self.servers})
        whole = _whole(broker, self.topic)
        (middle,) = [r.timestamp for r in _wanted(broker, whole) if _is_in_the_middle(r, whole)]
        assert middle is not None
        since, until = middle - timedelta(minutes=30), middle + timedelta(minutes=30)
        homes = [range_.partition for range_ in whole]
        first, last = broker.offsets_at(homes, since), broker.offsets_at(homes, until)
        window = [Range(home, first[home], last[home]) for home in homes]
        fetched = [
            sum(piece.fetched for piece in broker.search(Sought((IDENTIFIER.encode(),)), ranges, Manner(Engine.SCAN)))
            for ranges in (window, whole)
        ]
        broker.close()
        times = ["--since", since.isoformat(), "--until", until.isoformat()]
        run = measured([*self.ours, *times], self.runs)
        share = fetched[0] / fetched[1]
        print(
            f"  {f'one hour of {HOURS}':28} {run.seconds:7.2f} s  {fetched[0] / 1e6:.1f} of {fetched[1] / 1e6:.0f} MB"
        )
        _bar(f"less than twice an hour's share of the bytes ({share:.3f})", share < 2 / HOURS)

    def indexed(self, binary: str) -> None:
        """``--engine index`` with a real Jaeger that holds the request's spans."""
        broker = KafkaBroker({"bootstrap.servers": self.servers})
        events = [read_event(record) for record in _wanted(broker, _whole(broker, self.topic))]
        broker.close()
        with tempfile.TemporaryDirectory() as home, jaeger(binary, Path(home)) as store:
            store.send(IDENTIFIER, [(event.position, event.ids.event_id or "") for event in events])
            contexts = Path(home) / "contexts.toml"
            named = f'"bootstrap.servers" = "{self.servers}"\n"eventops.jaeger" = "{store.url}"\n'
            contexts.write_text(f'current = "bench"\n[contexts.bench]\n{named}', encoding="utf-8")
            command = [sys.executable, "-m", "eventops", "trace", IDENTIFIER, "--engine", "index", "-o", "json"]
            environment = {"EVENTOPS_CONFIG": str(contexts)}
            told = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=True).stdout
            assert all(str(event.ids.event_id).encode() in told for event in events)
            run = measured(command, self.runs, **environment)
        print(f"  {'--engine index, Jaeger':28} {run.seconds:7.2f} s  {run.cpu:6.2f} s CPU")
        _bar(f"less than {_INDEXED:.0f} s", run.seconds < _INDEXED)

    def _inside(self, name: str) -> float:
        told = subprocess.run([*self.inside, name], capture_output=True, text=True, check=True)
        return float(told.stdout.split()[0])


def _wanted(broker: KafkaBroker, ranges: list[Range]) -> list[Record]:
    pieces = broker.search(Sought((IDENTIFIER.encode(),)), ranges, Manner(Engine.SCAN))
    return sorted((record for piece in pieces for record in piece.records), key=lambda record: record.position.offset)


def _is_in_the_middle(record: Record, whole: list[Range]) -> bool:
    most = max(range_.end for range_ in whole)
    return most // 4 < record.position.offset < most * 3 // 4


def _ways(text: str) -> list[str]:
    ways = [way for way in text.split(",") if way]
    if unknown := set(ways) - set(_WAYS):
        raise argparse.ArgumentTypeError(f"{min(unknown)} is none of {', '.join(_WAYS)}")
    return ways


def _bar(what: str, holds: bool) -> None:
    print(f"  {'' if holds else 'NOT '}met: {what}", flush=True)


def main() -> None:
    """Fill, compare and clean up, a codec after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-b", dest="servers", default="127.0.0.1:9092")
    parser.add_argument("--records", type=int, default=4_000_000)
    parser.add_argument("--codecs", default="none,lz4,zstd")
    parser.add_argument("--against", default=",".join(_WAYS), type=_ways, help="of these; may be empty")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jaeger", metavar="BINARY", help="a Jaeger 2, for --engine index")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--fill-only", action="store_true")
    parser.add_argument("--topic", help=argparse.SUPPRESS)
    parser.add_argument("--inside", choices=INSIDE, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        INSIDE[chosen.inside](chosen.servers, chosen.topic)
        return
    admin = AdminClient({"bootstrap.servers": chosen.servers})
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    for codec in chosen.codecs.split(","):
        topic = topic_of(codec, chosen.records)
        if topic not in admin.list_topics(timeout=10).topics:
            fill(chosen.servers, topic, codec, chosen.records)
        if chosen.fill_only:
            continue
        print(f"{chosen.records:,} records, {codec}", flush=True)
        _measure(Bench(chosen.servers, topic, chosen.runs), chosen)
        if not chosen.keep:
            admin.delete_topics([topic])[topic].result()


def _measure(bench: Bench, chosen: argparse.Namespace) -> None:
    bench.compare(chosen.against)
    bench.alone()
    bench.hour()
    if chosen.jaeger:
        bench.indexed(chosen.jaeger)


if __name__ == "__main__":
    main()
