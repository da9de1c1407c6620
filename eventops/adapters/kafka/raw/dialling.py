"""How librdkafka's properties say a broker is reached: address family, TLS and SASL; and when we can't follow them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eventops.adapters.kafka.wire.settings import NotCarriedOver, carried_over

_FAMILIES: Final = {"any": socket.AF_UNSPEC, "v4": socket.AF_INET, "v6": socket.AF_INET6}
_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


class Unsuited(Exception):
    """Raw fetching doesn't do here; the message says why. The ordinary consumer does."""


@dataclass(frozen=True, slots=True)
class Login:
    """SASL credentials. ``mechanism`` is PLAIN or one of SCRAM's."""

    mechanism: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Dialling:
    """What a connection takes; ``tls`` None is plain text, ``login`` None no SASL. ``timeout`` in seconds."""

    timeout: float
    family: int
    tls: ssl.SSLContext | None
    login: Login | None


def dialling(properties: Mapping[str, str], timeout: float) -> Dialling:
    """
    Raises:
        Unsuited: a property that bears on the connection isn't one that we can follow.
    """
    try:
        settings = carried_over(properties)
    except NotCarriedOver as failure:
        raise Unsuited(str(failure)) from failure
    protocol, family = settings["security_protocol"], properties.get("broker.address.family", "any")
    if protocol not in _PROTOCOLS or family not in _FAMILIES:
        raise Unsuited(f"security.protocol {protocol} and broker.address.family {family} aren't both known")
    login = None
    if mechanism := settings.get("sasl_mechanism"):
        login = Login(mechanism, settings["sasl_plain_username"] or "", settings["sasl_plain_password"] or "")
    return Dialling(timeout, _FAMILIES[family], settings.get("ssl_context"), login)
