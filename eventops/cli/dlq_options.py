"""What the dead-letter commands share: which letters are meant, how they are carried out, how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from eventops.cli.diagnostics import say
from eventops.cli.moments import as_moment
from eventops.cli.options import Command
from eventops.errors import ExitCode
from eventops.events import Position
from eventops.wording import plural, safe

if TYPE_CHECKING:
    from eventops.dlq.conditions import LetterCondition
    from eventops.dlq.model import Selection


def where_option(command: Command) -> Command:
    """A condition in CEL."""
    return click.option(
        "--where",
        callback=_as_condition,
        metavar="CEL",
        help="Letters for which it holds: a condition over key, value, headers, topic, partition, offset, timestamp, "
        "cause, cause_id, exception, message, frame, group, attempts, hops, family, state, origin, event_type, "
        "event_id, correlation_id.",
    )(command)


def say_unjudged(where: LetterCondition | None) -> None:
    """How many letters the condition couldn't be applied to: they aren't in the answer."""
    if where is not None and where.unjudged:
        told = f"{plural(where.unjudged, 'letter')} couldn't be judged, and left out"
        say(f"note: --where: {told}: {safe(where.reason or '', 200)}")


def _as_condition(_context: click.Context, _option: click.Parameter, text: str | None) -> LetterCondition | None:
    from eventops.dlq.conditions import LetterCondition

    return None if text is None else LetterCondition.of(text)


def selection_options(command: Command) -> Command:
    """Which letters of the topic are meant."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="At most so many letters, the oldest events first."),
        click.option("--until", callback=as_moment, metavar="TIME", help="Letters before then."),
        click.option(
            "--since", callback=as_moment, metavar="TIME", help="Letters since then: 2026-01-15T10:30:00Z, or 2h ago."
        ),
        click.option("--offset", "offsets", multiple=True, metavar="P/O", help="One letter; may be repeated."),
        click.option("--group", "groups", multiple=True, help="Letters of that consumer group; may be repeated."),
        click.option(
            "--cause",
            "causes",
            multiple=True,
            help="Letters of that cause: its id, its class, or the class's last segment; may be repeated.",
        ),
        where_option,
        click.option(
            "--correlation-id",
            "correlation_ids",
            multiple=True,
            metavar="ID",
            help="Letters of events with that correlation id; may be repeated.",
        ),
        click.option("--key", "keys", multiple=True, help="Letters with that key; may be repeated."),
        click.argument("topic"),
    ):
        command = option(command)
    return command


def everything_option(command: Command) -> Command:
    """Every letter, said in so many words."""
    return click.option("--all", "everything", is_flag=True, help="Every letter of the topic.")(command)


def selection(topic: str, **chosen: Any) -> Selection:
    """What those options mean."""
    from eventops.dlq.model import Selection

    return Selection(
        topic=topic,
        causes=chosen["causes"],
        positions=tuple(position(text if text.count("/") > 1 else f"{topic}/{text}") for text in chosen["offsets"]),
        groups=chosen["groups"],
        since=chosen["since"],
        until=chosen["until"],
        limit=chosen["limit"],
        where=chosen["where"],
        keys=tuple(key.encode("utf-8", "surrogateescape") for key in chosen["keys"]),
        correlation_ids=chosen["correlation_ids"],
    )


def position(text: str) -> Position:
    """
    Raises:
        UsageError: it isn't TOPIC/PARTITION/OFFSET.
    """
    try:
        return Position.parse(text)
    except ValueError as error:
        raise click.UsageError(f"{error}; an example: orders-dlt/0/41") from error


def end(*, found: bool, complete: bool) -> NoReturn:
    """Leave: a finding is exit code 1, a partial answer 5."""
    if not complete:
        raise SystemExit(ExitCode.PARTIAL)
    raise SystemExit(ExitCode.FINDING if found else ExitCode.DONE)
