"""The ledger: what was done about which letter, as rows of a compacted topic. Pure encoding, decoding and look-up.

A letter is known by its dead-letter topic's *id*, partition and offset, so that the rows of a topic that was deleted
never match the letters of one made anew under its name. A row also keeps a hash of the letter's content: where a broker
tells no topic ids, it is the guard against an offset that is used again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from eventops.dlq.model import LetterId, State
from eventops.events import Position, Record, rfc3339

TOPIC: Final = "eventops-ledger"
PARTITIONS: Final = 8
CONFIG: Final[Mapping[str, str]] = {"cleanup.policy": "compact"}
"""No retention by time: a row is kept as long as its letter may be asked for."""
NO_TARGET: Final = ""
"""The target of a row that put nothing back."""
_VERSION: Final = 1
_DOMAIN: Final = "eventops-ledger/1"


@dataclass(frozen=True, slots=True)
class Row:
    """What was done about one letter. ``target`` is where it was appended, None where nothing was."""

    letter: LetterId
    topic: str
    """The dead-letter topic's name, for people."""
    state: State
    content: str
    target_topic: str
    target: Position | None
    replay_id: str
    operator: str
    at: datetime
    run_id: str
    attempt: int = 1
    reason: str | None = None

    @property
    def key(self) -> bytes:
        """The record's key in the ledger topic."""
        return ledger_key(self.letter, self.target_topic, self.attempt)


def topic_identity(name: str, topic_id: str | None) -> str:
    """
    >>> topic_identity("orders-dlt", "Xw1"), topic_identity("orders-dlt", None)
    ('Xw1', 'name:orders-dlt')
    """
    return topic_id or f"name:{name}"


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


def replay_id(key: bytes) -> str:
    """What a replayed record carries: the same for the same letter, target and attempt, so that consumers can tell."""
    return key.hex()[:32]


def content_hash(record: Record) -> str:
    """A letter's content: key, value and headers; None differs from empty."""
    pieces: list[bytes | None] = [record.key, record.value]
    for name, value in record.headers:
        pieces += [name.encode("utf-8", "surrogatepass"), value]
    return _digest(b"\x00" if piece is None else b"\x01" + piece for piece in pieces).hex()


def home_partition(topic_id: str, partitions: int) -> int:
    """The ledger partition that takes the rows of a dead-letter topic, so that they have one order."""
    return int.from_bytes(_digest([topic_id.encode()])[:8], "big") % partitions


def encode(row: Row) -> bytes:
    """A row as its record's value: one JSON object."""
    document = {
        "version": _VERSION,
        "state": row.state.value,
        "source": {
            "cluster_id": row.letter.cluster_id,
            "topic": row.topic,
            "topic_id": row.letter.topic_id,
            "partition": row.letter.partition,
            "offset": row.letter.offset,
        },
        "content": row.content,
        "target_topic": row.target_topic,
        "target": None if row.target is None else str(row.target),
        "replay_id": row.replay_id,
        "operator": row.operator,
        "at": rfc3339(row.at),
        "run_id": row.run_id,
        "attempt": row.attempt,
        "reason": row.reason,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def decode(value: bytes) -> Row:
    """
    Raises:
        ValueError: not a row, or one of a version this program doesn't know.
    """
    try:
        document = json.loads(value)
        if document["version"] != _VERSION:
            raise ValueError(f"a ledger row of version {document['version']!r}")
        return _row(document)
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError("not a ledger row") from error


def _row(document: Mapping[str, Any]) -> Row:
    source = document["source"]
    target = document["target"]
    return Row(
        letter=LetterId(
            str(source["cluster_id"]), str(source["topic_id"]), int(source["partition"]), int(source["offset"])
        ),
        topic=str(source["topic"]),
        state=State(document["state"]),
        content=str(document["content"]),
        target_topic=str(document["target_topic"]),
        target=None if target is None else Position.parse(target),
        replay_id=str(document["replay_id"]),
        operator=str(document["operator"]),
        at=datetime.fromisoformat(document["at"]).astimezone(UTC),
        run_id=str(document["run_id"]),
        attempt=int(document["attempt"]),
        reason=None if document["reason"] is None else str(document["reason"]),
    )


@dataclass(slots=True)
class Ledger:
    """The rows read so far, the last one a key; later records win, as compaction has it."""

    rows: dict[bytes, Row] = field(default_factory=dict)
    unreadable: set[bytes] = field(default_factory=set)
    """Keys of rows that this program can't read: their letters must not be touched."""
    _latest: dict[LetterId, Row] = field(default_factory=dict)
    _topic_ids: set[str] = field(default_factory=set)

    def absorb(self, records: Iterable[Record]) -> None:
        """Take in records in log order. One without key or value is nobody's row."""
        for record in records:
            if record.key is None or record.value is None:
                continue
            try:
                row = decode(record.value)
            except ValueError:
                self.unreadable.add(record.key)
                continue
            self.unreadable.discard(record.key)
            self.rows[record.key] = row
            self._latest[row.letter] = row
            self._topic_ids.add(row.letter.topic_id)

    def history(self, topic: str | None) -> tuple[Row, ...]:
        """What was done, newest first: about one dead-letter topic by its name, or about all."""
        rows = (row for row in self.rows.values() if topic is None or row.topic == topic)
        return tuple(sorted(rows, key=lambda row: (row.at, row.topic, row.letter.partition, row.letter.offset)))[::-1]

    def is_about(self, topic_id: str) -> bool:
        """Whether there is any row about a letter of that topic."""
        return topic_id in self._topic_ids

    def latest(self, letter: LetterId) -> Row | None:
        """What was done last about a letter, whatever the target."""
        return self._latest.get(letter)

    def replayed(self, key: bytes) -> Row | None:
        """The row that says this very replay was done."""
        row = self.rows.get(key)
        return row if row is not None and row.state is State.REPLAYED else None


def _digest(parts: Iterable[bytes]) -> bytes:
    framed = [piece for part in parts for piece in (len(part).to_bytes(8, "big"), part)]
    return hashlib.sha256(b"".join(framed)).digest()
