"""What the ledger's rows say, and how letters and deeds are named in it for all time. Pure.

A letter is known by its dead-letter topic's *id*, partition and offset, so that the rows of a topic that was deleted
never match the letters of one made anew under its name. A row also keeps a hash of the letter's content: where a broker
tells no topic ids, it is the guard against an offset that is used again.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from eventops.dlq.model import LetterId, State
from eventops.events import Position, Record

NO_TARGET: Final = ""
"""The target of a row that put nothing back."""
HASH_CHARACTERS: Final = 32
CLOCK_BEHIND: Final = timedelta(minutes=1)
"""How far a consumer's clock may be behind an operator's, where nothing but times can tell."""
_BASE64_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_BY_NAME: Final = "name:"
_DOMAIN: Final = "eventops-ledger/1"
_length: Final = struct.Struct(">Q").pack

Deed = tuple[LetterId, str, int]
"""A letter, its target and the attempt: what is done once."""


class Row(NamedTuple):
    """What was done about one letter. ``target`` is where it was appended, None where nothing was; ``state`` OPEN takes
    back a discard."""

    letter: LetterId
    topic: str
    """The dead-letter topic's name, for people."""
    state: State
    content: str
    target_topic: str
    target: Position | None
    operator: str
    at: datetime
    run_id: str
    attempt: int = 1
    reason: str | None = None
    group: str | None = None
    """The consumer group that had failed, where the letter tells."""
    cause: str | None = None
    """What it had failed of."""
    change: str | None = None
    """How the record differs from what had failed (edited, transformed), in words."""
    ends: Ends = ()
    target_id: str | None = None

    def may_fail_as(self, letter: Position, topic_id: str, written: datetime | None) -> bool:
        """Whether what was put back may have failed again as the letter at that position of the dead-letter topic of
        that id. Not as one that was there before: a topic made anew takes records at offsets that earlier letters
        name as their origin.

        >>> from datetime import UTC
        >>> at = datetime(2026, 1, 15, tzinfo=UTC)
        >>> row = Row(LetterId("c", "t", 0, 1), "dlt", State.REPLAYED, "", "o", None, "ada", at, "run", ends=((0, 5),))
        >>> [row.may_fail_as(Position("dlt", 0, offset), "t", None) for offset in (4, 5)]
        [False, True]
        >>> row.may_fail_as(Position("dlt", 0, 4), "made anew", at), row._replace(ends=()).may_fail_as(
        ...     Position("dlt", 0, 4), "t", at - CLOCK_BEHIND * 2)
        (True, False)
        """
        if topic_id == self.letter.topic_id and not topic_id.startswith(_BY_NAME):
            if self.ends:
                return letter.offset >= dict(self.ends).get(letter.partition, 0)
            if letter.partition == self.letter.partition and letter.offset <= self.letter.offset:
                return False
        return written is None or written >= self.at - CLOCK_BEHIND

    @property
    def deed(self) -> Deed:
        """What was done, as it is looked up."""
        return (self.letter, self.target_topic, self.attempt)

    @property
    def key(self) -> bytes:
        """What names it for all time."""
        return ledger_key(self.letter, self.target_topic, self.attempt)

    @property
    def replay_id(self) -> str:
        """What a record that was put back carries."""
        return replay_id(self.key)


Ends = tuple[tuple[int, int], ...]
"""Partitions of a dead-letter topic and where they ended when a run was planned; nothing where nobody noted it. What
the run put back failed behind them, if it did."""
Entry = tuple[int, int, str] | tuple[int, int, str, int, int]
"""Of a letter its partition, offset and content; then, where it was put back, its target's partition and offset."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows that differ in their letters alone: one record of the ledger."""

    cluster_id: str
    topic: str
    topic_id: str
    state: State
    target_topic: str
    operator: str
    at: datetime
    run_id: str
    attempt: int
    reason: str | None
    group: str | None
    cause: str | None
    change: str | None
    letters: tuple[Entry, ...]
    ends: Ends = ()
    target_id: str | None = None
    """The target's topic id; None where nobody noted it."""

    @property
    def key(self) -> bytes:
        """No two sheets of a run share a letter, so the first one names it."""
        partition, offset, *_ = self.letters[0]
        first = ledger_key(LetterId(self.cluster_id, self.topic_id, partition, offset), self.target_topic, self.attempt)
        return _digest((_DOMAIN.encode(), b"rows", self.run_id.encode("utf-8", "backslashreplace"), first))

    def rows(self) -> tuple[Row, ...]:
        """One by one."""
        return tuple(
            Row(
                LetterId(self.cluster_id, self.topic_id, partition, offset),
                self.topic,
                self.state,
                content,
                self.target_topic,
                Position(self.target_topic, target[0], target[1]) if target else None,
                self.operator,
                self.at,
                self.run_id,
                self.attempt,
                self.reason,
                self.group,
                self.cause,
                self.change,
                self.ends,
                self.target_id,
            )
            for partition, offset, content, *target in self.letters
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """Who replays a dead-letter topic at the moment. Advice to others, no lock: what is done once is kept by the
    transactional id and the rows."""

    topic_id: str
    topic: str
    run_id: str
    operator: str
    host: str
    pid: int
    since: datetime
    seen: datetime
    """Its last sign of life."""

    @property
    def key(self) -> bytes:
        """The record's key: one lease a topic."""
        return lease_key(self.topic_id)


def topic_identity(name: str, topic_id: str | None) -> str:
    """
    >>> topic_identity("orders-dlt", "Xw1"), topic_identity("orders-dlt", None)
    ('Xw1', 'name:orders-dlt')
    """
    return topic_id or f"{_BY_NAME}{name}"


def topic_uuid(topic_id: str) -> str:
    """A topic's id as it is written today; earlier rows have the broker's own 22 characters of base64.

    >>> topic_uuid("AAAAAAAAAAAAAAAAAAAABw"), topic_uuid("00000000-0000-0000-0000-000000000007"), topic_uuid("t")
    ('00000000-0000-0000-0000-000000000007', '00000000-0000-0000-0000-000000000007', 't')
    """
    if not _BASE64_ID.fullmatch(topic_id):
        return topic_id
    return str(uuid.UUID(bytes=base64.urlsafe_b64decode(topic_id + "==")))


def ledger_key(letter: LetterId, target: str, attempt: int = 1) -> bytes:
    """SHA-256 of what makes one replay of one letter to one target; a deliberate second one takes the next attempt.

    >>> at = LetterId("c", "t", 1, 12)
    >>> ledger_key(at, "x") == ledger_key(LetterId("c", "t", 11, 2), "x")    # every part is framed
    False
    """
    parts = (
        _DOMAIN,
        letter.cluster_id,
        letter.topic_id,
        str(letter.partition),
        str(letter.offset),
        target,
        str(attempt),
    )
    return _digest(part.encode() for part in parts)


def lease_key(topic_id: str) -> bytes:
    """Of the lease on a dead-letter topic."""
    return _digest((_DOMAIN.encode(), b"lease", topic_id.encode()))


def replay_id(key: bytes) -> str:
    """What a replayed record carries: the same for the same letter, target and attempt, so that consumers can tell."""
    return key.hex()[:32]


def content_hash(record: Record) -> str:
    """A letter's content: key, value and headers; None differs from empty. 128 bits, in hexadecimal."""
    pieces: list[bytes | None] = [record.key, record.value]
    for name, value in record.headers:
        pieces += (name.encode("utf-8", "surrogatepass"), value)
    return _digest([b"\x00" if piece is None else b"\x01" + piece for piece in pieces]).hex()[:HASH_CHARACTERS]


def home_partition(topic_id: str, partitions: int) -> int:
    """The ledger partition that takes the rows of a dead-letter topic, so that they have one order."""
    return int.from_bytes(_digest([topic_id.encode()])[:8], "big") % partitions


def _digest(parts: Iterable[bytes]) -> bytes:
    found = list(parts)
    framed = [b""] * (2 * len(found))
    framed[::2], framed[1::2] = map(_length, map(len, found)), found
    return hashlib.sha256(b"".join(framed)).digest()
