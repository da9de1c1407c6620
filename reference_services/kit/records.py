"""Kafka's messages as frozen records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from operator import methodcaller
from typing import Final

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, Message

from eventops.events import Headers, MalformedEvent, Position, Record, header_pairs, moment_of


class TimestampType(Enum):
    """Who set a record's timestamp, in Kafka's own names."""

    CREATE_TIME = "CreateTime"
    LOG_APPEND_TIME = "LogAppendTime"
    NONE = "NoTimestampType"


_TIMESTAMP_TYPES: Final = {
    TIMESTAMP_CREATE_TIME: TimestampType.CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME: TimestampType.LOG_APPEND_TIME,
}


def record_of(message: Message) -> Record:
    """A message as a frozen record; only for messages that are no error."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise MalformedEvent("a message without a position isn't a record")
    is_timed = timestamp_type_of(message) is not TimestampType.NONE
    timestamp = moment_of(message.timestamp()[1]) if is_timed else None
    return Record(Position(topic, partition, offset), timestamp, message.key(), message.value(), _headers(message))


_told: Final[Callable[[Message], Iterable[tuple[str, bytes | None]] | None]] = methodcaller("headers")
"""Called by name, so that CPython looks at the answer: confluent-kafka 2.16 gives a broken list along with an exception
where a name isn't UTF-8, and a call that the interpreter has specialised would take the list."""


def _headers(message: Message) -> Headers:
    """None where a name among them isn't UTF-8: the client can't read them (it raises SystemError), which is no reason
    to refuse an event, for its body has its ids. Ask once: a second answer is broken."""
    try:
        return header_pairs(_told(message))
    except SystemError:
        return ()


def timestamp_type_of(message: Message) -> TimestampType:
    """Who set its timestamp."""
    return _TIMESTAMP_TYPES.get(message.timestamp()[0], TimestampType.NONE)
