"""What the answers to appended records mean together: refusals of single records, or the loss of the transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaError

from eventops.adapters.kafka.failures import is_gone, reason
from eventops.events import Position
from eventops.ports import Appended, Fenced, Place, Positions, Rejected, TransactionLost

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
_OF_TOPIC: Final = frozenset({KafkaError.TOPIC_EXCEPTION, KafkaError.TOPIC_AUTHORIZATION_FAILED})
"""With those that say it is gone: what would be said of any record there."""
_COLLATERAL: Final = frozenset({KafkaError._STATE, KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})
"""What befalls records after another one's refusal."""


def judged(
    topics: Sequence[str], places: Sequence[Place | None], errors: Mapping[int, KafkaError]
) -> Positions | Sequence[Appended]:
    """What became of records: for each its topic, and either its place or, by its index, an error.

    Raises:
        Fenced, TransactionLost: an answer tells more than the refusal of a record.
    """
    silent = places.count(None) - len(errors)
    if silent:
        raise TransactionLost(f"{silent} records weren't answered")
    if not errors:
        return Positions(topics, places)  # type: ignore[arg-type]  # no None is in it
    told = errors.values()
    worst = next((e for e in told if e.code() in _FENCED or e.fatal()), None) or next(
        (e for e in told if not (_is_refusal(e) or e.code() in _COLLATERAL)), None
    )
    if worst is None and not any(map(_is_refusal, told)):
        worst = next(iter(told))
    if worst is not None:
        raise lost(worst)
    return tuple(
        _refused(errors[index]) if place is None else Position(topic, *place)
        for index, (topic, place) in enumerate(zip(topics, places, strict=True))
    )


def lost(error: KafkaError) -> Fenced | TransactionLost:
    """The end of a producer."""
    said = f"{error.name()}: {error.str()}"
    return Fenced(said) if error.code() in _FENCED else TransactionLost(said)


def _is_refusal(error: KafkaError) -> bool:
    return error.code() in _REFUSED or is_gone(error)


def _refused(error: KafkaError) -> Rejected:
    if error.code() in _COLLATERAL:
        return Rejected("not sent, because another record of the transaction was refused")
    return Rejected(reason(error), is_of_topic=error.code() in _OF_TOPIC or is_gone(error))
