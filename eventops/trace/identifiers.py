"""What a searched id may look like in a record's bytes, and when a decoded id is the one that is meant."""

from __future__ import annotations

import re
import string
import uuid
from dataclasses import dataclass
from typing import Final, Self

from eventops.events import Record, trace_id_of

_NEVER_ESCAPED: Final = frozenset(string.ascii_letters + string.digits + "-_.:@~")
"""JSON writers leave these as they are; some escape ``/ + < > & ' =``, all escape quotes, many whatever isn't ASCII."""

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_SHORT: Final = 4

_LETTERS: Final = {b"\b": b"b", b"\f": b"f", b"\n": b"n", b"\r": b"r", b"\t": b"t"}


def spelt(text: str) -> bytes:
    r"""An id's bytes: what a shell handed over as it was, and half a surrogate pair, which JSON may escape, as itself.

    >>> spelt("req-1"), spelt(chr(0xDCFF)), spelt("x" + chr(0xD800))
    (b'req-1', b'\xff', b'x\xed\xa0\x80')
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A correlation or event id. ``needles`` are its bytes, ``escaped`` finds what a JSON writer may have made of it,
    where ``anchor`` is at all: its longest part that no writer escapes.

    >>> Identifier.of("req-1").needles
    (b'req-1',)
    """

    text: str
    spellings: frozenset[str]
    needles: tuple[bytes, ...]
    escaped: re.Pattern[bytes] | None
    anchor: bytes

    @classmethod
    def of(cls, text: str) -> Self:
        """A UUID is also looked for in the other case and as its 16 bytes, ``0x…`` also as the bytes it spells. A whole
        ``traceparent`` means its trace.

        >>> Identifier.of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").text
        '0af7651916cd43dd8448eb211c80319c'
        """
        if _TRACEPARENT.fullmatch(text):
            text = trace_id_of(spelt(text)) or text
        spellings = {text}
        raw = _raw(text)
        if raw is not None and len(raw) == 16:
            canonical = str(uuid.UUID(bytes=raw))
            spellings |= {canonical, canonical.upper()}
        needles = sorted(map(spelt, spellings))
        pattern = None if set(text) <= _NEVER_ESCAPED else re.compile(b"".join(_escaped(c) for c in text))
        anchor = max(re.findall(r"[\w.:@~-]*", text, re.ASCII), key=len).encode()
        return cls(text, frozenset(spellings), (*needles, *([raw] if raw else [])), pattern, anchor)

    @property
    def is_hopelessly_short(self) -> bool:
        """So short that much of any log holds it, and nearly every record has to be decoded.

        >>> Identifier.of("42").is_hopelessly_short, Identifier.of("req-1").is_hopelessly_short
        (True, False)
        """
        return len(self.text) < _SHORT

    @property
    def sought(self) -> tuple[bytes, ...]:
        """What a search looks for: every record that :meth:`may_be_in` holds one of these. Where a JSON writer may have
        escaped something, that is the longest part which none escapes; it may be empty.

        >>> Identifier.of("req-1").sought, Identifier.of("order/4711").sought
        ((b'req-1',), (b'order',))
        """
        if self.escaped is None:
            return self.needles
        return (self.anchor, *(needle for needle in self.needles if self.anchor not in needle))

    def names(self, text: str | None) -> bool:
        """Whether a decoded id is this one.

        >>> Identifier.of("3F2B6C1E-0000-4000-8000-000000000001").names("3f2b6c1e-0000-4000-8000-000000000001")
        True
        """
        return text in self.spellings

    def may_be_in(self, record: Record) -> bool:
        """Whether decoding the record is worth it: cheap, and wrong only towards too many.

        >>> from eventops.events import Position
        >>> at = Position("t", 0, 0)
        >>> Identifier.of("a/b").may_be_in(Record(at, None, None, rb'{"correlationId":"a\\/b"}'))
        True
        """
        held = [record.value or b""]
        held += [value for _, value in record.headers if value is not None]
        searched = b"\0".join(held)
        for needle in self.needles:
            if needle in searched:
                return True
        return self.escaped is not None and self.anchor in searched and self.escaped.search(searched) is not None


def _raw(text: str) -> bytes | None:
    """The bytes that a UUID's text or a ``0x…`` text stands for."""
    try:
        return bytes.fromhex(text[2:]) if text.startswith("0x") else _uuid(text)
    except ValueError:
        return None


def _uuid(text: str) -> bytes | None:
    return uuid.UUID(text).bytes if len(text) == 36 else None


def _escaped(character: str) -> bytes:
    r"""One character as JSON may hold it: itself, ``\uXXXX`` in either case, or a backslash and it or its letter."""
    itself = spelt(character)
    units = character.encode("utf-16-be", "surrogatepass")
    code = b"".join(rb"\\u(?i:%04x)" % int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    short = b"\\" + _LETTERS.get(itself, itself)
    return b"(?:%s|%s|%s)" % (re.escape(itself), re.escape(short), code)
