"""One search for one chain: reads the log, asks the groups, then reads what came meanwhile; again, where it is watched.

The order is what makes the verdicts true. A consumer writes its dead letter before it commits past the record, so a
committed offset is believed only after the log was read to an end that is younger than it: whatever the offset has
passed has its letter, where there is one, in what was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from eventops.errors import NotPermitted
from eventops.events import Reader, Record
from eventops.ports import Bounds, Broker, Committed, Coverage, Gap, Groups
from eventops.trace import chain, rules
from eventops.trace.identifiers import Identifier
from eventops.trace.model import DeadLetter, Found, Hop, Question, TraceLink, TraceReport
from eventops.trace.reach import Reach, absence, reach, tail
from eventops.trace.sightings import Sightings

L = TypeVar("L", bound=DeadLetter)
_NOBODY: Final = rules.Readers((), Committed({}), Bounds({}))


class Letters(Protocol[L]):
    """The dead-letter room, as far as a trace needs it."""

    def letter_of(self, record: Record) -> L | None:
        """The letter that a record holds; None: it isn't one. Asks nobody."""

    def judged(self, letters: Sequence[L]) -> tuple[L, ...]:
        """The same letters with what the replay ledger says of them."""


class Search:
    """What was asked, where it is looked for, and what was seen of it so far."""

    def __init__(self, broker: Broker, letters: Letters[Any], read: Reader, question: Question, now: datetime) -> None:
        self._broker = broker
        self._letters = letters
        self._question = question
        self._where = reach(broker, question, now)
        self._read_to = {range_.partition: range_ for range_ in self._where.ranges}
        self._seen = Sightings(Identifier.of(question.identifier), letters.letter_of, read)

    @property
    def is_of_another_chain(self) -> bool:
        """What came meanwhile names a correlation id that wasn't searched yet: the log has to be read anew."""
        return self._seen.correlation_to_search() is not None

    def read(self) -> Iterator[Found]:
        """The log as it was when the search began."""
        seen, ranges = self._seen, self._where.ranges
        yield from seen.read(self._broker, ranges)
        if again := seen.correlation_to_search():
            seen.turn_to(Identifier.of(again))
            yield from seen.read(self._broker, ranges)
        if self._question.follow_causation and (kin := seen.kin()):
            seen.turn_to_kin(kin)
            yield from seen.read(self._broker, ranges)

    def judge(self, now: datetime) -> Iterator[Found]:
        """Ask the groups, read what came meanwhile; the last one has the report. It may be called again later."""
        question, seen = self._question, self._seen
        readers, others = self._readers()
        meanwhile = tail(self._read_to.values(), readers.bounds) if question.until is None else ()
        yield from seen.read(self._broker, meanwhile)
        self._read_to.update({range_.partition: range_ for range_ in meanwhile})
        unread = tuple(dict.fromkeys((*self._where.gaps, *seen.gaps, *readers.bounds.gaps)))
        told = chain.gathered(seen.chain(), self._letters.judged(seen.letters()) if seen.letters() else ())
        hops = chain.hops(told, absent=absence(question, self._where.bounds, unread=bool(unread)))
        report = _report(
            seen.correlation_id,
            rules.delivered(hops, readers),
            _coverage(question.since, question.until or now, self._where, seen, unread, others),
            self._where.notes,
        )
        ends = {partition: range_.end for partition, range_ in self._read_to.items()}
        yield Found(seen.passed, seen.passed, len(hops), replace(report, read_to=ends))

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
        saw_letters = not self._question.topics and self._question.until is None
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
    """``unread`` are gaps in the log, ``others`` those in what the groups told."""
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


def _report(correlation_id: str, hops: tuple[Hop, ...], coverage: Coverage, notes: tuple[str, ...]) -> TraceReport:
    traces = dict.fromkeys(hop.event.ids.trace_id for hop in hops)
    return TraceReport(
        correlation_id=correlation_id,
        events=hops,
        roots=tuple(hop.event.reference for hop in hops if hop.depth == 1),
        anomalies=tuple(anomaly for hop in hops for anomaly in hop.anomalies),
        traces=tuple(TraceLink(trace_id) for trace_id in traces if trace_id),
        coverage=coverage,
        notes=notes,
    )
