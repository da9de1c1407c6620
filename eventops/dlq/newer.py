"""Which letters' keys have newer events in the target: putting an old one back would come after them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from eventops.dlq.model import Letter
from eventops.events import Partition, Position
from eventops.ports import Broker, Range, Topic

MOST_RECORDS: Final = 200_000
"""Records of one topic that are looked through; the last ones where there are more."""


@dataclass(frozen=True, slots=True)
class Newer:
    """``outdated``: letters whose key has newer events; ``unsearched``: topics of which only so many of the last
    records were looked through."""

    outdated: frozenset[Position] = frozenset()
    unsearched: Mapping[str, int] = field(default_factory=dict)


def newer_events(broker: Broker, letters: Collection[Letter], topics: Mapping[str, Topic]) -> Newer:
    """Looks for events of the letters' keys after each letter's own, in the partition that it came from. Events that
    are letters themselves don't count: they failed as well, and go back in their order."""
    waiting = _by_partition(letters, topics)
    ranges, unsearched = _ranges(broker, waiting)
    failed = {at for letter in letters for at in letter.origins}
    latest: dict[tuple[Partition, bytes], int] = {}
    for batch in broker.scan(ranges) if ranges else ():
        for record in batch.records:
            at, key = record.position, record.key
            if key is not None and key in waiting[at.home] and at not in failed:
                latest[at.home, key] = at.offset
    outdated = {
        letter.position
        for home, keys in waiting.items()
        for key, found in keys.items()
        for letter in found
        if latest.get((home, key), -1) > _offset(letter)
    }
    return Newer(frozenset(outdated), unsearched)


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
