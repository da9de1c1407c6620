"""How frameworks write numbers, times and texts into headers. Headers are anyone's bytes: what isn't encoded as it
should be is unknown (None), never an error; texts are cut at a bound; nothing is ever deserialised. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from eventops.events import Headers, Position, Record, bytes_as_text

NAME_CHARACTERS: Final = 512
"""The longest class, group or id taken from a header."""
MESSAGE_CHARACTERS: Final = 8_000
STACK_CHARACTERS: Final = 64_000
MOST_HOPS: Final = 100
"""The latest failures that are kept of a record that went round and round."""

JAVA_OBJECT: Final = b"\xac\xed\x00\x05"
"""How Java's serialisation begins: such bytes are shown, never opened."""
_TOPIC_NAME: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")
TOPIC_NAMES: Final = "1 to 249 letters, digits, dots, underscores and dashes make one"
_LARGEST_PARTITION: Final = 2**31 - 1
_LARGEST_OFFSET: Final = 2**63 - 1
_DOTNET_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d):(\d{6}) Z", re.ASCII)


@dataclass(slots=True)
class Sheet:
    """A record's headers, by name. ``last`` has the last one of each name."""

    record: Record
    last: dict[str, bytes | None]

    @classmethod
    def of(cls, record: Record) -> Sheet:
        """A record's."""
        return cls(record, dict(record.headers))

    @property
    def topic(self) -> str:
        """Where the record stands."""
        return self.record.position.topic

    @property
    def headers(self) -> Headers:
        """In their order, with repeated names."""
        return self.record.headers

    def all(self, name: str) -> list[bytes | None]:
        """Every value of that name, in order."""
        return [value for header, value in self.record.headers if header == name]

    def name(self, header: str) -> str | None:
        """The last value as a short text: a class, a group."""
        return text(self.last.get(header), NAME_CHARACTERS)

    def message(self, header: str) -> str | None:
        """The last value as a message."""
        return text(self.last.get(header), MESSAGE_CHARACTERS)

    def stack(self, header: str) -> str | None:
        """The last value as a stack trace."""
        return stack_text(self.last.get(header))


def i32(raw: bytes | None) -> int | None:
    """Four bytes, big endian, signed, as Java's ``ByteBuffer.putInt`` writes them; None for anything else.

    >>> i32(b"\\x00\\x00\\x00\\x07"), i32(b"7"), i32(None)
    (7, None, None)
    """
    return int.from_bytes(raw, "big", signed=True) if raw is not None and len(raw) == 4 else None


def i64(raw: bytes | None) -> int | None:
    """Eight bytes, big endian, signed; None for anything else.

    >>> i64(b"\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00"), i64(b"")
    (256, None)
    """
    return int.from_bytes(raw, "big", signed=True) if raw is not None and len(raw) == 8 else None


def big_integer(raw: bytes | None) -> int | None:
    """Java's ``BigInteger.toByteArray()``: signed, big endian, as few bytes as it takes (at most 16 here).

    >>> big_integer(bytes.fromhex("019bc13a2c7b")), big_integer(b"\\xff"), big_integer(b""), big_integer(b"x" * 17)
    (1768473373819, -1, None, None)
    """
    return int.from_bytes(raw, "big", signed=True) if raw and len(raw) <= 16 else None


def decimal(raw: bytes | None) -> int | None:
    """A number written as text; None for anything else, and for one that no offset reaches.

    >>> decimal(b"41"), decimal(b"-1"), decimal(b"4x"), decimal(b""), decimal(b"9" * 5000), decimal(b"\\xd9\\xa3")
    (41, -1, None, None, None, None)
    """
    if not raw or len(raw) > 20 or not raw.removeprefix(b"-").isdigit():
        return None
    return int(raw)


def text(raw: bytes | None, limit: int) -> str | None:
    """Text of at most ``limit`` characters; None where there is none.

    >>> text(b"abcdef", 4), text(b"", 4), text(b"\\xff", 4)
    ('abcd', None, '0xff')
    """
    if not raw:
        return None
    if len(raw) <= limit:
        return bytes_as_text(raw)[:limit]
    cut = raw[: 4 * limit]
    while len(cut) < len(raw) and cut and cut[-1] & 0xC0 == 0x80:  # not in the midst of a character
        cut = cut[:-1]
    if len(cut) < len(raw) and cut and cut[-1] >= 0xC0:
        cut = cut[:-1]
    return bytes_as_text(cut)[:limit] or None


def stack_text(raw: bytes | None) -> str | None:
    """A stack trace. One that is too long keeps its beginning and its end: the root cause stands in either.

    >>> stack_text(b"x" * 200_000) is not None and len(stack_text(b"x" * 200_000)) < STACK_CHARACTERS + 100
    True
    """
    if raw is None or len(raw) <= STACK_CHARACTERS:
        return text(raw, STACK_CHARACTERS)
    half = STACK_CHARACTERS // 2
    head = raw[:half].decode("utf-8", "ignore")
    tail = raw[-half:].decode("utf-8", "ignore")
    return f"{head}\n... {len(raw) - 2 * half:,} bytes left out ...\n{tail}"


def topic_name(raw: bytes | None) -> str | None:
    """A legal topic name, None for anything else: it will be asked of a broker.

    >>> topic_name(b"orders"), topic_name(b"../etc"), topic_name(b".."), topic_name(None)
    ('orders', None, None, None)
    """
    name = (raw or b"").decode("ascii", "replace")
    return name if _TOPIC_NAME.fullmatch(name) and name not in (".", "..") else None


def is_topic_name(text: str) -> bool:
    """
    >>> [is_topic_name(text) for text in ("orders.v1_a-b", "a b/c", "", "\\udcff", "a" * 250)]
    [True, False, False, False, False]
    """
    return topic_name(text.encode("utf-8", "surrogateescape")) is not None


def iso_moment(raw: bytes | None) -> datetime | None:
    """ISO 8601, or NServiceBus's own form with a colon before the microseconds; without a zone it is UTC.

    >>> iso_moment(b"2026-01-15 10:30:00:123456 Z").isoformat(), iso_moment(b"2026-01-15T10:30:00Z").isoformat()
    ('2026-01-15T10:30:00.123456+00:00', '2026-01-15T10:30:00+00:00')
    >>> iso_moment(b"yesterday") is None
    True
    """
    said = text(raw, 64) or ""
    if found := _DOTNET_TIME.fullmatch(said):
        said = f"{found[1]}T{found[2]}.{found[3]}+00:00"
    try:
        parsed = datetime.fromisoformat(said)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def positive(number: int | None) -> int | None:
    """A count of deliveries; None for what can't be one."""
    return number if number is not None and 0 < number <= _LARGEST_PARTITION else None


def position(topic: str | None, partition: int | None, offset: int | None) -> Position | None:
    """A place that a log can have; None where a part is missing, negative or absurd.

    >>> str(position("t", 0, 7)), position("t", 0, -1), position("t", 2**31, 0), position(None, 0, 0)
    ('t/0/7', None, None, None)
    """
    if topic is None or partition is None or offset is None:
        return None
    if not (0 <= partition <= _LARGEST_PARTITION and 0 <= offset <= _LARGEST_OFFSET):
        return None
    return Position(topic, partition, offset)


def places(
    sheet: Sheet, prefix: str, number: Callable[[bytes | None], int | None], wide: Callable[[bytes | None], int | None]
) -> list[tuple[str | None, Position | None]]:
    """Topic and position of each hop: the n-th ``topic``, ``partition`` and ``offset`` after ``prefix`` belong
    together."""
    topics = sheet.all(prefix + "topic")[-MOST_HOPS:]
    partitions = sheet.all(prefix + "partition")[-MOST_HOPS:]
    offsets = sheet.all(prefix + "offset")[-MOST_HOPS:]
    found: list[tuple[str | None, Position | None]] = []
    for index in range(max(len(topics), len(partitions), len(offsets))):
        name = topic_name(nth(topics, index))
        found.append((name, position(name, number(nth(partitions, index)), wide(nth(offsets, index)))))
    return found


def nth(values: Sequence[bytes | None], index: int) -> bytes | None:
    """The value there, None where the hop has none."""
    return values[index] if index < len(values) else None
