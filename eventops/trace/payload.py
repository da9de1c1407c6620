"""Payloads for people: JSON laid out, text as it is, anything else as hexadecimal; bounded, whatever their size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eventops.events import bytes_as_text, indented
from eventops.wording import safe

LINES: Final = 60
CHARACTERS: Final = 4_000
_LARGE: Final = 200_000
"""Bytes from which on JSON isn't laid out: parsing it costs more than it tells."""
_WIDTH: Final = 400


def lines(value: bytes | None, *, most: int = LINES) -> Iterator[str]:
    r"""At most so many lines that a terminal doesn't obey; the last one says what was left out.

    >>> list(lines(b'{"a": [1]}')), list(lines(None)), list(lines(b"\xff\x00"))
    (['{', '  "a": [', '    1', '  ]', '}'], ['(no value)'], ['0xff00'])
    """
    if value is None:
        yield "(no value)"
        return
    if not value:
        yield "(empty)"
        return
    text = _laid_out(value)
    shown = text[: CHARACTERS * (1 + most // LINES)].split("\n")[:most]
    yield from (safe(line.replace("\t", "    "), _WIDTH) for line in shown)
    if len("\n".join(shown)) < len(text):
        yield f"… {len(value):,} bytes in all"


def _laid_out(value: bytes) -> str:
    if len(value) <= _LARGE and value.lstrip()[:1] in (b"{", b"["):
        try:
            return indented(value.decode())
        except ValueError:
            pass
    return bytes_as_text(value[: CHARACTERS * 4]) if len(value) > _LARGE else bytes_as_text(value)
