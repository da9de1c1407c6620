"""The SMTP listener, which can go away and come back, and the HTTP control beside it; one event loop."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

from aiosmtpd.smtp import SMTP
from fastapi import FastAPI
from pydantic import BaseModel, Field

from reference_services.mailserver.mailbox import Mailbox

log = logging.getLogger(__name__)


class Listener:
    """The SMTP port. While it is away, the operating system refuses connections, as where no server runs."""

    def __init__(self, mailbox: Mailbox, host: str, port: int) -> None:
        self._mailbox = mailbox
        self.host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._return: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen; port 0 becomes the free port found, and stays it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self._mailbox, hostname="mail.example", enable_SMTPUTF8=True), self.host, self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening; mails in hand are still taken."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def go_away(self, seconds: float) -> None:
        """Be down for so long, counted from now; a second call replaces the first."""
        log.info("away for %.1f s", seconds)
        self.close()
        if self._return is not None:
            self._return.cancel()
        self._return = asyncio.get_running_loop().create_task(self._come_back(seconds))

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.open()
        log.info("back")


class Refusal(BaseModel):
    """Addresses to refuse, as a pattern: ``*@refused.example``."""

    pattern: Annotated[str, Field(min_length=1, max_length=254)]


class Outage(BaseModel):
    """How long to be away."""

    seconds: Annotated[float, Field(gt=0, le=3600)]


def control_app(mailbox: Mailbox, listener: Listener) -> FastAPI:
    """What a test or a demonstration can ask of the server."""
    app = FastAPI(title="mail-server", docs_url=None, redoc_url=None)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"service": "mail-server", "status": "ok"}

    @app.get("/mails")
    async def get_mails() -> list[dict[str, str]]:
        return [mail.shown() for mail in mailbox.mails]

    @app.post("/refuse")
    async def post_refuse(refusal: Refusal) -> dict[str, list[str]]:
        mailbox.refused.add(refusal.pattern)
        return {"refused": sorted(mailbox.refused)}

    @app.delete("/refuse")
    async def delete_refuse() -> dict[str, list[str]]:
        mailbox.refused.clear()
        return {"refused": []}

    @app.post("/outage", status_code=202)
    async def post_outage(outage: Outage) -> dict[str, float]:
        listener.go_away(outage.seconds)
        return {"seconds": outage.seconds}

    return app
