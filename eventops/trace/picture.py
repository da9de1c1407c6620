"""The chain as one SVG picture: the tree on the left, time on the right. No script, no font, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from eventops.ports import StoredSpan
from eventops.trace.drawing import LIMIT, left_out, short_id, summary
from eventops.trace.model import Hop, Status, TraceReport
from eventops.trace.timeline import Scale, cause_times
from eventops.wording import duration, instant, safe

ROW: Final = 24
_TOP: Final = 56
_LABELS: Final = 470
_TIME: Final = 520
_INDENT: Final = 14
_DEEPEST: Final = 16
_NAME: Final = 44

_LOOK: Final = (
    "text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#24292f}.faint{fill:#6e7781}.title{font-size:15px;"
    "font-weight:bold}.rail{stroke:#afb8c1;fill:none}.good{fill:#1a7f37}.waiting{fill:#9a6700}.bad{fill:#cf222e}"
    ".wait{stroke:#afb8c1;stroke-width:2}.work{fill:#54aeff;opacity:.6}"
)


def svg(report: TraceReport, limit: int = LIMIT) -> Iterator[str]:
    """Lines of one ``<svg>`` element that stands alone or inside a page."""
    shown = report.events[:limit]
    more = len(report.events) - len(shown)
    height = _TOP + ROW * (len(shown) + (more > 0)) + 12
    width = _LABELS + _TIME + 110
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{text(summary(report))}">'
    )
    yield f"<style>{_LOOK}</style>"
    yield f'<rect width="{width}" height="{height}" fill="#fff"/>'
    yield f'<text class="title" x="12" y="24">{text(summary(report))}</text>'
    scale = Scale.of(report, _TIME)
    if scale is not None:
        yield f'<text class="faint" x="{_LABELS}" y="44">{instant(scale.first)}</text>'
        yield f'<text class="faint" x="{_LABELS + _TIME}" y="44">+{duration(report.seconds)}</text>'
    yield from _rails(shown)
    caused_at = cause_times(report)
    for number, hop in enumerate(shown):
        yield from _label(hop, _TOP + ROW * number)
        if scale is not None:
            yield from _bar(hop, scale, caused_at.get(hop.event.reference), _TOP + ROW * number)
    if more > 0:
        yield f'<text class="faint" x="12" y="{_TOP + ROW * len(shown) + 15}">{text(left_out(more))}</text>'
    yield "</svg>"


def text(raw: str, width: int | None = None) -> str:
    """Text of anyone inside markup: controls become visible, markup stays text.

    >>> text('<script>"\\x1b')
    '&lt;script&gt;&quot;\\\\x1b'
    """
    return escape(safe(raw, width), quote=True)


def tone(hop: Hop) -> str:
    """``bad`` where a group gave up on it, ``waiting`` where one hasn't read it, else ``good``."""
    told = {one.status for one in hop.deliveries}
    if hop.dead_letters and not told <= {Status.REPLAYED, Status.CONSUMED}:
        return "bad"
    if hop.dead_letters and Status.REPLAYED not in told:
        return "bad"
    return "waiting" if Status.PENDING in told else "good"


def _x(hop: Hop) -> int:
    return 16 + _INDENT * min(hop.depth - 1, _DEEPEST)


def _rails(shown: tuple[Hop, ...]) -> Iterator[str]:
    """From each cause to each of its effects."""
    rows = {hop.event.reference: number for number, hop in enumerate(shown)}
    for number, hop in enumerate(shown):
        for child in hop.children:
            if child in rows and hop.depth <= _DEEPEST:
                x, y, to = _x(hop), _TOP + ROW * number + 14, _TOP + ROW * rows[child] + 10
                yield f'<path class="rail" d="M{x} {y}V{to}H{x + _INDENT - 4}"/>'


def _label(hop: Hop, y: int) -> Iterator[str]:
    event, x = hop.event, _x(hop)
    letters = "".join(f"\n✗ {one.group or '?'}: {one.cause_key}" for one in hop.dead_letters)
    groups = "".join(f"\n{one.status.value} {one.group}: {one.evidence}" for one in hop.deliveries)
    told = "\n".join(safe(line, 300) for line in f"{event.position}{groups}{letters}".split("\n"))
    yield "<g>"
    yield f"<title>{escape(told)}</title>"
    yield f'<circle class="{tone(hop)}" cx="{x}" cy="{y + 10}" r="4"/>'
    name = text(event.ids.event_type or "(no type)", _NAME)
    source = f"  {event.ids.source}" if event.ids.source else ""
    yield (
        f'<text x="{x + 10}" y="{y + 14}">{name}<tspan class="faint"> '
        f"{text(f'{short_id(event)}{source}', _NAME)}</tspan></text>"
    )
    yield "</g>"


def _bar(hop: Hop, scale: Scale, caused_at: object, y: int) -> Iterator[str]:
    for span in hop.handlings:
        yield _work(span, scale, y)
    at = hop.event.occurred_at
    if at is None:
        yield f'<text class="faint" x="{_LABELS}" y="{y + 14}">?</text>'
        return
    x = _LABELS + scale.column(at)
    since = caused_at if isinstance(caused_at, type(at)) else at
    yield f'<path class="wait" d="M{_LABELS + scale.column(since)} {y + 10}H{x}"/>'
    yield f'<circle class="{tone(hop)}" cx="{x}" cy="{y + 10}" r="4"/>'
    if hop.hop_seconds is not None:
        yield f'<text class="faint" x="{x + 8}" y="{y + 14}">{duration(hop.hop_seconds)}</text>'


def _work(span: StoredSpan, scale: Scale, y: int) -> str:
    x, end = _LABELS + scale.column(span.start), _LABELS + scale.column(span.end)
    what = text(f"{span.service} {span.name} {duration(span.seconds)}", 120)
    return f'<rect class="work" x="{x}" y="{y + 5}" width="{max(end - x, 2)}" height="10"><title>{what}</title></rect>'
