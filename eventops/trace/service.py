"""Gathers what the trace rules need: searches the log, then asks the groups, then reads what came meanwhile.

The order is what makes the verdicts true. A consumer writes its dead letter before it commits past the record, so a
committed offset is believed only after the log was read to an end that is younger than it: whatever the offset has
passed has its letter, where there is one, in what was read.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from eventops.errors import NotPermitted
from eventops.events import Partition, Reader, Record, read_event
from eventops.ports import Bounds, Broker, Committed, Coverage, Gap, Groups
from eventops.trace import chain, rules
from eventops.trace.identifiers import Identifier
from eventops.trace.model import DeadLetter, Found, Hop, News, Question, TraceLink, TraceReport
from eventops.trace.reach import Reach, absence, reach, tail
from eventops.trace.sightings import Sightings, belongs, news_of

L = TypeVar("L", bound=DeadLetter)
_NOBODY: Final = rules.Readers((), Committed({}), Bounds({}))


class Letters(Protocol[L]):
    """The dead-letter room, as far as a trace needs it."""

    def letter_of(self, record: Record) -> L | None:
        """The letter that a record holds; None: it isn't one. Asks nobody."""

    def judged(self, letters: Sequence[L]) -> tuple[L, ...]:
        """The same letters with what the replay ledger says of them."""


class TraceService:
    """What happened to this request?"""

    def __init__(self, broker: Broker, letters: Letters[Any], read: Reader = read_event) -> None:
        self._broker = broker
        self._read = read
        self._letters = letters

    def trace(self, question: Question, now: datetime) -> TraceReport:
        """The whole chain as of ``now``.

        Raises:
            UsageError: no id, or a topic that was named doesn't exist.
            Unsupported: the broker keeps no history.
        """
        *_, last = self.search(question, now)
        assert last.report is not None
        return last.report

    def search(self, question: Question, now: datetime) -> Generator[Found, None, None]:
        """Like :meth:`trace`, telling how far it got; the last one has the report. Closing it ends the reading."""
        where = reach(self._broker, question, now)
        seen = Sightings(Identifier.of(question.identifier), self._letters.letter_of, self._read)
        yield from seen.read(self._broker, where.ranges)
        if again := seen.correlation_to_search():
            seen.turn_to(Identifier.of(again))
            yield from seen.read(self._broker, where.ranges)
        if question.follow_causation and (kin := seen.kin()):
            seen.turn_to_kin(kin)
            yield from seen.read(self._broker, where.ranges)
        readers, others = (_NOBODY, ()) if seen.is_empty else self._readers(question, where)
        meanwhile = tail(where.ranges, readers.bounds) if question.until is None else ()
        yield from seen.read(self._broker, meanwhile)
        unread = tuple(dict.fromkeys((*where.gaps, *seen.gaps, *readers.bounds.gaps)))
        told = chain.gathered(seen.chain(), self._letters.judged(seen.letters()) if seen.letters() else ())
        hops = chain.hops(told, absent=absence(question, where.bounds, unread=bool(unread)))
        report = _report(
            seen.correlation_id,
            rules.delivered(hops, readers),
            _coverage(question.since, question.until or now, where, seen, unread, others),
            where.notes,
            read_to={range_.partition: range_.end for range_ in (*where.ranges, *meanwhile)},
        )
        yield Found(seen.passed, seen.passed, len(hops), report)

    def follow(self, report: TraceReport) -> Generator[tuple[News, ...], None, None]:
        """What comes of the chain after a report, in the partitions that it read; nothing at least once a second. It
        never ends; closing it ends the reading."""
        wanted = Identifier.of(report.correlation_id)
        for batch in self._broker.follow(report.read_to):
            hits = (record for record in batch.records if wanted.may_be_in(record))
            news = (news_of(record, self._letters.letter_of, self._read) for record in hits)
            yield tuple(one for one in news if belongs(one.event, wanted))

    def _readers(self, question: Question, where: Reach) -> tuple[rules.Readers, tuple[Gap, ...]]:
        """The groups, their offsets, then the logs' bounds. Who may not ask for groups still learns the chain; the gap
        says what is missing."""
        try:
            groups = self._broker.groups()
            committed = self._broker.committed_offsets([group.group_id for group in groups.groups])
        except NotPermitted as refused:
            groups, committed = Groups((), (Gap("consumer groups", None, refused.what),)), Committed({})
        bounds = self._broker.log_bounds(where.partitions)
        saw_letters = not question.topics and question.until is None
        return rules.Readers(groups.groups, committed, bounds, saw_letters), (*groups.gaps, *committed.gaps)


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


def _report(
    correlation_id: str,
    hops: tuple[Hop, ...],
    coverage: Coverage,
    notes: tuple[str, ...],
    read_to: Mapping[Partition, int],
) -> TraceReport:
    traces = dict.fromkeys(hop.event.ids.trace_id for hop in hops)
    return TraceReport(
        correlation_id=correlation_id,
        events=hops,
        roots=tuple(hop.event.reference for hop in hops if hop.depth == 1),
        anomalies=tuple(anomaly for hop in hops for anomaly in hop.anomalies),
        traces=tuple(TraceLink(trace_id) for trace_id in traces if trace_id),
        coverage=coverage,
        notes=notes,
        read_to=read_to,
    )
