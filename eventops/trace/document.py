"""The trace report as JSON: one document for both faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eventops.events import rfc3339
from eventops.ports import StoredSpan
from eventops.trace.model import Anomaly, Copy, Delivery, Hop, TraceReport

LetterDocument = Callable[[Any], Mapping[str, Any]]
"""How the dead-letter room writes one of its letters."""


def document(report: TraceReport, letter: LetterDocument) -> dict[str, Any]:
    """``{correlation_id, events, roots, anomalies, traces, coverage, notes}``.

    ``roots`` and ``children`` name events by event id, those without one by ``topic/partition/offset``.
    """
    return {
        "correlation_id": report.correlation_id,
        "events": [hop_document(hop, letter) for hop in report.events],
        "roots": list(report.roots),
        "anomalies": [_anomaly(anomaly) for anomaly in report.anomalies],
        "traces": [{"trace_id": link.trace_id, "url": link.url, "spans": link.spans} for link in report.traces],
        "coverage": report.coverage.document(),
        "notes": list(report.notes),
    }


def hop_document(hop: Hop, letter: LetterDocument) -> dict[str, Any]:
    """One of ``events``: the ``event`` contract, and where it stands in the chain."""
    return {
        **hop.event.document(),
        "depth": hop.depth,
        "hop_seconds": hop.hop_seconds,
        "deliveries": [_delivery(delivery) for delivery in hop.deliveries],
        "dead_letters": [letter(one) for one in hop.dead_letters],
        "children": list(hop.children),
        "spans": [_span(span) for span in hop.spans],
        "copies": [_copy(copy) for copy in hop.copies],
        "anomalies": [_anomaly(anomaly) for anomaly in hop.anomalies],
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "group": delivery.group,
        "status": delivery.status.value,
        "at": rfc3339(delivery.at),
        "evidence": delivery.evidence,
    }


def _span(span: StoredSpan) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "service": span.service,
        "name": span.name,
        "operation": span.operation,
        "group": span.group,
        "started": rfc3339(span.start),
        "duration_seconds": span.seconds,
        "error": span.error,
    }


def _copy(copy: Copy) -> dict[str, Any]:
    return {
        "topic": copy.position.topic,
        "partition": copy.position.partition,
        "offset": copy.position.offset,
        "replay_id": copy.replay_id,
        "deliveries": [_delivery(delivery) for delivery in copy.deliveries],
    }


def _anomaly(anomaly: Anomaly) -> dict[str, Any]:
    return {"kind": anomaly.kind, "event_id": anomaly.event_id, "detail": anomaly.detail}
