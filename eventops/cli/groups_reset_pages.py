"""How a reset looks on a page: its plan, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from eventops.cli.diagnostics import say
from eventops.cli.groups_pages import short, time
from eventops.cli.output import Column, Document, print_table
from eventops.wording import UNKNOWN, count, plural, safe

_TOLD = 20
"""Partitions that are told in a line of their own."""


def print_reset(document: Document, command: str) -> None:
    """A plan and the command that carries it out, or what became of it."""
    moves = document["moves"]
    click.echo(safe(_heading(document)))
    if moves:
        print_table("", _DONE if document["executed"] else _MOVES, [_flat(move) for move in moves], _total(document))
    if document["executed"]:
        done = sum(move["read_back"] == move["after"] for move in moves)
        click.echo(f"{done:,} of {plural(len(moves), 'offset')} set and read back as planned")
        return
    _tell(moves, click.echo)
    _tell_refusals(document, click.echo)
    if not moves or document["refused"]:
        return
    if all(move["before"] == move["after"] for move in moves):
        click.echo("Nothing to write: every offset is there already.")
    else:
        click.echo(f"Nothing was written. To carry it out:\n  {safe(command)}")


def say_reset(document: Document) -> None:
    """The plan as speech, before it is carried out."""
    say(safe(_heading(document)))
    for move in document["moves"][:_TOLD]:
        before = "never committed" if move["before"] is None else count(move["before"])
        say(safe(f"  {move['topic']}/{move['partition']}: {before} -> {count(move['after'])}"))
    if len(document["moves"]) > _TOLD:
        say(f"  and {len(document['moves']) - _TOLD:,} more")
    _tell(document["moves"], say)
    _tell_refusals(document, say)


def _tell(moves: Sequence[Document], tell: Callable[[str], object]) -> None:
    """How targets were fitted to the logs: a line each, never left out for want of room."""
    noted = [move for move in moves if move["note"]]
    for move in noted[:_TOLD]:
        tell(safe(f"note: {move['topic']}/{move['partition']}: {move['note']}"))
    if len(noted) > _TOLD:
        tell(f"note: and so for {len(noted) - _TOLD:,} more: -o json has them all")


def _tell_refusals(document: Document, tell: Callable[[str], object]) -> None:
    for one in document["refused"]:
        place = one["topic"] if one["partition"] is None else f"{one['topic']}/{one['partition']}"
        tell(safe(f"can't be moved: {place}: {one['reason']}"))
    for warning in document["warnings"]:
        tell(safe(f"warning: {warning}"))


def _heading(document: Document) -> str:
    moved = plural(len(document["moves"]), "partition")
    state = document["state"].replace("_", " ")
    return f"{document['group']} ({state}, {plural(document['members'], 'member')}): {moved} to {document['to']}"


def _total(document: Document) -> str:
    """Sums of what is known."""
    skipped = sum(move["skipped"] or 0 for move in document["moves"])
    again = sum(move["read_again"] or 0 for move in document["moves"])
    unknown = sum(move["skipped"] is None for move in document["moves"])
    if unknown == len(document["moves"]):
        return f"what is skipped or read again isn't known of {plural(unknown, 'partition')}"
    rest = f"; not known of {plural(unknown, 'partition')}" if unknown else ""
    return f"at most {plural(skipped, 'record')} skipped, {count(again)} read again{rest}"


def _flat(move: Document) -> Document:
    """A move and the record at its new offset as one row."""
    record = move["record"] or {}
    reason = move.get("record_reason")
    shown = f"{record['offset']} {short(record['key'], 'null')} {short(record['value'], 'null')}" if record else reason
    return {**move, "stands": shown, "appended": time(record["appended_at"]) if record else "-"}


def _way(move: Document) -> str:
    before = "never" if move["before"] is None else count(move["before"])
    return f"{before} -> {count(move['after'])}"


def _effect(move: Document) -> str:
    """Nothing is both skipped and read again."""
    if move["skipped"] is None:
        return UNKNOWN
    if move["read_again"]:
        return f"{count(move['read_again'])} read again"
    return f"{count(move['skipped'])} skipped" if move["skipped"] else "-"


_WAY = [
    Column("partition", lambda row: f"{row['topic']}/{row['partition']}"),
    Column("move", _way, right=True),
]

_MOVES = [
    *_WAY,
    Column("effect", _effect, right=True),
    Column("record there", lambda row: row["stands"], wrap=True, spare=1),
    Column("appended", lambda row: row["appended"], spare=3),
]

_DONE = [
    *_WAY,
    Column("read back", lambda row: count(row["read_back"]), right=True),
    Column("", lambda row: row["refusal"] or "", wrap=True),
]
