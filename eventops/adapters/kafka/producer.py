"""Appending in transactions. An instance that met anything unclean is never used again: another takes over the id.

A client that goes on after a timed-out commit could end its *next* transaction with the late answer, so every failure
that isn't a plain refusal of one record is :class:`TransactionLost`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import error_of, is_gone, reason
from eventops.events import Position
from eventops.ports import Appended, Fenced, Outgoing, TransactionLost

Result = TypeVar("Result")

INIT_PATIENCE: Final = 30.0
"""Seconds for taking over an id: an earlier holder's prepared commit has to complete first."""

_FENCED: Final = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})
_REFUSED: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.POLICY_VIOLATION,
        KafkaError._INVALID_ARG,
    }
)
_COLLATERAL: Final = frozenset({KafkaError._STATE, KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})
"""What befalls records after another one's refusal."""

_BY_KEY: Final = -1
_ABORT_PATIENCE: Final = 2.0

Answer = Appended | KafkaError


class KafkaTransactionalProducer:
    """One holder of a transactional id, from taking it over to letting go."""

    def __init__(self, connection: Connection, transactional_id: str) -> None:
        """Fences any earlier holder.

        Raises:
            BrokerUnreachable, NotPermitted, Unsupported: the id can't be taken over.
        """
        self._timeout = max(connection.timeout, INIT_PATIENCE)
        connection.admin()
        self._producer: Producer | None = connection.producer(
            {
                "transactional.id": transactional_id,
                "partitioner": "murmur2_random",  # as Java's clients choose; librdkafka's default is another
                "topic.metadata.propagation.max.ms": 3000,  # a topic that isn't there is refused after so long
            }
        )
        self._open = False
        try:
            self._producer.init_transactions(self._timeout)
        except (KafkaException, SystemError) as exception:
            self.close()
            raise connection.failure(error_of(exception)) from exception

    def begin(self) -> None:
        """Open a transaction."""
        producer = self._living()
        self._clean(producer.begin_transaction)
        self._open = True

    def append(self, records: Sequence[Outgoing]) -> tuple[Appended, ...]:
        """Append all, wait for all answers. Kafka refuses whole batches, so a neighbour may be refused with the one
        that is at fault: abort, and narrow it down by appending fewer."""
        producer = self._living()
        answers: dict[int, Answer] = {}
        for index, record in enumerate(records):
            self._send(record, partial(_keep, answers, index))
        left = self._clean(lambda: producer.flush(self._timeout))
        if left or len(answers) < len(records):
            raise TransactionLost(f"{len(records) - len(answers)} records weren't answered within {self._timeout:g} s")
        return _judged([answers[index] for index in range(len(records))])

    def commit(self) -> None:
        """Make all of it visible at once."""
        producer = self._living()
        self._clean(lambda: producer.commit_transaction(self._timeout))
        self._open = False

    def abort(self) -> None:
        """Make none of it visible."""
        producer = self._living()
        self._clean(lambda: producer.abort_transaction(self._timeout))
        self._open = False

    def close(self) -> None:
        """Let go. An open transaction is aborted at once if that goes quickly, so that readers needn't wait for the
        broker to do it."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        with contextlib.suppress(KafkaException, SystemError, RuntimeError):
            producer.purge()
            if self._open:
                producer.abort_transaction(_ABORT_PATIENCE)

    def _living(self) -> Producer:
        if self._producer is None:
            raise TransactionLost("the producer is closed")
        return self._producer

    def _send(self, record: Outgoing, keep: Callable[[KafkaError | None, Message | None], None]) -> None:
        producer = self._living()
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                producer.produce(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    on_delivery=keep,
                    partition=_BY_KEY if record.partition is None else record.partition,
                )
                return
            except BufferError:  # the client's queue is full until the broker answers
                if time.monotonic() > deadline:
                    raise TransactionLost(f"the broker took no records within {self._timeout:g} s") from None
                self._clean(lambda: producer.poll(0.1))
            except KafkaException as exception:
                error = error_of(exception)
                if error.code() == KafkaError._FATAL:
                    self._clean(producer.begin_transaction)  # says why
                keep(error, None)
                return

    def _clean(self, call: Callable[[], Result]) -> Result:
        try:
            return call()
        except (KafkaException, SystemError) as exception:
            raise _lost(error_of(exception)) from exception


def _keep(answers: dict[int, Answer], index: int, error: KafkaError | None, message: Message | None) -> None:
    if error is not None or message is None:
        answers[index] = error or KafkaError(KafkaError._FAIL)
    else:
        answers[index] = Appended(Position(message.topic() or "", message.partition() or 0, message.offset() or 0))


def _judged(answers: Sequence[Answer]) -> tuple[Appended, ...]:
    """
    Raises:
        Fenced, TransactionLost: an answer tells more than the refusal of a record.
    """
    errors = [answer for answer in answers if isinstance(answer, KafkaError)]
    worst = next((e for e in errors if e.code() in _FENCED or e.fatal()), None) or next(
        (e for e in errors if not (_is_refusal(e) or e.code() in _COLLATERAL)), None
    )
    if worst is None and errors and not any(map(_is_refusal, errors)):
        worst = errors[0]
    if worst is not None:
        raise _lost(worst)
    return tuple(Appended(None, _refusal(a)) if isinstance(a, KafkaError) else a for a in answers)


def _is_refusal(error: KafkaError) -> bool:
    return error.code() in _REFUSED or is_gone(error)


def _refusal(error: KafkaError) -> str:
    if error.code() in _COLLATERAL:
        return "not sent, because another record of the transaction was refused"
    return reason(error)


def _lost(error: KafkaError) -> Fenced | TransactionLost:
    said = f"{error.name()}: {error.str()}"
    return Fenced(said) if error.code() in _FENCED else TransactionLost(said)
