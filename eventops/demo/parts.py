"""The processes of the demo, and what each is told. Pure: addresses in, parts out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from eventops.demo.model import Part, Wish

SLOW_GROUP = "loyalty-group"
"""The consumer that builds lag: loyalty points come late, and nobody's order or mail waits for them."""


def mail_server(mails: Path) -> Part:
    """Takes the mails, keeps them as files, refuses what it is told to refuse."""
    return Part("mail-server", _module("mailserver"), {"MAIL_DIR": str(mails)})


def services(
    bootstrap_servers: str, databases: Path, smtp: str, wish: Wish, telemetry: Mapping[str, str]
) -> tuple[Part, ...]:
    """The three services. Retries end after about five seconds, so that an outage of some seconds leaves letters and
    spares most mails. ``telemetry``: variables that say where spans go."""
    host, _, port = smtp.rpartition(":")
    common = {
        **telemetry,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "HTTP_PORT": "0",
        "SMTP_HOST": host,
        "SMTP_PORT": port,
        "HANDLING_DELAY_SECONDS": f"{SLOW_GROUP}={wish.slow_seconds}" if wish.failures else "",
    }
    modules = {"user-service": "users", "order-service": "orders", "notification-service": "notifications"}
    return tuple(
        Part(name, _module(module), {**common, "DATABASE_URL": f"sqlite:///{databases / name}.db"})
        for name, module in modules.items()
    )


def traffic(bootstrap_servers: str, http: Mapping[str, str], wish: Wish) -> Part:
    """Registrations, resets and orders over HTTP, and the failures."""
    return Part(
        "traffic",
        _module(
            "traffic",
            *("--users", http["user-service"]),
            *("--orders", http["order-service"]),
            *("--mail", http["mail-server"]),
            *("--bootstrap-servers", bootstrap_servers),
            *("--rate", str(wish.rate)),
            *("--seed", str(wish.seed)),
            *(() if wish.failures else ("--no-failures",)),
        ),
    )


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"reference_services.{name}", *arguments)
