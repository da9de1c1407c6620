"""Letters by cause, counted as they are read: a million of them take the memory of their causes. Pure.

What can't be kept for every letter is bounded and says so: distinct keys are exact up to some thousands and an estimate
beyond (k minimum values), times are kept in at most some hundred intervals, and causes beyond a bound share one by
their class alone, so that no letter is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from eventops.dlq.causes import cause_id
from eventops.dlq.failure import Cause
from eventops.dlq.model import CauseGroup, Letter, State
from eventops.dlq.moments import is_time, milliseconds
from eventops.dlq.skimming import Told
from eventops.dlq.verdicts import Spread, trend, verdict
from eventops.events import Partition, Position, Record, moment_of
from eventops.ports import Plain

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

    def add(self, keys: Iterable[bytes | None]) -> None:
        """Count keys, each once; that a letter has none is no key."""
        hashes = [hash(key) % _HASHES for key in keys if key is not None]
        self._kept.update(hashes if self.is_exact else [hashed for hashed in hashes if hashed < self._below])
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

    def add(self, times: Iterable[int]) -> None:
        """Count letters of those times (seconds since 1970)."""
        for slot, number in Counter([seconds // self.width for seconds in times]).items():
            self.slots[slot] = self.slots.get(slot, 0) + number
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
    """One cause and consumer group, so far; times are milliseconds since 1970."""

    cause: Cause
    group: str | None
    newest_letter: Plain
    states: dict[State, int] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    timeline: Timeline = field(default_factory=Timeline)
    types: Counter[str | None] = field(default_factory=Counter)
    oldest: int | None = None
    newest: int | None = None
    keyed: int = 0
    last_hour: int = 0

    def add(self, letters: Sequence[Plain], state: State, event_type: str | None, hour_ago: int) -> None:
        """Letters that have all this in common."""
        number = len(letters)
        self.states[state] = self.states.get(state, 0) + number
        kind = event_type if event_type in self.types or len(self.types) < _MOST_TYPES else "other types"
        self.types[kind] += number
        keys = [letter[3] for letter in letters]
        self.keyed += number - keys.count(None)
        self.keys.add(keys)
        times = [letter[2] for letter in letters if is_time(letter[2])]
        if not times:
            return
        self.timeline.add([time // 1000 for time in times])
        self.last_hour += sum([time > hour_ago for time in times])
        oldest, newest = min(times), max(times)
        self.oldest = oldest if self.oldest is None else min(self.oldest, oldest)
        if self.newest is None or newest >= self.newest:
            found = max((one for one in letters if one[2] == newest), key=_place)
            if newest != self.newest or _place(found) > _place(self.newest_letter):
                self.newest_letter = found
            self.newest = newest


class Grouping:
    """Letters of one topic by cause and consumer group."""

    def __init__(self, topic: str, now: datetime, most: int = MOST_CAUSES) -> None:
        self._topic = topic
        self._now = now
        self._hour_ago = milliseconds(now - timedelta(hours=1))
        self._most = most
        self._groups: dict[tuple[Cause, str | None], _Group] = {}

    def take(self, letters: Iterable[Plain], tell: Callable[[Plain], tuple[Told, State] | None]) -> None:
        """Count letters; ``tell`` says what each is, None for one that isn't meant."""
        alike: dict[tuple[int, str | None, str | None, State], tuple[Cause, list[Plain]]] = {}
        for letter in letters:
            if (told := tell(letter)) is None:
                continue
            (cause, group, event_type, _again), state = told
            key = (id(cause), group, event_type, state)  # by identity: its hash costs more, and it is kept meanwhile
            found = alike.get(key)
            if found is None:
                alike[key] = cause, [letter]
            else:
                found[1].append(letter)
        for (_id, group, event_type, state), (cause, some) in alike.items():
            self._group(cause, group, some[0]).add(some, state, event_type, self._hour_ago)

    def groups(self, decode: Callable[[Plain], Letter]) -> tuple[CauseGroup, ...]:
        """Most unsettled letters first, then most letters. ``decode`` reads each group's newest letter in full."""
        found = [self._finished(group, decode) for group in self._groups.values()]
        return tuple(sorted(found, key=_most_unsettled_first))

    def _group(self, cause: Cause, group: str | None, letter: Plain) -> _Group:
        """The group of a cause; where there are too many, one that it shares."""
        found = self._groups.get((cause, group))
        if found is not None:
            return found
        if len(self._groups) >= self._most:
            cause = Cause(cause.kind)
        if len(self._groups) >= 2 * self._most and (cause, group) not in self._groups:
            cause = Cause(_MANY_OTHERS)
        name = group if len(self._groups) < 3 * self._most else None
        return self._groups.setdefault((cause, name), _Group(cause, name, letter))

    def _finished(self, group: _Group, decode: Callable[[Plain], Letter]) -> CauseGroup:
        spread = self._spread(group)
        return CauseGroup(
            topic=self._topic,
            cause_key=group.cause.kind,
            group=group.group,
            counts=dict(group.states),
            oldest=moment_of(group.oldest),
            newest=moment_of(group.newest),
            distinct_keys=group.keys.count(),
            example=decode(group.newest_letter),
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
        first = None if group.oldest is None else group.oldest // 1000
        last = None if group.newest is None else group.newest // 1000
        return Spread(
            letters=sum(group.states.values()),
            keyed=group.keyed,
            distinct_keys=group.keys.count(),
            span_seconds=None if first is None or last is None else last - first,
            age_seconds=None if first is None else now - first,
            quiet_seconds=None if last is None else now - last,
            peak=line.peak(),
            width_seconds=line.width,
            last_hour=group.last_hour,
            hour_before=line.within(now - 7200, now - 3600),
        )


class Kept:
    """Records in the order they came, the first ``limit`` of them where there is one, or of those after a certain one
    (``after``: its time and position); one without a time counts as new."""

    def __init__(self, limit: int | None, now: datetime, after: tuple[datetime | None, Position] | None = None) -> None:
        self._limit = limit
        self._now = now
        self._after = None if after is None else (after[0] or now, after[1])
        self._found: list[Record] = []

    def add(self, record: Record) -> None:
        """Keep it, for now."""
        if self._after is not None and self._order(record) <= self._after:
            return
        self._found.append(record)
        if self._limit is not None and len(self._found) >= 2 * self._limit + 1_000:
            self._found = self.records()

    def records(self) -> list[Record]:
        """What is kept."""
        return sorted(self._found, key=self._order)[: self._limit]

    def _order(self, record: Record) -> tuple[datetime, Position]:
        return record.timestamp or self._now, record.position


def group_by_cause(topic: str, letters: Iterable[Letter], now: datetime | None = None) -> tuple[CauseGroup, ...]:
    """Letters that were decoded and judged, by cause and consumer group; ``now`` defaults to the newest letter's
    time."""
    held = sorted(letters, key=lambda letter: letter.position)
    times = [letter.timestamp for letter in held if letter.timestamp is not None]
    grouping = Grouping(topic, now or max(times, default=datetime.min.replace(tzinfo=UTC) + timedelta(days=1)))

    def tell(plain: Plain) -> tuple[Told, State]:
        letter = held[plain[1]]
        return (letter.cause, letter.group, letter.event.ids.event_type, letter.replay_id is not None), letter.state

    grouping.take([_plain(number, letter.event.record) for number, letter in enumerate(held)], tell)
    return grouping.groups(lambda plain: held[plain[1]])


def _plain(number: int, record: Record) -> Plain:
    """The record under another offset: letters of several topics may be grouped together."""
    time = None if record.timestamp is None else milliseconds(record.timestamp)
    return Partition("", 0), number, time, record.key, record.value, record.headers


def _place(letter: Plain) -> tuple[int, int]:
    return letter[0].partition, letter[1]


def _most_unsettled_first(cause: CauseGroup) -> tuple[int, int, str, str, str]:
    return -cause.open, -sum(cause.counts.values()), cause.cause_key, cause.group or "", cause.cause_id
