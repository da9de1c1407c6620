"""Takes OTLP over HTTP, counts spans: ``python -m benchmarks.otlp_receiver`` prints its address; ``GET`` the count."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class _Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies: list[bytes] = []  # noqa: RUF012 -- one a process

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.bodies.append(body)
        self._answer(b"")

    def do_GET(self) -> None:
        requests = map(ExportTraceServiceRequest.FromString, self.bodies)
        scopes = [scope for one in requests for spans in one.resource_spans for scope in spans.scope_spans]
        self._answer(str(sum(len(scope.spans) for scope in scopes)).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
