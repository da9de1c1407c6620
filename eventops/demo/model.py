"""What the demo is asked for and what it says happened: the values that travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from eventops.errors import EventopsError


@dataclass(frozen=True, slots=True)
class Wish:
    """``rate`` in requests a second, 0 for services without traffic. ``failures`` False: every address is accepted, the
    mail server stays up, every event is well-formed, no consumer is slow. ``slow_seconds`` is what the slow consumer
    waits at each record. ``telemetry``: spans go where they can be looked at."""

    rate: float = 4.0
    seed: int = 1
    failures: bool = True
    slow_seconds: float = 0.8
    telemetry: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the demo: its name, its command, and what it is told. Without a vital one there is no demo."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    is_vital: bool = True


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where the services' spans go. ``environ``: what they are told beyond what they inherit; ``endpoint`` takes OTLP,
    ``jaeger`` is where people look, ``metrics`` what Prometheus reads. ``note``: why there is nothing to see."""

    environ: Mapping[str, str] = field(default_factory=dict)
    endpoint: str | None = None
    jaeger: str | None = None
    metrics: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class EventCount:
    """Events of one type that one topic took in during the demo. ``event_type`` None: it says none."""

    topic: str
    event_type: str | None
    count: int


@dataclass(frozen=True, slots=True)
class LetterCount:
    """Letters of one cause and one group: those still open, and all."""

    topic: str
    cause: str
    group: str | None
    open: int
    total: int


@dataclass(frozen=True, slots=True)
class GroupLag:
    """How far one group is behind; None where it can't be known."""

    group: str
    lag: int | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Mails:
    """What the mail server took: ``accepted`` mails for ``distinct`` events; the two differ where one came twice."""

    accepted: int
    distinct: int


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What happened. ``example_correlation_id`` is a request whose chain is whole; None where none ended in time;
    ``example_url`` is its page in Jaeger. ``telemetry`` None: none was asked for."""

    bootstrap_servers: str
    cluster_id: str
    started_at: datetime
    seconds: float
    requests: Mapping[str, Any]
    events: tuple[EventCount, ...]
    letters: tuple[LetterCount, ...]
    lag: tuple[GroupLag, ...]
    mails: Mails | None
    example_correlation_id: str | None
    example_url: str | None
    telemetry: Telemetry | None
    logs: Mapping[str, Path]


class PartFailed(EventopsError):
    """A part of the demo ended by itself or never became ready; the message has its last words and its log's path."""
