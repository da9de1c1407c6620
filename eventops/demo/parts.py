"""The processes of the demo, and what each is told. Pure: addresses in, parts out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from eventops.config import BOOTSTRAP, ConfigurationError, Context, with_secrets
from eventops.demo.model import Part, Wish

SLOW_GROUP = "loyalty-group"
"""The consumer that builds lag: loyalty points come late, and nobody's order or mail waits for them."""


def mail_server(mails: Path) -> Part:
    """Takes the mails, keeps them as files, refuses what it is told to refuse."""
    return Part("mail-server", _module("mailserver"), {"MAIL_DIR": str(mails)})


def services(
    kafka: Mapping[str, str], databases: Path, smtp: str, wish: Wish, telemetry: Mapping[str, str]
) -> tuple[Part, ...]:
    """The three services. Retries end after about five seconds, so that an outage of some seconds leaves letters and
    spares most mails. ``kafka``, ``telemetry``: variables that say where events and spans go."""
    host, _, port = smtp.rpartition(":")
    common = {
        **telemetry,
        **kafka,
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


def kafka_of(context: Context) -> dict[str, str]:
    """Where a cluster is, as the services read it.

    Raises:
        ConfigurationError: a secret's reference leads nowhere, or a property can't be handed on.
    """
    properties = with_secrets({name: value for name, value in context.properties.items() if name != BOOTSTRAP})
    if torn := [name for name, value in properties.items() if "," in value]:
        raise ConfigurationError(f"{torn[0]} has a comma in it: the demo's services can't be told it")
    client = ",".join(f"{name}={value}" for name, value in properties.items())
    return {"KAFKA_BOOTSTRAP_SERVERS": str(context.bootstrap_servers), "KAFKA_CLIENT": client}


def traffic(kafka: Mapping[str, str], http: Mapping[str, str], wish: Wish) -> Part:
    """Registrations, resets and orders over HTTP, and the failures."""
    return Part(
        "traffic",
        _module(
            "traffic",
            *("--users", http["user-service"]),
            *("--orders", http["order-service"]),
            *("--mail", http["mail-server"]),
            *("--bootstrap-servers", kafka["KAFKA_BOOTSTRAP_SERVERS"]),
            *("--rate", str(wish.rate)),
            *("--seed", str(wish.seed)),
            *(() if wish.failures else ("--no-failures",)),
        ),
        kafka,
    )


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"reference_services.{name}", *arguments)
