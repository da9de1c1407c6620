"""Causes and letters as text: what failed where, its hops, what was done about it, payload, headers, stack trace.
Everything in them is untrusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from eventops.dlq.causes import cause_id, folded
from eventops.dlq.failure import Hop
from eventops.dlq.following import Fate, Outcome
from eventops.dlq.header_words import header_words
from eventops.dlq.model import CauseGroup, Letter, State
from eventops.dlq.rows import Row
from eventops.ports import Gap
from eventops.tui.letter_marks import state, verdict
from eventops.tui.palette import ACCENT, BAD, FAINT, GOOD, ODD, WARN
from eventops.tui.record_text import LINE, block, content, fact, heading, pretty
from eventops.wording import UNKNOWN, count, instant, plural, safe, safe_block

Deed = tuple[Row, Fate | None]
"""What was done about a letter, and what became of what it put back; None: it put nothing back."""


@dataclass(frozen=True, slots=True)
class Deeds:
    """What was done about letters, the newest first; ``gaps``: what couldn't be read for it; ``older`` ones are left
    out."""

    done: tuple[Deed, ...]
    gaps: tuple[Gap, ...] = ()
    older: int = 0


OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    Outcome.PASSED: ("✓ passed", GOOD),
    Outcome.PENDING: ("▲ pending", WARN),
    Outcome.FAILED_AGAIN: ("✗ failed again", BAD),
    Outcome.UNKNOWN: ("? unknown", ODD),
}
_LONG: Final = ("stacktrace", "StackTrace")
_BRIEF: Final = 2_000
"""Characters of a payload beside a list."""


def outcome(fate: Fate | None) -> Text:
    """What became of what was put back."""
    if fate is None:
        return Text("-", FAINT)
    word, style = OUTCOMES[fate.outcome]
    return Text(word, style)


def cause(found: CauseGroup) -> Text:
    """One cause in full, and its newest letter."""
    text = Text()
    fact(text, "cause", Text.assemble((safe(found.cause_key, LINE), "bold"), (f"   {found.cause_id}", FAINT)))
    fact(text, "at", found.cause.frame)
    fact(text, "message", found.cause.pattern)
    fact(text, "group", found.group)
    sort = verdict(found).append(f"   {safe(found.verdict.reason, LINE)}" if found.verdict.reason else "", FAINT)
    fact(text, "verdict", sort)
    fact(text, "came", _came(found))
    if found.event_types:
        told = [f"{safe(name or UNKNOWN, 60)} {count(number)}" for name, number in list(found.event_types.items())[:6]]
        fact(text, "events", Text(" · ".join(told)))
    example = found.example
    fact(text, "newest letter", Text.assemble(str(example.position), (f"   {instant(example.timestamp)}", FAINT)))
    fact(text, "", Text(safe(example.failure.message or UNKNOWN, 2 * LINE), WARN))
    return text


def _came(found: CauseGroup) -> Text:
    text = Text(f"{instant(found.oldest)} to {instant(found.newest)}")
    text.append(f"   trend {found.trend.value}", FAINT)
    if found.per_hour is not None:
        text.append(f" · {count(int(found.per_hour))} in the last hour", FAINT)
    if found.peak_per_minute is not None:
        peak = found.peak_per_minute
        text.append(f" · at most {peak:,.0f} a minute" if peak >= 100 else f" · at most {peak:.3g} a minute", FAINT)
    return text


def brief(found: Letter) -> Text:
    """Beside a list: why it failed, what was done about it and why, and the payload's beginning."""
    text = Text()
    if found.state_reason:
        fact(text, "state", Text.assemble(state(found.state), (f"   {safe(found.state_reason, LINE)}", FAINT)))
    fact(text, "message", Text(safe(found.failure.message or UNKNOWN, 2 * LINE), WARN))
    fact(text, "at", found.cause.frame)
    fact(text, "origin", None if found.origin is None else str(found.origin.position))
    fact(text, "key", content(found.event.record.key))
    block(text, "payload", payload(found)[:_BRIEF])
    return text


def facts(found: Letter, deeds: Deeds | None) -> Text:
    """What it is, why it failed, where it has been, and what was done about it; ``deeds`` None: not known yet."""
    event, text = found.event, Text()
    said = Text.assemble(
        state(found.state),
        (f"   {safe(found.state_reason, LINE)}" if found.state_reason else "", FAINT),
        ("   as far as is known" if deeds is not None and deeds.gaps else "", FAINT),
    )
    fact(text, "state", said)
    fact(text, "cause", Text.assemble((safe(found.cause_key, LINE), "bold"), (f"   {cause_id(found.cause)}", FAINT)))
    fact(text, "at", found.cause.frame)
    fact(text, "message", Text(safe(found.failure.message or UNKNOWN, 3 * LINE), WARN))
    if found.failure.part:
        fact(text, "failed part", found.failure.part)
    text.append("\n")
    fact(text, "event", event.ids.event_type)
    fact(text, "correlation id", Text(safe(event.ids.correlation_id or UNKNOWN, LINE), ACCENT))
    fact(text, "event id", event.ids.event_id)
    if event.ids.causation_id:
        fact(text, "caused by", event.ids.causation_id)
    fact(text, "source", event.ids.source)
    fact(text, "key", content(event.record.key))
    text.append("\n")
    fact(text, "failed at", instant(found.timestamp))
    fact(text, "group", found.group)
    fact(text, "origin", None if found.origin is None else str(found.origin.position))
    fact(text, "attempts", None if found.attempts is None else str(found.attempts))
    fact(text, "family", found.family)
    if found.replay_of is not None:
        fact(text, "came back", Text(f"as {found.replay_of} it was put back, and failed again", BAD))
    _hops(text, found.path)
    _ledger(text, deeds)
    return text


def _hops(text: Text, path: Sequence[Hop]) -> None:
    if len(path) < 2:
        return
    heading(text, f"{len(path)} hops, the oldest first")
    for number, hop in enumerate(path, 1):
        place = str(hop.position) if hop.position is not None else hop.topic or UNKNOWN
        text.append(f"  {number}  ", FAINT).append(safe(place, 100))
        text.append(f"  {safe(hop.group, 60)}" if hop.group else "", FAINT)
        text.append(f"  {plural(hop.attempts, 'attempt')}" if hop.attempts else "", FAINT)
        text.append(f"  {instant(hop.failed_at)}" if hop.failed_at else "", FAINT)
        told = ": ".join(one for one in (hop.exception_class, hop.message) if one)
        text.append(f"\n     {safe(told, LINE)}" if told else "").append("\n")


def _ledger(text: Text, deeds: Deeds | None) -> None:
    heading(text, "ledger")
    if deeds is None:
        text.append("  asking the cluster …\n", FAINT)
    elif not deeds.done:
        told = "not known: see above" if deeds.gaps else "nothing was done about it yet"
        text.append(f"  {told}\n", FAINT)
    for row, fate in deeds.done if deeds is not None else ():
        text.append(f"  {instant(row.at)}  ", FAINT).append_text(_deed(row.state))
        text.append(f"  to {row.target}" if row.target is not None else "").append(f"  {safe(row.operator, 60)}", FAINT)
        text.append(f"\n     {safe(row.reason, LINE)}" if row.reason else "")
        if fate is not None:
            text.append("\n     ").append_text(outcome(fate)).append(f"  {safe(fate.evidence, LINE)}", FAINT)
        text.append("\n")


def _deed(found: State) -> Text:
    return Text("restored") if found is State.OPEN else state(found)


def contents(found: Letter, own_code: Sequence[str], *, is_folded: bool) -> Text:
    """Payload, stack trace, headers."""
    text, failure = Text(), found.failure
    block(text, "payload" if found.source is None else "payload, of the record that it was made of", payload(found))
    if failure.stack:
        name = "stack trace, frames of frameworks folded (f: whole)" if is_folded else "stack trace (f: folded)"
        block(text, name, folded(failure.stack, own_code) if is_folded else failure.stack)
    _headers(text, found)
    return text[1:]  # the first heading's own blank line


def payload(found: Letter) -> str:
    """The value laid out, of the record that it was made of where the letter holds none; as a terminal may have it."""
    if found.is_bare and found.source is None:
        return "nothing: the record at its origin can no longer be read" if found.origin else "nothing"
    return safe_block(pretty((found.source or found.event).record.value))


def _headers(text: Text, found: Letter) -> None:
    heading(text, "headers")
    for name, raw in found.event.record.headers:
        words = "above" if name.endswith(_LONG) and raw else header_words(name, raw)
        text.append(f"  {safe(name, 60)}", FAINT).append(f"  {safe(words, LINE)}\n")
