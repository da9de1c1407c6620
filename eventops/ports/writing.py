"""Appending records, in transactions or without, and how that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, overload

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
    """The broker refused an :class:`Outgoing`, or a neighbour of it. ``is_of_topic``: its topic or partition takes no
    record at all, whatever is in it."""

    reason: str
    is_of_topic: bool = False


Appended = Position | Rejected
"""What became of one :class:`Outgoing`."""
Place = tuple[int, int]
"""A record's partition and offset, where its topic is known."""


class Positions(Sequence[Position]):
    """Where records were appended, in their order: positions are made up when somebody looks, since a value for each of
    them costs as much as appending it. ``topics`` and ``places`` are as long as the records.

    >>> there = Positions(("t", "t"), ((0, 7), (1, 3)))
    >>> len(there), str(there[1]), list(map(str, there[:1]))
    (2, 't/1/3', ['t/0/7'])
    """

    __slots__ = ("places", "topics")

    def __init__(self, topics: Sequence[str], places: Sequence[Place]) -> None:
        self.topics = topics
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Position]:
        for topic, (partition, offset) in zip(self.topics, self.places, strict=True):
            yield Position(topic, partition, offset)

    @overload
    def __getitem__(self, index: int) -> Position: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Position]: ...

    def __getitem__(self, index: int | slice) -> Position | Sequence[Position]:
        if isinstance(index, slice):
            return Positions(self.topics[index], self.places[index])
        return Position(self.topics[index], *self.places[index])


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

    def append(self, records: Iterable[Outgoing]) -> Positions | Sequence[Appended]:
        """Append to the open transaction and wait for every answer; the result is in the order of ``records``:
        :class:`Positions` where none was refused."""

    def commit(self) -> None:
        """Make all of it visible at once. It is decided when this returns; the last stable offset may pass it a little
        later, so whoever has to read it waits until the high watermark doesn't exceed the last stable offset."""

    def abort(self) -> None:
        """Make none of it visible."""

    def close(self) -> None:
        """Let go; an open transaction is aborted by the broker. Never raises, may be called twice."""
