"""Reading the log with an assigned consumer: whole ranges, or from here on. Nothing is joined and nothing committed.

A range is finished when the consumer's *position* reaches its end. Its last record's offset isn't enough: transaction
markers, aborted transactions and compaction leave offsets that no record ever has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import methodcaller
from typing import Final, Generic, TypeVar

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, Message, TopicPartition

from eventops.adapters.kafka.cursor import Cursor, cursors, fitted
from eventops.adapters.kafka.failures import GONE, is_forbidden, is_gone, reason
from eventops.errors import BrokerUnreachable
from eventops.events import Partition, Position, Record, header_pairs, moment_of
from eventops.ports import Batch, Bounds, Gap, Isolation, LogBounds, Plain, Range, Scanned

Seen = TypeVar("Seen")
AskBounds = Callable[[Collection[Partition], float], Bounds]
"""Log bounds of partitions, within so many seconds."""

AT_ONCE: Final = 1_000
"""Records taken from the client's queue at a time: more cost memory, and time where it is the processor's cache that
they don't fit into."""

_WAIT: Final = 0.1
_HEARTBEAT: Final = 0.8
_QUIET: Final = 1.0
"""Seconds without any movement after which the log's bounds are asked again, so that nothing is waited for in vain."""

FOREVER: Final = 2**63 - 1

_NOWHERE: Final = Cursor(Partition("", -1), [], 0)
"""Nothing is wanted of it."""


class Reader(Generic[Seen]):
    """One reading of some partitions. ``take`` makes of a message, its partition and its offset what is wanted;
    ``patience`` is the seconds without movement after which a range is given up."""

    def __init__(
        self,
        take: Callable[[Message, Partition, int], Seen],
        lend: Callable[[], AbstractContextManager[Consumer]],
        ask_bounds: AskBounds,
        isolation: Isolation,
        patience: float,
        at_once: int = AT_ONCE,
    ) -> None:
        self._make = take
        self._lend = lend
        self._ask_bounds = ask_bounds
        self._isolation = isolation
        self._patience = patience
        self._at_once = at_once
        self._cursors: dict[tuple[str, int], Cursor] = {}
        self._records: list[Seen] = []
        self._positions: dict[Partition, int] = {}
        self._gaps: list[Gap] = []

    def read(self, ranges: Collection[Range]) -> Iterator[Scanned[Seen]]:
        """Batches until every range is finished or a gap. The consumer is given back with the iterator's end."""
        wanted = cursors(ranges)
        if not wanted:
            return
        bounds = self._ask_bounds([cursor.partition for cursor in wanted], self._patience)
        left, self._gaps = fitted(wanted, bounds)
        self._positions = {c.partition: c.position for c in wanted if c.is_finished and c.partition in bounds.bounds}
        with self._lend() as self._consumer:
            try:
                self._assign(left)
                yield from self._batches()
            finally:
                self._cursors.clear()
                self._consumer.unassign()

    def _assign(self, left: list[Cursor]) -> None:
        for cursor in left:
            cursor.position = max(cursor.position, cursor.first)
        self._cursors = {(cursor.partition.topic, cursor.partition.partition): cursor for cursor in left}
        self._consumer.assign([_at(cursor) for cursor in left])

    def _batches(self) -> Iterator[Scanned[Seen]]:
        told = moved = reviewed = time.monotonic()
        while self._cursors:
            before = len(self._positions), len(self._records)
            self._take(self._consumer.consume(self._most(), _WAIT))
            now = time.monotonic()
            if (len(self._positions), len(self._records)) != before:
                moved = reviewed = now
            elif now - reviewed >= _QUIET:
                self._review(now - moved)
                reviewed = time.monotonic()
            if self._records or self._gaps or now - told >= _HEARTBEAT:
                yield self._batch()
                told = time.monotonic()
        if self._gaps or self._positions:
            yield self._batch()

    def _most(self) -> int:
        """How many records are still to come at most: the client returns as soon as it has as many, and not before."""
        left = 0
        for cursor in self._cursors.values():
            for wanted in cursor.ranges:
                left += wanted.end - max(wanted.first, cursor.position)
            if left >= self._at_once:
                return self._at_once
        return max(left, 1)

    def _batch(self) -> Scanned[Seen]:
        batch = Scanned(tuple(self._records), self._positions, tuple(self._gaps))
        self._records, self._positions, self._gaps = [], {}, []
        return batch

    def _take(self, messages: list[Message]) -> None:
        """Most messages follow another one of their partition and are wanted: that costs as little as can be."""
        moved: dict[tuple[str, int], Cursor] = {}
        make, take = self._make, self._records.append
        topic, number, cursor, first, end = "", -1, _NOWHERE, 0, 0
        for message in messages:
            if message.error() is not None:
                self._take_event(message)
                number = -1
                continue
            if message.partition() != number or message.topic() != topic:
                topic, number = home = message.topic() or "", message.partition() or 0
                cursor = self._cursors.get(home, _NOWHERE)
                moved[home] = cursor
                first = end = 0
            offset = message.offset() or 0
            if not first <= offset < end:
                if not cursor.is_finished:
                    cursor.move(offset)
                if cursor.is_finished:
                    continue  # fetched ahead of a range that is finished by now
                first, end = cursor.first, cursor.end
            if offset >= first:
                take(make(message, cursor.partition, offset))
            cursor.position = offset + 1
        for cursor in moved.values():
            if cursor is not _NOWHERE:
                self._settle(cursor, cursor.position)

    def _take_event(self, message: Message) -> None:
        error = message.error()
        assert error is not None
        if error.code() == KafkaError._PARTITION_EOF:
            cursor = self._cursors.get((message.topic() or "", message.partition() or 0))
            if cursor is not None and not cursor.is_finished:  # else it is behind records that weren't wanted any more
                self._settle(cursor, message.offset() or 0)
        elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            self._review(0.0)
        elif is_gone(error) or is_forbidden(error):
            for cursor in [c for (topic, _), c in self._cursors.items() if topic == message.topic()]:
                self._give_up(cursor, reason(error))

    def _settle(self, cursor: Cursor, position: int) -> None:
        """The partition has come to ``position``: finish, skip to its next range, or go on."""
        cursor.move(position)
        if cursor.is_finished:
            self._drop(cursor)
        elif cursor.position < cursor.first:
            cursor.position = cursor.first
            self._consumer.seek(_at(cursor))
        self._positions[cursor.partition] = cursor.position

    def _drop(self, cursor: Cursor) -> None:
        if self._cursors.pop((cursor.partition.topic, cursor.partition.partition), None) is not None:
            self._consumer.incremental_unassign([_at(cursor)])

    def _give_up(self, cursor: Cursor, why: str) -> None:
        self._gaps.append(Gap(cursor.partition.topic, cursor.partition.partition, why))
        self._drop(cursor)

    def _review(self, quiet: float) -> None:
        """Nothing moves: has the log been cut, deleted or shortened, or is somebody's transaction in the way?

        Raises:
            BrokerUnreachable: nobody answers for as long as the patience lasts.
        """
        try:
            bounds = self._ask_bounds([cursor.partition for cursor in self._cursors.values()], _QUIET)
        except BrokerUnreachable:
            if quiet >= self._patience:
                raise
            return
        missing = {(gap.subject, gap.partition): gap.reason for gap in bounds.gaps}
        for home, cursor in list(self._cursors.items()):
            held = bounds.bounds.get(cursor.partition)
            if held is None:
                why = missing.get(home, "its bounds aren't known")
                if why == GONE or quiet >= self._patience:
                    self._give_up(cursor, why)
            elif (gap := cursor.cut(held.start)) is not None:
                self._gaps.append(gap)
                self._go_on_from(cursor)
            elif cursor.position > held.high_watermark:
                self._give_up(cursor, f"the log was cut short: it ends at {held.high_watermark}")
            elif quiet >= self._patience and cursor.end < FOREVER:
                self._give_up(cursor, _why_nothing_comes(cursor, held, self._isolation, quiet))

    def _go_on_from(self, cursor: Cursor) -> None:
        self._positions[cursor.partition] = cursor.position
        self._consumer.incremental_unassign([_at(cursor)])
        if cursor.is_finished:
            del self._cursors[cursor.partition.topic, cursor.partition.partition]
        else:
            cursor.position = max(cursor.position, cursor.first)
            self._consumer.incremental_assign([_at(cursor)])


_ILLEGIBLE: Final = "the name of a header isn't UTF-8, so the client tells none of them"


def follow(reader: Reader[Record], starts: Mapping[Partition, int]) -> Iterator[Batch]:
    """The same reading without an end; it stops only when every partition is gone or the caller closes it."""
    return reader.read([Range(partition, first, FOREVER) for partition, first in starts.items()])


def record_of(message: Message, partition: Partition, offset: int) -> Record:
    """The message as the broker holds it."""
    kind, milliseconds = message.timestamp()
    headers = _headers(message)
    return Record(
        Position(partition.topic, partition.partition, offset),
        None if kind == TIMESTAMP_NOT_AVAILABLE else moment_of(milliseconds),
        message.key(),
        message.value(),
        header_pairs(headers),
        _ILLEGIBLE if headers is None else None,
    )


def plain_of(message: Message, partition: Partition, offset: int) -> Plain:
    """The message as a tuple."""
    kind, milliseconds = message.timestamp()
    return (
        partition,
        offset,
        None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds,
        message.key(),
        message.value(),
        _headers(message) or (),
    )


_told_headers: Callable[[Message], Sequence[tuple[str, bytes | None]] | None] = methodcaller("headers")
"""Where a name isn't UTF-8 the client returns a broken list with an exception set. Called by name, CPython notices; a
call that its interpreter has specialised takes the list, and the exception comes up somewhere else."""


def _headers(message: Message) -> Sequence[tuple[str, bytes | None]] | None:
    """None where the client can't tell them: some name isn't UTF-8, which Kafka lets a producer write."""
    try:
        return _told_headers(message) or ()
    except SystemError:
        return None


def _at(cursor: Cursor) -> TopicPartition:
    return TopicPartition(cursor.partition.topic, cursor.partition.partition, cursor.position)


def _why_nothing_comes(cursor: Cursor, held: LogBounds, isolation: Isolation, quiet: float) -> str:
    if cursor.end > held.high_watermark:
        return f"the log ends at {held.high_watermark}, before {cursor.end}"
    if cursor.end > held.end(isolation):
        return f"an open transaction holds back the records from {held.last_stable} on"
    return f"nothing came from offset {cursor.position} on within {quiet:.0f} s"
