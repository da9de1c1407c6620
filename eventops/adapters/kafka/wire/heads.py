"""What stands first in a range, markers of transactions or a record, and when it was written.

One Fetch asks for hundreds of partitions, each bounded to what fifty markers take; nothing is decompressed.
https://kafka.apache.org/documentation/#recordbatch is the layout.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, Final

from kafka.errors import KafkaError
from kafka.protocol.consumer.fetch import FetchRequest
from kafka.record.default_records import DefaultRecordBatch

from eventops.adapters.kafka.wire.client import Node, Wire
from eventops.events import Partition, moment_of
from eventops.ports import Head, Range

CHUNK: Final = 1_000
"""Partitions a Fetch."""

ENOUGH: Final = 4_096
"""Bytes a partition: fifty markers. A broker leaves out a larger batch, unless it is the first one in its answer."""

PLACES: Final = 4
"""Ranges of one partition that are asked for: no partition stands twice in a Fetch, so each takes one of its own."""

AT_ONCE: Final = 4
"""Fetches that are waited for together: what they bring is let go of before the next ones."""

_HEADER: Final = Struct(">qi4xb4xhiqq14xi")
_BEFORE_LENGTH: Final = 12
_MAGIC: Final = 2
_CODEC: Final = 0x07
_TIME_OF_LOG: Final = 0x08
_CONTROL: Final = 0x20
_DELETE_HORIZON: Final = 0x40
"""Compaction keeps another moment where the time of the first record stands otherwise (KIP-534)."""

_LAST_WITH_NAMES: Final = 12
"""Later versions of Fetch name topics by their ids."""

_Topic = FetchRequest.FetchTopic
_Wanted = _Topic.FetchPartition


def heads(wire: Wire, nodes: Mapping[Partition, Node], ranges: Collection[Range]) -> dict[Range, Head]:
    """The first record, aborted or not, of each range. Those for which headers don't tell, or whose leader is not known
    or doesn't answer, are left out."""
    chunks = list(_chunks(nodes, ranges))
    found: dict[Range, Head] = {}
    for start in range(0, len(chunks), AT_ONCE):
        found |= _heads(wire, dict(enumerate(chunks[start : start + AT_ONCE])))
    return found


def _heads(wire: Wire, chunks: Mapping[int, tuple[Node, Sequence[Range]]]) -> dict[Range, Head]:
    answers, _ = wire.ask({key: (node, _question(chunk)) for key, (node, chunk) in chunks.items()})
    found: dict[Range, Head] = {}
    for key, told in answers.items():
        wanted = {(one.partition.topic, one.partition.partition): one for one in chunks[key][1]}
        for topic in told.responses:
            for one in topic.partitions:
                asked = wanted[topic.topic, one.partition_index]
                head = None if one.error_code else _head(one.records or b"", asked.first, asked.end)
                if head is not None:
                    found[asked] = head
    return found


def _chunks(nodes: Mapping[Partition, Node], ranges: Collection[Range]) -> Iterator[tuple[Node, list[Range]]]:
    """What one Fetch asks which broker for."""
    mine: dict[tuple[Node, int], list[Range]] = defaultdict(list)
    seen: Counter[Partition] = Counter()
    for one in ranges:
        if one.partition in nodes and seen[one.partition] < PLACES:
            mine[nodes[one.partition], seen[one.partition]].append(one)
            seen[one.partition] += 1
    for (node, _), together in mine.items():
        for start in range(0, len(together), CHUNK):
            yield node, together[start : start + CHUNK]


def _question(ranges: Collection[Range]) -> Any:
    topics: dict[str, list[Any]] = defaultdict(list)
    for one in ranges:
        number, first = one.partition.partition, one.first
        topics[one.partition.topic].append(_Wanted(partition=number, fetch_offset=first, partition_max_bytes=ENOUGH))
    return FetchRequest(
        max_wait_ms=0,
        min_bytes=0,
        isolation_level=0,
        topics=[_Topic(topic=topic, partitions=wanted) for topic, wanted in topics.items()],
        max_version=_LAST_WITH_NAMES,
    )


def _head(batches: bytes, first: int, end: int) -> Head | None:
    """Up to the first record that stands from ``first`` on. None where it isn't told: by an old format, by a batch that
    isn't there whole, or because the record can't be read."""
    at, reached = 0, first
    while reached < end:
        if at + _HEADER.size > len(batches):
            return None
        header = _HEADER.unpack_from(batches, at)
        base, length, magic, attributes, delta, *_, count = header
        if magic != _MAGIC:
            return None
        last, after = base + delta, at + _BEFORE_LENGTH + length
        if last >= first and base < end and count and not attributes & _CONTROL:
            if attributes & _CODEC or after > len(batches):
                return _by_header(header, first, end)
            try:
                record = next((one for one in DefaultRecordBatch(batches[at:after]) if one.offset >= first), None)
            except KafkaError:  # a header's name isn't UTF-8, for example
                return None
            if record is not None:  # else compaction took those that are asked about
                return Head(True, True, moment_of(record.timestamp)) if record.offset < end else Head(False)
        reached, at = max(reached, last + 1), after
    return Head(False)


def _by_header(header: tuple[int, ...], first: int, end: int) -> Head | None:
    """Of a compressed batch. None where compaction took records, perhaps just those that are asked about; no moment
    where the range begins in the batch's midst."""
    base, _, _, attributes, delta, oldest, newest, count = header
    is_whole = count == delta + 1
    if not is_whole and (base < first or base + delta >= end):
        return None
    is_dated = is_whole and base >= first and not attributes & _DELETE_HORIZON
    moment = newest if attributes & _TIME_OF_LOG else oldest
    return Head(True, is_dated, moment_of(moment) if is_dated else None)
