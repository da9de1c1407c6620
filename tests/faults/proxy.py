"""A TCP proxy before a broker that knows where Kafka's requests begin and end, and loses what it is told to lose."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from threading import Event, Lock, Thread

from eventops.adapters.kafka.probe import answers
from eventops.bootstrap import local_kafka
from eventops.local import nodes, ports, rules
from eventops.local.java import java_environ
from eventops.local.model import HOST, Node, Plan
from eventops.local.warded import Warded, end_all
from tests.waiting import wait_until


class Api(Enum):
    """Requests, by Kafka's numbers."""

    PRODUCE = 0
    FETCH = 1
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    END_TXN = 26


class Deed(Enum):
    """What becomes of a request."""

    CUT_BEFORE = "the connection is cut before the broker has it"
    CUT_AFTER = "the broker does it, and the connection is cut before it is answered"
    HOLD_ANSWER = "the broker does it, and its answer doesn't come"
    HOLD_REQUEST = "it reaches the broker long after the client gave up"


@dataclass
class Fault:
    """``deed`` is done to the request of that kind after ``skip`` others; ``until``: what is held is let go when a
    request of that kind comes on another connection."""

    api: Api
    deed: Deed
    skip: int = 0
    until: Api | None = None
    release: Event = field(default_factory=Event)
    answer: bytes = b""
    """What the broker answered, with length and correlation id."""
    answered: Event = field(default_factory=Event)


class Proxy:
    """Listens from the beginning; ``port`` is where. ``done`` are the faults that came about."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.broker_port = 0
        self.done: list[Fault] = []
        self._faults: list[Fault] = []
        self._holding: list[Fault] = []
        self._lock = Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self._run(self._accept)

    def plan(self, *faults: Fault) -> None:
        """From now on."""
        with self._lock:
            self._faults = list(faults)
            self.done = []

    def cut(self) -> None:
        """Every connection that there is."""
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut and listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for fault in self._holding:
            fault.release.set()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _run(self, what: object, *arguments: object) -> None:
        thread = Thread(target=what, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            broker = socket.create_connection((HOST, self.broker_port), 5)
        except OSError:
            client.close()
            return
        broker.settimeout(None)
        with self._lock:
            self._sockets |= {client, broker}
        connection = _Connection(self, client, broker)
        back = Thread(target=connection.answers, daemon=True)
        back.start()
        connection.requests()
        back.join()
        with self._lock:
            self._sockets -= {client, broker}
        client.close()
        broker.close()

    def fate(self, api: int) -> Fault | None:
        """What becomes of this request, if anything does."""
        with self._lock:
            for held in [one for one in self._holding if one.until is not None and one.until.value == api]:
                held.release.set()
                self._holding.remove(held)
            fault = next((one for one in self._faults if one.api.value == api), None)
            if fault is None:
                return None
            if fault.skip:
                fault.skip -= 1
                return None
            self._faults.remove(fault)
            self.done.append(fault)
            if fault.deed in (Deed.HOLD_ANSWER, Deed.HOLD_REQUEST):
                self._holding.append(fault)
            return fault


class _Connection:
    """One client's, and ours to the broker."""

    def __init__(self, proxy: Proxy, client: socket.socket, broker: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._broker = broker
        self._lost: dict[int, Fault] = {}
        """By correlation id: requests whose answer is lost."""

    def requests(self) -> None:
        """From the client to the broker, until either is gone."""
        with contextlib.suppress(OSError):
            while (frame := _frame(self._client)) is not None:
                api, _version, correlation = struct.unpack(">hhi", frame[4:12])
                fault = self._proxy.fate(api)
                if fault is not None and fault.deed is Deed.CUT_BEFORE:
                    break
                if fault is not None:
                    self._lost[correlation] = fault
                if fault is not None and fault.deed is Deed.HOLD_REQUEST:
                    fault.release.wait(60)
                self._broker.sendall(frame)
                if fault is not None and fault.deed is Deed.HOLD_REQUEST:
                    fault.answered.wait(20)
                    break
        self._end()

    def answers(self) -> None:
        """From the broker to the client, until either is gone."""
        with contextlib.suppress(OSError):
            while (frame := _frame(self._broker)) is not None:
                (correlation,) = struct.unpack(">i", frame[4:8])
                fault = self._lost.pop(correlation, None)
                if fault is not None:
                    fault.answer = frame
                    fault.answered.set()
                if fault is not None and fault.deed in (Deed.CUT_AFTER, Deed.HOLD_REQUEST):
                    break
                if fault is not None:
                    fault.release.wait(60)
                self._client.sendall(frame)
        self._end()

    def _end(self) -> None:
        for one in (self._client, self._broker):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _frame(source: socket.socket) -> bytes | None:
    """A request or an answer, with its length before it; None: the end."""
    length = _exactly(source, 4)
    if length is None:
        return None
    body = _exactly(source, struct.unpack(">i", length)[0])
    return None if body is None else length + body


def _exactly(source: socket.socket, number: int) -> bytes | None:
    found = bytearray()
    while len(found) < number:
        piece = source.recv(number - len(found))
        if not piece:
            return None
        found += piece
    return bytes(found)


@dataclass(frozen=True, slots=True)
class Proxied:
    """A broker that clients reach through the proxy at ``servers``, and witnesses at ``direct``."""

    proxy: Proxy
    servers: str
    direct: str


@contextmanager
def proxied_kafka(directory: Path) -> Iterator[Proxied]:
    """One broker whose clients are sent to the proxy; it speaks to itself, and with witnesses, past it."""
    installation = local_kafka().install()
    proxy = Proxy()
    port, direct, controller = ports.any_free(3)
    node = Node(1, port, controller, directory / "node-1")
    plan = Plan(nodes.new_cluster_id(), (node,))
    nodes.prepare([node], plan, installation)
    told = {
        "listeners": f"CLIENT://{node.address},DIRECT://{HOST}:{direct},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"CLIENT://{HOST}:{proxy.port},DIRECT://{HOST}:{direct}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "DIRECT",
    }
    with node.properties.open("a", encoding="utf-8") as file:  # the last word counts
        file.writelines(f"{name}={value}\n" for name, value in told.items())
    proxy.broker_port = port
    process = Warded(rules.broker_command(installation, node), log=node.log, environ=java_environ(), grace=5)
    try:
        process.start()
        wait_until(
            lambda: process.alive and answers(f"{HOST}:{direct}", 1) is not None,
            f"the broker answers, see {node.log}",
            60,
        )
        yield Proxied(proxy, f"{HOST}:{proxy.port}", f"{HOST}:{direct}")
    finally:
        proxy.close()
        end_all([process])
