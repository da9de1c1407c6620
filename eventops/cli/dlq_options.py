"""What the dead-letter commands share: which letters are meant, how they are carried out, how they end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from eventops.cli.diagnostics import progress, say
from eventops.cli.moments import as_moment
from eventops.cli.options import Command
from eventops.errors import ExitCode
from eventops.events import Partition, Position
from eventops.wording import plural, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.dlq.conditions import LetterCondition
    from eventops.dlq.model import Selection
    from eventops.dlq.service import DeadLetterService
    from eventops.ports import Range


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
        click.option(
            "--offset",
            "offsets",
            multiple=True,
            metavar="P/O[-O]",
            help="One letter, 0/41, or those from one offset to another, 0/41-60 or 0/41-; may be repeated.",
        ),
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

    ranges = [_offsets(topic, text) for text in chosen["offsets"]]
    return Selection(
        topic=topic,
        causes=chosen["causes"],
        positions=tuple(one for one in ranges if isinstance(one, Position)),
        ranges=tuple(one for one in ranges if not isinstance(one, Position)),
        groups=chosen["groups"],
        since=chosen["since"],
        until=chosen["until"],
        limit=chosen["limit"],
        where=chosen["where"],
        keys=tuple(key.encode("utf-8", "surrogateescape") for key in chosen["keys"]),
        correlation_ids=chosen["correlation_ids"],
    )


def _offsets(topic: str, text: str) -> Position | Range:
    """
    >>> _offsets("orders-dlt", "0/41"), _offsets("orders-dlt", "orders-dlt/0/41-60").end
    (Position(topic='orders-dlt', partition=0, offset=41), 61)

    Raises:
        UsageError: it isn't PARTITION/OFFSET or PARTITION/FIRST-LAST, or of another topic.
    """
    from eventops.dlq.model import LOG_END
    from eventops.ports import Range

    *named, partition, offsets = ("", *text.rsplit("/", 2))[-3:]
    first, is_range, last = offsets.partition("-")
    if not partition.isdecimal() or not first.isdecimal() or not (last.isdecimal() or not last):
        raise click.UsageError(f"--offset {text} is neither PARTITION/OFFSET nor PARTITION/FIRST-LAST, as in 0/41-60")
    if named not in ([""], [topic]):
        raise click.UsageError(f"--offset {text} isn't of {topic}")
    if not is_range:
        return Position(topic, int(partition), int(first))
    end = int(last) + 1 if last else LOG_END
    if end <= int(first):
        raise click.UsageError(f"--offset {text} ends before it begins")
    return Range(Partition(topic, int(partition)), int(first), end)


@contextmanager
def reading_letters(desk: Desk) -> Iterator[DeadLetterService]:
    """The service, with a progress line while it reads letters."""
    with progress("reading letters") as tell:
        yield desk.dlq.telling(tell)


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
