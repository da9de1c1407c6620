"""A search: raw fetching says where it may be, the ordinary consumer settles what is there.

The consumer reads under ``read_committed``: it decides transactions and decoding. It also reads whatever the raw way
couldn't, which the notes say; so raw fetching may fail in any way and only costs time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from typing import Final

from confluent_kafka import Consumer, KafkaException

from eventops.adapters.kafka import offsets
from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.cursor import between, joined, newest
from eventops.adapters.kafka.raw.dialling import Dialling, Unsuited, dialling
from eventops.adapters.kafka.raw.leaders import leaders
from eventops.adapters.kafka.raw.remaining import Remaining
from eventops.adapters.kafka.raw.sweep import Sweep
from eventops.adapters.kafka.raw.worker import Searched
from eventops.adapters.kafka.scan import Reader, record_of
from eventops.errors import BrokerUnreachable, Unsupported
from eventops.events import Record
from eventops.ports import Batch, Engine, Findings, Gap, Isolation, Manner, Range, Sought
from eventops.wording import plural

_SHORTEST: Final = 3
"""Bytes of a needle below which nearly every batch is a hit, so that the consumer may as well read all of it."""

_MOST: Final = 64
"""Needles, each of which is one pass over the bytes; with more, decoding every record is cheaper."""

_NEARBY: Final = 1_000
"""Offsets between two hits that are read rather than jumped over."""

_PIECE: Final = 20_000
"""Offsets of each partition that the consumer reads first, the newest; then twice as many, and so on."""

_LARGEST_PIECE: Final = 2_000_000
_HEARTBEAT: Final = 0.5
_ALL: Final = {"fetch_wait_max_ms": 20}
_HITS: Final = {
    "fetch_wait_max_ms": 20,
    "queued_max_messages_kbytes": 1_024,
    "queued_min_messages": 1_000,
    "max_partition_fetch_bytes": 262_144,
}
"""What is fetched ahead of a hit is decompressed for nothing. A batch that is larger is sent whole nevertheless."""


class Search:
    """One search; ``findings`` is run once."""

    def __init__(self, connection: Connection, sought: Sought, ranges: Collection[Range], manner: Manner) -> None:
        self._connection = connection
        self._sought = sought
        self._manner = manner
        self._left = Remaining(ranges)
        self._fetched = 0
        self._undecodable: list[Range] = []
        self._confirming: Future[Consumer] | None = None

    def findings(self) -> Iterator[Findings]:
        """See :meth:`eventops.ports.Broker.search`."""
        if not self._left.offsets():
            return
        yield from self._by_engine()
        yield from self._unfinished()

    def _by_engine(self) -> Iterator[Findings]:
        if self._is_ended():
            return
        how = self._dialling()
        if isinstance(how, Dialling):
            yield from self._raw(how)
        else:
            yield from self._consumed(self._left.ranges(), how)

    def _dialling(self) -> Dialling | str | None:
        """How to connect, or why the ordinary consumer reads it all; None where that was asked for.

        Raises:
            Unsupported: raw fetching was asked for, and can't be had.
        """
        if self._manner.engine is Engine.CONSUME:
            return None
        try:
            parts = self._sought.parts
            if min(map(len, parts), default=0) < _SHORTEST:
                raise Unsuited("what is sought has too few plain characters in a row")
            if len(parts) > _MOST:
                raise Unsuited(f"{len(parts)} spellings of ids are sought at once")
            return dialling(self._connection.properties, self._connection.timeout)
        except Unsuited as failure:
            if self._manner.engine is Engine.SCAN:
                raise Unsupported(
                    f"raw scanning doesn't do here: {failure}", "use --engine auto or consume"
                ) from failure
            return str(failure)

    def _raw(self, how: Dialling) -> Iterator[Findings]:
        connection = self._connection
        ranges = self._left.ranges()
        sweep = Sweep(ranges, lambda partitions: leaders(connection, partitions), how, self._sought.parts)
        with ThreadPoolExecutor(1, "consumer") as opening:
            sweep.start()
            self._confirming = opening.submit(_opened, connection, {range_.partition.topic for range_ in ranges})
            try:
                while not sweep.is_over and not self._is_ended():
                    yield from self._settled(sweep.news(_HEARTBEAT))
                yield from self._settled(sweep.news(0))
            finally:
                sweep.stop()
                self._confirming.result().close()
        for reason, given_up in sweep.given_up.items():
            yield from self._consumed(given_up, reason)

    def _settled(self, news: list[Searched]) -> Iterator[Findings]:
        """What was searched, with the records of its hits once they are confirmed."""
        self._fetched += sum(one.wire for one in news)
        passed = sum(self._left.cross_off(one.range) for one in news)
        hits = [hit for one in news for hit in one.hits]
        self._undecodable += [bad for one in news for bad in one.undecodable]
        records, gaps = self._confirmed(hits) if hits else ([], [])
        yield Findings(
            records=tuple(records),
            passed=passed,
            looked_at=sum(one.records for one in news),
            bytes=sum(one.bytes for one in news),
            fetched=sum(one.wire for one in news),
            gaps=(*(gap for one in news for gap in one.gaps), *gaps),
        )

    def _consumed(self, ranges: Collection[Range], reason: str | None) -> Iterator[Findings]:
        """All of the ranges by the ordinary consumer, piece by piece from their ends, so that what is recent shows
        first."""
        if self._is_ended():
            return
        if reason is not None:
            homes = sorted({range_.partition for range_ in ranges})
            where = str(homes[0]) if len(homes) == 1 else f"{plural(len(homes), 'partition')}, {homes[0]} the first"
            yield Findings(notes=(f"{where}: read by the ordinary consumer, since {reason}",))
        mine, most = Remaining(ranges), _PIECE
        with closing(self._connection.consumer(Isolation.READ_COMMITTED, **_ALL)) as consumer:
            while (piece := newest(mine.ranges(), most)) and not self._is_ended():
                for found in self._piece(consumer, piece):
                    for gap in found.gaps:
                        _forget(gap, self._left)
                        _forget(gap, mine)
                    yield found
                for range_ in piece:
                    mine.cross_off(range_)
                most = min(most * 2, _LARGEST_PIECE)

    def _piece(self, consumer: Consumer, piece: Collection[Range]) -> Iterator[Findings]:
        at = {range_.partition: range_ for range_ in piece}
        for batch in self._read(consumer, piece):
            size = sum(len(record.value or b"") + len(record.key or b"") for record in batch.records)
            self._fetched += size
            passed = sum(
                self._left.cross_off(Range(home, at[home].first, min(at[home].end, position)))
                for home, position in batch.positions.items()
            )
            records = tuple(record for record in batch.records if self._sought.may_be_in(record))
            yield Findings(records, passed, len(batch.records), size, size, batch.gaps)
            if self._is_ended():
                break

    def _confirmed(self, hits: Collection[Range]) -> tuple[list[Record], list[Gap]]:
        """The committed records of the hits, which takes as long as it takes; there are few."""
        assert self._confirming is not None
        records: list[Record] = []
        gaps: list[Gap] = []
        ranges = joined(hits, _NEARBY, apart=self._undecodable)
        for batch in self._read(self._confirming.result(), ranges):
            records += [record for record in batch.records if self._sought.may_be_in(record)]
            gaps += batch.gaps
        return records, gaps

    def _read(self, consumer: Consumer, ranges: Collection[Range]) -> Iterator[Batch]:
        """Where the leaders of these alone are silent, they are gaps; the others were searched."""
        connection = self._connection
        reader = Reader(
            record_of,
            lend=lambda: nullcontext(consumer),
            ask_bounds=lambda partitions, timeout: offsets.log_bounds(connection, partitions, timeout),
            isolation=Isolation.READ_COMMITTED,
            patience=connection.timeout,
        )
        try:
            yield from reader.read(ranges)
        except BrokerUnreachable as silence:
            if not self._fetched:
                raise
            yield Batch((), {}, tuple(Gap(r.partition.topic, r.partition.partition, silence.what) for r in ranges))

    def _is_ended(self) -> bool:
        most = self._manner.max_bytes
        return self._manner.stopped() or (most is not None and self._fetched >= most)

    def _unfinished(self) -> Iterator[Findings]:
        """What an early end left out."""
        left = self._left.ranges()
        if left and self._is_ended():
            why = "the search was interrupted" if self._manner.stopped() else "--max-bytes was reached"
            gaps = (Gap(r.partition.topic, r.partition.partition, f"{why} before {between(r)}") for r in left)
            yield Findings(gaps=tuple(gaps))


def _opened(connection: Connection, topics: Collection[str]) -> Consumer:
    """A consumer that knows who leads the topics: assigned to ones it doesn't know, an idle one looks for their leaders
    only when its timer of one second rings (``rd_kafka_1s_tmr_cb`` of librdkafka)."""
    consumer = connection.consumer(Isolation.READ_COMMITTED, **_HITS)
    with suppress(KafkaException):  # then it takes its time
        consumer.list_topics(next(iter(topics)) if len(topics) == 1 else None, timeout=connection.timeout)
    return consumer


def _forget(gap: Gap, left: Remaining) -> None:
    """What is a gap already isn't one twice."""
    for range_ in left.ranges():
        if (range_.partition.topic, range_.partition.partition) == (gap.subject, gap.partition):
            left.cross_off(range_)
