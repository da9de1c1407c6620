"""Grafana Tempo's query API: TraceQL finds the traces, each is then fetched whole.

``/api/v2/traces`` came with 2.7; where it isn't there, the older path answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from eventops.adapters.http import JsonClient
from eventops.adapters.spans import CONVERSATION, MESSAGE, hex_id, of_otlp
from eventops.errors import StoreUnavailable
from eventops.ports import StoredSpan

_TRACES: Final = 50


class Tempo:
    """A :class:`eventops.ports.TraceStore`."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None, link: str | None = None) -> None:
        self._base = base.rstrip("/")
        self._client = JsonClient(self.name, self._base, headers or {})
        self._link = link

    @property
    def name(self) -> str:
        """For people."""
        return f"tempo at {self._base}"

    def search(self, identifier: str, since: datetime, until: datetime) -> tuple[StoredSpan, ...]:
        """By correlation id or message id."""
        quoted = '"' + identifier.replace("\\", "\\\\").replace('"', '\\"') + '"'
        query = {
            "q": f"{{ span.{CONVERSATION} = {quoted} || span.{MESSAGE} = {quoted} }}",
            "start": str(int(since.timestamp())),
            "end": str(int(until.timestamp()) + 1),
            "limit": str(_TRACES),
        }
        answer = self._client.get("/api/search", query)
        traces = answer.document.get("traces") if isinstance(answer.document, dict) else None
        if answer.status != 200 or not isinstance(traces, list | None) or not isinstance(answer.document, dict):
            raise StoreUnavailable(f"{self.name} answers {answer.status}, not as Tempo does")
        ids = [hex_id(trace.get("traceID"), 16) for trace in traces or () if isinstance(trace, dict)]
        found = [self.get(trace_id) for trace_id in dict.fromkeys(ids) if trace_id]
        return tuple(span for spans in found if _is_about(spans, identifier) for span in spans)

    def get(self, trace_id: str) -> tuple[StoredSpan, ...]:
        """All spans of one trace."""
        answer = self._client.get(f"/api/v2/traces/{trace_id}")
        if answer.status == 404:
            answer = self._client.get(f"/api/traces/{trace_id}")
        if answer.status == 404:
            return ()
        if answer.status != 200 or not isinstance(answer.document, dict):
            raise StoreUnavailable(f"{self.name} answers {answer.status}, not as Tempo does")
        return tuple(of_otlp(_resource_spans(answer.document)))

    def url(self, trace_id: str) -> str | None:
        """Tempo has no page of its own: Grafana's, where the context names it."""
        return self._link.replace("{trace_id}", quote(trace_id)) if self._link else None


def _resource_spans(document: Mapping[str, Any]) -> Any:
    """``{trace: {resourceSpans}}`` (v2), ``{batches}`` (before)."""
    trace = document.get("trace")
    held = trace if isinstance(trace, dict) else document
    return held.get("resourceSpans") or held.get("batches")


def _is_about(spans: tuple[StoredSpan, ...], identifier: str) -> bool:
    return any(identifier in (span.conversation_id, span.message_id) for span in spans)
