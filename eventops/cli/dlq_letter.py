"""One letter on a page: what it is, why it failed, every hop, headers decoded, payload, stack trace. All of it is
made safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventops.cli.output import Document
from eventops.events import indented
from eventops.wording import UNKNOWN, safe, safe_block

if TYPE_CHECKING:
    from eventops.dlq.model import Letter
    from eventops.trace.model import TraceReport

_PAYLOAD_CHARACTERS = 16_000
_LINE_CHARACTERS = 100
_HEADER_CHARACTERS = 160
_LONG = ("stacktrace", "StackTrace")


def print_letter(letter: Letter, document: Document, own_code: tuple[str, ...], *, full: bool) -> None:
    """Where it was, why it failed, which event it is, its hops, headers, payload and stack trace."""
    _print_facts(document)
    _print_path(document)
    _print_headers(letter)
    source = document["source_record"]
    value = document["event"]["value"] if source is None else source["value"]
    _heading("payload" if source is None else "payload, of the record that it was made of")
    if value is None:
        nothing = f"nothing: {document['source_record_reason']}" if letter.is_bare else "no value (a tombstone)"
        click.echo(nothing)
    else:
        click.echo(safe_block(_bounded(_pretty(value), full=full)))
    _print_stack(document["exception"]["stack"], own_code, full=full)


def print_trace_hint(program: str, identifier: str) -> None:
    """The command that shows its chain."""
    click.echo(f"\nIts chain: {safe(program)} trace {safe(identifier, _LINE_CHARACTERS)}")


def print_no_trace() -> None:
    """Nothing leads to its chain."""
    click.echo("\nIts chain: unknown, for it has neither a correlation id nor an event id")


def print_trace(report: TraceReport) -> None:
    """The chain as a tree."""
    from eventops.trace import drawing

    _heading("chain")
    click.echo(drawing.summary(report))
    for line in drawing.tree(report):
        click.echo(line.rails + "".join(span.text for span in line.spans))


def _print_facts(letter: Document) -> None:
    event, failure, origin = letter["event"], letter["exception"], letter["origin"]
    _heading(f"{letter['topic']}/{letter['partition']}/{letter['offset']}")
    _line("state", letter["state"] + (f": {letter['state_reason']}" if letter["state_reason"] else ""))
    _line("became a letter", letter["timestamp"])
    _line("family", letter["family"])
    _line("origin", f"{origin['topic']}/{origin['partition']}/{origin['offset']}" if origin else None)
    for name in ("group", "attempts", "hops"):
        _line(name, letter[name])
    if letter["replay_id"]:
        _line("failed again after", f"replay {letter['replay_id']} of {letter['replay_of'] or UNKNOWN}")
    _line("cause", f"{letter['cause_key']}  ({letter['cause_id']})")
    _line("at", letter["frame"])
    if failure["part"]:
        _line("failed part", failure["part"])
    _line("exception", failure["class"])
    _line("message", failure["message"])
    for name in ("event_id", "event_type", "source", "correlation_id", "causation_id", "trace_id", "key"):
        _line(name.replace("_", " "), event[name])


def _print_path(letter: Document) -> None:
    if len(letter["path"]) < 2:
        return
    _heading("hops, the oldest first")
    for number, hop in enumerate(letter["path"], 1):
        place = f"{hop['topic'] or UNKNOWN}/{_known(hop['partition'])}/{_known(hop['offset'])}"
        told = [
            f"group {hop['group']}" if hop["group"] else "",
            f"{hop['attempts']} attempts" if hop["attempts"] else "",
        ]
        told += [hop["class"] or "", hop["message"] or ""]
        told += [f"tried again at {hop['retry_due']}" if hop["retry_due"] else ""]
        click.echo(safe(f"  {number}. {place}  " + "  ".join(one for one in told if one), 3 * _LINE_CHARACTERS))


def _print_headers(letter: Letter) -> None:
    from eventops.dlq.header_words import header_words

    _heading("headers")
    for name, raw in letter.event.record.headers:
        words = "below" if name.endswith(_LONG) and raw else header_words(name, raw)
        click.echo(f"  {safe(name, _LINE_CHARACTERS)}: {safe(words, _HEADER_CHARACTERS)}")


def _print_stack(stack: str | None, own_code: tuple[str, ...], *, full: bool) -> None:
    from eventops.dlq.causes import folded

    if stack:
        _heading("stack trace" if full else "stack trace, framework frames folded (--full has them)")
        click.echo(safe_block(_bounded(stack if full else folded(stack, own_code), full=full)))


def _pretty(text: str) -> str:
    """JSON indented where it is JSON of a sensible size; else as it is."""
    if len(text) > _PAYLOAD_CHARACTERS or text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return indented(text)
    except ValueError:
        return text


def _bounded(text: str, *, full: bool) -> str:
    if full or len(text) <= _PAYLOAD_CHARACTERS:
        return text
    left = len(text) - _PAYLOAD_CHARACTERS
    return f"{text[:_PAYLOAD_CHARACTERS]}\n... {left:,} more characters: --full or -o json has them all"


def _known(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _heading(text: str) -> None:
    click.echo(f"\n{safe(text)}\n{'-' * min(len(text), _LINE_CHARACTERS)}")


def _line(name: str, value: object) -> None:
    shown = UNKNOWN if value is None else safe(str(value), 4 * _LINE_CHARACTERS)
    click.echo(f"{name:<18} {shown}")
