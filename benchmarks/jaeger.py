"""A real Jaeger 2 for a benchmark: a child process on free ports, spans in memory."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eventops.events import Position

_DEADLINE: Final = 20.0
_CONFIG: Final = """
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}}}
extensions:
  jaeger_query:
    enable_tracing: false
    storage: {{traces: memory}}
    http: {{endpoint: "127.0.0.1:{page}"}}
    grpc: {{endpoint: "127.0.0.1:{query}"}}
  jaeger_storage: {{backends: {{memory: {{memory: {{max_traces: 100000}}}}}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: memory}}}}
"""


@dataclass(frozen=True, slots=True)
class Jaeger:
    """Where it answers, and where it takes spans."""

    url: str
    otlp: str

    def send(self, correlation: str, places: Iterable[tuple[Position, str]]) -> None:
        """A trace in which each event, at its place and with its id, was sent by a service."""
        now = time.time_ns()
        spans = [_span(number, at, event, correlation, now) for number, (at, event) in enumerate(places, 1)]
        service = {"attributes": [_attribute("service.name", "order-service")]}
        held = {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": spans}]}]}
        self._post(json.dumps(held).encode())
        asked = f"{self.url}/api/v3/traces/{_TRACE}"
        _until(lambda: bool(urllib.request.urlopen(asked, timeout=2).read()))

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{self.otlp}/v1/traces", body, headers), timeout=10).read()


_TRACE: Final = "0af7651916cd43dd8448eb211c80319c"


@contextmanager
def jaeger(binary: str, home: Path) -> Iterator[Jaeger]:
    """Until the block ends."""
    page, query, otlp = (_free_port() for _ in range(3))
    config = home / "jaeger.yaml"
    config.write_text(_CONFIG.format(page=page, query=query, otlp=otlp), encoding="utf-8")
    log = (home / "jaeger.log").open("wb")
    process = subprocess.Popen([binary, "--config", str(config)], stdout=log, stderr=log)
    try:
        found = Jaeger(f"http://127.0.0.1:{page}", f"http://127.0.0.1:{otlp}")
        _until(lambda: bool(urllib.request.urlopen(f"{found.url}/api/services", timeout=2).read()))
        yield found
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def _until(holds: Any) -> None:
    deadline = time.monotonic() + _DEADLINE
    while True:
        try:
            if holds():
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _span(number: int, at: Position, event: str, correlation: str, now: int) -> dict[str, Any]:
    told = {
        "messaging.destination.name": at.topic,
        "messaging.destination.partition.id": str(at.partition),
        "messaging.kafka.offset": str(at.offset),
        "messaging.message.id": event,
        "messaging.message.conversation_id": correlation,
        "messaging.operation.type": "send",
    }
    return {
        "traceId": _TRACE,
        "spanId": f"{number:016x}",
        "name": f"send {at.topic}",
        "kind": 4,
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 1_000_000),
        "attributes": [_attribute(key, value) for key, value in told.items()],
    }


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
