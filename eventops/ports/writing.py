"""Appending records, in transactions or without, and how that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from eventops.events import Headers, Position

IsStopped = Callable[[], bool]
"""Whether the operator wants an end; asked several times a second by whatever waits."""


def never() -> bool:
    """Nobody stops it."""
    return False


class Outgoing(NamedTuple):
    """A record to be appended. ``partition`` None leaves the choice to the key (murmur2, as Java's clients choose)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


class Rejected(NamedTuple):
    """The broker refused an :class:`Outgoing`, or a neighbour of it."""

    reason: str


Appended = Position | Rejected
"""What became of one :class:`Outgoing`."""


class Fenced(Exception):
    """Another producer took over this transactional id; nothing of the open transaction will be committed."""


class TransactionLost(Exception):
    """Whether the transaction was committed isn't known, or it can't go on: close the producer and start again."""


class TransactionalProducer(Protocol):
    """Appends in transactions, under an id that at most one living producer holds. One without transactions
    (``is_atomic`` false) appends at once and for good, whatever ``abort`` says.

    Every method raises :class:`Fenced` or :class:`TransactionLost`; after either, only ``close`` may be called.
    """

    @property
    def is_atomic(self) -> bool:
        """Whether what was appended becomes visible together or not at all."""

    def begin(self) -> None:
        """Open a transaction."""

    def append(self, records: Iterable[Outgoing]) -> Sequence[Appended]:
        """Append to the open transaction and wait for every answer; the result is in the order of ``records``."""

    def commit(self) -> None:
        """Make all of it visible at once. It is decided when this returns; the last stable offset may pass it a little
        later, so whoever has to read it waits until the high watermark doesn't exceed the last stable offset."""

    def abort(self) -> None:
        """Make none of it visible."""

    def close(self) -> None:
        """Let go; an open transaction is aborted by the broker. Never raises, may be called twice."""
