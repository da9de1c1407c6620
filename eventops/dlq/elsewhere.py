"""Letters of what was put back that came into other dead-letter topics than they had been in: known by the replay id
that they carry. Only reads, and a bounded part."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from eventops.dlq.letter_log import still_there
from eventops.dlq.rows import Row
from eventops.events import REPLAY_ID, Partition, Position
from eventops.ports import Broker, Gap, Range, Topic
from eventops.wording import plural

MOST_SEARCHED: Final = 200_000
"""Records that are looked through at most."""
CLOCKS_APART: Final = timedelta(minutes=5)
"""How far a broker's clock may be from an operator's."""
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """``letters``: as which letter something failed again, by replay id. ``since``: what was put back before then may
    have come back unseen; None: nothing."""

    letters: Mapping[str, Position] = field(default_factory=dict)
    since: datetime | None = None
    gaps: tuple[Gap, ...] = ()

    def unseen(self, row: Row) -> str | None:
        """Why a letter of what that row put back may be in a topic that wasn't looked into."""
        if self.since is None or row.at >= self.since:
            return None
        told = plural(MOST_SEARCHED, "record")
        return f"more than {told} came into other dead-letter topics since: whether it is among them wasn't looked up"


def elsewhere(rows: Collection[Row], broker: Broker, topics: Collection[Topic]) -> Elsewhere:
    """What came back of what those rows put back, in any of those topics; of the latest ones alone where too many
    records came since the first. A record in the topic that it was put back to is itself, and no letter of it."""
    put_back = {row.replay_id: row for row in rows if row.target is not None}
    homes = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
    if not put_back or not homes:
        return Elsewhere()
    bounds = broker.log_bounds(homes)
    ends = {home: found.last_stable for home, found in bounds.bounds.items()}
    starts = {home: found.start for home, found in bounds.bounds.items()}

    def since(moment: datetime) -> Sequence[Range]:
        firsts = broker.offsets_at(list(starts), moment - CLOCKS_APART) if starts else {}
        ranges = [Range(home, max(start, firsts.get(home, start)), ends[home]) for home, start in starts.items()]
        return [range_ for range_ in ranges if range_.first < range_.end]

    moments = sorted({row.at for row in put_back.values()})
    first = bisect_left(moments, True, key=lambda moment: _size(since(moment)) <= MOST_SEARCHED)
    if first == len(moments):
        return Elsewhere({}, _NEVER, still_there(bounds.gaps, broker))
    found, gaps = _carriers(put_back, broker, since(moments[first]))
    return Elsewhere(found, moments[first] if first else None, still_there((*bounds.gaps, *gaps), broker))


def _carriers(
    put_back: Mapping[str, Row], broker: Broker, ranges: Sequence[Range]
) -> tuple[dict[str, Position], list[Gap]]:
    """The records that carry one of those replay ids, the last one of each."""
    found: dict[str, Position] = {}
    gaps: list[Gap] = []
    for batch in broker.skim(ranges) if ranges else ():
        gaps += batch.gaps
        for home, offset, _time, _key, _value, headers in batch.records:
            raw = next((raw for name, raw in reversed(headers) if name == REPLAY_ID), None)
            row = put_back.get(raw.decode("utf-8", "replace")) if raw else None
            if row is not None and home.topic != row.target_topic:
                found[row.replay_id] = Position(home.topic, home.partition, offset)
    return found, gaps


def _size(ranges: Sequence[Range]) -> int:
    return sum(range_.end - range_.first for range_ in ranges)
