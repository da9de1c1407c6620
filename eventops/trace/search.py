"""One search for one chain: reads the log, asks the groups, then reads what came meanwhile; again, where it is watched.

The order is what makes the verdicts true. A consumer writes its dead letter before it commits past the record, so a
committed offset is believed only after the log was read to an end that is younger than it: whatever the offset has
passed has its letter, where there is one, in what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from eventops.config import NAME_A_STORE
from eventops.errors import NotPermitted, UsageError
from eventops.events import Reader
from eventops.ports import PLAINLY, Bounds, Broker, Committed, Coverage, Engine, Gap, Groups, Manner, Range, TraceStore
from eventops.trace import chain, rules, spans
from eventops.trace.identifiers import Identifier
from eventops.trace.kin import Kin
from eventops.trace.model import Found, Hop, Question, TraceLink, TraceReport
from eventops.trace.origins import Letters, Origins
from eventops.trace.reach import Reach, absence, check, chosen, grown, indexed, reach, tail
from eventops.trace.sightings import Sightings
from eventops.trace.spans import Told

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
INDEX: Final = "index"
_PATIENCE: Final = timedelta(seconds=2)
_NOBODY: Final = rules.Readers((), Committed({}), Bounds({}))


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
        self._question = question
        self._store = store
        self._told, self._told_at = Told(), _NEVER
        self._listed_at = now
        self._where, self._is_indexed = self._reach(now)
        self._origins = Origins(broker, letters, self._manner)
        self._kin: Kin | None = None
        self._notes: tuple[str, ...] = ()
        self._begun = {range_.partition: range_ for range_ in self._where.ranges}
        self._read_to = dict(self._begun)
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
        yield from self._follow_causation()

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
        yield from self._follow_causation()
        letters, unjudged = yield from self._read_letters()
        unread = tuple(dict.fromkeys((*self._where.gaps, *seen.gaps, *readers.bounds.gaps)))
        readers = replace(readers, doubt=self._doubt(unread))
        told = chain.gathered(seen.chain(), letters)
        hops = chain.hops(told, absent=absence(question, self._where.bounds, unread=bool(unread)))
        told_by_store = self._ask_store(hops, now)
        later = (seen.unplaced, told_by_store.note, self._origins.note)
        report = _report(
            seen.correlation_id,
            spans.joined(rules.delivered(hops, readers), told_by_store.spans),
            _coverage(question.since, question.until or now, self._where, seen, unread, (*others, *unjudged)),
            (*self._where.notes, *self._notes, *seen.notes, *filter(None, later)),
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
            begun = {range_.partition: range_ for range_ in new}
            self._begun |= begun
            self._read_to |= begun

    def _read_meanwhile(self, bounds: Bounds) -> Iterator[Found]:
        meanwhile = tail(self._read_to.values(), bounds) if self._goes_on else ()
        yield from self._seen.read(self._broker, meanwhile, self._manner)
        self._read_to.update({range_.partition: range_ for range_ in meanwhile})

    def _follow_causation(self) -> Iterator[Found]:
        """Look for kin that weren't looked for: for causes everywhere, for effects of what came later only behind it. A
        chain may have more ids than a raw scan can look for, whoever asked for one."""
        kin = self._seen.kin() if self._question.follow_causation else None
        before, self._kin = self._kin, kin or self._kin
        if kin is None or (before is not None and kin.ids | kin.causes <= before.ids | before.causes):
            return
        anew = before is None or not kin.causes <= before.ids | before.causes
        ranges = [
            Range(home, begun.first if anew else begun.end, self._read_to[home].end)
            for home, begun in self._begun.items()
        ]
        manner = self._manner
        self._seen.turn_to_kin(kin, anew=anew)
        yield from self._seen.read(
            self._broker, ranges, replace(manner, engine=Engine.AUTO) if manner.engine is Engine.SCAN else manner
        )

    def _read_letters(self) -> Generator[Found, None, tuple[tuple[Any, ...], tuple[Gap, ...]]]:
        """The chain's letters as the ledger judges them, also those that hold none of its ids, and those about what was
        put back of these; and what of the ledger couldn't be read."""
        ends = {home: range_.end for home, range_ in self._read_to.items()}
        while True:
            if not self._is_indexed:
                yield from self._origins.read(self._seen, ends, self._where.bounds)
            letters, unjudged = self._origins.judged(self._seen)
            if not self._origins.read_replays(self._seen, letters, ends):
                return letters, unjudged

    def _doubt(self, unread: Sequence[Gap]) -> str | None:
        """Why a group that passed an event may have left a letter which wasn't seen; None: it would have been."""
        question = self._question
        if question.topics or question.exclude or question.until or self._is_indexed:
            return "its dead letters weren't looked for"
        return "its dead letter may stand in what wasn't read" if unread or self._origins.unseen else None

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
        return rules.Readers(groups.groups, committed, self._ends()), (*groups.gaps, *committed.gaps)

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
