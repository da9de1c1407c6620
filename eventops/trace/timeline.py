"""The chain against time: when each event happened, how long after its cause, and how long it waited for its consumers.

Hop times come from the events' own words. Queue and handling times need spans (a trace store that the context names);
without them they are unknown, and not shown as 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventops.ports import StoredSpan
from eventops.trace.drawing import LIMIT, Line, Span, Tone, left_out, short_id
from eventops.trace.model import Hop, TraceReport
from eventops.wording import UNKNOWN, duration, safe

_NAME: Final = 40
_FIGURES: Final = 33
"""Columns that the three figures before the bar take."""
_LEAST: Final = 10
_MOST: Final = 60


@dataclass(frozen=True, slots=True)
class Scale:
    """Moments as columns: ``first`` is column 0, ``last`` the last of ``columns``."""

    first: datetime
    last: datetime
    columns: int

    @classmethod
    def of(cls, report: TraceReport, columns: int) -> Scale | None:
        """From the first event to the last, spans included; None where nothing says when it happened."""
        moments = [moment for hop in report.events for moment in _moments(hop)]
        return cls(min(moments), max(moments), columns) if moments else None

    def column(self, moment: datetime) -> int:
        """
        >>> from datetime import UTC, timedelta
        >>> noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
        >>> [Scale(noon, noon + timedelta(seconds=10), 21).column(noon + timedelta(seconds=s)) for s in (0, 5, 10)]
        [0, 10, 20]
        """
        whole = (self.last - self.first).total_seconds()
        share = (moment - self.first).total_seconds() / whole if whole else 0.0
        return max(0, min(self.columns - 1, round(share * (self.columns - 1))))


def timeline(report: TraceReport, width: int, limit: int = LIMIT) -> Iterator[Line]:
    """A waterfall: a row an event (``─`` since its cause, ``●`` when it happened), below it a row each handling that a
    span tells of (``░`` waiting, ``█`` handling). Where room is short, bars give way to the events' types."""
    named = max((len(next(_label(hop)).text) for hop in report.events[:limit]), default=0)
    columns = max(_LEAST, min(_MOST, (width - _FIGURES) // 2, width - _FIGURES - named - 2))
    scale = Scale.of(report, columns)
    yield Line("", "", (Span(f"{'at':>10} {'hop':>10} {'queue':>10}", Tone.FAINT),))
    caused_at = cause_times(report)
    for hop in report.events[:limit]:
        at = hop.event.occurred_at
        bar = " " * columns
        if scale is not None and at is not None:
            bar = _bar(scale, caused_at.get(hop.event.reference) or at, at)
        figures = _figures(_since(scale, at), duration(hop.hop_seconds) if hop.depth > 1 else "", "")
        tone = Tone.BAD if hop.dead_letters else Tone.GOOD
        yield Line(figures, " " * _FIGURES, (Span(bar, tone), *_label(hop)))
        for span in hop.handlings:
            yield _handling(hop, span, scale, columns)
    if (more := len(report.events) - limit) > 0:
        yield Line("", "", (Span(left_out(more), Tone.ODD),))
    if not any(hop.handlings for hop in report.events):
        yield Line("", "", (Span("queue times need spans: name a trace store in the context", Tone.FAINT),))


def cause_times(report: TraceReport) -> dict[str, datetime | None]:
    """When the cause of each event happened, by the event's reference."""
    return {child: hop.event.occurred_at for hop in report.events for child in hop.children}


def queue_seconds(hop: Hop, handling: StoredSpan) -> float | None:
    """How long the record stood in the log before that handling began; None where the log doesn't say since when.
    Negative where the clocks differ."""
    since = hop.event.record.timestamp
    return None if since is None else (handling.start - since).total_seconds()


def _handling(hop: Hop, span: StoredSpan, scale: Scale | None, columns: int) -> Line:
    figures = _figures(_since(scale, span.start), duration(span.seconds), duration(queue_seconds(hop, span)))
    bar = " " * columns
    if scale is not None:
        since = hop.event.occurred_at or span.start
        first, last = scale.column(span.start), scale.column(span.end)
        waits = scale.column(min(since, span.start))
        bar = (" " * waits + "░" * (first - waits) + "█" * (last - first + 1)).ljust(columns)
    failed = f"  {safe(span.error, _NAME)}" if span.error is not None else ""
    who = safe(f"{span.service} {span.name}", 2 * _NAME)
    tone = Tone.BAD if span.error is not None else Tone.FAINT
    return Line(figures, " " * _FIGURES, (Span(bar, tone), Span(f"  {who}{failed}", tone)))


def _moments(hop: Hop) -> Iterator[datetime]:
    if hop.event.occurred_at is not None:
        yield hop.event.occurred_at
    for span in hop.handlings:
        yield from (span.start, span.end)


def _bar(scale: Scale, since: datetime, at: datetime) -> str:
    first, last = sorted((scale.column(since), scale.column(at)))
    drawn = ["─"] * (last - first + 1)
    drawn[scale.column(at) - first] = "●"
    return (" " * first + "".join(drawn)).ljust(scale.columns)


def _since(scale: Scale | None, moment: datetime | None) -> str:
    return UNKNOWN if scale is None or moment is None else duration((moment - scale.first).total_seconds())


def _figures(*texts: str) -> str:
    return " ".join(f"{text:>10}" for text in texts) + " "


def _label(hop: Hop) -> Iterator[Span]:
    deeper = min(hop.depth - 1, 16)
    yield Span("  " * deeper + "  " + safe(hop.event.ids.event_type or "(no type)", _NAME), Tone.NAME)
    source = f"  {safe(hop.event.ids.source, _NAME)}" if hop.event.ids.source else ""
    yield Span(f"  {short_id(hop.event)}{source}", Tone.FAINT)
