"""The chain as one HTML file to attach to a ticket: self-contained, without script, and nothing in it is obeyed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from eventops.events import bytes_as_text
from eventops.trace import payload, picture
from eventops.trace.drawing import LIMIT, MARKS, coverage_line, left_out, summary
from eventops.trace.model import Delivery, Hop, TraceReport
from eventops.trace.picture import text
from eventops.wording import duration, instant

_LONG: Final = 2_000

_HEAD: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">"""

_LOOK: Final = """<style>
body{font:14px/1.5 system-ui,sans-serif;margin:2rem;color:#24292f;background:#fff}
h1{font-size:1.2rem}code,pre,td{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px}
pre{background:#f6f8fa;padding:.7rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
details{border:1px solid #d0d7de;border-radius:6px;margin:.4rem 0;padding:.3rem .7rem}summary{cursor:pointer}
td{padding:.1rem .8rem .1rem 0;vertical-align:top;overflow-wrap:anywhere}.faint{color:#6e7781}
.good{color:#1a7f37}.waiting{color:#9a6700}.bad{color:#cf222e}.odd{color:#8250df}.picture{overflow-x:auto}
</style>"""


def html(report: TraceReport, now: datetime, *, values: bool = False, limit: int = LIMIT) -> Iterator[str]:
    """The lines of the page. ``values``: payloads and keys too; headers stay out, for they may hold secrets."""
    yield _HEAD
    yield f"<title>{text(f'Trace {report.correlation_id}', _LONG)}</title>"
    yield _LOOK
    yield "</head>\n<body>"
    yield f"<h1>{text(summary(report))}</h1>"
    yield f'<p class="faint">as of {instant(now)} · {text(coverage_line(report.coverage))}</p>'
    for gap in report.coverage.gaps:
        place = gap.subject if gap.partition is None else f"{gap.subject}/{gap.partition}"
        yield f'<p class="bad">not read: {text(f"{place}: {gap.reason}", _LONG)}</p>'
    for note in report.notes:
        yield f'<p class="faint">note: {text(note, _LONG)}</p>'
    for link in report.traces:
        if link.url is not None and link.url.startswith(("http://", "https://")):
            yield f'<p><a rel="noreferrer" href="{text(link.url)}">trace {text(link.trace_id)}</a></p>'
    yield '<div class="picture">'
    yield from picture.svg(report, limit)
    yield "</div>"
    for hop in report.events[:limit]:
        yield from _event(hop, values=values)
    if (more := len(report.events) - limit) > 0:
        yield f"<p>{text(left_out(more))}</p>"
    yield '<p class="faint">✓ consumed: the committed offset has passed it, which is not "succeeded".</p>'
    yield "</body>\n</html>"


def _event(hop: Hop, *, values: bool) -> Iterator[str]:
    event, ids = hop.event, hop.event.ids
    after = "" if hop.hop_seconds is None else f" +{duration(hop.hop_seconds)}"
    yield f"<details{' open' if hop.dead_letters or hop.anomalies else ''}>"
    yield (
        f'<summary><b class="{picture.tone(hop)}">{text(ids.event_type or "(no type)", 200)}</b> '
        f'<span class="faint">{text(ids.source or "", 200)} {instant(event.occurred_at)}{after}</span></summary>'
    )
    yield "<table>"
    named = (("event id", ids.event_id), ("caused by", ids.causation_id), ("correlation id", ids.correlation_id))
    for name, value in (*named, ("stands at", str(event.position)), ("trace", ids.trace_id)):
        if value is not None:
            yield f"<tr><td>{name}</td><td>{text(value, _LONG)}</td></tr>"
    for delivery in hop.deliveries:
        yield _delivery(delivery)
    for letter in hop.dead_letters:
        what = f"{letter.position}: {letter.cause_key}"
        yield f'<tr><td class="bad">dead letter</td><td>{text(what, _LONG)}</td></tr>'
    for span in hop.spans:
        said = f"{span.service} {span.name}  {duration(span.seconds)}" + (f"  {span.error}" if span.error else "")
        yield f"<tr><td>span</td><td>{text(said, _LONG)}</td></tr>"
    for copy in hop.copies:
        yield f"<tr><td>{'replayed as' if copy.replay_id else 'also at'}</td><td>{text(str(copy.position))}</td></tr>"
        for delivery in copy.deliveries:
            yield _delivery(delivery)
    for anomaly in hop.anomalies:
        kind = anomaly.kind.replace("_", " ")
        yield f'<tr><td class="odd">{text(kind)}</td><td>{text(anomaly.detail, _LONG)}</td></tr>'
    yield "</table>"
    if values:
        key = "" if event.record.key is None else f"key {text(bytes_as_text(event.record.key[:_LONG]), 200)}"
        body = "\n".join(text(line) for line in payload.lines(event.record.value, most=10 * payload.LINES))
        yield f'<p class="faint">{key}</p><pre>{body}</pre>'
    yield "</details>"


def _delivery(delivery: Delivery) -> str:
    mark, tone = MARKS[delivery.status]
    status = delivery.status.value.replace("_", "-")
    return (
        f'<tr><td class="{tone.value}">{mark} {text(delivery.group, 200)}</td>'
        f"<td>{status}: {text(delivery.evidence, _LONG)}</td></tr>"
    )
