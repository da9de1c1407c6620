"""Is tracing itself in order? What the log holds of a chain against the spans that a trace store holds of it.

The log is the truth: each event should have one span of its sending, each delivery one of its handling, and each of
those spans an event. Pure: one rule a fault, each finding naming the service to mend and what it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from eventops.events import TRACEPARENT, Event, Position, bytes_as_text, canonical_id, trace_id_of
from eventops.ports import StoredSpan
from eventops.trace.model import Hop, Status

SETTLING: Final = timedelta(seconds=15)
"""Spans of younger events may still be on their way: services and collectors send them in batches."""

_DUE: Final = (Status.CONSUMED, Status.DEAD_LETTERED, Status.REPLAYED)
"""What is known to have been handled; a pending delivery has no span yet, an unknown one may have none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of tracing. ``service`` is the one to mend; None where nobody told who it is.

    ``kind`` is ``event_without_span``, ``delivery_without_span``, ``span_without_event``, ``correlation_dropped``,
    ``correlation_changed``, ``no_trace_context`` (the event carries none that can be used) or ``new_trace`` (one was
    begun where a parent was due).
    """

    kind: str
    service: str | None
    event_id: str | None
    position: Position | None
    trace_id: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, and what isn't as it should be. ``sent`` of ``events`` have the span of their sending,
    ``handled`` of ``deliveries`` (those that are known to have been handled) the span of their handling. ``settling``
    and ``unsampled`` events weren't judged."""

    correlation_id: str
    events: int
    sent: int
    deliveries: int
    handled: int
    spans: int
    settling: int
    unsampled: int
    findings: tuple[Finding, ...]

    @property
    def services(self) -> Mapping[str | None, int]:
        """Findings a service to mend, most first."""
        counts: dict[str | None, int] = {}
        for finding in self.findings:
            counts[finding.service] = counts.get(finding.service, 0) + 1
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0] or "")))


@dataclass(frozen=True)
class Evidence:
    """Both sides. ``strays`` are the records at the places that only spans name: None where nothing stands; a place
    that wasn't read is left out."""

    correlation_id: str
    hops: tuple[Hop, ...]
    spans: tuple[StoredSpan, ...]
    strays: Mapping[Position, Event | None] = field(default_factory=dict)
    now: datetime | None = None

    @cached_property
    def by_event_id(self) -> Mapping[str, Hop]:
        """The chain's events, by what their ids are the same by."""
        return {canonical_id(event_id): hop for hop in self.hops if (event_id := hop.event.ids.event_id)}

    def cause_of(self, event: Event) -> Hop | None:
        """The event of the chain that it names as its cause."""
        return self.by_event_id.get(canonical_id(event.ids.causation_id or ""))

    @cached_property
    def places(self) -> frozenset[Position]:
        """Every record of the chain: events, their copies and their letters."""
        return frozenset(at for hop in self.hops for at in _places(hop))

    @cached_property
    def judged(self) -> tuple[Hop, ...]:
        """The events that spans may be asked of: sampled, old enough, and in the log themselves."""
        return tuple(
            hop for hop in self.hops if not (hop.is_stand_in or is_unsampled(hop.event) or self.is_settling(hop.event))
        )

    def is_settling(self, event: Event) -> bool:
        """Its spans may still be on their way."""
        at = event.record.timestamp
        return self.now is not None and at is not None and self.now - at < SETTLING

    def service_of(self, group: str) -> str | None:
        """Who handles for that group, by any of its spans."""
        return next((s.service for s in self.spans if s.group == group and s.operation == "process"), None)

    def sendings(self, hop: Hop) -> tuple[StoredSpan, ...]:
        """The spans of the event's own sending, not of its letters'."""
        own = {hop.event.position, *(copy.position for copy in hop.copies)}
        return tuple(span for span in hop.spans if span.operation == "send" and span.position in {*own, None})


def audit(evidence: Evidence) -> Audit:
    """All rules over one chain; where the store holds nothing of it, those alone that ask the log."""
    findings = [finding for rule in (RULES if evidence.spans else OF_THE_LOG) for finding in rule(evidence)]
    due = list(_due(evidence))
    return Audit(
        correlation_id=evidence.correlation_id,
        events=len(evidence.judged),
        sent=sum(bool(evidence.sendings(hop)) for hop in evidence.judged),
        deliveries=len(due),
        handled=sum(_handling(hop, at, group) is not None for hop, at, group in due),
        spans=len(evidence.spans),
        settling=sum(evidence.is_settling(hop.event) for hop in evidence.hops),
        unsampled=sum(is_unsampled(hop.event) for hop in evidence.hops),
        findings=tuple(dict.fromkeys(findings)),
    )


def strays(hops: Iterable[Hop], spans: Iterable[StoredSpan]) -> tuple[StoredSpan, ...]:
    """Spans of a sending that succeeded or of a handling, about no event of the chain."""
    places = {at for hop in hops for at in _places(hop)}
    ids = {canonical_id(hop.event.ids.event_id or "") for hop in hops}
    return tuple(
        span
        for span in spans
        if span.operation in ("send", "process")
        and not (span.operation == "send" and span.error)
        and span.position not in places
        and (span.message_id is None or canonical_id(span.message_id) not in ids)
        and (span.position or span.message_id)
    )


def is_unsampled(event: Event) -> bool:
    """Its producer decided not to record it, the last bit of its ``traceparent``'s flags says so: no fault, but there
    is nothing to compare either."""
    raw = event.record.header(TRACEPARENT)
    if raw is None or trace_id_of(raw) is None:
        return False
    flags = bytes_as_text(raw).split("-")[3]
    return len(flags) == 2 and flags[1] in "02468ace"


def _trace_context(event: Event) -> str | None:
    """The trace that a handling of the event can join; None where it names none, or two: then nobody knows which."""
    return event.ids.trace_id if _traceparents(event) < 2 else None


def _traceparents(event: Event) -> int:
    return sum(name.lower() == TRACEPARENT for name, _ in event.record.headers)


def _event_without_span(evidence: Evidence) -> Iterator[Finding]:
    """An event that nobody tells of having sent."""
    services = {span.service for span in evidence.spans}
    for hop in evidence.judged:
        trace_id, source = hop.event.ids.trace_id, hop.event.ids.source
        if trace_id is None or evidence.sendings(hop):
            continue
        known = source in services
        why = "it dropped this span" if known else "none of its spans arrives: it doesn't export, or not to this store"
        yield _about("event_without_span", source, hop.event, f"its traceparent names trace {trace_id}; {why}")


def _delivery_without_span(evidence: Evidence) -> Iterator[Finding]:
    """A delivery that was handled, by the group's offset or its letter, and nobody tells of it."""
    for hop, at, group in _due(evidence):
        if _handling(hop, at, group) is None:
            service = evidence.service_of(group)
            why = f"{group} handled {at}; no span tells of it" + ("" if service else ", nor of any other of that group")
            yield Finding("delivery_without_span", service, hop.event.ids.event_id, at, hop.event.ids.trace_id, why)


def _stray_span(evidence: Evidence) -> Iterator[Finding]:
    """A span about something that isn't in the chain: nothing stands there, or an event that lost its id."""
    for span in strays(evidence.hops, evidence.spans):
        event = evidence.strays.get(span.position) if span.position else None
        if event is not None and span.operation == "send":
            yield from _disowned(evidence, event, span.service, f"sent in trace {span.trace_id} of this request")
        if event is not None or (span.position is not None and span.position not in evidence.strays):
            continue
        where = f"nothing stands at {span.position}" if span.position else f"no event {span.message_id} was found"
        detail = f"{span.name} says so; {where}: cut by retention or compaction, aborted, or never written"
        yield Finding("span_without_event", span.service, span.message_id, span.position, span.trace_id, detail)


def _lost_correlation(evidence: Evidence) -> Iterator[Finding]:
    """An event whose cause has a correlation id that it doesn't pass on."""
    for hop in evidence.hops:
        cause = evidence.cause_of(hop.event)
        if cause is not None and cause.event.ids.correlation_id:
            yield from _disowned(evidence, hop.event, hop.event.ids.source, f"caused by {cause.event.reference}")


def _disowned(evidence: Evidence, event: Event, service: str | None, how: str) -> Iterator[Finding]:
    cause = evidence.cause_of(event)
    due = cause.event.ids.correlation_id if cause else evidence.correlation_id
    mended = event.ids.source or service
    if event.ids.correlation_id is None:
        yield _about("correlation_dropped", mended, event, f"{how}, but without the correlation id {due}")
    elif cause is not None and canonical_id(event.ids.correlation_id) != canonical_id(due or ""):
        detail = f"{how} under {due}, but under {event.ids.correlation_id}"
        yield _about("correlation_changed", mended, event, detail)


def _no_trace_context(evidence: Evidence) -> Iterator[Finding]:
    """An event that no handling can be joined to."""
    for hop in evidence.hops:
        if _trace_context(hop.event) is None and not hop.is_stand_in:
            match _traceparents(hop.event):
                case 0:
                    what = "no traceparent"
                case 1:
                    what = "a traceparent that can't be used"
                case several:
                    what = f"{several} traceparents, and nobody knows which is its own"
            detail = f"it carries {what}: its handlings begin anew"
            yield _about("no_trace_context", hop.event.ids.source, hop.event, detail)


def _handled_in_a_new_trace(evidence: Evidence) -> Iterator[Finding]:
    """A consumer that takes neither parent nor link from the event."""
    for hop in evidence.judged:
        trace_id = _trace_context(hop.event)
        if trace_id is None:
            continue
        for span in hop.handlings:
            named = {link.trace_id for link in span.links} | {span.trace_id}
            if trace_id not in named and not any(at.trace_id in named for at in evidence.sendings(hop)):
                detail = f"{span.name} began trace {span.trace_id}; the event's {trace_id} is neither parent nor link"
                yield _about("new_trace", span.service, hop.event, detail)


def _sent_in_a_new_trace(evidence: Evidence) -> Iterator[Finding]:
    """A producer that lost the context between a handling and the send: the send is a trace's first span.

    An event of a request of its own, such as a payment of an order, has that request above it, and is in order.
    """
    for hop in evidence.judged:
        cause = evidence.cause_of(hop.event)
        if cause is None or not _trace_context(cause.event) or not _trace_context(hop.event):
            continue
        for span in evidence.sendings(hop):
            handled_in = {handling.trace_id for handling in cause.handlings} | {cause.event.ids.trace_id}
            if span.trace_id not in handled_in and span.parent_id is None and not span.links:
                detail = f"{span.name} began trace {span.trace_id}; a child of the handling of {cause.event.reference} "
                yield _about("new_trace", span.service, hop.event, detail + "was due")


RULES: Final[Sequence[Callable[[Evidence], Iterator[Finding]]]] = (
    _event_without_span,
    _delivery_without_span,
    _stray_span,
    _lost_correlation,
    _no_trace_context,
    _handled_in_a_new_trace,
    _sent_in_a_new_trace,
)
OF_THE_LOG: Final = (_lost_correlation, _no_trace_context)
"""Without any span nobody knows whether services don't export, to this store, or its retention was shorter."""


def _due(evidence: Evidence) -> Iterator[tuple[Hop, Position, str]]:
    """Every delivery that is known to have been handled: of the event's record, and of each copy."""
    for hop in evidence.judged:
        for at, deliveries in ((hop.event.position, hop.deliveries), *((c.position, c.deliveries) for c in hop.copies)):
            yield from ((hop, at, one.group) for one in deliveries if one.status in _DUE)


def _handling(hop: Hop, at: Position, group: str) -> StoredSpan | None:
    """A span that names another place, or another group, is about another delivery."""
    mine = (s for s in hop.handlings if s.position in (at, None) and s.group in (group, None))
    return next(mine, None)


def _places(hop: Hop) -> Iterator[Position]:
    yield hop.event.position
    yield from (copy.position for copy in hop.copies)
    yield from (letter.position for letter in hop.dead_letters)


def _about(kind: str, service: str | None, event: Event, detail: str) -> Finding:
    return Finding(kind, service, event.ids.event_id, event.position, event.ids.trace_id, detail)
