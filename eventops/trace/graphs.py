"""The chain as a graph for other tools: a Mermaid flowchart, and Graphviz's DOT. Nothing in a label can end it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from eventops.events import Event
from eventops.trace.drawing import LIMIT, MARKS
from eventops.trace.model import Hop, TraceReport
from eventops.wording import duration, plural, safe

_NAME: Final = 60


def mermaid(report: TraceReport, limit: int = LIMIT) -> Iterator[str]:
    """A flowchart: an arrow from cause to effect, with the time between; events with dead letters stand out."""
    names = _names(report, limit)
    yield "flowchart TD"
    for hop in report.events[:limit]:
        label = "<br/>".join(_as_mermaid(text) for text in (*_title(hop.event), *_states(hop)))
        yield f'    {names[hop.event.reference]}["{label}"]'
    for cause, effect, seconds in _arrows(report, names):
        yield f'    {cause} -->|"{duration(seconds)}"| {effect}'
    failed = [names[hop.event.reference] for hop in report.events[:limit] if hop.dead_letters]
    if failed:
        yield "    classDef failed stroke:#c00,stroke-width:2px"
        yield f"    class {','.join(failed)} failed"
    if (more := len(report.events) - limit) > 0:
        yield f'    more["… {plural(more, "more event")}"]'


def dot(report: TraceReport, limit: int = LIMIT) -> Iterator[str]:
    """Graphviz's DOT: `eventops trace ID -o dot | dot -Tpng`."""
    names = _names(report, limit)
    yield "digraph trace {"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=11];'
    for hop in report.events[:limit]:
        label = "\\n".join(_as_dot(text) for text in (*_title(hop.event), str(hop.event.position), *_states(hop)))
        look = ", color=red, penwidth=2" if hop.dead_letters else ""
        yield f'  {names[hop.event.reference]} [label="{label}"{look}];'
    for cause, effect, seconds in _arrows(report, names):
        yield f'  {cause} -> {effect} [label="{duration(seconds)}"];'
    if (more := len(report.events) - limit) > 0:
        yield f'  more [label="… {plural(more, "more event")}", shape=plaintext];'
    yield "}"


def _names(report: TraceReport, limit: int) -> dict[str, str]:
    return {hop.event.reference: f"e{number}" for number, hop in enumerate(report.events[:limit])}


def _arrows(report: TraceReport, names: Mapping[str, str]) -> Iterator[tuple[str, str, float | None]]:
    seconds = {hop.event.reference: hop.hop_seconds for hop in report.events}
    for hop in report.events:
        for child in hop.children:
            if hop.event.reference in names and child in names:
                yield names[hop.event.reference], names[child], seconds[child]


def _title(event: Event) -> Iterator[str]:
    yield event.ids.event_type or "(no type)"
    if event.ids.source:
        yield event.ids.source


def _states(hop: Hop) -> Iterator[str]:
    for delivery in hop.deliveries:
        yield f"{MARKS[delivery.status][0]} {delivery.group}"


def _as_mermaid(text: str) -> str:
    """As Mermaid's entity codes: nothing in a label can end it or begin markup."""
    return "".join(c if c.isalnum() or c in " .-_/:" or not c.isascii() else f"#{ord(c)};" for c in safe(text, _NAME))


def _as_dot(text: str) -> str:
    """Quotes and backslashes would end a label or mean something in it."""
    return safe(text, _NAME).replace("\\", "\\\\").replace('"', '\\"')
