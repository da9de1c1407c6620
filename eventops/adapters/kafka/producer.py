"""Appending in transactions. An instance that met anything unclean is never used again: another takes over the id.

A client that goes on after a timed-out commit could end its *next* transaction with the late answer, so every failure
that isn't a plain refusal of one record is :class:`TransactionLost`. Every wait goes in slices, since a client that
waits in C hears no signal: who wants an end gets it within about a second.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from types import MethodType
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from eventops.adapters.kafka.answers import judged, lost
from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import PASSING, error_of
from eventops.adapters.kafka.heap import merge_at_once
from eventops.ports import Appended, IsStopped, Outgoing, Place, Positions, TransactionLost, never

Result = TypeVar("Result")

INIT_PATIENCE: Final = 30.0
"""Seconds for taking over an id: an earlier holder's prepared commit has to complete first."""

_BY_KEY: Final = -1
_ABORT_PATIENCE: Final = 2.0
_SLICE: Final = 0.1
_GRACE: Final = 1.0
"""Seconds that an answer may still take once somebody wants an end."""
_LOOK_SECONDS: Final = 1.0
"""After so long without an answer a topic may be gone."""
_LARGEST_RECORD: Final = 1_000_000_000
"""As much as the client allows: how large a record may be is the topic's to say."""
_BATCH: Final = 1_000_000
_FRAMING: Final = 512
_PASSING: Final = PASSING | {KafkaError.CONCURRENT_TRANSACTIONS}


class _Appender:
    """Appends and waits for the answers."""

    def __init__(
        self, connection: Connection, settings: dict[str, object], batch_bytes: int | None, is_stopped: IsStopped
    ) -> None:
        self._timeout = max(connection.timeout, INIT_PATIENCE)
        self._is_stopped = is_stopped
        connection.admin()
        merge_at_once(True)
        self._producer: Producer | None = connection.producer(
            {
                "enable.idempotence": True,
                "enable.sparse.connections": False,  # else it connects half a second after it knows the coordinator
                "partitioner": "murmur2_random",  # as Java's clients choose; librdkafka's default is another
                "topic.metadata.propagation.max.ms": 3000,  # a topic that isn't there is refused after so long
                "message.max.bytes": _LARGEST_RECORD,
                "batch.size": max(min(batch_bytes or _BATCH, _BATCH) - _FRAMING, 1),
                **settings,
            }
        )

    def append(self, records: Iterable[Outgoing]) -> Positions | Sequence[Appended]:
        """Append all, wait for all answers. Kafka refuses whole batches, so a neighbour may be refused with the one
        that is at fault: abort, and narrow it down by appending fewer."""
        producer = self._living()
        topics: list[str] = []
        places: list[Place | None] = []
        errors: dict[int, KafkaError] = {}

        def keep(index: int, error: KafkaError | None, message: Message | None) -> None:
            if error is None and message is not None:
                places[index] = (message.partition(), message.offset())  # type: ignore[assignment]  # delivered
            else:
                errors[index] = error or KafkaError(KafkaError._FAIL)

        produce = producer.produce
        for index, record in enumerate(records):
            topic, key, value, headers, partition = record
            topics.append(topic)
            places.append(None)
            told = MethodType(keep, index)  # takes half of what a partial does
            try:  # once a record, so without names and detours
                produce(topic, value, key, _BY_KEY if partition is None else partition, told, headers=list(headers))
            except (BufferError, KafkaException):
                self._send(producer, record, told)
        self._wait(_until_answered(producer, topics, errors), "records weren't answered")
        return judged(topics, places, errors)

    def close(self) -> None:
        """Let go of what wasn't sent."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaException, SystemError, RuntimeError):
                producer.purge()
                self._end(producer)
            merge_at_once(False)

    def _end(self, producer: Producer) -> None:
        """The last thing done with it."""

    def _living(self) -> Producer:
        if self._producer is None:
            raise TransactionLost("the producer is closed")
        return self._producer

    def _send(
        self, producer: Producer, record: Outgoing, keep: Callable[[KafkaError | None, Message | None], None]
    ) -> None:
        topic, key, value, headers, partition = record
        while True:
            try:
                producer.produce(
                    topic, value, key, _BY_KEY if partition is None else partition, keep, headers=list(headers)
                )
                return
            except BufferError:  # the client's queue is full until the broker answers
                self._wait(lambda: producer.poll(_SLICE) > 0, "the broker took no records")
            except KafkaException as exception:
                error = error_of(exception)
                if error.code() == KafkaError._FATAL:
                    self._clean(producer.begin_transaction)  # says why
                keep(error, None)
                return

    def _wait(self, attempt: Callable[[], bool], otherwise: str, patience: float | None = None) -> None:
        """Until the attempt, which takes a slice of time, succeeds.

        Raises:
            Fenced, TransactionLost: it fails, takes too long, or somebody wants an end.
        """
        deadline = time.monotonic() + (self._timeout if patience is None else patience)
        while not self._clean(attempt):
            now = time.monotonic()
            if now > deadline:
                raise TransactionLost(f"{otherwise} within {self._timeout:g} s")
            if self._is_stopped():
                deadline = min(deadline, now + _GRACE)

    def _clean(self, call: Callable[[], Result]) -> Result:
        try:
            return call()
        except (KafkaException, SystemError) as exception:
            raise lost(error_of(exception)) from exception


class KafkaTransactionalProducer(_Appender):
    """One holder of a transactional id, from taking it over to letting go."""

    is_atomic = True

    def __init__(
        self,
        connection: Connection,
        transactional_id: str,
        batch_bytes: int | None = None,
        is_stopped: IsStopped = never,
    ) -> None:
        """Fences any earlier holder.

        Raises:
            BrokerUnreachable, NotPermitted, Unsupported: the id can't be taken over.
            TransactionLost: somebody wants an end.
        """
        super().__init__(connection, {"transactional.id": transactional_id}, batch_bytes, is_stopped)
        self._open = False
        try:
            self._take_over(connection)
        except BaseException:
            self.close()
            raise

    def _take_over(self, connection: Connection) -> None:
        producer = self._living()
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                producer.init_transactions(_SLICE)
            except (KafkaException, SystemError) as exception:
                error, now = error_of(exception), time.monotonic()
                if not _is_still_at_it(error) or now > deadline:
                    raise connection.failure(error) from exception
                if self._is_stopped():
                    raise TransactionLost("stopped while the transactional id was taken over") from exception
            else:
                return

    def begin(self) -> None:
        """Open a transaction."""
        self._clean(self._living().begin_transaction)
        self._open = True

    def commit(self) -> None:
        """Make all of it visible at once."""
        self._finish(self._living().commit_transaction, "the commit wasn't answered")

    def abort(self) -> None:
        """Make none of it visible."""
        self._finish(self._living().abort_transaction, "the abort wasn't answered")

    def _finish(self, call: Callable[[float], None], otherwise: str) -> None:
        self._wait(partial(_is_done, call), otherwise)
        self._open = False

    def _end(self, producer: Producer) -> None:
        """An open transaction is aborted at once if that goes quickly, so that readers needn't wait for the broker to
        do it."""
        if self._open:
            producer.abort_transaction(_SLICE if self._is_stopped() else _ABORT_PATIENCE)


class KafkaPlainProducer(_Appender):
    """What is appended stays; the broker drops what the client sends twice, as long as this client lives."""

    is_atomic = False

    def __init__(self, connection: Connection, batch_bytes: int | None = None, is_stopped: IsStopped = never) -> None:
        super().__init__(connection, {}, batch_bytes, is_stopped)

    def begin(self) -> None:
        """There is no transaction."""

    def commit(self) -> None:
        """It is visible already."""

    def abort(self) -> None:
        """It can't be taken back."""


def _is_done(call: Callable[[float], None]) -> bool:
    """One slice of a commit or an abort, which goes on with the next call (librdkafka: "may be called again")."""
    try:
        call(_SLICE)
    except KafkaException as exception:
        if _goes_on(error_of(exception)):
            return False
        raise
    return True


def _is_still_at_it(error: KafkaError) -> bool:
    """A slice's end, or what its last answer was: no coordinator yet (a cluster's first transaction makes its topic),
    or an earlier holder's open transaction that has to end first."""
    return not error.fatal() and (error.retriable() or error.code() in _PASSING)


def _goes_on(error: KafkaError) -> bool:
    return error.code() == KafkaError._TIMED_OUT and error.retriable()


def _until_answered(producer: Producer, topics: Collection[str], refused: Collection[int]) -> Callable[[], bool]:
    """Attempts to have all answers. A client goes on registering partitions of a topic that was deleted until it is
    asked about that topic."""
    look = time.monotonic() + _LOOK_SECONDS

    def attempt() -> bool:
        nonlocal look
        if _is_answered(producer, refused):
            return True
        if time.monotonic() > look:
            for topic in set(topics):
                with contextlib.suppress(KafkaException):
                    producer.list_topics(topic, timeout=_SLICE)
            look = time.monotonic() + _LOOK_SECONDS
        return False

    return attempt


def _is_answered(producer: Producer, refused: Collection[int]) -> bool:
    """Once one record was refused the client holds back those after it, whose sequence numbers don't fit any more."""
    left = producer.flush(_SLICE)
    if left and refused:
        producer.purge()
    return not left
