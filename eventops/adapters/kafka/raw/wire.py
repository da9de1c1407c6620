"""The little of Kafka's protocol that a search needs: ApiVersions, SASL and Fetch. Pure: bytes in, values out.

Layouts are those of https://kafka.apache.org/protocol: ApiVersions v0, SaslHandshake v1, SaslAuthenticate v0, and Fetch
v11, the last version that names topics without the flexible encoding (brokers since Kafka 2.3 know it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from struct import Struct, error
from typing import Final

FETCH: Final = 1
SASL_HANDSHAKE: Final = 17
API_VERSIONS: Final = 18
SASL_AUTHENTICATE: Final = 36
FETCH_VERSION: Final = 11

_SHORT: Final = Struct(">h")
_INT: Final = Struct(">i")
_HEADER: Final = Struct(">hhi")
_FETCH_HEAD: Final = Struct(">iiiibii")
_FETCH_PARTITION: Final = Struct(">iiqqi")
_ANSWER_HEAD: Final = Struct(">ihi")
_ANSWER_PARTITION: Final = Struct(">ihqqqi")
_ABORTED: Final = 16
_CONSUMER: Final = -1
_NO_SESSION: Final = (0, -1)
_UNKNOWN: Final = -1


class Malformed(Exception):
    """The broker's answer isn't what the protocol says: cut short, or not Kafka at all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One partition of a Fetch: from ``offset`` on, about ``max_bytes`` of it."""

    topic: str
    partition: int
    offset: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One partition of the answer. Its record batches stand in the answer's buffer from ``start`` to ``end``; the last
    may be cut off. ``error`` is the protocol's code, 0 for none."""

    topic: str
    partition: int
    error: int
    high_watermark: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to a Fetch; the broker asks to wait ``throttle`` milliseconds before the next."""

    throttle: int
    error: int
    pieces: tuple[Piece, ...]


def request(key: int, version: int, number: int, client: str, body: bytes) -> bytes:
    """A whole request with its size in front."""
    head = _HEADER.pack(key, version, number) + text(client)
    return _INT.pack(len(head) + len(body)) + head + body


def text(value: str) -> bytes:
    """
    >>> text("orders")
    b'\\x00\\x06orders'
    """
    raw = value.encode()
    return _SHORT.pack(len(raw)) + raw


def data(value: bytes) -> bytes:
    """Bytes with their length in front."""
    return _INT.pack(len(value)) + value


def fetch(wanted: Iterable[Wanted], max_bytes: int) -> bytes:
    """The body of a Fetch that answers at once, whatever there is."""
    topics = [(topic, list(some)) for topic, some in groupby(wanted, lambda one: one.topic)]
    parts = [_FETCH_HEAD.pack(_CONSUMER, 0, 0, max_bytes, 0, *_NO_SESSION), _INT.pack(len(topics))]
    for topic, some in topics:
        parts += [text(topic), _INT.pack(len(some))]
        parts += [_FETCH_PARTITION.pack(w.partition, _UNKNOWN, w.offset, _UNKNOWN, w.max_bytes) for w in some]
    parts += [_INT.pack(0), text("")]
    return b"".join(parts)


class Reading:
    """A walk through an answer's bytes.

    Every method raises Malformed where the bytes end before the value does.
    """

    def __init__(self, buffer: memoryview, at: int = 0) -> None:
        self._buffer = buffer
        self._at = at

    def values(self, layout: Struct) -> tuple[int, ...]:
        """Numbers in a fixed layout."""
        try:
            found = layout.unpack_from(self._buffer, self._at)
        except error as cause:
            raise Malformed(f"the answer ends at byte {len(self._buffer)}") from cause
        self._at += layout.size
        return found

    def int16(self) -> int:
        """An INT16."""
        return self.values(_SHORT)[0]

    def int32(self) -> int:
        """An INT32."""
        return self.values(_INT)[0]

    def count(self, least: int) -> int:
        """An array's length, -1 and 0 being none; each item takes at least so many bytes."""
        found = self.int32()
        if found * least > len(self._buffer) - self._at:
            raise Malformed(f"an array of {found} items doesn't fit into the answer")
        return max(found, 0)

    def skip(self, size: int) -> tuple[int, int]:
        """Pass so many bytes; where they begin and end."""
        start, end = self._at, self._at + max(size, 0)
        if end > len(self._buffer):
            raise Malformed(f"{size} bytes don't fit into the answer")
        self._at = end
        return start, end

    def text(self) -> str:
        """A nullable STRING; null is the empty text."""
        start, end = self.skip(self.int16())
        return bytes(self._buffer[start:end]).decode("utf-8", "replace")

    def data(self) -> bytes:
        """Nullable BYTES; null is none."""
        start, end = self.skip(self.int32())
        return bytes(self._buffer[start:end])


def fetched(buffer: memoryview) -> Fetched:
    """The answer to a Fetch, without its correlation id.

    Raises:
        Malformed: it is cut short.
    """
    reading = Reading(buffer)
    throttle, failure, _session = reading.values(_ANSWER_HEAD)
    return Fetched(throttle, failure, tuple(_pieces(reading)))


def _pieces(reading: Reading) -> Iterator[Piece]:
    for _ in range(reading.count(6)):
        topic = reading.text()
        for _ in range(reading.count(_ANSWER_PARTITION.size)):
            partition, failure, watermark, _stable, _start, aborted = reading.values(_ANSWER_PARTITION)
            reading.skip(max(aborted, 0) * _ABORTED)
            reading.int32()  # the preferred replica
            start, end = reading.skip(reading.int32())
            yield Piece(topic, partition, failure, watermark, start, end)


def versions(buffer: memoryview) -> dict[int, tuple[int, int]]:
    """The lowest and highest version of each request that the broker knows (ApiVersions v0).

    Raises:
        Malformed: it is cut short, or an error.
    """
    reading = Reading(buffer)
    if failure := reading.int16():
        raise Malformed(f"ApiVersions was answered with error {failure}")
    return {key: (low, high) for key, low, high in (reading.values(_VERSIONS) for _ in range(reading.count(6)))}


_VERSIONS: Final = Struct(">hhh")
