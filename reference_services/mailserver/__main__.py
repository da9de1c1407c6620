"""``python -m reference_services.mailserver``: HTTP_HOST, HTTP_PORT, SMTP_HOST, SMTP_PORT (0: any free), MAIL_DIR."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import uvicorn

from reference_services.kit.logs import set_up_logs
from reference_services.mailserver.mailbox import Mailbox
from reference_services.mailserver.server import Listener, control_app


class _ControlServer(uvicorn.Server):
    """Signals are the process's own affair."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    mail_dir = os.environ.get("MAIL_DIR")
    mailbox = Mailbox(Path(mail_dir) if mail_dir else None)
    listener = Listener(mailbox, os.environ.get("SMTP_HOST", "127.0.0.1"), int(os.environ.get("SMTP_PORT", "0")))
    address = (os.environ.get("HTTP_HOST", "127.0.0.1"), int(os.environ.get("HTTP_PORT", "0")))
    with socket.create_server(address) as control:
        await listener.open()
        app = control_app(mailbox, listener)
        server = _ControlServer(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
        http = "http://{}:{}".format(*control.getsockname()[:2])
        ready = {"ready": "mail-server", "http": http, "smtp": f"{listener.host}:{listener.port}"}
        print(json.dumps(ready), flush=True)
        await server.serve(sockets=[control])
        listener.close()


def main() -> int:
    """0 stopped, 2 wrong configuration."""
    set_up_logs("mail-server", os.environ.get("LOG_FORMAT", "text"))
    try:
        asyncio.run(serve())
    except (OSError, ValueError, OverflowError) as error:
        print(f"mail-server: {error}: choose another SMTP_PORT or HTTP_PORT (0: any free one)", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
