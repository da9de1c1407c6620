"""Events and letters for tests, in one line each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eventops.events import REPLAY_ID, Event, Position, Record, read_event
from eventops.ports import Coverage
from eventops.trace.model import Hop, TraceReport

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
CORRELATION = "req-1"


def event(
    name: str | None,
    cause: str | None = None,
    at: str = "orders/0/0",
    seconds: float | None = 0,
    replay: str | None = None,
    content: str = "",
    correlation: str = CORRELATION,
) -> Event:
    """An event of the chain ``req-1``, ``seconds`` after noon."""
    body = {
        "eventId": name,
        "eventType": f"type.{name}",
        "source": "order-service",
        "timestamp": None if seconds is None else (NOON + timedelta(seconds=seconds)).isoformat(),
        "data": content,
        "metadata": {"correlationId": correlation, "causationId": cause},
    }
    headers = ((REPLAY_ID, replay.encode()),) if replay else ()
    moment = None if seconds is None else NOON + timedelta(seconds=seconds)
    return read_event(Record(Position.parse(at), moment, None, json.dumps(body).encode(), headers))


def report_of(hops: tuple[Hop, ...]) -> TraceReport:
    """The report that holds these hops."""
    roots = tuple(hop.event.reference for hop in hops if hop.depth == 1)
    anomalies = tuple(one for hop in hops for one in hop.anomalies)
    return TraceReport(CORRELATION, hops, roots, anomalies, (), Coverage(1, 1))


@dataclass(frozen=True)
class Letter:
    """A dead letter, as far as a trace needs it."""

    event: Event
    group: str | None = "billing"
    origins: tuple[Position, ...] = ()
    is_replayed: bool = False
    replayed_as: Position | None = None
    cause_key: str = "NoStock"

    @property
    def position(self) -> Position:
        return self.event.position

    @property
    def timestamp(self) -> datetime | None:
        return self.event.record.timestamp


def letter(
    name: str | None,
    *origins: str,
    at: str = "orders-dlt/0/0",
    seconds: float = 1,
    group: str | None = "billing",
    replayed: bool = False,
) -> Letter:
    """A letter about the event ``name`` that stood at ``origins``."""
    about = event(name, None, at, seconds)
    return Letter(about, group, tuple(Position.parse(origin) for origin in origins), replayed)
