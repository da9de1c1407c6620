"""The ledger: what was done about which letter, read from a compacted topic in log order. Pure look-up;
:mod:`.rows` says what a row is, :mod:`.ledger_format` how it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from eventops.dlq import ledger_format
from eventops.dlq.illegible import Illegible
from eventops.dlq.model import LetterId, State
from eventops.dlq.rows import Deed, Lease, Row, Sheet
from eventops.events import Position, Record

TOPIC: Final = "eventops-ledger"
PARTITIONS: Final = 8
CONFIG: Final[Mapping[str, str]] = {"cleanup.policy": "compact"}
"""No retention by time: a row is kept as long as its letter may be asked for."""


@dataclass(slots=True)
class Ledger:
    """What the ledger says, read so far in log order. A ledger holds the rows of many topics and is asked about few, so
    a topic's records are taken apart when it is asked about."""

    unreadable: dict[bytes, Illegible] = field(default_factory=dict)
    """Records that this program can't read, by key: letters that they may be about aren't put back until a readable
    record of the key, or one without a value, takes their place."""
    leases: dict[str, Lease] = field(default_factory=dict)
    """Of each topic id, the last one that wasn't given back."""
    _doubted: Counter[str] = field(default_factory=Counter)
    """How many of the unreadable are about a topic, by its id; under an empty text those about nobody knows which."""
    _sheets: dict[str, list[bytes]] = field(default_factory=dict)
    """By topic id, in log order; as they are in the log, which takes a tenth of the memory."""
    _parts: dict[str, _Part] = field(default_factory=dict)

    def absorb(self, records: Iterable[Record]) -> None:
        """Take in records in log order. One without a key, or an empty one, is nobody's; one without a value gives a
        lease back."""
        for record in records:
            if not record.key:
                continue
            if record.value is None:
                self._clear(record.key)
                self._give_back(record.key)
                continue
            try:
                self._take(record.value, ledger_format.decode(record.value))
            except ledger_format.Newer as later:
                self._doubt(Illegible(record.position, record.key, later.version, later.topic_id))
            except ValueError:
                self._doubt(Illegible(record.position, record.key))
            else:
                self._clear(record.key)

    def _doubt(self, found: Illegible) -> None:
        self._clear(found.key)
        self.unreadable[found.key] = found
        self._doubted[found.topic_id] += 1

    def _clear(self, key: bytes) -> None:
        if (cleared := self.unreadable.pop(key, None)) is not None:
            self._doubted[cleared.topic_id] -= 1

    def _take(self, value: bytes, found: Lease | Sheet) -> None:
        if isinstance(found, Lease):
            self.leases[found.topic_id] = found
        else:
            self._sheets.setdefault(found.topic_id, []).append(value)

    def _give_back(self, key: bytes) -> None:
        for topic_id in [topic_id for topic_id, lease in self.leases.items() if lease.key == key]:
            del self.leases[topic_id]

    def _about(self, topic_id: str) -> _Part:
        """The topic's rows, with what came since they were asked for last."""
        part = self._parts.setdefault(topic_id, _Part())
        part.take(self._sheets.get(topic_id, ()))
        return part

    def history(self, topic: str | None) -> tuple[Row, ...]:
        """What was done, newest first: about one dead-letter topic by its name, or about all."""
        sheets = (sheet for sheets in self._sheets.values() for sheet in _read(sheets))
        rows = (row for sheet in sheets if topic is None or sheet.topic == topic for row in sheet.rows())
        return tuple(sorted(rows, key=lambda row: (row.at, row.topic, row.letter.partition, row.letter.offset)))[::-1]

    def is_about(self, topic_id: str) -> bool:
        """Whether there is any row about a letter of that topic."""
        return topic_id in self._sheets

    def row(self, deed: Deed) -> Row | None:
        """The last row about a deed."""
        return self._about(deed[0].topic_id).rows.get(deed)

    def latest(self, letter: LetterId) -> Row | None:
        """What was done last about a letter, whatever the target."""
        return self._about(letter.topic_id).latest.get(letter)

    def replayed(self, deed: Deed) -> Row | None:
        """The row that says this very replay was done."""
        row = self.row(deed)
        return row if row is not None and row.state is State.REPLAYED else None

    def put_to(self, topic_id: str, at: Position, letter: Position, written: datetime | None) -> Row | None:
        """The last row about a letter of that topic that was put back there, and may have failed again as the
        ``letter`` of the same topic that was ``written`` then."""
        part = self._about(topic_id)
        row = part.targets.get(at)
        if row is None or row.may_fail_as(letter, topic_id, written):
            return row
        earlier = reversed(part.earlier_targets.get(at, ()))
        return next((row for row in earlier if row.may_fail_as(letter, topic_id, written)), None)

    def has_targets(self, topic_id: str) -> bool:
        """Whether any letter of that topic was put back."""
        return topic_id in self._sheets and bool(self._about(topic_id).targets)

    def of_replay(self, topic_id: str, replay_id: str) -> Row | None:
        """The row about the replay of that id, of a letter of that topic."""
        return self._about(topic_id).replays.get(replay_id)

    def is_legible(self, letter: LetterId) -> bool:
        """Whether nothing that this program can't read may be about the letter."""
        return not (self._doubted[letter.topic_id] or self._doubted[""])

    def illegible(self, letter: LetterId) -> Illegible | None:
        """The first record that may be about the letter and can't be read."""
        doubtful = ("", letter.topic_id)
        return next((one for one in self.unreadable.values() if one.topic_id in doubtful), None)


@dataclass(slots=True)
class _Part:
    """One topic's rows, looked up in every way."""

    rows: dict[Deed, Row] = field(default_factory=dict)
    latest: dict[LetterId, Row] = field(default_factory=dict)
    targets: dict[Position, Row] = field(default_factory=dict)
    earlier_targets: dict[Position, list[Row]] = field(default_factory=dict)
    """Where a target was made anew and the same offsets were taken once more."""
    _replays: dict[str, Row] | None = None
    _taken: int = 0

    def take(self, sheets: Sequence[bytes]) -> None:
        """What wasn't taken apart yet."""
        if len(sheets) == self._taken:
            return
        for sheet in _read(sheets[self._taken :]):
            for row in sheet.rows():
                self.rows[row.deed] = self.latest[row.letter] = row
                if row.target is not None:
                    if (earlier := self.targets.get(row.target)) is not None:
                        self.earlier_targets.setdefault(row.target, []).append(earlier)
                    self.targets[row.target] = row
            self._replays = None
        self._taken = len(sheets)

    @property
    def replays(self) -> dict[str, Row]:
        """By replay id; made when it is asked for."""
        if self._replays is None:
            self._replays = {row.replay_id: row for row in self.rows.values() if row.state is State.REPLAYED}
        return self._replays


def _read(values: Iterable[bytes]) -> Iterator[Sheet]:
    """Records that were readable when they were taken in."""
    return (found for found in map(ledger_format.decode, values) if isinstance(found, Sheet))
