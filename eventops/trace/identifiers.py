"""What a searched id may look like in a record's bytes, and when a decoded id is the one that is meant."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Final, Self

from eventops.events import Record, canonical_id, trace_id_of
from eventops.trace import spellings
from eventops.trace.spellings import spelt

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_SHORT: Final = 4


@dataclass(frozen=True, slots=True)
class Identifier:
    """A correlation or event id. A record that holds it holds one of ``needles``, which are its spellings, or, where
    these are too many, what ``escaped`` matches; and always one of ``sought``, which a search looks for.

    >>> Identifier.of("req-1").sought, Identifier.of("order/1").sought
    ((b'req-1',), (b'order/1', b'order\\\\/1', b'order\\\\u002F1', b'order\\\\u002f1'))
    """

    text: str
    key: str
    """What ids are the same by."""
    needles: tuple[bytes, ...]
    sought: tuple[bytes, ...]
    escaped: re.Pattern[bytes] | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """A UUID is also looked for in the other case, without hyphens and as its 16 bytes, ``0x…`` also as the bytes
        it spells. A whole ``traceparent`` means its trace.

        >>> Identifier.of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").text
        '0af7651916cd43dd8448eb211c80319c'
        """
        if _TRACEPARENT.fullmatch(text):
            text = trace_id_of(spelt(text)) or text
        if (meant := _uuid(text)) is not None:
            needles = tuple(dict.fromkeys((spelt(text), *spellings.of_uuid(meant))))
            return cls(text, str(meant), needles, _sought(spelt(text), spellings.parts_of_uuid(meant)))
        if raw := _raw(text):
            written = tuple(dict.fromkeys((spelt(text), spelt(text.lower()), *raw)))
            return cls(text, text.lower(), written, written)
        if (known := spellings.in_json(text)) is not None:
            return cls(text, text, known, known)
        return cls(text, text, (spelt(text),), (spellings.longest_plain(text),), spellings.pattern(text))

    @property
    def is_hopelessly_short(self) -> bool:
        """So short that much of any log holds it, and nearly every record has to be decoded.

        >>> Identifier.of("42").is_hopelessly_short, Identifier.of("req-1").is_hopelessly_short
        (True, False)
        """
        return len(self.text) < _SHORT

    def names(self, text: str | None) -> bool:
        """Whether a decoded id is this one.

        >>> Identifier.of("3F2B6C1E-0000-4000-8000-000000000001").names("3f2b6c1e-0000-4000-8000-000000000001")
        True
        """
        return text is not None and (text == self.text or canonical_id(text) == self.key)

    def may_be_in(self, record: Record) -> bool:
        """Whether decoding the record is worth it: cheap, and wrong only towards too many.

        >>> from eventops.events import Position
        >>> at = Position("t", 0, 0)
        >>> Identifier.of("a/b").may_be_in(Record(at, None, None, rb'{"correlationId":"a\\/b"}'))
        True
        """
        held = b"\0".join(record.parts)
        if any(needle in held for needle in self.needles):
            return True
        return self.escaped is not None and self.sought[0] in held and self.escaped.search(held) is not None

    def stands_alone_in(self, record: Record) -> bool:
        """Whether it is there as a word of its own, not as a part of another id.

        >>> from eventops.events import Position
        >>> at = Position("t", 0, 0)
        >>> [Identifier.of("req-1").stands_alone_in(Record(at, None, None, text)) for text in (b"<req-1>", b"req-10")]
        [True, False]
        """
        alone = rb"(?<![\w-])(?:%s)(?![\w-])" % b"|".join(map(re.escape, self.needles))
        return any(re.search(alone, part) for part in record.parts)


def _sought(itself: bytes, parts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return parts if any(part in itself for part in parts) else (itself, *parts)


def _uuid(text: str) -> uuid.UUID | None:
    """The UUID that a text spells, also as ``0x`` and 32 digits."""
    plain = text.removeprefix("0x")
    try:
        return uuid.UUID(canonical_id(plain)) if len(plain) >= 32 else None
    except ValueError:
        return None


def _raw(text: str) -> tuple[bytes, ...]:
    """The bytes that a ``0x…`` text stands for, which is how documents print what isn't text."""
    try:
        return tuple(filter(None, [bytes.fromhex(text[2:])])) if text.startswith("0x") else ()
    except ValueError:
        return ()
