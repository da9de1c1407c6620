"""``eventops events``: single records, and the log as it grows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from eventops.cli.diagnostics import complain, say
from eventops.cli.options import pass_desk
from eventops.cli.output import Format, print_document, write
from eventops.errors import ExitCode, UsageError
from eventops.wording import instant, moment, plural, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.events import Event
    from eventops.records.model import Tail
    from eventops.where import Where

_BEGINNING = "beginning"


@click.group(epilog="Example: eventops events tail --topic order-events --where 'value.data.total > 100'")
def events() -> None:
    """Live tail of the log, and single records, decoded."""


@events.command("show", epilog="Example: eventops events show order-events/2/41 -o json")
@click.argument("position", metavar="TOPIC/PARTITION/OFFSET")
@click.option("-o", "--output", type=click.Choice(("page", "json", "yaml")), default="page", show_default=True)
@pass_desk
def show(desk: Desk, position: str, output: str) -> None:
    """One record: its ids, headers and value, decoded. Exit code 1: none stands there."""
    from eventops.events import Position

    try:
        wanted = Position.parse(position)
    except ValueError as error:
        raise UsageError(str(error), remedy="as in order-events/2/41") from error
    event = desk.records.show(wanted)
    if output == "page":
        _print_page(event)
    else:
        print_document(event.document(), output, [event.document()])


@events.command(
    "tail",
    epilog="Examples: eventops events tail --topic 'order-*' · eventops events tail --from 15m -e -o ndjson · "
    'eventops events tail --where \'headers["ce_type"] == "order.placed" && value.data.total > 100\' -n 1',
)
@click.option(
    "--topic", "topics", multiple=True, metavar="TOPIC", help="A name or a glob; may be repeated. Default: all."
)
@click.option(
    "--where",
    metavar="CEL",
    help="Only records for which it holds: a condition over key, value, headers, topic, partition, offset, timestamp.",
)
@click.option("-n", "count", type=click.IntRange(1), metavar="N", help="End after so many.")
@click.option(
    "--from", "since", metavar="TIME", help="Begin there: 15m, a time, or `beginning`. Default: what comes now."
)
@click.option("--until", metavar="TIME", help="End there: 5m ago, or a time. Goes with --from, and ends by itself.")
@click.option("-e", "--exit", "to_end", is_flag=True, help="End at the end that the log has now.")
@click.option("--values", is_flag=True, help="Show payloads.")
@click.option("-o", "--output", type=click.Choice(("lines", "ndjson")), default="lines", show_default=True)
@pass_desk
def tail(
    desk: Desk,
    topics: tuple[str, ...],
    where: str | None,
    count: int | None,
    since: str | None,
    until: str | None,
    to_end: bool,
    values: bool,
    output: str,
) -> None:
    """Records as they come, across partitions in the order they arrive here; Ctrl-C ends it. Exit code 1: with -e,
    nothing was found; 5: something couldn't be read."""
    from eventops.where import Where

    condition = Where.of(where) if where is not None else None
    wanted = _tail(topics, since, until, follows=not to_end and until is None)
    found, gaps = _print_tail(desk, wanted, condition, count, output, values=values)
    if condition is not None and condition.unjudged:
        said = f"{plural(condition.unjudged, 'record')} couldn't be judged"
        say(f"note: {said}: {safe(condition.reason or '', 200)}")
    if gaps:
        raise SystemExit(ExitCode.PARTIAL)
    raise SystemExit(ExitCode.DONE if found or wanted.follows else ExitCode.FINDING)


def _tail(topics: tuple[str, ...], since: str | None, until: str | None, *, follows: bool) -> Tail:
    from eventops.records.model import Tail

    end = None if until is None else _moment("--until", until)
    if end is not None and since is None:
        raise UsageError("--until ends what --from begins", remedy="say --from 1h, or --from beginning, as well")
    if since is None or since == _BEGINNING:
        return Tail(topics, None, from_start=since is not None, follows=follows, until=end)
    begin = _moment("--from", since)
    if begin > datetime.now(UTC):
        raise UsageError(f"--from {instant(begin)} lies in the future", remedy="leave it out to see what comes")
    if end is not None and end <= begin:
        raise UsageError("--until lies before --from", remedy="nothing is in between")
    return Tail(topics, begin, follows=follows, until=end)


def _moment(option: str, text: str) -> datetime:
    try:
        return moment(text, datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} {text!r} is no time", remedy="write 15m, 2026-01-15T10:30:00Z or beginning"
        ) from error


def _print_tail(
    desk: Desk, wanted: Tail, where: Where | None, count: int | None, output: str, *, values: bool
) -> tuple[int, int]:
    """How many were printed, and how many gaps there were."""
    printed = gaps = 0
    for number, seen in enumerate(desk.records.tail(wanted, where)):
        if wanted.follows and number == 0:
            say("waiting for records; Ctrl-C ends it")
        for gap in seen.gaps:
            gaps += 1
            place = gap.subject if gap.partition is None else f"{gap.subject}/{gap.partition}"
            complain(f"not read: {place}: {gap.reason}")
        for event in seen.events[: None if count is None else count - printed]:
            printed += 1
            _print_event(event, output, values=values)
        if printed == count:
            break
    return printed, gaps


def _print_event(event: Event, output: str, *, values: bool) -> None:
    if output == Format.NDJSON:
        print_document({}, Format.NDJSON, [event.document()])
        return
    from eventops.trace import payload

    ids = event.ids
    name = safe(ids.event_type or "(no type)", 60)
    rest = [safe(text, 60) for text in (ids.event_id, ids.source, ids.correlation_id) if text]
    write(f"{instant(event.record.timestamp)}  {safe(str(event.position), 60)}  {name}  {'  '.join(rest)}".rstrip())
    if values:
        for line in payload.lines(event.record.value):
            write(f"    {line}")


def _print_page(event: Event) -> None:
    from eventops.events import bytes_as_text
    from eventops.trace import payload

    ids, record = event.ids, event.record
    rows = [("position", str(event.position)), ("timestamp", instant(record.timestamp))]
    rows += [
        (name, text)
        for name, text in (
            ("event id", ids.event_id),
            ("event type", ids.event_type),
            ("source", ids.source),
            ("correlation id", ids.correlation_id),
            ("causation id", ids.causation_id),
            ("trace id", ids.trace_id),
            ("key", None if record.key is None else bytes_as_text(record.key)),
        )
        if text is not None
    ]
    for name, text in rows:
        write(f"{name:<15} {safe(text, 400)}")
    for header, value in record.headers:
        write(f"header          {safe(header, 100)}: {'(none)' if value is None else safe(bytes_as_text(value), 400)}")
    if record.headers_reason:
        write(f"headers         unknown: {record.headers_reason}")
    size = "none" if record.value is None else plural(len(record.value), "byte")
    write(f"value           {size}")
    for line in payload.lines(record.value, most=10 * payload.LINES):
        write(f"  {line}")
