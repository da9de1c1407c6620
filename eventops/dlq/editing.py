"""Records as documents that people and jq change, and back to bytes: what wasn't changed stays as it was. Pure.

A document has ``key``, ``value`` and ``headers`` (the last of each name). A value that is a JSON object or array stands
as such, other text as text, and bytes that are neither as ``{"$base64": "…"}``. JSON that couldn't be given back as
it was (half a surrogate pair, a name that stands twice), or is nested too deeply, stands as text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from eventops.dlq.literals import as_before, dumps, loads, same
from eventops.dlq.replay_model import Content
from eventops.events import Headers

Document = dict[str, Any]

_BASE64: Final = "$base64"
_PARTS: Final = frozenset({"key", "value", "headers"})
_HALF_A_PAIR: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""Where a text may hold one, which JSON can write and UTF-8 can't."""
_PREFIX_BYTES: Final = 5
"""A schema registry's mark and number before a JSON document."""


class NotARecord(ValueError):
    """A document doesn't describe a record; the message says where."""


def document(content: Content) -> Document:
    """
    >>> document(Content(b"k", b'{"total": 1.50}', (("a", b"1"),)))
    {'key': 'k', 'value': {'total': 1.50}, 'headers': {'a': '1'}}
    >>> document(Content(None, bytes([255]), ()))
    {'key': None, 'value': {'$base64': '/w=='}, 'headers': {}}
    """
    return {
        "key": _plain(content.key),
        "value": _value(content.value),
        "headers": {name: _plain(raw) for name, raw in content.headers},
    }


def changed(content: Content, told: object) -> Content:
    """The content that a changed document describes.

    >>> changed(Content(b"k", b'{"a":1, "b":2}', ()), {"key": "k", "value": {"a": 1, "b": 3}, "headers": {"x": "1"}})
    Content(key=b'k', value=b'{"a":1,"b":3}', headers=(('x', b'1'),))

    Raises:
        NotARecord: it isn't an object of key, value and headers, or one of them can't be written.
    """
    if not isinstance(told, dict) or not told.keys() <= _PARTS:
        raise NotARecord("it must be an object of key, value and headers, and nothing else")
    before = document(content)
    after = {**before, **told}
    return Content(
        content.key if same(after["key"], before["key"]) else _bytes(after["key"], "the key"),
        content.value
        if same(after["value"], before["value"])
        else _written(after["value"], before["value"], content.value),
        _headers(content.headers, before["headers"], after["headers"]),
    )


def _headers(raw: Headers, before: Mapping[str, object], after: object) -> Headers:
    if not isinstance(after, dict):
        raise NotARecord("headers must be an object")
    kept = [(name, value) for name, value in raw if name in after and same(after[name], before[name])]
    names = {name for name, _value in kept}
    added = [(name, _bytes(value, f"the header {name}")) for name, value in after.items() if name not in names]
    return (*kept, *added)


def _plain(raw: bytes | None) -> object:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {_BASE64: base64.b64encode(raw).decode()}


def _value(raw: bytes | None) -> object:
    found = _json(_body(raw)) if raw else None
    return _plain(raw) if found is None else found


def _body(raw: bytes) -> bytes:
    return raw[_PREFIX_BYTES:] if raw[:1] == b"\0" else raw


def _json(body: bytes) -> object:
    """An object or array that can be written again without loss; None where it is none."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        found = loads(body)
        if _HALF_A_PAIR.search(body):
            dumps(found).encode()
    except ValueError:
        return None
    return None if isinstance(found, dict) and found.keys() == {_BASE64} else found


def _written(told: object, before: object, raw: bytes | None) -> bytes | None:
    """``before`` stood there, ``raw`` were its bytes."""
    if isinstance(told, (dict, list)) and not (isinstance(told, dict) and told.keys() == {_BASE64}):
        mark = raw[:_PREFIX_BYTES] if raw and raw[:1] == b"\0" else b""
        try:
            return mark + dumps(as_before(told, before)).encode()
        except ValueError as error:
            raise NotARecord(f"the value can't be written ({error})") from error
    made = _bytes(told, "the value")
    return raw if made and same(_value(made), before) else made


def _bytes(told: object, what: str) -> bytes | None:
    match told:
        case None:
            return None
        case str():
            try:
                return told.encode()
            except UnicodeEncodeError as error:
                raise NotARecord(f"{what} holds half a character") from error
        case {"$base64": str(text), **rest} if not rest:
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise NotARecord(f"{what} isn't base64 ({error})") from error
    raise NotARecord(f'{what} must be text, null or {{"{_BASE64}": "…"}}')
