"""What an audit rests on: every span that the store holds of a chain's traces, and what stands where only spans say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from eventops.events import Reader, rfc3339
from eventops.ports import Broker, StoredSpan, TraceStore
from eventops.trace import spans
from eventops.trace.audit import Audit, Evidence, strays
from eventops.trace.model import Hop, TraceReport

_BEFORE: Final = timedelta(hours=1)
"""How long before its first event a request may have begun."""


def evidence(broker: Broker, store: TraceStore, read: Reader, report: TraceReport, now: datetime) -> Evidence:
    """Both sides of one chain.

    Raises:
        StoreUnavailable: the store doesn't answer.
    """
    moments = [moment for hop in report.events if (moment := hop.event.occurred_at)]
    told = _told(store, report, min(moments, default=now) - _BEFORE, now)
    hops = spans.joined(report.events, told)
    places = {span.position for span in strays(hops, told) if span.position}
    records = broker.read(places) if places else {}
    held = {at: read(record) if (record := records.get(at)) else None for at in places}
    return Evidence(report.correlation_id, hops, told, held, now)


def document(found: Audit, report: TraceReport, store: TraceStore) -> dict[str, Any]:
    """``{correlation_id, store, events, sent, …, services, findings, coverage, notes}``."""
    return {
        "correlation_id": found.correlation_id,
        "store": store.name,
        "events": found.events,
        "sent": found.sent,
        "deliveries": found.deliveries,
        "handled": found.handled,
        "spans": found.spans,
        "settling": found.settling,
        "unsampled": found.unsampled,
        "as_of": rfc3339(report.coverage.to),
        "services": [{"service": service, "findings": count} for service, count in found.services.items()],
        "findings": [
            {
                "kind": one.kind,
                "service": one.service,
                "event_id": one.event_id,
                "topic": one.position and one.position.topic,
                "partition": one.position and one.position.partition,
                "offset": one.position and one.position.offset,
                "trace_id": one.trace_id,
                "url": store.url(one.trace_id) if one.trace_id else None,
                "detail": one.detail,
            }
            for one in found.findings
        ],
        "coverage": report.coverage.document(),
        "notes": list(report.notes),
    }


def _told(store: TraceStore, report: TraceReport, since: datetime, now: datetime) -> tuple[StoredSpan, ...]:
    """Of the traces with the correlation id, and of those that the events' headers name."""
    found = list(store.search(report.correlation_id, since, now + _BEFORE))
    for trace_id in _named(report.events) - {span.trace_id for span in found}:
        found.extend(store.get(trace_id))
    return tuple({(span.trace_id, span.span_id): span for span in found}.values())


def _named(hops: Iterable[Hop]) -> set[str]:
    return {hop.event.ids.trace_id for hop in hops if hop.event.ids.trace_id}
