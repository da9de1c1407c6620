"""The dashboard in a browser of this machine, through textual-serve: one process of the dashboard a browser tab.

textual-serve asks nobody who they are, and a page of any site may open a WebSocket to loopback. Here a request needs
the secret of the address that was printed, kept in a cookie afterwards, and has to come from the page itself.
"""

from __future__ import annotations

import logging
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

HOST: Final = "127.0.0.1"
_COOKIE: Final = "eventops"
_PARAMETER: Final = "token"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DashboardServer(Server):
    """``words`` are the command line of the dashboard that each tab gets, after ``python``."""

    def __init__(self, words: Sequence[str], port: int) -> None:
        super().__init__(shlex.join([sys.executable, *words]), HOST, port, title="eventops")
        self._secret = secrets.token_urlsafe(24)

    @property
    def address(self) -> str:
        """What is opened in the browser."""
        return f"{self.public_url}/?{_PARAMETER}={self._secret}"

    def initialize_logging(self) -> None:
        """Only what goes wrong, on standard error."""
        logging.basicConfig(level=logging.WARNING)

    def serve(self, debug: bool = False) -> None:
        """Until Ctrl-C. It listens before it says where; standard output holds nothing else.

        Raises:
            OSError: the port is taken.
        """
        self.debug = debug
        self.initialize_logging()
        with socket.create_server((HOST, self.port)) as listening:
            print(self.address, flush=True)
            web.run_app(self._make_app(), sock=listening, print=None)

    async def on_startup(self, _app: web.Application) -> None:
        """Nothing more to say."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        app.middlewares.append(guard)
        return app

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._is_ours(request):
            raise web.HTTPForbidden(text="open the address that `eventops dashboard --web` printed")
        response = await handler(request)
        if not response.prepared:
            self._seal(response)
        return response

    def _is_ours(self, request: web.Request) -> bool:
        """The host by its number, for anybody can make a name lead here; no other page behind it; the secret."""
        here = f"{HOST}:{self.port}"
        origin = request.headers.get("Origin")
        told = request.query.get(_PARAMETER) or request.cookies.get(self._cookie, "")
        is_from_here = request.host == here and (origin is None or urlsplit(origin).netloc == here)
        return is_from_here and compare_digest(told.encode(), self._secret.encode())

    @property
    def _cookie(self) -> str:
        """Of this port alone: browsers share cookies between all ports of a host."""
        return f"{_COOKIE}-{self.port}"

    def _seal(self, response: web.StreamResponse) -> None:
        """The page fetches nothing from elsewhere and stands in no other page."""
        response.set_cookie(self._cookie, self._secret, httponly=True, samesite="Strict")
        response.headers["Content-Security-Policy"] = (
            "default-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
            f"connect-src 'self' ws://{HOST}:{self.port}; frame-ancestors 'none'"
        )
        response.headers["Referrer-Policy"] = "no-referrer"


def serve(words: Sequence[str], port: int) -> None:
    """Until Ctrl-C.

    Raises:
        OSError: the port is taken.
    """
    DashboardServer(words, port).serve()
