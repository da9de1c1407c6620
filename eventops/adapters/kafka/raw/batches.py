"""Record batches (message format 2) as they stand in a Fetch's answer: walked by their headers, searched as bytes.

https://kafka.apache.org/documentation/#recordbatch is the layout. No record is parsed: a batch in which a needle stands
is a hit, and may be one too many.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from stringzilla import find

from eventops.adapters.kafka.raw.codecs import Decompressor, Undecodable
from eventops.adapters.kafka.raw.wire import Piece

_HEADER: Final = Struct(">qi4xb4xhi30xi")
_LEAST: Final = _HEADER.size
_BEFORE_LENGTH: Final = 12
_MAGIC_AT: Final = 16
_MAGIC: Final = 2
_CODEC: Final = 0x07
_CONTROL: Final = 0x20


@dataclass(slots=True)
class Walk:
    """The whole batches of a piece. ``position`` is the offset after the last; ``trouble`` says why the walk
    ended before the piece did, None where it didn't."""

    position: int
    end: int
    """Where in the buffer the last whole batch ends."""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)
    codecs: list[int] = field(default_factory=list)
    records: int = 0
    """Those within the offsets that were asked for; of a compacted batch at most as many as its offsets."""
    trouble: str | None = None


def walk(buffer: bytearray, piece: Piece, position: int, until: int) -> Walk:
    """From batch to batch, beginning with the one that holds ``position``, which may begin before it, until the offset
    ``until`` is reached, or the piece's end."""
    at, end = piece.start, piece.end
    found = Walk(position, at)
    while found.position < until and at + _LEAST <= end:
        first, length, magic, attributes, delta, count = _HEADER.unpack_from(buffer, at)
        if magic < _MAGIC:
            break
        after = at + _BEFORE_LENGTH + length
        if after > end:
            break
        last = first + delta
        is_ahead = found.position <= last < piece.high_watermark
        if magic > _MAGIC or length < _LEAST - _BEFORE_LENGTH or delta < 0 or count < 0 or not is_ahead:
            found.trouble = f"no record batch where one should begin, at offset {found.position}"
            break
        if not attributes & _CONTROL and count and first < until:
            found.starts.append(at)
            found.ends.append(after)
            found.firsts.append(first)
            found.lasts.append(last)
            found.codecs.append(attributes & _CODEC)
            found.records += min(count, min(last + 1, until) - max(first, found.position))
        found.position = last + 1
        at = found.end = after
    if found.position < until and end - at > _MAGIC_AT and buffer[at + _MAGIC_AT] < _MAGIC:
        old = buffer[at + _MAGIC_AT]
        found.trouble = f"message format {old}, older than Kafka 0.11, at offset {found.position}"
    return found


@dataclass(slots=True)
class LookedInto:
    """``hits`` are first and last offsets of batches that hold a needle; ``undecodable`` those that couldn't be looked
    into, with the reason; ``bytes`` were looked at, decompressed."""

    hits: list[tuple[int, int]] = field(default_factory=list)
    undecodable: list[tuple[int, int, str]] = field(default_factory=list)
    bytes: int = 0


def search(buffer: bytearray, walked: Walk, needles: Sequence[bytes], decompressor: Decompressor) -> LookedInto:
    """Look into every batch of the walk: all that is uncompressed in one pass a needle, the others one by one."""
    found = LookedInto()
    if not walked.starts:
        return found
    hits = _plain(buffer, walked, needles)
    view = memoryview(buffer)
    for number, codec in enumerate(walked.codecs):
        start, end = walked.starts[number], walked.ends[number]
        if not codec:
            found.bytes += end - start
            continue
        first, last = walked.firsts[number], walked.lasts[number]
        try:
            into, size = decompressor.decompressed(codec, view[start + _LEAST : end])
        except Undecodable as failure:
            found.undecodable.append((first, last, str(failure)))
            continue
        found.bytes += size
        if any(find(into, needle, 0, size) >= 0 for needle in needles):
            hits.add(number)
    found.hits = [(walked.firsts[number], walked.lasts[number]) for number in sorted(hits)]
    return found


def _plain(buffer: bytearray, walked: Walk, needles: Sequence[bytes]) -> set[int]:
    """Numbers of the batches that hold a needle as they travel. A hit in compressed bytes is one too many, and rare."""
    hits: set[int] = set()
    if all(walked.codecs):
        return hits
    end = walked.ends[-1]
    for needle in needles:
        at = find(buffer, needle, walked.starts[0], end)
        while at >= 0:
            number = bisect_right(walked.starts, at) - 1
            if at < walked.ends[number]:
                hits.add(number)
            at = find(buffer, needle, max(walked.ends[number], at + 1), end)
    return hits
