"""Where records stand in the log, and what they are: bytes of anyone, nothing decoded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]


class Partition(NamedTuple):
    """One partition of one topic. A tuple, because millions of them are hashed."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Position(NamedTuple):
    """Where one record stands, printed and parsed as ``topic/partition/offset``. A tuple for the same reason."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Position:
        """
        >>> Position.parse("orders-dlt/2/41")
        Position(topic='orders-dlt', partition=2, offset=41)
        >>> Position.parse("orders")
        Traceback (most recent call last):
        ValueError: 'orders' is not TOPIC/PARTITION/OFFSET
        >>> Position.parse(f"orders/{2**31}/0")
        Traceback (most recent call last):
        ValueError: 'orders/2147483648/0' is not TOPIC/PARTITION/OFFSET
        """
        topic, _, rest = text.partition("/")
        partition, _, offset = rest.partition("/")
        if not topic or not _is_number(partition, 31) or not _is_number(offset, 63):
            raise ValueError(f"{text!r} is not TOPIC/PARTITION/OFFSET")
        return cls(topic, int(partition), int(offset))

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def home(self) -> Partition:
        """The partition it stands in."""
        return Partition(self.topic, self.partition)


def _is_number(text: str, bits: int) -> bool:
    """Of so many bits, as Kafka has them; Python takes no text of thousands of digits for one."""
    return text.isascii() and text.isdecimal() and len(text) <= bits and int(text) < 2**bits


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the broker holds it: bytes of anyone, nothing decoded.

    ``timestamp`` is UTC with milliseconds, or None where the record has none. ``value`` None is a tombstone.
    ``headers_reason`` says why there are no ``headers`` although the record may have some; None: these are all.
    """

    position: Position
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    headers_reason: str | None = None

    @property
    def parts(self) -> list[bytes]:
        """Key, value and header values, as far as there are any."""
        return [part for part in (self.key, self.value, *(value for _, value in self.headers)) if part]

    def header(self, name: str) -> bytes | None:
        """The last header of that name: the latest hop wins (Kafka appends)."""
        for key, value in reversed(self.headers):
            if key == name:
                return value
        return None

    def first_header(self, name: str) -> bytes | None:
        """The first header of that name: the origin, where hops are appended."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


def header_pairs(headers: Iterable[tuple[str, bytes | None]] | None) -> Headers:
    """Headers as clients hand them over (or None), frozen in their order."""
    return tuple(headers or ())
