"""How dead letters look on a page: tables, one letter, a plan and its outcome. What a letter says is made safe."""

from __future__ import annotations

from datetime import datetime

import click

from eventops.cli.diagnostics import say
from eventops.cli.output import Column, Document, print_table
from eventops.dlq import telling
from eventops.wording import UNKNOWN, count, instant, plural, safe, safe_block

_PAYLOAD_CHARACTERS = 16_000
_LINE_CHARACTERS = 100


def print_topics(document: Document) -> None:
    """All dead-letter topics."""
    print_table("Dead letters", _TOPICS, document["topics"], footer=_left_out(document))


def print_causes(document: Document) -> None:
    """One topic's letters by cause."""
    print_table(document["topic"], _CAUSES, document["causes"], footer=_left_out(document))


def print_letters(document: Document) -> None:
    """One topic's letters."""
    print_table(document["topic"], _LETTERS, document["letters"], footer=_left_out(document))


def print_history(document: Document) -> None:
    """What was done about which letter."""
    print_table("Ledger", _ROWS, document["rows"], footer=_left_out(document))


def print_letter(letter: Document) -> None:
    """One letter: where it was, why it failed, which event it is, its headers, payload and stack trace."""
    event, failure, origin = letter["event"], letter["exception"], letter["origin"]
    _heading(f"{letter['topic']}/{letter['partition']}/{letter['offset']}")
    _line("state", letter["state"] + (f": {letter['state_reason']}" if letter["state_reason"] else ""))
    _line("became a letter", letter["timestamp"])
    _line("family", letter["family"])
    _line("origin", f"{origin['topic']}/{origin['partition']}/{origin['offset']}" if origin else None)
    _line("group", letter["group"])
    _line("attempts", letter["attempts"])
    _line("hops", letter["hops"])
    if letter["replay_id"]:
        _line("failed again after", f"replay {letter['replay_id']} of {letter['replay_of'] or UNKNOWN}")
    _line("cause", letter["cause_key"])
    _line("exception", failure["class"])
    _line("message", failure["message"])
    for name in ("event_id", "event_type", "source", "correlation_id", "causation_id", "trace_id", "key"):
        _line(name.replace("_", " "), event[name])
    _heading("headers")
    for header in event["headers"]:
        click.echo(f"  {safe(header['name'], _LINE_CHARACTERS)}: {safe(_header(header['value']), _LINE_CHARACTERS)}")
    _heading("payload")
    click.echo(safe_block(_bounded(event["value"])) if event["value"] is not None else "no value (a tombstone)")
    if failure["stack"]:
        _heading("stack trace")
        click.echo(safe_block(_bounded(failure["stack"])))


def print_plan(document: Document, command: str) -> None:
    """What a replay would do, and the command that does it."""
    for line in _plan_lines(document):
        click.echo(line)
    if document["plan"]["planned"]:
        click.echo(f"Nothing was written. To carry it out:\n  {safe(command)}")


def say_plan(document: Document) -> None:
    """The same as speech, before it is carried out."""
    for line in _plan_lines(document):
        say(line)


def print_outcome(document: Document) -> None:
    """What a replay did."""
    for number, what in telling.outcome(document):
        click.echo(f"{number:,} {safe(what)}")
    if document["stopped"]:
        say(f"stopped: {safe(document['stopped'])}")
    if document["resume_command"]:
        say(f"to go on:\n  {safe(document['resume_command'])}")


def _plan_lines(document: Document) -> list[str]:
    plan = document["plan"]
    lines = [f"{plan['topic']}: {plural(plan['selected'], 'letter')} selected"]
    lines += [f"  {number:,} {safe(what)}" for number, what in telling.plan(document)]
    lines += [f"  warning: {safe(warning)}" for warning in plan["warnings"]]
    lines.append(f"  {telling.promise(document)}")
    return lines


def _heading(text: str) -> None:
    click.echo(f"\n{safe(text)}\n{'-' * min(len(text), _LINE_CHARACTERS)}")


def _line(name: str, value: object) -> None:
    shown = UNKNOWN if value is None else safe(str(value), 4 * _LINE_CHARACTERS)
    click.echo(f"{name:<18} {shown}")


def _header(value: str | None) -> str:
    """A header that happens to be UTF-8 but is a number of four or eight bytes reads better in hexadecimal."""
    if value is None:
        return "null"
    return "0x" + value.encode("utf-8", "surrogatepass").hex() if "\x00" in value else value


def _bounded(text: str) -> str:
    if len(text) <= _PAYLOAD_CHARACTERS:
        return text
    return (
        f"{text[:_PAYLOAD_CHARACTERS]}\n... {len(text) - _PAYLOAD_CHARACTERS:,} more characters: -o json has them all"
    )


def _left_out(document: Document) -> str:
    gaps = document.get("coverage", document)["gaps"]
    places = [(gap["topic"], gap["partition"], gap["reason"]) for gap in gaps]
    return "\n".join(f"not read: {at if part is None else f'{at}/{part}'}: {why}" for at, part, why in places)


def _time(text: str | None) -> str:
    return instant(datetime.fromisoformat(text) if text else None)


def _count(name: str, spare: int = 0) -> Column:
    return Column(name.replace("_", " "), lambda row: count(row[name]), right=True, spare=spare)


def _by_state() -> list[Column]:
    """``open`` and ``failed again`` are what somebody has to do something about."""
    spare = {"total": 1, "open": 0, "failed_again": 0, "replayed": 2, "discarded": 6, "parked": 5}
    return [_count(name, rank) for name, rank in spare.items()]


def _short(text: str | None) -> str:
    return UNKNOWN if text is None else safe(text, _LINE_CHARACTERS)


def _last_hour(row: Document) -> str:
    return UNKNOWN if row["per_hour"] is None else count(int(row["per_hour"]))


_TOPICS = [
    Column("topic", lambda row: row["topic"]),
    *_by_state(),
    Column("last hour", _last_hour, right=True, spare=3),
    Column("oldest", lambda row: _time(row["oldest"]) if row["total"] else "-", spare=7),
    Column("newest", lambda row: _time(row["newest"]) if row["total"] else "-", spare=4),
]

_CAUSES = [
    Column("cause", lambda row: _short(row["cause_key"]), wrap=True),
    Column("group", lambda row: _short(row["group"])),
    *_by_state(),
    _count("distinct_keys", 3),
    Column("newest", lambda row: _time(row["newest"]), spare=7),
    Column("for example", lambda row: row["example"], spare=4),
]

_ROWS = [
    Column("at", lambda row: _time(row["at"])),
    Column("letter", lambda row: f"{row['topic']}/{row['partition']}/{row['offset']}"),
    Column("state", lambda row: row["state"]),
    Column("target", lambda row: row["target"] or "-"),
    Column("operator", lambda row: _short(row["operator"]), spare=1),
    Column("reason", lambda row: _short(row["reason"] or "-"), wrap=True),
]

_LETTERS = [
    Column("letter", lambda row: f"{row['partition']}/{row['offset']}"),
    Column("at", lambda row: _time(row["timestamp"]), spare=3),
    Column("state", lambda row: row["state"]),
    Column("cause", lambda row: _short(row["cause_key"]), wrap=True),
    Column("group", lambda row: _short(row["group"]), spare=2),
    Column("event type", lambda row: _short(row["event"]["event_type"]), spare=4),
    Column("correlation id", lambda row: _short(row["event"]["correlation_id"]), spare=1),
    Column("key", lambda row: _short(row["event"]["key"]), spare=5),
]
