"""What the conventions ask to be said of a message on a span. Pure: what isn't known (None) is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eventops.events import CE_CAUSATION_ID, CE_CORRELATION_ID, CE_ID, REPLAY_ID, Ids, Record, bytes_as_text
from reference_services.kit import conventions as names
from reference_services.kit.propagation import AnyHeaders, writable

Attributes = dict[str, str | int | bool]

_IDS: Final = {
    CE_ID: names.MESSAGE_ID,
    CE_CORRELATION_ID: names.CONVERSATION_ID,
    CE_CAUSATION_ID: names.CAUSATION_ID,
}


KNOWN_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
"""HTTP conventions 1.44: RFC 9110's, PATCH and QUERY. Clients may send any other word, and each would be a series."""


def of_request(method: str, path: str) -> Attributes:
    """Of an HTTP request.

    >>> of_request("get", "/")["http.request.method"], of_request("get", "/")["http.request.method_original"]
    ('_OTHER', 'get')
    """
    where: Attributes = {"url.path": path, "url.scheme": "http"}
    if method in KNOWN_METHODS:
        return {"http.request.method": method, **where}
    return {"http.request.method": "_OTHER", "http.request.method_original": method, **where}


def span_name(method: str, route: str | None = None) -> str:
    """Of a request's span.

    >>> span_name("POST", "/users"), span_name("FROB", "/users"), span_name("FROB")
    ('POST /users', 'HTTP /users', 'HTTP')
    """
    word = method if method in KNOWN_METHODS else "HTTP"
    return f"{word} {route}" if route else word


def of_client(service: str, server: str) -> Attributes:
    """On every messaging span; ``server`` is ``host:port``.

    >>> of_client("order-service", "[::1]:9092")["server.address"]
    '::1'
    """
    host, _, port = server.rpartition(":")
    where: Attributes = (
        {names.SERVER_ADDRESS: host.strip("[]"), names.SERVER_PORT: int(port)} if port.isdecimal() else {}
    )
    return {names.SYSTEM: "kafka", names.CLIENT_ID: service, **where}


def of_headers(headers: AnyHeaders, key: str | None) -> Attributes:
    """Of a message about to be sent: its ids, as its headers name them, and its key."""
    held = {_IDS[name]: bytes_as_text(value) for name, value in headers if name in _IDS and value}
    return _known({**held, names.KAFKA_KEY: key})


def of_record(record: Record, ids: Ids, group: str) -> Attributes:
    """Of a message that a group received."""
    replay = record.header(REPLAY_ID)
    return _known(
        {
            **of_place(record, group),
            names.MESSAGE_ID: ids.event_id,
            names.CONVERSATION_ID: ids.correlation_id,
            names.CAUSATION_ID: ids.causation_id,
            names.KAFKA_KEY: None if record.key is None else bytes_as_text(record.key),
            names.KAFKA_TOMBSTONE: True if record.value is None else None,
            names.REPLAY_ID: bytes_as_text(replay) if replay else None,
        }
    )


def of_place(record: Record, group: str) -> Attributes:
    """Where it stands, and for whom; the partition is text and the offset a number, so the conventions want it."""
    at = record.position
    return {names.GROUP: group, names.PARTITION_ID: str(at.partition), names.KAFKA_OFFSET: at.offset}


def _known(said: Mapping[str, str | int | bool | None]) -> Attributes:
    given = {name: value for name, value in said.items() if value is not None}
    return {name: writable(value) if isinstance(value, str) else value for name, value in given.items()}
