"""Jaeger's query API. What a version can do is asked, once, and never guessed from its number.

Searching by attribute needs no service name from 2.19 on; older versions ignore the attribute and answer with traces
that have nothing to do with it. ``/api/v3/trace-summaries`` came with the same version, so whether it answers tells;
else the older ``/api/traces`` is asked, service by service. Whatever is found has its attribute checked again here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from eventops.adapters.http import JsonClient
from eventops.adapters.spans import CONVERSATION, MESSAGE, of_jaeger, of_otlp
from eventops.errors import StoreUnavailable
from eventops.ports import StoredSpan

_DEPTH: Final = 200
"""Traces a search answers with at most."""
_SERVICES: Final = 50
"""Services that an older version is asked about at most."""


class Jaeger:
    """A :class:`eventops.ports.TraceStore`."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None, link: str | None = None) -> None:
        self._base = base.rstrip("/")
        self._client = JsonClient(self.name, self._base, headers or {})
        self._link = link
        self._searches_attributes: bool | None = None

    @property
    def name(self) -> str:
        """For people."""
        return f"jaeger at {self._base}"

    def search(self, identifier: str, since: datetime, until: datetime) -> tuple[StoredSpan, ...]:
        """By correlation id, else by message id."""
        for attribute in (CONVERSATION, MESSAGE):
            spans = self._by_attribute(attribute, identifier, since, until)
            traces = {span.trace_id for span in spans if identifier in (span.conversation_id, span.message_id)}
            if traces:
                return tuple(span for span in spans if span.trace_id in traces)
        return ()

    def get(self, trace_id: str) -> tuple[StoredSpan, ...]:
        """All spans of one trace."""
        answer = self._client.get(f"/api/v3/traces/{trace_id}")
        if answer.status == 200 and (found := _otlp(answer.document)) is not None:
            return tuple(of_otlp(found))
        older = self._client.get(f"/api/traces/{trace_id}")
        if older.status == 200 and isinstance(older.document, dict):
            return tuple(of_jaeger(older.document.get("data")))
        if answer.status == 404 or older.status == 404:
            return ()
        raise StoreUnavailable(f"{self.name} answers {answer.status}, not as Jaeger does")

    def url(self, trace_id: str) -> str | None:
        """Jaeger's own page, or the configured one."""
        link = self._link or f"{self._base}/trace/{{trace_id}}"
        return link.replace("{trace_id}", quote(trace_id))

    def _by_attribute(self, attribute: str, value: str, since: datetime, until: datetime) -> list[StoredSpan]:
        query = {
            "query.startTimeMin": _moment(since),
            "query.startTimeMax": _moment(until),
            "query.searchDepth": str(_DEPTH),
            "query.attributes": json.dumps({attribute: value}),
        }
        if self._searches_attributes is None:
            summaries = self._client.get("/api/v3/trace-summaries", query)
            known = summaries.document.get("summaries") if isinstance(summaries.document, dict) else None
            self._searches_attributes = summaries.status == 200 and isinstance(known, list)
        if not self._searches_attributes:
            return self._service_by_service(attribute, value, since, until)
        answer = self._client.get("/api/v3/traces", query)
        if answer.status == 404:
            return []
        found = _otlp(answer.document)
        if answer.status != 200 or found is None:
            raise StoreUnavailable(f"{self.name} answers {answer.status}, not as Jaeger does")
        return list(of_otlp(found))

    def _service_by_service(self, attribute: str, value: str, since: datetime, until: datetime) -> list[StoredSpan]:
        found: dict[str, StoredSpan] = {}
        for service in self._services():
            query = {
                "service": service,
                "tags": json.dumps({attribute: value}),
                "start": str(int(since.timestamp() * 1e6)),
                "end": str(int(until.timestamp() * 1e6)),
                "limit": str(_DEPTH),
            }
            answer = self._client.get("/api/traces", query)
            if answer.status != 200 or not isinstance(answer.document, dict):
                raise StoreUnavailable(f"{self.name} answers {answer.status}, not as Jaeger does")
            found.update((f"{span.trace_id}/{span.span_id}", span) for span in of_jaeger(answer.document.get("data")))
        return list(found.values())

    def _services(self) -> list[str]:
        for path, field in (("/api/v3/services", "services"), ("/api/services", "data")):
            answer = self._client.get(path)
            held = answer.document.get(field) if isinstance(answer.document, dict) else None
            if answer.status == 200 and isinstance(held, list):
                return [service for service in held if isinstance(service, str)][:_SERVICES]
        raise StoreUnavailable(f"{self.name} doesn't answer as Jaeger does", remedy="correct eventops.jaeger")


def _otlp(document: Any) -> list[Any] | None:
    result = document.get("result") if isinstance(document, dict) else None
    spans = result.get("resourceSpans") if isinstance(result, dict) else None
    return spans if isinstance(spans, list) else None


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
