"""Stores of spans, as eventops sees them: an index that answers where, never the truth about the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from eventops.events import Position


@dataclass(frozen=True, slots=True)
class SpanLink:
    """Another span that one names without being its child."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """What somebody did, by the word of a trace store. ``operation`` is ``send``, ``process``, … of the messaging
    conventions, ``error`` the failure's class or words, ``position`` the record it is about; None: not told."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    start: datetime
    seconds: float
    error: str | None = None
    operation: str | None = None
    group: str | None = None
    message_id: str | None = None
    conversation_id: str | None = None
    position: Position | None = None
    links: tuple[SpanLink, ...] = ()

    @property
    def end(self) -> datetime:
        """When it was done."""
        return self.start + timedelta(seconds=self.seconds)


class TraceStore(Protocol):
    """Jaeger, Tempo or another store of spans: an index that answers "where", never the truth about the log.

    ``search`` and ``get`` raise StoreUnavailable (:mod:`eventops.errors`).
    """

    @property
    def name(self) -> str:
        """What it calls itself, for people: ``jaeger at http://…``."""

    def search(self, identifier: str, since: datetime, until: datetime) -> tuple[StoredSpan, ...]:
        """All spans of the traces with a span about that correlation id or message id, within the window."""

    def get(self, trace_id: str) -> tuple[StoredSpan, ...]:
        """All spans of one trace; none where the store doesn't hold it."""

    def url(self, trace_id: str) -> str | None:
        """Where people look at that trace; None: the configuration doesn't say."""
