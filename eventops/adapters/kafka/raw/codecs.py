"""Decompressing record batches into a buffer that is used again, within a bound: a bomb is reported, not obeyed."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct, error
from typing import Any, Final

import cramjam

from eventops.adapters.kafka.raw.system_zstd import system_zstd

Codec = Callable[[Any, Any], int]
"""Decompresses the first into the second, and says how much it is."""

LIMIT: Final = 64 * 1024 * 1024
"""Bytes that one batch may decompress to; Kafka's own default for a whole batch is 1 MB as it travels."""

_KEPT: Final = 8 * 1024 * 1024
_FIRST: Final = 1024 * 1024
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEAD: Final = 16
_INT: Final = Struct(">i")


class Undecodable(Exception):
    """The batch isn't what its codec says, or is too large; the message says which as far as the codec tells."""


class Decompressor:
    """One thread's decompressor and its buffer."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray(min(_FIRST, limit))
        self._codecs: dict[int, Codec] = {
            1: cramjam.gzip.decompress_into,
            2: _snappy,
            3: cramjam.lz4.decompress_into,
            4: system_zstd() or cramjam.zstd.decompress_into,
        }

    def decompressed(self, codec: int, payload: memoryview) -> tuple[bytearray, int]:
        """A buffer, good until the next call, and how much of it the payload is.

        Raises:
            Undecodable: the codec is unknown, the payload corrupt, or larger than the limit when decompressed.
        """
        into = self._codecs.get(codec)
        if into is None:
            raise Undecodable(f"its codec {codec} is unknown")
        buffer = self._buffer
        while True:
            try:
                size = into(payload, buffer)
            except (cramjam.DecompressionError, ValueError, error) as failure:
                if len(buffer) >= self._limit:
                    bound = f"it doesn't decompress within {self._limit / 1e6:.0f} MB"
                    raise Undecodable(f"{bound} ({failure})") from failure
                buffer = bytearray(min(len(buffer) * 4, self._limit))
            else:
                if len(self._buffer) < len(buffer) <= _KEPT:
                    self._buffer = buffer
                return buffer, size


def _snappy(payload: memoryview, into: bytearray) -> int:
    """Raw, or in the blocks with a header that Java's clients write (snappy-java's SnappyOutputStream)."""
    if bytes(payload[: len(_XERIAL)]) != _XERIAL:
        return cramjam.snappy.decompress_raw_into(payload, into)
    at, size, room = _XERIAL_HEAD, 0, memoryview(into)
    while at < len(payload):
        (length,) = _INT.unpack_from(payload, at)
        block = payload[at + _INT.size : at + _INT.size + max(length, 0)]
        if length <= 0 or len(block) < length:
            raise ValueError("snappy: a block is cut short")
        size += cramjam.snappy.decompress_raw_into(block, room[size:])
        at += _INT.size + length
    return size
