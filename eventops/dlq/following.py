"""What became of records that were put back: passed, still to be read, or failed again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Final

from eventops.dlq.elsewhere import CLOCKS_APART, Elsewhere, elsewhere
from eventops.dlq.families import Conventions
from eventops.dlq.letter_log import Reading, TopicNames
from eventops.dlq.model import Letter, State
from eventops.dlq.replay_model import Planned
from eventops.dlq.rows import Row, topic_identity
from eventops.events import Partition, Position
from eventops.ports import Broker, Gap, LogBounds, Range, Topic

_SECONDS_BETWEEN_FINDS: Final = 1.0
"""Between two looks for dead-letter topics that are new."""
NO_GROUP: Final = "the letter doesn't tell which group had failed"
NOT_COMMITTED: Final = "the group has committed nothing there"


class Outcome(StrEnum):
    """Of one record that was put back."""

    PASSED = "passed"
    """The group went past it, and no letter came back."""
    PENDING = "pending"
    FAILED_AGAIN = "failed_again"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """``evidence``: what it is told from, or why it can't be told."""

    outcome: Outcome
    evidence: str


Committed = Mapping[str, Mapping[Partition, int]]


def fate(
    row: Row,
    came_back: Mapping[str, Position],
    committed: Committed,
    ids: Mapping[str, str | None],
    unseen: str | None = None,
) -> Fate | None:
    """Of what a row tells was put back; None where it put nothing back. ``came_back`` are the letters as which it
    failed again, by replay id; ``ids`` those of the topics that are there, by name; ``unseen`` says why a letter may
    have come back that nobody saw.

    >>> from eventops.dlq.model import LetterId
    >>> from datetime import datetime, UTC
    >>> at = datetime(2026, 1, 15, tzinfo=UTC)
    >>> row = Row(LetterId("c", "t", 0, 1), "orders-dlt", State.REPLAYED, "", "orders", Position("orders", 0, 7),
    ...           "ada@host", at, "run", group="billing")
    >>> fate(row, {}, {"billing": {Partition("orders", 0): 8}}, {})
    Fate(outcome=<Outcome.PASSED: 'passed'>, evidence='billing has committed 8')
    >>> fate(row, {row.replay_id: Position("orders-dlt", 0, 9)}, {}, {}).outcome.value
    'failed_again'
    >>> fate(row._replace(target_id="x"), {}, {"billing": {Partition("orders", 0): 8}}, {"orders": "y"}).evidence
    'orders was made anew since: its offsets are about other records'
    """
    if row.state is not State.REPLAYED or row.target is None:
        return None
    letter = came_back.get(row.replay_id)
    if letter is not None:
        return Fate(Outcome.FAILED_AGAIN, f"letter {letter}")
    if (why := _no_longer_there(row, ids)) is not None:
        return Fate(Outcome.UNKNOWN, why)
    if row.group is None:
        return Fate(Outcome.UNKNOWN, NO_GROUP)
    offset = committed.get(row.group, {}).get(row.target.home)
    if offset is None:
        return Fate(Outcome.UNKNOWN, f"{NOT_COMMITTED} ({row.group})")
    passed = offset > row.target.offset
    if passed and unseen is not None:
        return Fate(Outcome.UNKNOWN, f"{row.group} has committed {offset}, but {unseen}")
    return Fate(Outcome.PASSED if passed else Outcome.PENDING, f"{row.group} has committed {offset}")


def _no_longer_there(row: Row, ids: Mapping[str, str | None]) -> str | None:
    """Why nothing more can be told of a target, where that is so."""
    topic = row.target_topic
    if row.target_id is None or ids.get(topic) == row.target_id:
        return None
    if topic not in ids:
        return f"{topic} is gone, or hidden from you"
    return f"{topic} was made anew since: its offsets are about other records"


def returned(
    letters: Iterable[Letter], rows: Collection[Row], topic_id: str, ids: Mapping[str, str | None]
) -> dict[str, Position]:
    """As which letters what those rows put back failed again, by replay id: those that carry it, and those that came
    from where it was put, of frameworks that copy no headers. ``topic_id`` is of the letters' topic, ``ids`` are those
    of all that are there."""
    replays = {row.replay_id for row in rows}
    targets: dict[Position, list[Row]] = {}
    for row in sorted(rows, key=attrgetter("at"), reverse=True):
        if row.target is not None and (row.target_topic not in ids or _no_longer_there(row, ids) is None):
            targets.setdefault(row.target, []).append(row)
    found: dict[str, Position] = {}
    for letter in letters:
        if letter.replay_id in replays:
            found[letter.replay_id] = letter.position
        for row in filter(None, (_put_to(targets.get(at, ()), letter, topic_id) for at in letter.origins)):
            found[row.replay_id] = letter.position
    return found


def _put_to(rows: Iterable[Row], letter: Letter, topic_id: str) -> Row | None:
    """Of rows about one target, the newest first, the one whose record failed as that letter."""
    return next((row for row in rows if row.may_fail_as(letter.position, topic_id, letter.timestamp)), None)


class Follower:
    """Watches dead-letter topics from now on for letters of what was put back, and the groups that had failed.
    ``find`` says which topics, by name; one that isn't there yet is watched as soon as it is."""

    def __init__(self, broker: Broker, conventions: Conventions, find: Callable[[], Mapping[str, Topic]]) -> None:
        self._broker = broker
        self._conventions = conventions
        self._names = TopicNames(broker)
        self._find = find
        self._found_at = time.monotonic()
        bounds = self._bounds(find().values())
        self._next = {home: found.last_stable for home, found in bounds.items()}
        self._expected: dict[str | Position, str] = {}
        self._targets: set[str] = set()
        self._groups: dict[str, list[Position]] = {}
        self._came_back: dict[str, Position] = {}

    def follow(self, chunk: Sequence[Planned], targets: Sequence[Position]) -> None:
        """Have an eye on these as well."""
        for one, target in zip(chunk, targets, strict=True):
            self._expected[one.replay_id] = self._expected[target] = one.replay_id
            self._targets.add(target.topic)
            if one.letter.group is not None:
                self._groups.setdefault(one.letter.group, []).append(target)

    def failed_again(self) -> Sequence[Position]:
        """The letters that came back so far, in whichever dead-letter topic; what was put back is none itself, though
        its target be named for letters."""
        self._look_for_topics()
        bounds = self._broker.log_bounds(list(self._next)).bounds if self._next else {}
        ranges = [Range(home, self._next[home], found.last_stable) for home, found in bounds.items()]
        ranges = [range_ for range_ in ranges if range_.first < range_.end]
        for batch in self._broker.scan(ranges) if ranges else ():
            self._next.update((home, min(at, bounds[home].last_stable)) for home, at in batch.positions.items())
            records = (record for record in batch.records if record.position.topic not in self._targets)
            for letter in map(self._names.named, map(self._conventions.decode, records)):
                names: tuple[str | Position | None, ...] = (letter.replay_id, *letter.origins)
                if name := next((self._expected[one] for one in names if one in self._expected), None):
                    self._came_back.setdefault(name, letter.position)
        return tuple(self._came_back.values())

    def _look_for_topics(self) -> None:
        """A consumer's first letter may make its topic: all that such a one holds came since."""
        if time.monotonic() - self._found_at < _SECONDS_BETWEEN_FINDS:
            return
        self._found_at = time.monotonic()
        known = {home.topic for home in self._next}
        bounds = self._bounds([topic for name, topic in self._find().items() if name not in known])
        self._next |= {home: found.start for home, found in bounds.items()}

    def _bounds(self, topics: Iterable[Topic]) -> Mapping[Partition, LogBounds]:
        homes = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
        return self._broker.log_bounds(homes).bounds if homes else {}

    def pending(self) -> int:
        """How many weren't read by the group that had failed, as far as that can be known."""
        committed = progress(self._broker, self._groups)
        self._groups = {
            group: left
            for group, targets in self._groups.items()
            if (left := [at for at in targets if not committed.get(group, {}).get(at.home, 0) > at.offset])
        }
        return sum(map(len, self._groups.values()))

    def absent(self) -> str | None:
        """A group of those that are pending that the cluster doesn't have."""
        if not self._groups:
            return None
        answer = self._broker.groups(list(self._groups))
        there = {group.group_id for group in answer.groups if group.state != "dead"}
        return next((name for name in self._groups if name not in there and answer.why_unseen(name) is None), None)


def progress(broker: Broker, groups: Collection[str]) -> Committed:
    """How far those groups are: what they committed; of a share group, before which offset all is settled."""
    found = dict(broker.committed_offsets(groups).offsets) if groups else {}
    if uncommitted := [name for name in groups if not found.get(name)]:
        kinds = {group.group_id: group.type for group in broker.groups(uncommitted).groups}
        sharing = [name for name in uncommitted if kinds.get(name) == "share"]
        found.update(broker.share_progress(sharing).offsets if sharing else {})
    return found


def fates(
    rows: Sequence[Row], broker: Broker, conventions: Conventions, find: Callable[[], Collection[Topic]]
) -> tuple[tuple[Fate | None, ...], tuple[Gap, ...]]:
    """Of what those rows put back, in their order, and what couldn't be read for it; ``find`` says which topics hold
    letters."""
    if all(row.target is None for row in rows):
        return (None,) * len(rows), ()
    by_topic: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        by_topic.setdefault(row.topic, []).append(index)
    unread = [topic for topic in find() if len(by_topic) > 1 or topic.name not in by_topic]
    others = elsewhere(rows, broker, unread)
    found: list[Fate | None] = [None] * len(rows)
    gaps = list(others.gaps)
    for name, indices in by_topic.items():
        told, missing = _fates_of(name, [rows[index] for index in indices], broker, conventions, others)
        gaps += missing
        for index, one in zip(indices, told, strict=True):
            found[index] = one
    return tuple(found), tuple(gaps)


def _fates_of(
    name: str, rows: Sequence[Row], broker: Broker, conventions: Conventions, others: Elsewhere
) -> tuple[list[Fate | None], tuple[Gap, ...]]:
    """About letters of that topic, which are read since the oldest of the rows, where it is still there."""
    put_back = [row for row in rows if row.target is not None]
    if not put_back:
        return [None] * len(rows), ()
    topics = broker.topics([name])
    topic_id = topic_identity(name, topics[0].topic_id if topics else None)
    ids = {topic.name: topic.topic_id for topic in broker.topics({row.target_topic for row in put_back})}
    reading = Reading(broker, conventions, min(row.at for row in put_back) - CLOCKS_APART)
    came_back = {**others.letters, **returned(reading.letters(topics), put_back, topic_id, ids)}
    committed = progress(broker, {row.group for row in put_back if row.group is not None})
    return [fate(row, came_back, committed, ids, others.unseen(row)) for row in rows], reading.coverage.gaps
