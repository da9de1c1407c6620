"""From records of one correlation id to a tree of what caused what; no event is lost, whatever the ids say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from eventops.events import REPLAY_ID, Event, Position, canonical_id, header_text
from eventops.trace import oddities
from eventops.trace.model import Anomaly, Copy, DeadLetter, Hop

_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """One event and every record that holds it."""

    event: Event
    copies: tuple[Copy, ...] = ()
    letters: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True, slots=True)
class _Around:
    """What an event's anomalies depend on beside the event."""

    absent: str
    alone: bool


def order(event: Event) -> tuple[datetime, Position]:
    """By time, then by place; an event without a time comes last."""
    return event.occurred_at or _LAST, event.position


def replay_id(event: Event) -> str | None:
    """The replay that appended this record; None: nobody put it back."""
    return header_text(event.record.header(REPLAY_ID))


def gathered(events: Iterable[Event], letters: Sequence[DeadLetter]) -> tuple[Told, ...]:
    """Records with the same event id are one event: the first that isn't a replay, and its copies.

    A letter belongs to the event with its event id, else to the one at its origin; where neither is found, it stands in
    for its event. What was put back of a letter, and has no id, is a copy of the letter's event.
    """
    held = tuple(events)
    home = {event.position: _key(event) for event in held}
    known = set(home.values())
    nameless = {event.position for event in held if not event.ids.event_id}
    owned: dict[str, list[DeadLetter]] = {}
    for letter in sorted(letters, key=lambda letter: order(letter.event)):
        owner = _owner(letter, home, known)
        owned.setdefault(owner, []).append(letter)
        if letter.replayed_as in nameless:
            home[letter.replayed_as] = owner
    records: dict[str, list[Event]] = {}
    for event in held:
        records.setdefault(home[event.position], []).append(event)
    return tuple(_told(records.get(key, []), owned.get(key, [])) for key in dict.fromkeys([*records, *owned]))


def hops(told: Iterable[Told], *, absent: str) -> tuple[Hop, ...]:
    """The tree, depth first. ``absent`` is what is known about why a cause that is named wasn't found."""
    by_key = {_key(one.event): one for one in told}
    events = {key: one.event for key, one in by_key.items()}
    named = {key: canonical_id(event.ids.causation_id or "") for key, event in events.items()}
    causes = {key: cause for key, cause in named.items() if cause in events}
    cut = _cut_circles(causes, events)
    children = _children(causes, events)
    roots = sorted(events.keys() - causes.keys(), key=lambda name: order(events[name]))
    around = _Around(absent, alone=len(events) == 1)
    return tuple(
        _hop(
            by_key[key],
            depth,
            events.get(causes.get(key, "")),
            tuple(events[child].reference for child in children.get(key, ())),
            cut.get(key),
            around,
        )
        for key, depth in _depth_first(roots, children)
    )


def circles(causes: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Every circle of effects and causes, once.

    >>> list(circles({"a": "b", "b": "a", "c": "a", "d": "d"}))
    [('a', 'b'), ('d',)]
    """
    done: set[str] = set()
    for start in causes:
        way: list[str] = []
        at = start
        on_way: set[str] = set()
        while at in causes and at not in done and at not in on_way:
            way.append(at)
            on_way.add(at)
            at = causes[at]
        if at in on_way:
            yield tuple(way[way.index(at) :])
        done |= on_way


def _key(event: Event) -> str:
    """What an event is the same by, and is named by as a cause."""
    return canonical_id(event.reference)


def _owner(letter: DeadLetter, home: Mapping[Position, str], known: Collection[str]) -> str:
    """The key of the event it is about: by its own id, else by what stands at one of its origins. An id that no event
    has may be the letter's own."""
    mine = _key(letter.event)
    if mine in known:
        return mine
    at_origin = next((home[origin] for origin in reversed(letter.origins) if origin in home), None)
    gone = str(letter.origins[0] if letter.origins else letter.position)
    return at_origin or (mine if letter.event.ids.event_id else gone)


def _told(held: list[Event], letters: list[DeadLetter]) -> Told:
    if not held:
        return Told(letters[0].event, (), tuple(letters))
    first, *others = sorted(held, key=lambda e: (replay_id(e) is not None, e.record.timestamp or _LAST, e.position))
    return Told(first, tuple(Copy(event, replay_id(event)) for event in others), tuple(letters))


def _cut_circles(causes: dict[str, str], events: Mapping[str, Event]) -> dict[str, Anomaly]:
    """Each circle is opened at its earliest event, which becomes a root."""
    found = {}
    for circle in list(circles(causes)):
        first = min(circle, key=lambda name: order(events[name]))
        start = circle.index(first)
        way = [events[key].reference for key in (*circle[start:], *circle[:start], first)]
        found[first] = Anomaly("causation_cycle", way[0], f"it is its own cause: {' ← '.join(way)}")
        del causes[first]
    return found


def _children(causes: Mapping[str, str], events: Mapping[str, Event]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, cause in causes.items():
        found.setdefault(cause, []).append(name)
    return {cause: tuple(sorted(names, key=lambda name: order(events[name]))) for cause, names in found.items()}


def _depth_first(roots: Sequence[str], children: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int]]:
    """Without recursion: a chain may be longer than Python's stack."""
    ahead = [(root, 1) for root in reversed(roots)]
    while ahead:
        name, depth = ahead.pop()
        yield name, depth
        ahead.extend((child, depth + 1) for child in reversed(children.get(name, ())))


def _hop(
    told: Told, depth: int, cause: Event | None, children: tuple[str, ...], cut: Anomaly | None, around: _Around
) -> Hop:
    event, seconds = told.event, _seconds_between(cause, told.event)
    anomalies = [cut] if cut else []
    if cut is None and cause is None:
        anomalies += oddities.missing_cause(event, around.absent)
        anomalies += oddities.orphan(event, alone=around.alone)
    anomalies += oddities.other_correlation(event, cause)
    anomalies += oddities.clock_skew(event, seconds)
    anomalies += oddities.used_again(event, told.copies)
    anomalies += oddities.original_gone(event, told.letters)
    return Hop(event, depth, seconds, children, (), told.letters, tuple(anomalies), told.copies)


def _seconds_between(cause: Event | None, event: Event) -> float | None:
    if cause is None or cause.occurred_at is None or event.occurred_at is None:
        return None
    return (event.occurred_at - cause.occurred_at).total_seconds()
