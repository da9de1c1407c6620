"""One letter as text: facts, payload, headers, stack trace. Everything in it is untrusted."""

from __future__ import annotations

from rich.text import Text

from eventops.dlq.model import Letter
from eventops.tui.palette import ACCENT
from eventops.tui.record_text import LINE, block, content, fact, headers, pretty
from eventops.wording import UNKNOWN, instant, safe


def letter(found: Letter, state: Text) -> Text:
    """The whole of it."""
    event, failure = found.event, found.failure
    text = Text()
    fact(text, "state", state)
    if found.state_reason:
        fact(text, "", found.state_reason)
    fact(text, "cause", Text(safe(found.cause_key, LINE), "bold"))
    fact(text, "message", failure.message)
    text.append("\n")
    fact(text, "event", event.ids.event_type)
    fact(text, "correlation id", Text(safe(event.ids.correlation_id or UNKNOWN, LINE), ACCENT))
    fact(text, "event id", event.ids.event_id)
    fact(text, "source", event.ids.source)
    fact(text, "key", None if event.record.key is None else content(event.record.key))
    text.append("\n")
    fact(text, "failed at", instant(found.timestamp))
    fact(text, "group", found.group)
    fact(text, "origin", None if found.origin is None else str(found.origin.position))
    fact(text, "attempts", None if found.attempts is None else str(found.attempts))
    fact(text, "hops", str(found.hops))
    block(text, "payload", pretty(event.record.value))
    if failure.stack:
        block(text, "stack trace", failure.stack)
    headers(text, event.record.headers)
    return text
