"""Conditions on letters, in CEL: ``--where 'attempts > 3 && headers["tenant"] == "acme"'``. Pure.

All that a condition on a record may use (:mod:`eventops.where`: ``key``, ``value``, ``headers``, ``topic``,
``partition``, ``offset``, ``timestamp``, each of the letter itself), and what the letter tells. What it doesn't tell is
``null``: it equals nothing else, and whether it is larger can't be judged.
"""

from __future__ import annotations

from typing import Any, Final, Self

from eventops.dlq.causes import cause_id
from eventops.dlq.model import Letter
from eventops.where import Where

FIELDS: Final[tuple[tuple[str, str, str], ...]] = (
    ("cause", "STRING", "class of the root exception, or the message's shape; `unknown`"),
    ("cause_id", "STRING", "the ten characters that `dlq groups` prints"),
    ("exception", "DYN", "class that the framework caught, mostly a wrapper; null: not recorded"),
    ("message", "DYN", "the failure's message; null: not recorded"),
    ("frame", "DYN", "first frame of our own code; null: none"),
    ("group", "DYN", "consumer group that failed; null: not recorded"),
    ("attempts", "DYN", "failed deliveries; null: not recorded"),
    ("hops", "INT", "failures that the headers tell of"),
    ("family", "STRING", "the convention that it follows: `spring`, `kafka-connect`, ...; `unknown`"),
    ("state", "STRING", "open, replayed, discarded, parked or failed_again"),
    ("origin", "DYN", "topic, partition and offset that it came from, as in `origin.topic`; null: not recorded"),
    ("event_type", "DYN", "type of the event inside; null: it has none"),
    ("event_id", "DYN", "id of the event inside; null: it has none"),
    ("correlation_id", "DYN", "correlation id of the event inside; null: it has none"),
)
"""What a condition may use of a letter, besides its record: the name, its type in CEL, what it is."""

_KINDS: Final = {name: kind for name, kind, _what in FIELDS}


class LetterCondition:
    """One condition. Ask it once a letter, after the ledger was asked: ``state`` is the ledger's word."""

    def __init__(self, where: Where) -> None:
        self._where = where

    @classmethod
    def of(cls, text: str) -> Self:
        """
        Raises:
            UsageError: it isn't CEL, names what isn't there, or its answer is no truth value.
        """
        return cls(Where.of(text, _KINDS))

    @property
    def text(self) -> str:
        """As it was written."""
        return self._where.text

    @property
    def unjudged(self) -> int:
        """Letters that it couldn't be applied to; they don't match."""
        return self._where.unjudged

    @property
    def reason(self) -> str | None:
        """Why the last of them couldn't."""
        return self._where.reason

    def holds(self, letter: Letter) -> bool:
        """Whether it holds for the letter; it doesn't where it can't be applied.

        >>> from eventops.dlq.families import decode
        >>> from eventops.events import Position, Record
        >>> record = Record(Position("orders-dlt", 0, 7), None, b"k", None, (("reason_poisoned", b"no stock"),))
        >>> LetterCondition.of('message == "no stock" && attempts == null').holds(decode(record))
        True
        """
        return self._where.matches(letter.event.record, _facts(letter))


def _facts(letter: Letter) -> dict[str, Any]:
    at = letter.origin.position if letter.origin else None
    ids = letter.event.ids
    return {
        "cause": letter.cause.kind,
        "cause_id": cause_id(letter.cause),
        "exception": letter.failure.exception_class,
        "message": letter.failure.message,
        "frame": letter.cause.frame,
        "group": letter.group,
        "attempts": letter.attempts,
        "hops": letter.hops,
        "family": letter.family,
        "state": letter.state.value,
        "origin": None if at is None else {"topic": at.topic, "partition": at.partition, "offset": at.offset},
        "event_type": ids.event_type,
        "event_id": ids.event_id,
        "correlation_id": ids.correlation_id,
    }
