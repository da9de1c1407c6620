"""What a trace store adds to a chain: where its events stand, and who handled them for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from eventops.errors import StoreUnavailable
from eventops.events import Position, canonical_id
from eventops.ports import StoredSpan, TraceStore
from eventops.trace.model import Hop, TraceLink

BACK: Final = timedelta(days=7)
"""How far an index is asked where nobody says since when; a wider window costs a store dearly."""
_AHEAD: Final = timedelta(hours=1)
_TRACES: Final = 10
"""Traces that are fetched by their id, where the search by correlation id didn't bring them."""


@dataclass(frozen=True, slots=True)
class Told:
    """``spans`` of the chain's traces; ``note`` says what the store couldn't tell."""

    spans: tuple[StoredSpan, ...] = ()
    note: str | None = None

    @property
    def positions(self) -> tuple[Position, ...]:
        """Every record that the spans name."""
        return tuple(sorted({span.position for span in self.spans if span.position is not None}))


def asked(store: TraceStore, identifier: str, since: datetime | None, until: datetime | None, now: datetime) -> Told:
    """The traces about a correlation id; about an event's id, those of that event's correlation id. A store that
    doesn't answer is a note."""
    first, last = since or now - BACK, until or now + _AHEAD
    try:
        spans = store.search(identifier, first, last)
        if not any(span.conversation_id == identifier for span in spans):
            of_event = (span.conversation_id for span in spans if span.message_id == identifier)
            if correlation := next((found for found in of_event if found), None):
                spans = (*spans, *store.search(correlation, first, last))
    except StoreUnavailable as error:
        return Told((), str(error))
    return Told(tuple({(span.trace_id, span.span_id): span for span in spans}.values()))


def completed(store: TraceStore, told: Told, hops: Sequence[Hop]) -> Told:
    """With the traces that the events' headers name and the search didn't bring."""
    known = {span.trace_id for span in told.spans}
    named = dict.fromkeys(hop.event.ids.trace_id for hop in hops)
    missing = [trace_id for trace_id in named if trace_id and trace_id not in known][:_TRACES]
    if told.note is not None or not missing:
        return told
    try:
        return Told((*told.spans, *(span for trace_id in missing for span in store.get(trace_id))))
    except StoreUnavailable as error:
        return Told(told.spans, str(error))


def joined(hops: Iterable[Hop], spans: Iterable[StoredSpan]) -> tuple[Hop, ...]:
    """Each hop with the spans about its event: of its id, else of its record's place or a copy's."""
    by_id: dict[str, list[StoredSpan]] = {}
    by_place: dict[Position, list[StoredSpan]] = {}
    for span in sorted(spans, key=lambda span: (span.start, span.span_id)):
        if span.message_id:
            by_id.setdefault(canonical_id(span.message_id), []).append(span)
        elif span.position:
            by_place.setdefault(span.position, []).append(span)
    return tuple(_joined(hop, by_id, by_place) for hop in hops)


def links(hops: Iterable[Hop], told: Told, store: TraceStore | None) -> tuple[TraceLink, ...]:
    """One a trace, in the order of the chain; those that only the store knows last."""
    counts: dict[str, int] = {}
    for span in told.spans:
        counts[span.trace_id] = counts.get(span.trace_id, 0) + 1
    ids = dict.fromkeys([*(hop.event.ids.trace_id for hop in hops), *counts])
    spans = None if store is None or told.note is not None else counts
    return tuple(
        TraceLink(trace_id, store.url(trace_id) if store else None, None if spans is None else spans.get(trace_id, 0))
        for trace_id in ids
        if trace_id
    )


def _joined(
    hop: Hop, by_id: Mapping[str, Sequence[StoredSpan]], by_place: Mapping[Position, Sequence[StoredSpan]]
) -> Hop:
    places = (hop.event.position, *(copy.position for copy in hop.copies))
    of_id = by_id.get(canonical_id(hop.event.ids.event_id or ""), ())
    found = [*of_id, *(span for at in places for span in by_place.get(at, ()))]
    return replace(hop, spans=tuple(found)) if found else hop
