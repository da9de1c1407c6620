"""The chain as a tree for people. Text only: a face adds the colours that tones stand for.

Whatever came from a record goes through :func:`eventops.wording.safe`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from eventops.events import Event
from eventops.ports import Coverage, StoredSpan
from eventops.trace import payload
from eventops.trace.model import Copy, DeadLetter, Delivery, Hop, Status, TraceReport
from eventops.wording import count, duration, instant, plural, safe


class Tone(Enum):
    """What a piece of a line is; the faces choose colours."""

    PLAIN = "plain"
    NAME = "name"
    FAINT = "faint"
    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"
    ODD = "odd"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree: ``rails`` before it, ``under`` before what has to go on in a next line."""

    rails: str
    under: str
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """Without colours."""
        return self.rails + "".join(span.text for span in self.spans)


MARKS: Final[Mapping[Status, tuple[str, Tone]]] = {
    Status.CONSUMED: ("✓", Tone.GOOD),
    Status.PENDING: ("…", Tone.WAITING),
    Status.DEAD_LETTERED: ("✗", Tone.BAD),
    Status.REPLAYED: ("↻", Tone.GOOD),
    Status.UNKNOWN: ("?", Tone.ODD),
}

_SHORT: Final = 8
_NAME: Final = 60
_RAILS: Final = 16

LIMIT: Final = 500
"""Events that a tree, a timeline or a picture shows where nobody asks for more."""


def tree(report: TraceReport, limit: int = LIMIT, *, values: bool = False) -> Iterator[Line]:
    """Each event of the chain under the one that caused it, with what became of it; at most ``limit`` of them,
    with their payloads where ``values`` are asked for. Below a
    depth of 16 the outer rails give way to a number, so that no line grows without bound."""
    last_at: dict[int, bool] = {}
    remaining = {hop.event.reference: len(hop.children) for hop in report.events}
    roots = len(report.roots)
    path: list[str] = []
    for hop in report.events[:limit]:
        del path[hop.depth - 1 :]
        if path:
            remaining[path[-1]] -= 1
            is_last = remaining[path[-1]] == 0
        else:
            roots -= 1
            is_last = roots == 0
        last_at[hop.depth] = is_last
        outer = max(hop.depth - 1 - _RAILS, 0)
        rails = (f"⋯{outer} " if outer else "") + "".join(
            "   " if last_at[depth] else "│  " for depth in range(1 + outer, hop.depth)
        )
        path.append(hop.event.reference)
        yield from _lines(
            hop, rails + ("└─ " if is_last else "├─ "), rails + ("   " if is_last else "│  "), values=values
        )
    if (more := len(report.events) - limit) > 0:
        yield Line("", "", (Span(left_out(more), Tone.ODD),))


def left_out(more: int) -> str:
    """What a bounded form doesn't show, and how to see it."""
    return f"… {plural(more, 'more event')}; -o ndjson prints all of them, --limit N more of the tree"


def summary(report: TraceReport) -> str:
    """One line: how many events, how deep, how long, whose.

    >>> from eventops.ports import Coverage
    >>> summary(TraceReport("req-1", (), (), (), (), Coverage(1, 1)))
    'req-1: nothing found'
    """
    name = safe(report.correlation_id, _NAME)
    if not report.events:
        return f"{name}: nothing found"
    said = [
        plural(len(report.events), "event"),
        f"{plural(report.depth, 'hop')} deep",
        duration(report.seconds),
        plural(len(report.sources), "service"),
    ]
    letters = sum(len(hop.dead_letters) for hop in report.events)
    said += [plural(letters, "dead letter")] if letters else []
    said += [plural(len(report.anomalies), "anomaly", "anomalies")] if report.anomalies else []
    return f"{name}: {', '.join(said)}"


def coverage_line(coverage: Coverage) -> str:
    """What the answer rests on.

    >>> coverage_line(Coverage(4, 4, records=1200, bytes=3_400_000))
    'looked at 1,200 records (3.4 MB) in 4 of 4 partitions'
    """
    since = f" from {instant(coverage.from_)}" if coverage.from_ else ""
    return (
        f"looked at {plural(coverage.records, 'record')} ({_size(coverage.bytes)}) in "
        f"{count(coverage.partitions_complete)} of {plural(coverage.partitions_total, 'partition')}{since}"
    )


def _size(amount: int) -> str:
    return f"{amount / 1e6:,.1f} MB" if amount >= 1e5 else f"{amount / 1e3:.1f} kB"


def short_id(event: Event) -> str:
    """The first characters of a UUID; other ids whole, up to a width."""
    text = event.ids.event_id
    if text is None:
        return "no id"
    return text[:_SHORT] if len(text) == 36 and text.count("-") == 4 else safe(text, 24)


def _lines(hop: Hop, rails: str, below: str, *, values: bool) -> Iterator[Line]:
    under = below + ("│  " if hop.children else "   ")
    yield Line(rails, under, tuple(_heading(hop)))
    where = f"{safe(str(hop.event.position), _NAME)}  {instant(hop.event.occurred_at)}"
    yield Line(under, under, (Span(where, Tone.FAINT),))
    if values:
        for text in payload.lines(hop.event.record.value):
            yield Line(under + "  ", under + "    ", (Span(text),))
    for delivery in hop.deliveries:
        yield Line(under, under + "  ", tuple(_delivery(delivery)))
    for span in hop.handlings:
        yield Line(under, under + "  ", tuple(_handling(span)))
    for letter in _untold(hop):
        yield Line(under, under + "  ", tuple(_letter(letter)))
    for copy in hop.copies:
        yield Line(under, under + "  ", (Span(_copy_line(copy), Tone.FAINT),))
        for delivery in copy.deliveries:
            yield Line(under + "  ", under + "    ", tuple(_delivery(delivery)))
    for anomaly in hop.anomalies:
        text = f"! {anomaly.kind.replace('_', ' ')}: {safe(anomaly.detail, 400)}"
        yield Line(under, under + "  ", (Span(text, Tone.ODD),))


def _names(event: Event) -> Iterator[Span]:
    yield Span(safe(event.ids.event_type or "(no type)", _NAME), Tone.NAME)
    yield Span(f"  {short_id(event)}", Tone.FAINT)
    if event.ids.source:
        yield Span(f"  {safe(event.ids.source, _NAME)}")


def _heading(hop: Hop) -> Iterator[Span]:
    yield from _names(hop.event)
    if hop.hop_seconds is not None:
        yield Span(f"  {'+' if hop.hop_seconds >= 0 else ''}{duration(hop.hop_seconds)}", Tone.FAINT)


def _delivery(delivery: Delivery) -> Iterator[Span]:
    mark, tone = MARKS[delivery.status]
    yield Span(f"{mark} ", tone)
    yield Span(f"{safe(delivery.group, _NAME)}  ")
    yield Span(delivery.status.value.replace("_", "-"), tone)
    yield Span(f"  {safe(delivery.evidence, 400)}", Tone.FAINT)


def _handling(span: StoredSpan) -> Iterator[Span]:
    yield Span("◷ ", Tone.FAINT)
    yield Span(f"{safe(span.service, _NAME)}  {safe(span.name, _NAME)}  {duration(span.seconds)}", Tone.FAINT)
    if span.error is not None:
        yield Span(f"  {safe(span.error, _NAME)}", Tone.BAD)


def _untold(hop: Hop) -> list[DeadLetter]:
    """Letters that no delivery speaks of: their group isn't known, or reads another copy."""
    told = {one.group for one in hop.deliveries if one.status in (Status.DEAD_LETTERED, Status.REPLAYED)}
    return [letter for letter in hop.dead_letters if letter.group not in told and not (letter.group is None and told)]


def _letter(letter: DeadLetter) -> Iterator[Span]:
    yield Span("✗ ", Tone.BAD)
    yield Span(f"{safe(letter.group or 'a group that is not named', _NAME)}  ")
    yield Span("dead letter", Tone.BAD)
    yield Span(f"  {safe(str(letter.position), _NAME)}: {safe(letter.cause_key, _NAME)}", Tone.FAINT)


def _copy_line(copy: Copy) -> str:
    what = f"replayed as {copy.position}" if copy.replay_id else f"also at {copy.position}"
    return f"↻ {safe(what, _NAME)}" if copy.replay_id else f"= {safe(what, _NAME)}"
