"""Bytes and moments of anyone as text; nothing here raises on anyone's bytes."""

from __future__ import annotations

import codecs
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final, overload

_MAGIC: Final = 5
_HEX: Final = "[0-9a-fA-F]"
_UUID: Final = re.compile(
    rf"(?:(?i:urn:uuid:))?\{{?({_HEX}{{8}})(-?)({_HEX}{{4}})\2({_HEX}{{4}})\2({_HEX}{{4}})\2({_HEX}{{12}})\}}?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def header_text(raw: bytes | None) -> str | None:
    """A header's value as an id: text, or the UUID that 16 raw bytes spell (Spring's ``kafka_correlationId``).

    >>> header_text(bytes(range(16)))
    '00010203-0405-0607-0809-0a0b0c0d0e0f'
    >>> header_text(b'"quoted by spring_json_header_types"')
    'quoted by spring_json_header_types'
    """
    if not raw:
        return None
    if len(raw) == 16 and not _is_printable(raw):
        return str(uuid.UUID(bytes=raw))
    text = bytes_as_text(raw)
    if len(text) > 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def _is_printable(raw: bytes) -> bool:
    try:
        return raw.decode().isprintable()
    except UnicodeDecodeError:
        return False


def canonical_id(text: str) -> str:
    """The form in which ids are compared: a UUID may be written in either case, without hyphens, in braces or as a URN
    (RFC 9562, and what .NET prints), and is the same one; any other id is only itself.

    >>> canonical_id("3F2B6C1E000040008000000000000001"), canonical_id("Req-1")
    ('3f2b6c1e-0000-4000-8000-000000000001', 'Req-1')
    """
    if len(text) < 32 or not (found := _UUID.fullmatch(text)):
        return text
    first, _, *rest = found.groups()
    return "-".join((first, *rest)).lower()


def bytes_as_text(raw: bytes) -> str:
    r"""Bytes of anyone as text: UTF-8 where they are, hexadecimal where not.

    >>> bytes_as_text(b"abc"), bytes_as_text(b"\xff\x00")
    ('abc', '0xff00')
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "0x" + raw.hex()


@overload
def rfc3339(moment: datetime) -> str: ...
@overload
def rfc3339(moment: None) -> None: ...
@overload
def rfc3339(moment: datetime | None) -> str | None: ...
def rfc3339(moment: datetime | None) -> str | None:
    """As every document writes a time: UTC with microseconds.

    >>> rfc3339(datetime(2026, 1, 15, 10, 30, tzinfo=UTC))
    '2026-01-15T10:30:00.000000Z'
    """
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def json_body(value: bytes) -> bytes:
    """A body without what may stand before its JSON: a byte order mark, and the five bytes that schema registries put
    there (zero, then the schema's number)."""
    return (value[_MAGIC:] if value[:1] == b"\0" else value).removeprefix(codecs.BOM_UTF8)


def json_object(value: bytes) -> dict[str, Any] | None:
    r"""A body that is a JSON object, behind whatever :func:`json_body` passes over; None: it isn't.

    >>> json_object(b'\x00\x00\x00\x00\x07{"a": 1}'), json_object(b'\xef\xbb\xbf{}'), json_object(b"[1]")
    ({'a': 1}, {}, None)
    """
    value = json_body(value)
    if value.lstrip()[:1] != b"{":
        return None
    try:
        document = _parsed(value)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _parsed(value: bytes) -> Any:
    """Python refuses to read numbers of thousands of digits: they become texts, and cost nobody the other fields."""
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json.loads(value, parse_int=str)


def parse_time(value: object) -> datetime | None:
    """RFC 3339 or ISO 8601 as UTC; a time without a zone is UTC. None: it is no time."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # year 1 east of Greenwich is no time in UTC
        return None


def moment_of(milliseconds: int | None) -> datetime | None:
    """A record's timestamp, milliseconds since 1970, as a time. None where it is negative (no timestamp) or past what a
    calendar holds: producers may write anything, and brokers keep it.

    >>> moment_of(1_700_000_000_123).isoformat(), moment_of(-(2**62)), moment_of(2**62), moment_of(None)
    ('2023-11-14T22:13:20.123000+00:00', None, None, None)
    """
    if milliseconds is None or milliseconds < 0:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def shown(raw: bytes | None) -> str | None:
    """:func:`bytes_as_text`, None where there are no bytes."""
    return None if raw is None else bytes_as_text(raw)
