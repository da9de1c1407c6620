"""Collectors for tests: one that takes what comes, and some with bad manners. All of them real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Flag
from threading import Thread
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

LONG: Final = 10.0
"""Seconds that a slow one takes."""


@contextmanager
def taking(rejects: int = 0) -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """A good one: where to send, and the bodies that came, by path (``/v1/traces``, ``/v1/metrics``). Of each request
    of spans it keeps all but ``rejects``, and says so."""
    bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}
    partial = ExportTracePartialSuccess(rejected_spans=rejects, error_message="too old")
    answer = ExportTraceServiceResponse(partial_success=partial).SerializeToString() if rejects else b""
    handler = type("Taking", (_Taking,), {"bodies": bodies, "answers": {"/v1/traces": answer}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", bodies
        finally:
            server.shutdown()
            thread.join()


class _Taking(BaseHTTPRequestHandler):
    bodies: dict[str, list[bytes]]
    answers: dict[str, bytes]

    def do_POST(self) -> None:
        self.bodies[self.path].append(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.answers.get(self.path, b"")
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def spans_of(bodies: list[bytes]) -> list[tuple[ResourceSpans, Span]]:
    """Every span that came, with the resource it belongs to."""
    requests = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    resources = [resource for request in requests for resource in request.resource_spans]
    return [(resource, span) for resource in resources for scope in resource.scope_spans for span in scope.spans]


def counted(bodies: list[bytes], name: str) -> int:
    """The latest value of a counter, as ``/v1/metrics`` was told it."""
    requests = [ExportMetricsServiceRequest.FromString(body) for body in bodies]
    scopes = [scope for one in requests for found in one.resource_metrics for scope in found.scope_metrics]
    told = [metric.sum.data_points for scope in scopes for metric in scope.metrics if metric.name == name]
    return max((point.as_int for points in told for point in points), default=0)


class _Hostile(BaseHTTPRequestHandler):
    """Takes :data:`LONG` for each answer, or refuses, or goes away after its first answer."""

    manner: str
    answered: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.manner == "slow":
            self.server.released.wait(LONG)  # type: ignore[attr-defined]
        self.answered.append(self.path)
        self.send_response(503 if self.manner == "refusing" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if self.manner == "gone midway":
            self.server.socket.close()  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def hostile(manner: str) -> Iterator[tuple[str, Callable[[], bool]]]:
    """A collector with bad manners, and whether it has ever answered."""
    answered: list[str] = []
    handler = type("Hostile", (_Hostile,), {"manner": manner, "answered": answered})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.handle_error = True, lambda *_: None  # type: ignore[method-assign]
        server.released = Flag()  # type: ignore[attr-defined]
        port = server.server_port
        thread = Thread(target=_serve, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}", lambda: bool(answered)
        finally:
            server.released.set()  # type: ignore[attr-defined]
            server.shutdown()
            thread.join()


def _serve(server: ThreadingHTTPServer) -> None:
    with suppress(OSError, ValueError):  # its own socket, closed midway
        server.serve_forever(0.05)


@contextmanager
def down() -> Iterator[tuple[str, Callable[[], bool]]]:
    """An address where nobody listens, and nobody else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}", lambda: False


@contextmanager
def silent() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Connections are taken, and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", lambda: False
