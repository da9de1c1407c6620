"""One search for one chain: reads the log, asks the groups, then reads what came meanwhile; again, where it is watched.

The order is what makes the verdicts true. A consumer writes its dead letter before it commits past the record, so a
committed offset is believed only after the log was read to an end that is younger than it: whatever the offset has
passed has its letter, where there is one, in what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from eventops.config import NAME_A_STORE
from eventops.errors import NotPermitted, UsageError
from eventops.events import Partition, Position, Reader, Record
from eventops.ports import PLAINLY, Bounds, Broker, Committed, Coverage, Engine, Gap, Groups, Manner, Range, TraceStore
from eventops.trace import chain, rules, spans
from eventops.trace.identifiers import Identifier
from eventops.trace.model import DeadLetter, Found, Hop, Question, TraceLink, TraceReport
from eventops.trace.reach import Reach, absence, beginnings, check, chosen, clipped, grown, indexed, reach, tail
from eventops.trace.sightings import Sightings
from eventops.trace.spans import Told
from eventops.wording import plural

L = TypeVar("L", bound=DeadLetter)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
INDEX: Final = "index"
_PATIENCE: Final = timedelta(seconds=2)
_CLOCKS_APART: Final = timedelta(minutes=1)
_LETTERS: Final = 200_000
"""Records of dead-letter topics that are looked at for where they came from."""

_NOBODY: Final = rules.Readers((), Committed({}), Bounds({}))


class Letters(Protocol[L]):
    """The dead-letter room, as far as a trace needs it."""

    def letter_of(self, record: Record) -> L | None:
        """The letter that a record holds; None: it isn't one. Asks nobody."""

    def origins_of(self, record: Record) -> tuple[Position, ...]:
        """Where a letter's record stood, hop by hop; empty where it doesn't say. Asks nobody."""

    def holds_letters(self, topic: str) -> bool:
        """Whether a topic is named for letters. Asks nobody."""

    def judged(self, letters: Sequence[L]) -> tuple[tuple[L, ...], tuple[Gap, ...]]:
        """The same letters with what the replay ledger says of them, and what of it couldn't be read."""


class Search:
    """What was asked, where it is looked for, and what was seen of it so far."""

    def __init__(
        self,
        broker: Broker,
        letters: Letters[Any],
        read: Reader,
        store: TraceStore | None,
        question: Question,
        now: datetime,
        stopped: Callable[[], bool] | None = None,
    ) -> None:
        self._manner = PLAINLY
        if question.engine != INDEX:
            self._manner = Manner(Engine(question.engine), question.max_bytes, stopped or PLAINLY.stopped)
        self._broker = broker
        self._letters = letters
        self._question = question
        self._store = store
        self._told, self._told_at = Told(), _NEVER
        self._listed_at = now
        self._where, self._is_indexed = self._reach(now)
        self._letters_to: dict[Partition, int] = {}
        self._unseen_letters = 0
        self._notes: tuple[str, ...] = ()
        self._read_to = {range_.partition: range_ for range_ in self._where.ranges}
        self._seen = Sightings(Identifier.of(question.identifier), letters.letter_of, read)

    @property
    def is_of_another_chain(self) -> bool:
        """What came meanwhile names a correlation id that wasn't searched yet: the log has to be read anew."""
        return self._seen.told_by() is not None

    def read(self) -> Iterator[Found]:
        """The log as it was when the search began."""
        seen, ranges = self._seen, self._where.ranges
        yield from seen.read(self._broker, ranges, self._manner)
        if (event := seen.told_by()) is not None and (again := event.ids.correlation_id):
            self._notes = (chosen(self._question.identifier, event, seen.others()),)
            seen.turn_to(Identifier.of(again))
            yield from seen.read(self._broker, ranges, self._manner)
        if self._question.follow_causation and (kin := seen.kin()):
            seen.turn_to_kin(kin)
            yield from seen.read(self._broker, ranges, self._manner)

    def judge(self, now: datetime) -> Iterator[Found]:
        """Ask the groups, read what came meanwhile; the last one has the report. It may be called again later."""
        question, seen = self._question, self._seen
        self._look_for_new_topics(now)
        was_empty = seen.is_empty
        readers, others = self._readers()
        yield from self._read_meanwhile(readers.bounds)
        if was_empty and not seen.is_empty:  # it began meanwhile: now there is something to ask groups about
            readers, others = self._readers()
            yield from self._read_meanwhile(readers.bounds)
        unread = tuple(dict.fromkeys((*self._where.gaps, *seen.gaps, *readers.bounds.gaps)))
        letters, unjudged = self._letters.judged(seen.letters()) if seen.letters() else ((), ())
        told = chain.gathered(seen.chain(), letters)
        hops = chain.hops(told, absent=absence(question, self._where.bounds, unread=bool(unread)))
        told_by_store = self._ask_store(hops, now)
        report = _report(
            seen.correlation_id,
            spans.joined(rules.delivered(hops, readers), told_by_store.spans),
            _coverage(question.since, question.until or now, self._where, seen, unread, (*others, *unjudged)),
            (*self._where.notes, *self._notes, *seen.notes, *filter(None, self._later_notes(told_by_store))),
            spans.links(hops, told_by_store, self._store),
        )
        yield Found(seen.passed, seen.passed, len(hops), report)

    @property
    def _goes_on(self) -> bool:
        return self._question.until is None and not self._is_indexed

    def _look_for_new_topics(self, now: datetime) -> None:
        """A chain goes on in topics that its own events bring about: retry topics, letters, first answers."""
        if self._goes_on and now - self._listed_at > _PATIENCE:
            self._listed_at = now
            self._where, new = grown(self._broker, self._question, self._where)
            self._read_to |= {range_.partition: range_ for range_ in new}

    def _read_meanwhile(self, bounds: Bounds) -> Iterator[Found]:
        meanwhile = tail(self._read_to.values(), bounds) if self._goes_on else ()
        yield from self._seen.read(self._broker, meanwhile, self._manner)
        self._read_to.update({range_.partition: range_ for range_ in meanwhile})
        if not self._is_indexed:
            yield from self._letters_by_origin()

    def _later_notes(self, told: Told) -> Iterator[str | None]:
        yield self._seen.unplaced
        yield told.note
        if self._unseen_letters:
            many = plural(self._unseen_letters, "younger record")
            yield f"{many} of dead-letter topics may be about the chain without holding its ids, and weren't looked at"

    def _letters_by_origin(self) -> Iterator[Found]:
        """Letters needn't hold an id; those written since the chain began are told by where they came from."""
        events = self._seen.chain()
        homes = [home for home in self._read_to if self._letters.holds_letters(home.topic)] if events else []
        new = [home for home in homes if home not in self._letters_to]
        if new:
            times = [event.record.timestamp for event in events]
            first = None if None in times else min(at for at in times if at is not None) - _CLOCKS_APART
            self._letters_to |= beginnings(self._broker, new, first, self._where.bounds)
        ahead = [Range(home, self._letters_to[home], self._read_to[home].end) for home in homes]
        now, self._unseen_letters = clipped(ahead, _LETTERS)
        if now:
            yield from self._seen.read_letters(self._broker, now, self._letters.origins_of, self._manner.stopped)
            self._letters_to |= {range_.partition: range_.end for range_ in now}

    def _reach(self, now: datetime) -> tuple[Reach, bool]:
        """Where to look, and whether an index said so; one that doesn't answer leaves the log to be read."""
        question, store = self._question, self._store
        if question.engine != INDEX:
            return reach(self._broker, question, now), False
        if store is None:
            raise UsageError(
                "there is no index to ask",
                remedy=NAME_A_STORE,
            )
        check(self._broker, question, now)
        self._told, self._told_at = spans.asked(store, question.identifier, question.since, question.until, now), now
        if self._told.note is None:
            return indexed(self._broker, question, self._told.positions, store.name), True
        return reach(self._broker, question, now), False

    def _ask_store(self, hops: tuple[Hop, ...], now: datetime) -> Told:
        """What the store tells, asked anew at most every other second while a chain is watched."""
        if self._store is None or not hops:
            return self._told
        if now - self._told_at > _PATIENCE:
            question = self._question
            told = spans.asked(self._store, self._seen.correlation_id, question.since, question.until, now)
            self._told, self._told_at = spans.completed(self._store, told, hops), now
        return self._told

    def _readers(self) -> tuple[rules.Readers, tuple[Gap, ...]]:
        """The groups, their offsets, then the logs' bounds. Who may not ask for groups still learns the chain; the gap
        says what is missing."""
        if self._seen.is_empty:
            return replace(_NOBODY, bounds=self._ends()), ()
        try:
            groups = self._broker.groups()
            committed = self._broker.committed_offsets([group.group_id for group in groups.groups])
        except NotPermitted as refused:
            groups, committed = Groups((), (Gap("consumer groups", None, refused.what),)), Committed({})
        saw_letters = not (self._question.topics or self._question.exclude or self._question.until or self._is_indexed)
        return rules.Readers(groups.groups, committed, self._ends(), saw_letters), (*groups.gaps, *committed.gaps)

    def _ends(self) -> Bounds:
        return self._broker.log_bounds(self._where.partitions)


def _coverage(
    since: datetime | None,
    to: datetime,
    where: Reach,
    seen: Sightings,
    unread: tuple[Gap, ...],
    others: tuple[Gap, ...],
) -> Coverage:
    """``unread`` are gaps in the log, ``others`` those in what the groups and the ledger told."""
    missed = {(gap.subject, gap.partition) for gap in unread}
    missing = sum((home.topic, home.partition) in missed or (home.topic, None) in missed for home in where.partitions)
    return Coverage(
        partitions_total=len(where.partitions),
        partitions_complete=len(where.partitions) - missing,
        records=seen.records,
        bytes=seen.bytes,
        from_=since,
        to=to,
        gaps=(*unread, *others),
    )


def _report(
    correlation_id: str,
    hops: tuple[Hop, ...],
    coverage: Coverage,
    notes: tuple[str, ...],
    traces: tuple[TraceLink, ...],
) -> TraceReport:
    return TraceReport(
        correlation_id=correlation_id,
        events=hops,
        roots=tuple(hop.event.reference for hop in hops if hop.depth == 1),
        anomalies=tuple(anomaly for hop in hops for anomaly in hop.anomalies),
        traces=traces,
        coverage=coverage,
        notes=notes,
    )
