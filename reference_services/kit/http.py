"""HTTP for the services: a correlation id on every request and response, and a server that runs in a thread."""

from __future__ import annotations

import logging
import socket
import time
import uuid
from threading import Event as Flag
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request
from opentelemetry import trace
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_services.kit.attributes import span_name
from reference_services.kit.conventions import CONVERSATION_ID
from reference_services.kit.logs import about
from reference_services.kit.tracing import Tracing, mark_failed

log = logging.getLogger(__name__)

CORRELATION_HEADER = "X-Correlation-Id"
_HEADER = CORRELATION_HEADER.lower().encode()
_LONGEST_ID = 128


class Conversation:
    """Middleware: takes the caller's correlation id or makes one, works under it, and answers with it, whatever
    happens: Starlette's own answer to an exception would come too late for the ids."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = [(name.decode("latin-1"), value) for name, value in scope["headers"]]
        given = _given_id(dict(scope["headers"]).get(_HEADER))
        state = scope.setdefault("state", {})
        state |= {"given_correlation_id": given, "correlation_id": given or f"req-{uuid.uuid4().hex[:12]}"}

        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (_HEADER, state["correlation_id"].encode())]
            await send(message)

        began = time.perf_counter()
        with self._tracing.serving(scope["method"], scope["path"], headers, state["correlation_id"]) as span:
            try:
                with about(state["correlation_id"]):
                    await self._app(scope, receive, answer)
            except Exception as failure:
                mark_failed(span, failure)
                with about(state["correlation_id"]):
                    log.exception("a request failed")
                if status is not None:
                    raise  # half an answer is out: only a connection that breaks tells the caller
                await PlainTextResponse("Internal Server Error", 500)(scope, receive, answer)
            else:
                if status is not None and status >= 500:
                    mark_failed(span, str(status))
            finally:
                _tell(span, scope, status, time.perf_counter() - began)


def _tell(span: trace.Span, scope: Scope, status: int | None, seconds: float) -> None:
    """Of a request that ended: on its span, and in one line, which names the route alone, for paths hold ids."""
    route = getattr(scope.get("route"), "path", None)
    if route:
        span.update_name(span_name(scope["method"], route))
        span.set_attribute("http.route", route)
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    with about(scope["state"]["correlation_id"]):
        log.info("%s %s %s in %.0f ms", scope["method"], route or "(no route)", status or "-", seconds * 1000)


def _given_id(header: bytes | None) -> str | None:
    """The caller's id where it is one: printable ASCII without spaces, not too long."""
    if not header or len(header) > _LONGEST_ID or not all(33 <= byte <= 126 for byte in header):
        return None
    return header.decode("ascii")


def _correlation_id(request: Request) -> str:
    return str(request.state.correlation_id)


def _given_correlation_id(request: Request) -> str | None:
    given = request.state.given_correlation_id
    return None if given is None else str(given)


def answer_under(request: Request, correlation_id: str) -> None:
    """Answer with this correlation id: the request turned out to continue an older conversation."""
    request.state.correlation_id = correlation_id
    trace.get_current_span().set_attribute(CONVERSATION_ID, correlation_id)


CorrelationId = Annotated[str, Depends(_correlation_id)]
"""In an endpoint's signature: the id under which this request works."""

GivenCorrelationId = Annotated[str | None, Depends(_given_correlation_id)]
"""In an endpoint's signature: the caller's own id; None where it brought none."""


def web_app(service: str, tracing: Tracing) -> FastAPI:
    """An app with ``GET /health`` that speaks correlation ids."""
    app = FastAPI(title=service, docs_url="/docs", redoc_url=None)
    app.add_middleware(Conversation, tracing=tracing)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"service": service, "status": "ok"}

    return app


class WebServer:
    """uvicorn in a thread of ours; signals belong to the service."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """Bind at once, so that the address is known and a taken port is told.

        Raises:
            OSError: the address is taken or isn't ours.
        """
        self._socket = socket.create_server((host, port))
        self.url = "http://{}:{}".format(*self._socket.getsockname()[:2])
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3, ws="none"
        )
        self._server = uvicorn.Server(config)

    def run(self, _stop: Flag) -> None:
        """Serve until :meth:`close`."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    @property
    def is_up(self) -> bool:
        """True once requests are answered."""
        return self._server.started

    def close(self) -> None:
        """Finish the requests in hand and end :meth:`run`."""
        self._server.should_exit = True
