"""Which letters' keys have newer events in the target: putting an old one back would come after them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from eventops.dlq.families import ORIGINAL_TIMESTAMP
from eventops.dlq.model import Letter
from eventops.events import REPLAY_LINK, Partition, Position, Record, header_text, parse_time
from eventops.ports import Broker, Range, Topic

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
MOST_RECORDS: Final = 200_000
"""Records of one topic that are looked through; the last ones where there are more."""


@dataclass(frozen=True, slots=True)
class Newer:
    """``outdated``: letters whose key has newer events; ``unsearched``: topics of which only so many of the last
    records were looked through."""

    outdated: frozenset[Position] = frozenset()
    unsearched: Mapping[str, int] = field(default_factory=dict)


def newer_events(
    broker: Broker, waiting: Collection[Letter], topics: Mapping[str, Topic], letters: Collection[Letter] = ()
) -> Newer:
    """Looks for events of the waiting letters' keys after each letter's own, in the partition that it came from. Events
    that are waiting themselves don't count: they failed as well, and go back in their order. What was put back counts
    as the event that it is a copy of; ``letters`` are all of the topic, which tell where that stood."""
    by_partition = _by_partition(waiting, topics)
    ranges, unsearched = _ranges(broker, by_partition)
    failed = {at for letter in waiting for at in letter.origins}
    put_back = {letter.position: letter for letter in letters} if ranges else {}
    latest: dict[tuple[Partition, bytes], _Latest] = {}
    for batch in broker.scan(ranges) if ranges else ():
        for record in batch.records:
            at, key = record.position, record.key
            if key is not None and key in by_partition[at.home] and at not in failed:
                latest.setdefault((at.home, key), _Latest()).add(record, put_back)
    outdated = {
        letter.position
        for home, keys in by_partition.items()
        for key, found in keys.items()
        for letter in found
        if (last := latest.get((home, key))) is not None and last.is_after(letter)
    }
    return Newer(frozenset(outdated), unsearched)


@dataclass(slots=True)
class _Latest:
    """Of one key in one partition: how far its events go. A copy that no letter here explains goes by the time that it
    carries."""

    offset: int = -1
    time: datetime = _NEVER

    def add(self, record: Record, put_back: Mapping[Position, Letter]) -> None:
        link = _linked(record)
        letter = put_back.get(link) if link is not None else None
        if letter is not None and letter.origin is not None and letter.origin.position.home == record.position.home:
            self.offset = max(self.offset, letter.origin.position.offset)
        elif link is not None and (time := parse_time(header_text(record.header(ORIGINAL_TIMESTAMP)))) is not None:
            self.time = max(self.time, time)
        else:
            self.offset = max(self.offset, record.position.offset)

    def is_after(self, letter: Letter) -> bool:
        """Whether any is newer than the letter's own event; where nothing tells its time, a copy may be."""
        if self.offset > _offset(letter):
            return True
        own = letter.origin.timestamp if letter.origin else None
        return self.time > (own or _NEVER)


def _linked(record: Record) -> Position | None:
    """The letter that a record was put back for."""
    text = header_text(record.header(REPLAY_LINK))
    try:
        return None if text is None else Position.parse(text)
    except ValueError:
        return None


def _by_partition(
    letters: Collection[Letter], topics: Mapping[str, Topic]
) -> dict[Partition, dict[bytes, list[Letter]]]:
    found: dict[Partition, dict[bytes, list[Letter]]] = {}
    for letter in letters:
        key, origin = letter.event.record.key, letter.origin
        if key is None or origin is None or origin.position.topic not in topics:
            continue
        if origin.position.partition in topics[origin.position.topic].partitions:
            found.setdefault(origin.position.home, {}).setdefault(key, []).append(letter)
    return found


def _ranges(
    broker: Broker, waiting: Mapping[Partition, Mapping[bytes, Collection[Letter]]]
) -> tuple[list[Range], dict[str, int]]:
    if not waiting:
        return [], {}
    bounds = broker.log_bounds(list(waiting)).bounds
    each = max(MOST_RECORDS // len(waiting), 1)
    ranges: list[Range] = []
    cut: dict[str, int] = {}
    for home, found in bounds.items():
        oldest = min(_offset(letter) for letters in waiting[home].values() for letter in letters)
        first = max(oldest + 1, found.start)
        if found.last_stable - first > each:
            first = found.last_stable - each
            cut[home.topic] = cut.get(home.topic, 0) + each
        if first < found.last_stable:
            ranges.append(Range(home, first, found.last_stable))
    return ranges, cut


def _offset(letter: Letter) -> int:
    """Of the event itself; a header may claim anything, so an absurd one only finds nothing."""
    return letter.origin.position.offset if letter.origin else -1
