"""One letter as text: facts, payload, headers, stack trace. Everything in it is untrusted."""

from __future__ import annotations

import json
from typing import Final

from rich.text import Text

from eventops.dlq.model import Letter
from eventops.events import bytes_as_text
from eventops.tui.palette import ACCENT, FAINT
from eventops.wording import UNKNOWN, instant, safe, safe_block

_MOST: Final = 20_000
_LINE: Final = 200


def content(value: bytes | None) -> str:
    """Bytes of anyone as text; what isn't UTF-8 in hexadecimal."""
    return "null" if value is None else bytes_as_text(value)


def letter(found: Letter, state: Text) -> Text:
    """The whole of it."""
    event, failure = found.event, found.failure
    text = Text()
    _fact(text, "state", state)
    if found.state_reason:
        _fact(text, "", found.state_reason)
    _fact(text, "cause", Text(safe(found.cause_key, _LINE), "bold"))
    _fact(text, "message", failure.message)
    text.append("\n")
    _fact(text, "event", event.ids.event_type)
    _fact(text, "correlation id", Text(safe(event.ids.correlation_id or UNKNOWN, _LINE), ACCENT))
    _fact(text, "event id", event.ids.event_id)
    _fact(text, "source", event.ids.source)
    _fact(text, "key", None if event.record.key is None else content(event.record.key))
    text.append("\n")
    _fact(text, "failed at", instant(found.timestamp))
    _fact(text, "group", found.group)
    _fact(text, "origin", None if found.origin is None else str(found.origin.position))
    _fact(text, "attempts", None if found.attempts is None else str(found.attempts))
    _fact(text, "hops", str(found.hops))
    _block(text, "payload", _pretty(event.record.value))
    if failure.stack:
        _block(text, "stack trace", failure.stack)
    _heading(text, "headers")
    for name, value in event.record.headers:
        text.append(f"  {safe(name, 60)}", FAINT).append(f"  {safe(content(value), 120)}\n")
    return text


def _fact(text: Text, name: str, value: str | Text | None) -> None:
    shown = value if isinstance(value, Text) else Text(safe(value, _LINE) if value is not None else UNKNOWN)
    text.append(f"{name:>14}  ", FAINT).append_text(shown).append("\n")


def _heading(text: Text, name: str) -> None:
    text.append(f"\n{name}\n", "bold")


def _block(text: Text, name: str, body: str) -> None:
    _heading(text, name)
    left = len(body) - _MOST
    shown = safe_block(body[:_MOST]).rstrip("\n")
    text.append("".join(f"  {line}\n" for line in shown.split("\n")))
    if left > 0:
        text.append(f"  … {left:,} more characters: the command below with -o json has them all\n", FAINT)


def _pretty(value: bytes | None) -> str:
    """JSON indented where it is JSON of a sensible size; else as it is."""
    if value is None:
        return "no value (a tombstone)"
    if len(value) <= _MOST:
        try:
            return json.dumps(json.loads(value), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return content(value)
