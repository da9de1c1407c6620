"""A real HTTP server on this machine that answers as a trace store does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

RECORDED = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Reply:
    """What the server says."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass
class Asked:
    """What the server was asked: paths with their queries, and the headers of the last request."""

    paths: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[str, dict[str, str]], Reply]

NOT_FOUND = Reply(404, b"404 page not found\n", "text/plain")
PAGE = Reply(200, b"<!doctype html><title>Jaeger UI</title>", "text/html")


def recorded(store: str, name: str) -> Reply:
    """An answer as a real store gave it."""
    held = json.loads((RECORDED / store / f"{name}.json").read_text(encoding="utf-8"))
    return Reply(held["status"], json.dumps(held["body"]).encode(), held["content_type"])


def as_json(document: Any) -> Reply:
    """A document of our own."""
    return Reply(200, json.dumps(document).encode())


@contextmanager
def serving(answer: Answering) -> Iterator[tuple[str, Asked]]:
    """The server's address, and what it is asked; it ends with the context."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            asked.paths.append((parts.path, query))
            asked.headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(parts.path, query)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
