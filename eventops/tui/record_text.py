"""Records as text: facts, payload, headers. Everything in them is untrusted."""

from __future__ import annotations

import codecs
from typing import Final

from rich.text import Text

from eventops.events import Event, Headers, bytes_as_text, indented
from eventops.tui.palette import ACCENT, FAINT
from eventops.wording import UNKNOWN, instant, safe, safe_block

_DECODER: Final = codecs.getincrementaldecoder("utf-8")
_MOST: Final = 20_000
LINE: Final = 200


def content(value: bytes | None) -> str:
    """Bytes of anyone as text; what isn't UTF-8 in hexadecimal."""
    return "null" if value is None else bytes_as_text(value)


def beginning(value: bytes, most: int) -> str:
    """No more than so many of the bytes, as text; a character that they end within isn't what makes them binary.

    >>> beginning("漢字".encode(), 4)
    '漢'
    """
    try:
        return _DECODER().decode(value[:most], final=len(value) <= most)
    except UnicodeDecodeError:
        return content(value[:most])


def fact(text: Text, name: str, value: str | Text | None) -> None:
    """A line: a name, and what is known of it."""
    shown = value if isinstance(value, Text) else Text(safe(value, LINE) if value is not None else UNKNOWN)
    text.append(f"{name:>14}  ", FAINT).append_text(shown).append("\n")


def heading(text: Text, name: str) -> None:
    """Over a block."""
    text.append(f"\n{name}\n", "bold")


def block(text: Text, name: str, body: str) -> None:
    """A heading, and anyone's text, up to a bound that is told."""
    heading(text, name)
    left = len(body) - _MOST
    shown = safe_block(body[:_MOST]).rstrip("\n")
    text.append("".join(f"  {line}\n" for line in shown.split("\n")))
    if left > 0:
        text.append(f"  … {left:,} more characters: the command below with -o json has them all\n", FAINT)


def pretty(value: bytes | None) -> str:
    """JSON indented where it is JSON of a sensible size; else as it is."""
    if value is None:
        return "no value (a tombstone)"
    if len(value) <= _MOST:
        try:
            return indented(value.decode())
        except ValueError:
            pass
    return content(value)


def headers(text: Text, found: Headers) -> None:
    """A line a header."""
    heading(text, "headers")
    for name, value in found:
        text.append(f"  {safe(name, 60)}", FAINT).append(f"  {safe(content(value), 120)}\n")


def record(event: Event) -> Text:
    """One record: what it says of itself, its payload, its headers."""
    ids, text = event.ids, Text()
    fact(text, "position", str(event.position))
    fact(text, "appended", instant(event.record.timestamp))
    fact(text, "event", ids.event_type)
    fact(text, "event id", ids.event_id)
    fact(text, "correlation id", Text(safe(ids.correlation_id or UNKNOWN, LINE), ACCENT))
    if ids.causation_id:
        fact(text, "caused by", ids.causation_id)
    if ids.source:
        fact(text, "source", ids.source)
    fact(text, "key", content(event.record.key))
    block(text, "payload", pretty(event.record.value))
    if event.record.headers:
        headers(text, event.record.headers)
    return text
