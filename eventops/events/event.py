"""A record together with the ids that tie it to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eventops.events.record import Position, Record
from eventops.events.text import rfc3339, shown


@dataclass(frozen=True, slots=True)
class Ids:
    """What ties an event to others; None where the record doesn't say."""

    event_id: str | None = None
    event_type: str | None = None
    source: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    timestamp: datetime | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A record together with the ids that were read from it."""

    record: Record
    ids: Ids

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return self.record.position

    @property
    def reference(self) -> str:
        """Its event id, or its position where it has none."""
        return self.ids.event_id or str(self.record.position)

    @property
    def occurred_at(self) -> datetime | None:
        """When it happened by its own word, else when the log took it."""
        return self.ids.timestamp or self.record.timestamp

    def document(self) -> dict[str, Any]:
        """The ``event`` contract of every report. ``key``, ``value`` and headers are text where they are UTF-8, ``0x…``
        where not, null where there are none; ``headers`` are in their order, with repeated names;
        ``headers_reason`` is there where they aren't known."""
        record, ids = self.record, self.ids
        return {
            "event_id": ids.event_id,
            "event_type": ids.event_type,
            "source": ids.source,
            "correlation_id": ids.correlation_id,
            "causation_id": ids.causation_id,
            "timestamp": rfc3339(self.occurred_at),
            "topic": record.position.topic,
            "partition": record.position.partition,
            "offset": record.position.offset,
            "key": shown(record.key),
            "value": shown(record.value),
            "headers": [{"name": name, "value": shown(value)} for name, value in record.headers],
            **({"headers_reason": record.headers_reason} if record.headers_reason else {}),
            "trace_id": ids.trace_id,
        }
