"""``eventops trace``: print what the trace room found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from eventops.cli.diagnostics import complain, progress, say
from eventops.cli.moments import as_moment
from eventops.cli.options import pass_desk
from eventops.cli.output import Column, Document, console, output_option, print_document, print_table
from eventops.errors import ExitCode
from eventops.wording import instant, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.trace.drawing import Line, Tone
    from eventops.trace.model import Question, TraceReport


@click.command(epilog="Examples: eventops trace req-abc123 · eventops trace req-abc123 --since 1h -o json")
@click.argument("identifier", metavar="ID")
@click.option("--topic", "topics", multiple=True, metavar="TOPIC", help="Look only there; may be repeated.")
@click.option("--since", callback=as_moment, metavar="TIME", help="Begin there: 1h, 15m, or 2026-01-15T10:30:00Z.")
@click.option("--until", callback=as_moment, metavar="TIME", help="End there.")
@click.option(
    "--follow-causation", is_flag=True, help="Also causes and effects under other correlation ids: one more pass."
)
@click.option("--limit", type=click.IntRange(1), default=500, show_default=True, help="Events that the tree shows.")
@click.option("-f", "--follow", is_flag=True, help="Then print what comes of it, until interrupted (tree, ndjson).")
@output_option("tree", "mermaid")
@pass_desk
def trace(
    desk: Desk,
    identifier: str,
    topics: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    follow_causation: bool,
    limit: int,
    follow: bool,
    output: str,
) -> None:
    """The event chain of a correlation id (or of an event's id, or a traceparent): what caused what, and what each
    consumer group did with it.

    ✓ consumed: the group's committed offset has passed the event. Committed past it is not succeeded: a consumer that
    swallows its errors commits all the same. … pending: not passed yet. ✗ dead-lettered: a letter of the group says so.
    ↻ replayed: that letter was put back. ? unknown: the reason stands beside it.

    Exit code 1: nothing was found; 5: not everything could be read."""
    from eventops.trace.model import Question

    if follow and (until or output not in ("tree", "ndjson")):
        raise click.UsageError("--follow goes with -o tree or ndjson, and without --until")
    question = Question(identifier, topics, since, until, follow_causation)
    report = _search(desk, question)
    _print(report, output, limit)
    _say_what_it_rests_on(report, question)
    if follow:
        _follow(desk, report, output)
    raise SystemExit(exit_code(report))


def exit_code(report: TraceReport) -> ExitCode:
    """Nothing found is a finding only where everything was read; else it may stand in what wasn't."""
    if not report.coverage.complete:
        return ExitCode.PARTIAL
    return ExitCode.DONE if report.events else ExitCode.FINDING


def _search(desk: Desk, question: Question) -> TraceReport:
    from eventops.trace.identifiers import Identifier

    if question.identifier.strip() and Identifier.of(question.identifier).is_hopelessly_short:
        say(f"note: {question.identifier!r} is so short that much of the log holds it: expect a slow search")
    report = None
    with progress(f"looking for {safe(question.identifier, 40)}") as tell:
        for found in desk.trace.search(question, desk.now()):
            tell(found.records, found.expected)
            report = found.report
    assert report is not None
    return report


def _print(report: TraceReport, output: str, limit: int) -> None:
    from eventops.trace import drawing

    if output == "tree":
        click.echo(drawing.summary(report))
        _print_lines(drawing.tree(report, limit))
    elif output == "mermaid":
        click.echo("\n".join(drawing.mermaid(report)))
    else:
        _print_document(report, output)


def _follow(desk: Desk, report: TraceReport, output: str) -> None:
    """Ends with Ctrl-C (exit code 130)."""
    from eventops.dlq.document import letter_document
    from eventops.trace.document import news_document
    from eventops.trace.drawing import news_line

    say("following; Ctrl-C ends it")
    for news in desk.trace.follow(report):
        for one in news:
            if output == "tree":
                _print_lines([news_line(one)])
            else:
                print_document({}, output, [news_document(one, letter_document)])


def _print_document(report: TraceReport, output: str) -> None:
    from eventops.dlq.document import letter_document
    from eventops.trace.document import document

    found = document(report, letter_document)
    if output == "table":
        print_table(report.correlation_id, _COLUMNS, found["events"])
    else:
        print_document(found, output, found["events"])


def _print_lines(lines: Iterable[Line]) -> None:
    """On a terminal, what doesn't fit goes on below, inside its branch of the tree; elsewhere nothing is broken."""
    from rich.text import Text

    screen = console()
    for line in lines:
        body = Text.assemble(*((span.text, _style(span.tone)) for span in line.spans))
        if not screen.is_terminal:
            screen.print(Text(line.rails) + body, soft_wrap=True)
            continue
        room = max(screen.width - len(line.under), 20)
        for number, part in enumerate(body.wrap(screen, room)):
            part.rstrip()
            screen.print(Text.assemble((line.under if number else line.rails, "dim"), part), soft_wrap=True)


def _say_what_it_rests_on(report: TraceReport, question: Question) -> None:
    from eventops.trace.drawing import coverage_line

    say(coverage_line(report.coverage))
    for note in report.notes:
        say(f"note: {safe(note)}")
    for gap in report.coverage.gaps:
        place = gap.subject if gap.partition is None else f"{gap.subject}/{gap.partition}"
        complain(f"not read: {place}: {gap.reason}")
    if not report.events:
        complain(f"no event has the correlation id or event id {question.identifier!r} where was searched")
        say(f"try: {'; '.join(_to_try(question))}")


def _to_try(question: Question) -> Iterator[str]:
    if question.since or question.until:
        yield "a wider --since and --until"
    if question.topics:
        yield "no --topic: all of them are searched then"
    yield "the id as another service's log line writes it"
    yield "eventops.ids.* in the context, where producers keep ids in places of their own"


def _style(tone: Tone) -> str:
    return _STYLES[tone.value]


_STYLES: Final = {
    "plain": "",
    "name": "bold",
    "faint": "dim",
    "good": "green",
    "waiting": "yellow",
    "bad": "bold red",
    "odd": "magenta",
}


def _deliveries(row: Document) -> str:
    return ", ".join(f"{one['group']} {one['status'].replace('_', '-')}" for one in row["deliveries"])


_COLUMNS = [
    Column("time", lambda row: instant(datetime.fromisoformat(row["timestamp"])) if row["timestamp"] else "?"),
    Column("event", lambda row: "  " * (row["depth"] - 1) + (row["event_type"] or "(no type)")),
    Column("source", lambda row: row["source"] or "?"),
    Column("at", lambda row: f"{row['topic']}/{row['partition']}/{row['offset']}"),
    Column("deliveries", _deliveries, wrap=True),
]
