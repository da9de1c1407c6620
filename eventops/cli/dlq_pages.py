"""How dead letters look on a page: tables, a plan and its outcome. What a letter says is made safe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from eventops.cli.diagnostics import say
from eventops.cli.output import Column, Document, print_table
from eventops.dlq import telling
from eventops.wording import UNKNOWN, count, instant, plural, safe

if TYPE_CHECKING:
    from eventops.dlq.model import LettersReport

_PAYLOAD_CHARACTERS = 16_000
_LINE_CHARACTERS = 100
DIFFS = 3
"""Letters whose differences a plan shows line by line."""
"""Records whose diffs a plan shows."""
_DIFF_CHARACTERS = 160
_RUN_CHARACTERS = 8
"""Of a run's id: as many as tell runs apart; `--run` takes them."""


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
    topic = document["topic"]
    title, letter = ("Ledger", _LETTER) if topic is None else (f"Ledger, {topic}", _LETTER_OF_ONE_TOPIC)
    print_table(title, [letter, *_ROWS], document["rows"], footer=_left_out(document))


def print_plan(document: Document, command: str, read_only: str | None = None) -> None:
    """What a replay would do, and the command that does it; ``read_only`` is a context in which that is refused."""
    for line in _plan_lines(document):
        click.echo(line)
    if document["plan"]["planned"]:
        refused = f" in a context that isn't read-only, as {safe(read_only)} is" if read_only else ""
        click.echo(f"Nothing was written. To carry it out{refused}:\n  {safe(command)}")


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
    lines += _diffs(plan["records"])
    lines += [f"  {safe(line)}" for line in _left_out(document).splitlines()]
    lines.append(f"  {telling.promise(document)}")
    return lines


def _diffs(records: Sequence[Document]) -> Iterator[str]:
    """The first ones; all are in the JSON."""
    differing = [record for record in records if record["change"] or record["difference"]]
    for record in differing[:DIFFS]:
        yield f"  {safe(record['source'])}: {safe(record['change'] or record['difference'])}"
        yield from (f"    {safe(line, _DIFF_CHARACTERS)}" for line in (record["diff"] or "").split("\n")[2:])
    if len(differing) > DIFFS:
        yield f"  {len(differing) - DIFFS:,} more differ: -o json shows each"


def say_how_many(report: LettersReport, *, limited: bool) -> None:
    """Where only the first letters are shown and nobody asked for that."""
    total = sum(sum(cause.counts.values()) for cause in report.causes)
    if total > len(report.letters) and not limited:
        told = f"the first {len(report.letters):,} of {plural(total, 'letter')}"
        say(f"{told}: --limit shows more, `dlq export` all, `dlq groups` their causes")


def say_gap(topic: str, partition: int | None, reason: str) -> None:
    """What wasn't read."""
    say(f"not read: {safe(topic)}/{partition}: {safe(reason)}")


def _left_out(document: Document) -> str:
    """A line a topic and reason."""
    together: dict[tuple[str, str], list[str]] = {}
    for gap in document.get("coverage", document)["gaps"]:
        numbers = together.setdefault((gap["topic"], gap["reason"]), [])
        numbers += [] if gap["partition"] is None else [str(gap["partition"])]
    places = [(f"{at}/{','.join(numbers)}" if numbers else at, why) for (at, why), numbers in together.items()]
    return "\n".join(f"not read: {place}: {why}" for place, why in places)


def _time(text: str | None) -> str:
    return instant(datetime.fromisoformat(text) if text else None)


def _count(name: str, spare: int = 0) -> Column:
    return Column(name.replace("_", " "), lambda row: _known(row, name), right=True, spare=spare)


def _known(row: Document, name: str) -> str:
    """A figure; where only a part of the letters was read, at least so many."""
    if row[name] is None:
        return UNKNOWN
    return f"≥ {count(row[name])}" if row.get("counts_reason") else count(row[name])


def _by_state() -> list[Column]:
    """``open`` and ``failed again`` are what somebody has to do something about."""
    spare = {"total": 1, "open": 0, "failed_again": 0, "replayed": 2, "discarded": 6, "parked": 5}
    return [_count(name, rank) for name, rank in spare.items()]


def _short(text: str | None) -> str:
    return UNKNOWN if text is None else safe(text, _LINE_CHARACTERS)


def _last_hour(row: Document) -> str:
    return UNKNOWN if row["per_hour"] is None else count(int(row["per_hour"]))


def _types(found: Sequence[Document]) -> str:
    return ", ".join(_short(one["event_type"]) for one in found[:3]) + (", ..." if len(found) > 3 else "")


def _last_segment(name: str) -> str:
    return name.rpartition(".")[2] if _DOTTED.fullmatch(name) else name


def _last_two(frame: str) -> str:
    return ".".join(frame.rsplit(".", 2)[-2:])


_DOTTED = re.compile(r"[\w$]+(\.[\w$]+)+")

_TOPICS = [
    Column("topic", lambda row: row["topic"]),
    *_by_state(),
    Column("last hour", _last_hour, right=True, spare=3),
    Column("oldest", lambda row: "-" if row["total"] == 0 else _time(row["oldest"]), spare=7),
    Column("newest", lambda row: "-" if row["total"] == 0 else _time(row["newest"]), spare=4),
]

_VERDICTS = {"poison_pill": "poison pill", "outage": "outage", "undecided": "-"}

_CAUSES = [
    Column("id", lambda row: row["cause_id"]),
    Column("cause", lambda row: _short(_last_segment(row["cause_key"])), wrap=True),
    Column("at", lambda row: _short(_last_two(row["frame"]) if row["frame"] else None), wrap=True, spare=2),
    Column("message", lambda row: _short(row["message_pattern"]), wrap=True, spare=1),
    Column("group", lambda row: _short(row["group"]), spare=1),
    _count("total", 3),
    _count("open"),
    _count("failed_again"),
    _count("replayed", 6),
    _count("discarded", 10),
    _count("parked", 10),
    Column("keys", lambda row: ("" if row["distinct_keys_exact"] else "~") + count(row["distinct_keys"]), right=True),
    Column("verdict", lambda row: _VERDICTS[row["verdict"]], spare=1),
    Column("trend", lambda row: row["trend"], spare=5),
    Column("last hour", _last_hour, right=True, spare=7),
    Column("first", lambda row: _time(row["oldest"]), spare=9),
    Column("last", lambda row: _time(row["newest"]), spare=8),
    Column("event types", lambda row: _types(row["event_types"]), wrap=True, spare=9),
    Column("for example", lambda row: row["example"], spare=3),
]

_LETTER = Column("letter", lambda row: f"{row['topic']}/{row['partition']}/{row['offset']}")
_LETTER_OF_ONE_TOPIC = Column("letter", lambda row: f"{row['partition']}/{row['offset']}")
_ROWS = [
    Column("at", lambda row: _time(row["at"]), spare=3),
    Column("state", lambda row: row["state"]),
    Column("target", lambda row: row["target"] or "-", spare=5),
    Column("became", lambda row: (row["outcome"] or "-").replace("_", " "), spare=1),
    Column("evidence", lambda row: _short(row["evidence"] or "-"), wrap=True, spare=7),
    Column("operator", lambda row: _short(row["operator"]), spare=4),
    Column("reason", lambda row: _short(row["reason"] or "-"), wrap=True, spare=2),
    Column("change", lambda row: _short(row["change"] or "-"), wrap=True, spare=6),
    Column("run", lambda row: _short(row["run_id"])[:_RUN_CHARACTERS], spare=8),
]

_LETTERS = [
    Column("letter", lambda row: f"{row['partition']}/{row['offset']}"),
    Column("at", lambda row: _time(row["timestamp"]), spare=3),
    Column("state", lambda row: row["state"]),
    Column("id", lambda row: row["cause_id"], spare=2),
    Column("cause", lambda row: _short(_last_segment(row["cause_key"])), wrap=True),
    Column("message", lambda row: _short(row["exception"]["message"]), wrap=True, spare=1),
    Column("group", lambda row: _short(row["group"]), spare=2),
    Column("event type", lambda row: _short(row["event"]["event_type"]), spare=4),
    Column("correlation id", lambda row: _short(row["event"]["correlation_id"]), spare=2),
    Column("key", lambda row: _short(row["event"]["key"]), spare=5),
]
