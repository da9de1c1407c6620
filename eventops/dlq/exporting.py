"""Letters to be kept elsewhere, whole: what ``eventops dlq export`` writes, a document a letter. Pure."""

from __future__ import annotations

import base64
from typing import Any

from eventops.dlq.causes import cause_id
from eventops.dlq.model import Letter
from eventops.events import rfc3339

Document = dict[str, Any]


def export_document(letter: Letter) -> Document:
    """One letter to be kept elsewhere: its whole content, and in short what it tells. ``*_encoding`` is ``text``, or
    ``base64`` where the bytes aren't UTF-8; null where there are none."""
    record, origin = letter.event.record, letter.origin
    key, key_encoding = _content(record.key)
    value, value_encoding = _content(record.value)
    return {
        "topic": record.position.topic,
        "partition": record.position.partition,
        "offset": record.position.offset,
        "timestamp": rfc3339(record.timestamp),
        "key": key,
        "key_encoding": key_encoding,
        "value": value,
        "value_encoding": value_encoding,
        "headers": [_exported_header(name, raw) for name, raw in record.headers],
        "family": letter.family,
        "origin": str(origin.position) if origin else None,
        "group": letter.group,
        "attempts": letter.attempts,
        "hops": letter.hops,
        "cause_key": letter.cause_key,
        "cause_id": cause_id(letter.cause),
        "frame": letter.cause.frame,
        "message": letter.failure.message,
        "event_id": letter.event.ids.event_id,
        "event_type": letter.event.ids.event_type,
        "correlation_id": letter.event.ids.correlation_id,
        "state": letter.state.value,
        "state_reason": letter.state_reason,
    }


def _exported_header(name: str, raw: bytes | None) -> Document:
    value, encoding = _content(raw)
    return {"name": name, "value": value, "encoding": encoding}


def _content(raw: bytes | None) -> tuple[str | None, str | None]:
    """
    >>> _content(b"abc"), _content(b"\\xff"), _content(None)
    (('abc', 'text'), ('/w==', 'base64'), (None, None))
    """
    if raw is None:
        return None, None
    try:
        return raw.decode("utf-8"), "text"
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), "base64"
