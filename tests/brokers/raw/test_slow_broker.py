"""A broker on a bad day, behind a proxy: slow, silent, cut off within an answer. Nothing is lost, nothing hangs."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from confluent_kafka import Producer

from eventops.adapters.kafka import search
from eventops.adapters.kafka.broker import KafkaBroker
from eventops.events import Partition
from eventops.ports import Engine, Findings, Manner, Range, Sought
from tests.brokers.lab import DEADLINE, KafkaLab

pytestmark = pytest.mark.broker
SIZE = 3_000_000
TIMEOUT = 2.0


class Proxy:
    """Stands before the broker: hands on what it answers, ``rate`` bytes a second, at most ``most`` bytes a connection
    and then cuts it or, where ``is_silent``, keeps it open without a word."""

    def __init__(self, broker: str, *, rate: float = 1e9, most: int | None = None, is_silent: bool = False) -> None:
        self._broker = broker
        self._rate, self._most, self._is_silent = rate, most, is_silent
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listening.getsockname()
        self.connections = 0
        self._sockets = [self._listening]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for held in self._sockets:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def _accept(self) -> None:
        host, port = self._broker.rsplit(":", 1)
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection((host, int(port)))
                self.connections += 1
                self._sockets += [near, far]
                threading.Thread(target=self._pump, args=(near, far, 1e9, None), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, self._rate, self._most), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, rate: float, most: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(64 * 1024):
                if most is not None and passed + len(piece) > most:
                    break
                passed += len(piece)
                sink.sendall(piece)
                time.sleep(len(piece) / rate)  # the slowness that is tested
        if not (self._is_silent and most is not None):
            for held in (source, sink):
                with suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def lab(bootstrap_servers: str) -> Iterator[KafkaLab]:
    run = uuid.uuid4().hex[:8]
    found = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    yield found
    found.close()


@pytest.fixture(scope="module")
def log(lab: KafkaLab) -> list[Range]:
    """Two partitions of some megabytes, with a needle at either end of each."""
    topic = lab.topic("slow", partitions=2)
    producer = Producer({**lab.properties, "linger.ms": "20"})
    for number in range(2):
        for value in (b"needle", *(b"x" * 1000 for _ in range(SIZE // 2_000)), b"needle"):
            producer.produce(topic, value, partition=number)
    assert producer.flush(DEADLINE) == 0
    homes = [Partition(topic, number) for number in range(2)]
    return [Range(home, 0, log.last_stable) for home, log in lab.broker.log_bounds(homes).bounds.items()]


def found_through(
    proxy: Proxy, lab: KafkaLab, log: list[Range], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Findings], float]:
    """What a search finds whose raw connections go through the proxy; the ordinary consumer's go straight."""
    monkeypatch.setattr(search, "leaders", lambda _, partitions: dict.fromkeys(partitions, proxy.address))
    broker, started = KafkaBroker(lab.properties, timeout=TIMEOUT), time.monotonic()
    try:
        pieces = list(broker.search(Sought((b"needle",)), log, Manner(Engine.AUTO)))
        return pieces, time.monotonic() - started
    finally:
        broker.close()
        proxy.close()


def notes(pieces: list[Findings]) -> list[str]:
    return [note for piece in pieces for note in piece.notes]


def is_whole(pieces: list[Findings], log: list[Range]) -> bool:
    """Every needle was found once, every offset was passed once, and nothing is a gap."""
    places = [(r.position.partition, r.position.offset) for piece in pieces for r in piece.records]
    ends = sorted((r.partition.partition, at) for r in log for at in (r.first, r.end - 1))
    passed = sum(piece.passed for piece in pieces)
    return (sorted(places), passed, [g for p in pieces for g in p.gaps]) == (ends, sum(r.end for r in log), [])


def test_a_slow_broker_is_waited_for_as_long_as_something_comes(
    lab: KafkaLab, log: list[Range], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(lab.properties["bootstrap.servers"], rate=SIZE / 2 / 2.5)
    pieces, seconds = found_through(proxy, lab, log, monkeypatch)
    assert is_whole(pieces, log)
    assert notes(pieces) == []
    assert seconds > TIMEOUT, "each of two connections carries half of it"


def test_a_broker_that_falls_silent_is_left_to_the_ordinary_consumer(
    lab: KafkaLab, log: list[Range], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(lab.properties["bootstrap.servers"], most=700_000, is_silent=True)
    pieces, seconds = found_through(proxy, lab, log, monkeypatch)
    assert is_whole(pieces, log)
    assert any("read by the ordinary consumer, since" in note and "doesn't answer" in note for note in notes(pieces))
    assert seconds < 30


def test_a_connection_that_is_cut_is_made_anew(
    lab: KafkaLab, log: list[Range], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(lab.properties["bootstrap.servers"], most=1_200_000)
    pieces, _ = found_through(proxy, lab, log, monkeypatch)
    assert is_whole(pieces, log)
    assert proxy.connections > 2, "two to begin with, and again where one was cut"
