"""Letters by cause, counted as they are read: a million of them take the memory of their causes. Pure.

What can't be kept for every letter is bounded and says so: distinct keys are exact up to some thousands and an estimate
beyond (k minimum values), times are kept in at most some hundred intervals, and causes beyond a bound share one by
their class alone, so that no letter is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from eventops.dlq.causes import cause_id
from eventops.dlq.failure import Cause
from eventops.dlq.model import Brief, CauseGroup, Letter, State
from eventops.dlq.verdicts import Spread, trend, verdict
from eventops.events import Record

EXACT_KEYS: Final = 16_384
"""Distinct keys of one cause that are counted exactly; beyond, the estimate is off by about one in a hundred."""
MOST_CAUSES: Final = 5_000
"""Causes that are told apart by frame and message; more than these are told apart by class, as far again."""
_SLOTS: Final = 512
_HASHES: Final = 1 << 61
_MINUTE: Final = 60
_MANY_OTHERS: Final = "other causes"
_MOST_TYPES: Final = 50


class Keys:
    """How many distinct keys there are, in bounded memory."""

    def __init__(self) -> None:
        self._kept: set[int] = set()
        self._below = _HASHES
        self.is_exact = True

    def add(self, key: bytes | None) -> None:
        """Count a key, once."""
        hashed = hash(key) % _HASHES
        if hashed < self._below:
            self._kept.add(hashed)
            if len(self._kept) > 2 * EXACT_KEYS:
                self._thin_out()

    def count(self) -> int:
        """Exact where :attr:`is_exact`."""
        if self.is_exact:
            return len(self._kept)
        return round(len(self._kept) * (_HASHES / self._below))

    def _thin_out(self) -> None:
        """Keep the smaller half: how small its largest is tells how many there are."""
        smallest = sorted(self._kept)[:EXACT_KEYS]
        self._below = smallest[-1] + 1
        self._kept = set(smallest)
        self.is_exact = False


class Timeline:
    """How many letters came when, in intervals that grow until there are few enough."""

    def __init__(self) -> None:
        self.width = _MINUTE
        self.slots: dict[int, int] = {}

    def add(self, seconds: int) -> None:
        """Count a letter of that time (seconds since 1970)."""
        slot = seconds // self.width
        self.slots[slot] = self.slots.get(slot, 0) + 1
        if len(self.slots) > _SLOTS:
            self._widen()

    def peak(self) -> int:
        """Most letters in one interval."""
        return max(self.slots.values(), default=0)

    def within(self, first: int, end: int) -> int:
        """Letters from ``first`` up to ``end`` (seconds since 1970), to the width of an interval."""
        return sum(number for slot, number in self.slots.items() if first <= slot * self.width < end)

    def _widen(self) -> None:
        while len(self.slots) > _SLOTS // 2:
            self.width *= 2
            wider: dict[int, int] = {}
            for slot, number in self.slots.items():
                wider[slot // 2] = wider.get(slot // 2, 0) + number
            self.slots = wider


@dataclass(slots=True)
class _Group:
    """One cause and consumer group, so far."""

    cause: Cause
    group: str | None
    newest_record: Record
    states: dict[State, int] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    timeline: Timeline = field(default_factory=Timeline)
    types: Counter[str | None] = field(default_factory=Counter)
    oldest: datetime | None = None
    newest: datetime | None = None
    keyed: int = 0
    last_hour: int = 0

    def add(self, letter: Brief, state: State, hour_ago: datetime) -> None:
        record = letter.record
        self.states[state] = self.states.get(state, 0) + 1
        if record.key is not None:
            self.keyed += 1
        self.keys.add(record.key)
        if letter.event_type in self.types or len(self.types) < _MOST_TYPES:
            self.types[letter.event_type] += 1
        else:
            self.types["other types"] += 1
        at = record.timestamp
        if at is None:
            return
        self.timeline.add(int(at.timestamp()))
        if at > hour_ago:
            self.last_hour += 1
        if self.oldest is None or at < self.oldest:
            self.oldest = at
        if (
            self.newest is None
            or at > self.newest
            or (at == self.newest and record.position > self.newest_record.position)
        ):
            self.newest, self.newest_record = at, record


class Grouping:
    """Letters of one topic by cause and consumer group."""

    def __init__(self, topic: str, now: datetime, most: int = MOST_CAUSES) -> None:
        self._topic = topic
        self._now = now
        self._hour_ago = now - timedelta(hours=1)
        self._most = most
        self._groups: dict[tuple[Cause, str | None], _Group] = {}

    def add(self, letter: Brief, state: State) -> None:
        """Count a letter."""
        group = self._groups.get((letter.cause, letter.group))
        if group is None:
            group = self._new_group(letter)
        group.add(letter, state, self._hour_ago)

    def groups(self, decode: Callable[[Record], Letter]) -> tuple[CauseGroup, ...]:
        """Most unsettled letters first, then most letters. ``decode`` reads each group's newest letter in full."""
        found = [self._finished(group, decode) for group in self._groups.values()]
        return tuple(sorted(found, key=_most_unsettled_first))

    def _new_group(self, letter: Brief) -> _Group:
        """The group of a cause that is new; where there are too many, one that it shares."""
        cause = letter.cause
        if len(self._groups) >= self._most:
            cause = Cause(cause.kind)
        if len(self._groups) >= 2 * self._most and (cause, letter.group) not in self._groups:
            cause = Cause(_MANY_OTHERS)
        name = letter.group if len(self._groups) < 3 * self._most else None
        key = (cause, name)
        if key not in self._groups:
            self._groups[key] = _Group(cause, name, letter.record)
        return self._groups[key]

    def _finished(self, group: _Group, decode: Callable[[Record], Letter]) -> CauseGroup:
        spread = self._spread(group)
        return CauseGroup(
            topic=self._topic,
            cause_key=group.cause.kind,
            group=group.group,
            counts=dict(group.states),
            oldest=group.oldest,
            newest=group.newest,
            distinct_keys=group.keys.count(),
            example=decode(group.newest_record),
            cause=group.cause,
            cause_id=cause_id(group.cause),
            keys_exact=group.keys.is_exact,
            event_types=dict(group.types.most_common()),
            per_hour=None if group.newest is None else float(group.last_hour),
            peak_per_minute=None if group.newest is None else spread.peak_per_minute,
            trend=trend(spread),
            verdict=verdict(spread),
        )

    def _spread(self, group: _Group) -> Spread:
        now = int(self._now.timestamp())
        line = group.timeline
        first = None if group.oldest is None else int(group.oldest.timestamp())
        last = None if group.newest is None else int(group.newest.timestamp())
        return Spread(
            letters=sum(group.states.values()),
            keyed=group.keyed,
            distinct_keys=group.keys.count() - (group.keyed < sum(group.states.values())),
            span_seconds=None if first is None or last is None else last - first,
            age_seconds=None if first is None else now - first,
            quiet_seconds=None if last is None else now - last,
            peak=line.peak(),
            width_seconds=line.width,
            last_hour=group.last_hour,
            hour_before=line.within(now - 7200, now - 3600),
        )


class Kept:
    """Records in the order they came, the first ``limit`` of them where there is one; one without a time counts as
    new."""

    def __init__(self, limit: int | None, now: datetime) -> None:
        self._limit = limit
        self._now = now
        self._found: list[Record] = []

    def add(self, record: Record) -> None:
        """Keep it, for now."""
        self._found.append(record)
        if self._limit is not None and len(self._found) >= 2 * self._limit + 1_000:
            self._found = self.records()

    def records(self) -> list[Record]:
        """What is kept."""
        return sorted(self._found, key=lambda record: (record.timestamp or self._now, record.position))[: self._limit]


def group_by_cause(topic: str, letters: Iterable[Letter], now: datetime | None = None) -> tuple[CauseGroup, ...]:
    """Letters that were decoded and judged, by cause and consumer group; ``now`` defaults to the newest letter's
    time."""
    held = {id(letter.event.record): letter for letter in letters}
    times = [letter.timestamp for letter in held.values() if letter.timestamp is not None]
    grouping = Grouping(topic, now or max(times, default=datetime.min.replace(tzinfo=UTC) + timedelta(days=1)))
    for letter in held.values():
        grouping.add(letter.brief, letter.state)
    return grouping.groups(lambda record: held[id(record)])


def _most_unsettled_first(cause: CauseGroup) -> tuple[int, int, str, str, str]:
    return -cause.open, -sum(cause.counts.values()), cause.cause_key, cause.group or "", cause.cause_id
