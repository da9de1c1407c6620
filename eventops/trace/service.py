"""Gathers what the trace rules need: searches the log, then asks the groups, then reads what came meanwhile.

The order is what makes the verdicts true. A consumer writes its dead letter before it commits past the record, so a
committed offset is believed only after the log was read to an end that is younger than it: whatever the offset has
passed has its letter, where there is one, in what was read.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from eventops.errors import NotPermitted
from eventops.events import Partition, Record
from eventops.ports import Bounds, Broker, Committed, Coverage, Gap, Groups
from eventops.trace import chain, rules
from eventops.trace.identifiers import Identifier
from eventops.trace.model import DeadLetter, Found, Hop, News, Question, TraceLink, TraceReport
from eventops.trace.reach import Reach, reach, tail
from eventops.trace.sightings import Sightings, belongs, news_of

L = TypeVar("L", bound=DeadLetter)


class Letters(Protocol[L]):
    """The dead-letter room, as far as a trace needs it."""

    def letter_of(self, record: Record) -> L | None:
        """The letter that a record holds; None: it isn't one. Asks nobody."""

    def judged(self, letters: Sequence[L]) -> tuple[L, ...]:
        """The same letters with what the replay ledger says of them."""


class TraceService:
    """What happened to this request?"""

    def __init__(self, broker: Broker, letters: Letters[Any]) -> None:
        self._broker = broker
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
        where = reach(self._broker, question)
        seen = Sightings(Identifier.of(question.identifier), self._letters.letter_of)
        yield from seen.read(self._broker, where.ranges)
        if again := seen.correlation_to_search():
            seen.turn_to(Identifier.of(again))
            yield from seen.read(self._broker, where.ranges)
        if not seen.is_empty:
            groups, committed = self._groups()
            bounds = self._broker.log_bounds(where.partitions)
            meanwhile = tail(where.ranges, bounds) if question.until is None else ()
            yield from seen.read(self._broker, meanwhile)
        else:
            groups, committed, bounds, meanwhile = Groups(()), Committed({}), Bounds({}), ()
        saw_letters = not question.topics and question.until is None
        hops = self._hops(question, where, seen, rules.Readers(groups.groups, committed, bounds, saw_letters))
        coverage = _coverage(question.since, question.until or now, where, seen, (*groups.gaps, *committed.gaps))
        read_to = {range_.partition: range_.end for range_ in (*where.ranges, *meanwhile)}
        report = _report(seen.correlation_id, hops, coverage, where.notes, read_to)
        yield Found(seen.passed, seen.passed, len(hops), report)

    def follow(self, report: TraceReport) -> Generator[tuple[News, ...], None, None]:
        """What comes of the chain after a report, in the partitions that it read; nothing at least once a second. It
        never ends; closing it ends the reading."""
        wanted = Identifier.of(report.correlation_id)
        for batch in self._broker.follow(report.read_to):
            hits = (record for record in batch.records if wanted.may_be_in(record))
            news = (news_of(record, self._letters.letter_of) for record in hits)
            yield tuple(one for one in news if belongs(one.event, wanted))

    def _groups(self) -> tuple[Groups, Committed]:
        """Who may not ask for groups still learns the chain; the coverage says what is missing."""
        try:
            groups = self._broker.groups()
            return groups, self._broker.committed_offsets([group.group_id for group in groups.groups])
        except NotPermitted as refused:
            return Groups((), (Gap("consumer groups", None, refused.what),)), Committed({})

    def _hops(self, question: Question, where: Reach, seen: Sightings, readers: rules.Readers) -> tuple[Hop, ...]:
        whole = not question.is_narrow and not where.gaps and not seen.gaps
        letters = seen.letters()
        told = chain.gathered(seen.chain(), self._letters.judged(letters) if letters else ())
        return tuple(rules.delivered(hop, readers) for hop in chain.hops(told, whole=whole))


def _coverage(since: datetime | None, to: datetime, where: Reach, seen: Sightings, others: Sequence[Gap]) -> Coverage:
    unread = (*where.gaps, *seen.gaps)
    missed = {(gap.subject, gap.partition) for gap in unread}
    missing = sum((home.topic, home.partition) in missed or (home.topic, None) in missed for home in where.partitions)
    return Coverage(
        partitions_total=len(where.partitions),
        partitions_complete=len(where.partitions) - missing,
        records=seen.records,
        bytes=seen.bytes,
        from_=since,
        to=to,
        gaps=tuple(dict.fromkeys((*unread, *others))),
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
