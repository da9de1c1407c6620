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
from eventops.events import Reader, Record
from eventops.ports import PLAINLY, Bounds, Broker, Committed, Coverage, Engine, Gap, Groups, Manner, TraceStore
from eventops.trace import chain, rules, spans
from eventops.trace.identifiers import Identifier
from eventops.trace.model import DeadLetter, Found, Hop, Question, TraceLink, TraceReport
from eventops.trace.reach import Reach, absence, check, indexed, reach, tail
from eventops.trace.sightings import Sightings
from eventops.trace.spans import Told

L = TypeVar("L", bound=DeadLetter)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
INDEX: Final = "index"
_PATIENCE: Final = timedelta(seconds=2)
_NOBODY: Final = rules.Readers((), Committed({}), Bounds({}))


class Letters(Protocol[L]):
    """The dead-letter room, as far as a trace needs it."""

    def letter_of(self, record: Record) -> L | None:
        """The letter that a record holds; None: it isn't one. Asks nobody."""

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
        self._where, self._is_indexed = self._reach(now)
        self._read_to = {range_.partition: range_ for range_ in self._where.ranges}
        self._seen = Sightings(Identifier.of(question.identifier), letters.letter_of, read)

    @property
    def is_of_another_chain(self) -> bool:
        """What came meanwhile names a correlation id that wasn't searched yet: the log has to be read anew."""
        return self._seen.correlation_to_search() is not None

    def read(self) -> Iterator[Found]:
        """The log as it was when the search began."""
        seen, ranges = self._seen, self._where.ranges
        yield from seen.read(self._broker, ranges, self._manner)
        if again := seen.correlation_to_search():
            seen.turn_to(Identifier.of(again))
            yield from seen.read(self._broker, ranges, self._manner)
        if self._question.follow_causation and (kin := seen.kin()):
            seen.turn_to_kin(kin)
            yield from seen.read(self._broker, ranges, self._manner)

    def judge(self, now: datetime) -> Iterator[Found]:
        """Ask the groups, read what came meanwhile; the last one has the report. It may be called again later."""
        question, seen = self._question, self._seen
        readers, others = self._readers()
        goes_on = question.until is None and not self._is_indexed
        meanwhile = tail(self._read_to.values(), readers.bounds) if goes_on else ()
        yield from seen.read(self._broker, meanwhile, self._manner)
        self._read_to.update({range_.partition: range_ for range_ in meanwhile})
        unread = tuple(dict.fromkeys((*self._where.gaps, *seen.gaps, *readers.bounds.gaps)))
        letters, unjudged = self._letters.judged(seen.letters()) if seen.letters() else ((), ())
        told = chain.gathered(seen.chain(), letters)
        hops = chain.hops(told, absent=absence(question, self._where.bounds, unread=bool(unread)))
        told_by_store = self._ask_store(hops, now)
        report = _report(
            seen.correlation_id,
            spans.joined(rules.delivered(hops, readers), told_by_store.spans),
            _coverage(question.since, question.until or now, self._where, seen, unread, (*others, *unjudged)),
            (*self._where.notes, *seen.notes, *([told_by_store.note] if told_by_store.note else [])),
            spans.links(hops, told_by_store, self._store),
        )
        ends = {partition: range_.end for partition, range_ in self._read_to.items()}
        yield Found(seen.passed, seen.passed, len(hops), replace(report, read_to=ends))

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
