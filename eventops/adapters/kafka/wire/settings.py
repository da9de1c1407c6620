"""librdkafka's properties for kafka-python. What can't be carried over is said, never left out silently: a client that
connects with other settings than the user gave would be a trap."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_SECRET_MECHANISMS: Final = frozenset({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})
_TLS: Final = frozenset(
    {
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.crl.location",
        "ssl.endpoint.identification.algorithm",
        "enable.ssl.certificate.verification",
    }
)
_LOGIN: Final = frozenset({"sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password"})


class NotCarriedOver(Exception):
    """The settings name something that kafka-python can't do; the text says what."""


def carried_over(properties: Mapping[str, str]) -> dict[str, Any]:
    """What kafka-python is to be configured with, to connect as librdkafka does.

    Raises:
        NotCarriedOver: a setting of TLS or of the login has no counterpart, or its files can't be read.

    >>> carried_over({"bootstrap.servers": "a:9092, b:9092", "socket.timeout.ms": "1"})["bootstrap_servers"]
    ['a:9092', 'b:9092']
    >>> carried_over({"bootstrap.servers": "a:9092", "sasl.oauthbearer.config": "x"})
    Traceback (most recent call last):
    eventops.adapters.kafka.wire.settings.NotCarriedOver: sasl.oauthbearer.config can't be carried over
    """
    unknown = [name for name in properties if _is_of_security(name) and name not in _TLS | _LOGIN]
    if unknown:
        raise NotCarriedOver(f"{unknown[0]} can't be carried over")
    protocol = properties.get("security.protocol", "plaintext").upper()
    settings: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in properties["bootstrap.servers"].split(",")],
        "client_id": properties.get("client.id", "eventops"),
        "security_protocol": protocol,
    }
    if protocol.startswith("SASL_"):
        settings |= _login(properties)
    if protocol.endswith("SSL"):
        settings["ssl_context"] = _tls(properties)
    return settings


def _is_of_security(name: str) -> bool:
    """
    >>> [_is_of_security(n) for n in ("ssl.curves.list", "enable.sasl.oauthbearer.unsecure.jwt", "security.protocol")]
    [True, True, False]
    """
    return name.startswith(("ssl.", "sasl.", "https.", "enable.ssl.", "enable.sasl."))


def _login(properties: Mapping[str, str]) -> dict[str, str | None]:
    mechanism = properties.get("sasl.mechanism") or properties.get("sasl.mechanisms") or "GSSAPI"
    if mechanism.upper() not in _SECRET_MECHANISMS:
        raise NotCarriedOver(f"the SASL mechanism {mechanism} can't be carried over")
    return {
        "sasl_mechanism": mechanism.upper(),
        "sasl_plain_username": properties.get("sasl.username"),
        "sasl_plain_password": properties.get("sasl.password"),
    }


def _tls(properties: Mapping[str, str]) -> ssl.SSLContext:
    """Like librdkafka: the system's authorities unless others are named, and the host's name is checked."""
    try:
        context = _authorities(properties)
        if certificate := properties.get("ssl.certificate.location"):
            key, password = properties.get("ssl.key.location"), properties.get("ssl.key.password")
            context.load_cert_chain(certificate, key, password)
        if revoked := properties.get("ssl.crl.location"):
            context.load_verify_locations(revoked)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    except (OSError, ValueError) as error:
        raise NotCarriedOver(f"its TLS files can't be carried over ({error})") from error
    if properties.get("ssl.endpoint.identification.algorithm", "https").lower() == "none":
        context.check_hostname = False
    if properties.get("enable.ssl.certificate.verification", "true").lower() == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _authorities(properties: Mapping[str, str]) -> ssl.SSLContext:
    place, text = properties.get("ssl.ca.location"), properties.get("ssl.ca.pem")
    if text:
        return ssl.create_default_context(cadata=text)
    if not place or place == "probe":
        return ssl.create_default_context()
    if Path(place).is_dir():
        return ssl.create_default_context(capath=place)
    return ssl.create_default_context(cafile=place)
