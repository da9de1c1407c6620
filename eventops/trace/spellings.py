"""How writers spell one id in a record's bytes: JSON's escapes, and a UUID's many notations. Pure."""

from __future__ import annotations

import re
import string
import uuid
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

_ESCAPED: Final = "\"\\/&'+<>=`"
"""Printable signs that some JSON writer escapes: JSON itself quotes and backslashes, PHP the slash, Gson those of HTML
and ``=``, System.Text.Json all but slash and ``=``. No writer of the field escapes another one."""

_PLAIN: Final = frozenset(string.printable[:95]) - frozenset(_ESCAPED)
_SHORT: Final = frozenset('"\\/')
"""A backslash before them is an escape too."""

_LETTERS: Final = {b"\b": b"b", b"\f": b"f", b"\n": b"n", b"\r": b"r", b"\t": b"t"}
_MOST: Final = 16
"""Spellings, each of which is one pass over the log's bytes."""

_TELLING: Final = 5
"""Different digits from which on twelve of them are rare in a log."""


def spelt(text: str) -> bytes:
    r"""An id's bytes: what a shell handed over as it was, and half a surrogate pair, which JSON may escape, as itself.

    >>> spelt("req-1"), spelt(chr(0xDCFF)), spelt("x" + chr(0xD800))
    (b'req-1', b'\xff', b'x\xed\xa0\x80')
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def in_json(text: str) -> tuple[bytes, ...] | None:
    r"""An id as itself and as JSON writers spell it, each true to its own way; None: these are too many.

    >>> in_json("a/b")
    (b'a/b', b'a\\/b', b'a\\u002Fb', b'a\\u002fb')
    """
    if not all(character in _PLAIN or character in _ESCAPED or _is_beyond(character) for character in text):
        return None
    signs = sorted({character for character in text if character in _ESCAPED})
    beyond = [_beyond(text)] if any(map(_is_beyond, text)) else []
    ways = [*beyond, *map(_of_sign, signs)]
    found = {spelt(text): None}
    for way in product(*ways):
        spelling = _spelling(text, {key: written for one in way for key, written in one.items()})
        found[spelling] = None
        if len(found) > _MOST:
            return None
    first, *others = found
    return (first, *sorted(others))


def longest_plain(text: str) -> bytes:
    """The longest part of an id that no writer escapes; it may be empty.

    >>> longest_plain('say "hello"')
    b'hello'
    """
    parts = re.split(r"[^" + re.escape("".join(sorted(_PLAIN))) + "]", text)
    return max(parts, key=len).encode()


def pattern(text: str) -> re.Pattern[bytes]:
    """Whatever a JSON writer may have made of it."""
    return re.compile(b"".join(map(_any_spelling, text)))


def of_uuid(meant: uuid.UUID) -> tuple[bytes, ...]:
    """Its notations in bytes: in both cases with and without hyphens, and its 16 bytes."""
    whole = str(meant)
    texts = dict.fromkeys((whole, whole.upper(), meant.hex, meant.hex.upper()))
    return (*(text.encode() for text in texts), meant.bytes)


def parts_of_uuid(meant: uuid.UUID) -> tuple[bytes, ...]:
    """Of which every notation holds one: as few as do, since each is one pass over the log. That is its random end, or
    the clock in front of version 1; where neither tells it from others, all notations.

    >>> parts_of_uuid(uuid.UUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))[:2]
    (b'f81d4fae', b'F81D4FAE')
    """
    part = meant.hex[:8] if meant.version == 1 else meant.hex[-12:]
    if meant.version in (2, 6) or len(set(part)) < _TELLING:
        return of_uuid(meant)
    return (*(text.encode() for text in dict.fromkeys((part, part.upper()))), meant.bytes)


def _is_beyond(character: str) -> bool:
    """Not ASCII, and no half of a surrogate pair."""
    return ord(character) > 127 and not 0xD800 <= ord(character) < 0xE000


def _beyond(text: str) -> list[dict[str, bytes]]:
    """What isn't ASCII: all of it as it is, or all of it escaped."""
    found = sorted({character for character in text if _is_beyond(character)})
    return [{c: spelt(c) for c in found}, *({c: _units(c, form) for c in found} for form in ("04x", "04X"))]


def _of_sign(sign: str) -> list[dict[str, bytes]]:
    short = [b"\\" + sign.encode()] if sign in _SHORT else []
    written = dict.fromkeys([sign.encode(), *short, _units(sign, "04x"), _units(sign, "04X")])
    return [{sign: one} for one in written]


def _spelling(text: str, written: dict[str, bytes]) -> bytes:
    return b"".join(written.get(character) or spelt(character) for character in text)


def _units(character: str, form: str) -> bytes:
    return b"".join(f"\\u{unit:{form}}".encode() for unit in _code_units(character))


def _code_units(characters: Iterable[str]) -> Iterator[int]:
    for character in characters:
        encoded = character.encode("utf-16-be", "surrogatepass")
        yield from (int.from_bytes(encoded[i : i + 2], "big") for i in range(0, len(encoded), 2))


def _any_spelling(character: str) -> bytes:
    r"""One character as JSON may hold it: ``\uXXXX`` in either case, a backslash and it or its letter, or itself. What
    was taken isn't given back: backslashes could be paired in more ways than there are atoms."""
    itself = spelt(character)
    code = b"".join(rb"\\u(?i:%04x)" % unit for unit in _code_units(character))
    short = b"\\" + _LETTERS.get(itself, itself)
    return b"(?>%s|%s|%s)" % (code, re.escape(short), re.escape(itself))
