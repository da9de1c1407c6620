"""How far a search reaches: which ranges of which partitions, and what is known to lie beyond."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from eventops.errors import Unsupported, UsageError
from eventops.events import Event, Partition, Position
from eventops.ports import Bounds, Broker, Capability, Gap, Isolation, LogBounds, Range, Topic
from eventops.trace.model import Question
from eventops.wording import instant, plural

OURS: Final = "eventops-"
"""What eventops itself writes (the replay ledger) isn't an event; such a topic is read only by name."""

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Reach:
    """``ranges`` end at the last stable offset when the search began (or at ``until``); some are empty."""

    partitions: tuple[Partition, ...]
    ranges: tuple[Range, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    bounds: Bounds


def reach(broker: Broker, question: Question, now: datetime) -> Reach:
    """Where to look.

    Raises:
        UsageError: no id, a window that holds no time, or a topic that was named doesn't exist.
        Unsupported: the broker keeps no log that could be searched.
    """
    check(broker, question, now)
    partitions = _partitions(_topics(broker, question.topics, question.exclude))
    bounds = broker.log_bounds(partitions)
    first = {partition: log.start for partition, log in bounds.bounds.items()}
    end = {partition: log.end(Isolation.READ_COMMITTED) for partition, log in bounds.bounds.items()}
    if question.since is not None:
        first = _later(first, broker.offsets_at(list(first), question.since))
    if question.until is not None:
        end = _earlier(end, broker.offsets_at(list(end), question.until))
    ranges = tuple(Range(partition, first[partition], end[partition]) for partition in first)
    return Reach(partitions, ranges, bounds.gaps, notes(question, bounds), bounds)


def indexed(broker: Broker, question: Question, positions: Sequence[Position], index: str) -> Reach:
    """Only the records that an index names. Those that the log doesn't hold are gaps, and nobody waits for them."""
    named = [at for at in positions if _is_meant(at.topic, question)]
    partitions = tuple(sorted({at.home for at in named}))
    bounds = broker.log_bounds(partitions) if partitions else Bounds({})
    known = [(at, bounds.bounds[at.home]) for at in named if at.home in bounds.bounds]
    held = {at for at, log in known if log.start <= at.offset < log.last_stable}
    ranges = tuple(Range(at.home, at.offset, at.offset + 1) for at in sorted(held))
    gone = tuple(
        Gap(at.topic, at.partition, f"offset {at.offset}, which the index names: the log holds {_extent(log)}")
        for at, log in known
        if at not in held
    )
    said = f"{index} named {plural(len(named), 'record')}; the rest of the log wasn't read"
    return Reach(partitions, ranges, (*bounds.gaps, *gone), (said,), bounds)


def _extent(log: LogBounds) -> str:
    return f"{log.start} to {log.last_stable - 1}" if log.last_stable > log.start else "nothing"


def _is_meant(topic: str, question: Question) -> bool:
    is_wanted = not question.topics or any(fnmatchcase(topic, pattern) for pattern in question.topics)
    return is_wanted and not any(fnmatchcase(topic, pattern) for pattern in question.exclude)


def check(broker: Broker, question: Question, now: datetime) -> None:
    """Whether the question can be answered at all; raises what :func:`reach` raises."""
    if not question.identifier.strip():
        raise UsageError("there is no id to look for", remedy="give a correlation id or an event id")
    if question.since is not None and question.since > now:
        raise UsageError(f"--since {instant(question.since)} lies in the future", remedy="name a time that has been")
    if question.since is not None and question.until is not None and question.since >= question.until:
        raise UsageError("--since isn't before --until", remedy="exchange them")
    if Capability.HISTORY not in broker.capabilities:
        raise Unsupported("this broker keeps no history", remedy="trace on one that does, such as Apache Kafka")


def absence(question: Question, bounds: Bounds, *, unread: bool) -> str:
    """Why a cause that an event names may not have been found, by what was searched."""
    if unread:
        return "it wasn't found, and may stand in what couldn't be read"
    if question.is_narrow:
        return "it wasn't found in the topics and times that were searched"
    if cut := _cut(bounds):
        return f"it wasn't found, and may have gone with retention ({plural(len(cut), 'topic')} cut)"
    if question.follow_causation:
        return "it isn't in the log, under any correlation id"
    return "it isn't in the log under this correlation id; --follow-causation looks under others"


def tail(before: Iterable[Range], bounds: Bounds) -> tuple[Range, ...]:
    """From where the search ended to the log's end now."""
    return tuple(
        Range(range_.partition, range_.end, bounds.bounds[range_.partition].end(Isolation.READ_COMMITTED))
        for range_ in before
        if range_.partition in bounds.bounds
    )


def grown(broker: Broker, question: Question, before: Reach) -> tuple[Reach, tuple[Range, ...]]:
    """The same reach with the partitions that were made since, and where these begin, as empty ranges. One without a
    leader yet isn't among them."""
    meant = _meant(_told(broker, question.topics), question.topics, question.exclude)
    new = sorted(set(_partitions(meant)) - set(before.partitions))
    if not new:
        return before, ()
    bounds = broker.log_bounds(new).bounds
    starts = beginnings(broker, [home for home in new if home in bounds], question.since, Bounds(bounds))
    known = Bounds({**before.bounds.bounds, **bounds}, before.bounds.gaps)
    ranges = tuple(Range(home, first, first) for home, first in starts.items())
    return replace(before, partitions=(*before.partitions, *starts), bounds=known), ranges


def beginnings(
    broker: Broker, partitions: Sequence[Partition], moment: datetime | None, bounds: Bounds
) -> dict[Partition, int]:
    """Where what is as late as ``moment`` begins; None: where the log does."""
    starts = {home: bounds.bounds[home].start for home in partitions if home in bounds.bounds}
    return starts if moment is None else _later(starts, broker.offsets_at(list(starts), moment))


def clipped(ranges: Iterable[Range], most: int) -> tuple[tuple[Range, ...], int]:
    """The beginnings of ranges, about ``most`` offsets of all together, and how many offsets that leaves out.

    >>> clipped([Range(Partition("a-dlt", 0), 0, 3), Range(Partition("b-dlt", 0), 5, 5)], 2)
    ((Range(partition=Partition(topic='a-dlt', partition=0), first=0, end=2),), 1)
    """
    ahead = [range_ for range_ in ranges if range_.first < range_.end]
    if sum(range_.end - range_.first for range_ in ahead) <= most:
        return tuple(ahead), 0
    each = most // len(ahead)
    taken = tuple(replace(range_, end=min(range_.end, range_.first + each)) for range_ in ahead)
    return taken, sum(range_.end for range_ in ahead) - sum(range_.end for range_ in taken)


def chosen(identifier: str, event: Event, others: Sequence[str]) -> str:
    """Which correlation id is followed where another id was asked for, and which aren't."""
    also = f"; it is tied to others too: {_first(others)}" if others else ""
    correlation = event.ids.correlation_id
    return f"{identifier} leads to {event.position}: this is the chain of its correlation id {correlation}{also}"


def notes(question: Question, bounds: Bounds) -> tuple[str, ...]:
    """What bounds the answer, in sentences."""
    cut = _cut(bounds)
    found = []
    if cut and question.since is None:
        found.append(f"{plural(len(cut), 'topic')} already cut by retention: {_first(cut)}")
    if held := _held_back(bounds):
        found.append(f"open transactions hold back what stands behind them, which wasn't searched: {_first(held)}")
    if question.until:
        found.append("--until ends each partition at the first record that is as late: those behind it weren't read")
    if question.topics or question.exclude or question.until:
        found.append("dead letters beyond the topics and times searched weren't looked for")
    return tuple(found)


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _held_back(bounds: Bounds) -> list[str]:
    """Partitions of whose end a reader of committed records sees nothing yet, and how many offsets that are."""
    held = {at: log.high_watermark - log.last_stable for at, log in bounds.bounds.items()}
    return [f"{at} ({plural(offsets, 'offset')})" for at, offsets in sorted(held.items()) if offsets > 0]


def _cut(bounds: Bounds) -> list[str]:
    """Topics whose log no longer begins at its beginning."""
    return sorted({partition.topic for partition, log in bounds.bounds.items() if log.start > 0})


def _topics(broker: Broker, wanted: Sequence[str], unwanted: Sequence[str]) -> list[Topic]:
    topics = _told(broker, wanted)
    for pattern in wanted:
        if not any(_is_named(topic.name, pattern) for topic in topics):
            what = "no topic matches" if _is_glob(pattern) else "there is no topic"
            raise UsageError(f"{what} {pattern!r}", remedy="`eventops topics` lists them")
    return _meant(topics, wanted, unwanted)


def _told(broker: Broker, wanted: Sequence[str]) -> tuple[Topic, ...]:
    plain = [name for name in wanted if not _is_glob(name)]
    return broker.topics(plain if len(plain) == len(wanted) else ())


def _meant(topics: Iterable[Topic], wanted: Sequence[str], unwanted: Sequence[str]) -> list[Topic]:
    """Those that a name or glob means; internal ones, and ours, only by their whole names."""
    shown = [topic for topic in topics if topic.name in wanted or not (topic.internal or topic.name.startswith(OURS))]
    meant = [topic for topic in shown if not wanted or any(_is_named(topic.name, pattern) for pattern in wanted)]
    return [topic for topic in meant if not any(fnmatchcase(topic.name, pattern) for pattern in unwanted)]


def _is_named(topic: str, pattern: str) -> bool:
    return topic == pattern or fnmatchcase(topic, pattern)


def _is_glob(name: str) -> bool:
    """
    >>> _is_glob("orders-*"), _is_glob("orders-dlt")
    (True, False)
    """
    return any(character in name for character in "*?[")


def _partitions(topics: Iterable[Topic]) -> tuple[Partition, ...]:
    return tuple(Partition(topic.name, number) for topic in topics for number in topic.partitions)


def _later(first: Mapping[Partition, int], moments: Mapping[Partition, int]) -> dict[Partition, int]:
    return {partition: max(offset, moments.get(partition, offset)) for partition, offset in first.items()}


def _earlier(end: Mapping[Partition, int], moments: Mapping[Partition, int]) -> dict[Partition, int]:
    return {partition: min(offset, moments.get(partition, offset)) for partition, offset in end.items()}
