"""``eventops trace``: what the trace room found, once or as it goes on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eventops.cli.diagnostics import say
from eventops.cli.moments import as_moment
from eventops.cli.options import pass_desk
from eventops.cli.output import Format, output_option
from eventops.cli.searching import Interruption, Size, meter
from eventops.errors import ExitCode
from eventops.wording import safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.trace.model import Question, TraceReport

FORMS = ("tree", "timeline", "mermaid", "dot", "svg", "html")
_EXAMPLES = (
    "Examples: eventops trace req-abc123 · eventops trace req-abc123 --since 1h -o json · "
    "eventops trace req-abc123 -f · eventops trace req-abc123 -o html > ticket.html · "
    "eventops trace req-abc123 --expect checkout.yaml · eventops trace req-abc123 --audit"
)


@click.command(epilog=_EXAMPLES)
@click.argument("identifier", metavar="ID")
@click.option(
    "--topic", "topics", multiple=True, metavar="TOPIC", help="Look only there: a name or a glob; may be repeated."
)
@click.option("--exclude", multiple=True, metavar="TOPIC", help="Don't look there: a name or a glob; may be repeated.")
@click.option("--since", callback=as_moment, metavar="TIME", help="Begin there: 1h, 15m, or 2026-01-15T10:30:00Z.")
@click.option("--until", callback=as_moment, metavar="TIME", help="End there.")
@click.option(
    "--engine",
    type=click.Choice(("auto", "scan", "consume", "index")),
    default="auto",
    show_default=True,
    help="scan: raw batches; consume: record by record, slower; both the newest first; auto: scan where it can be "
    "done. index: the context's trace store says where to read, whatever the log's size.",
)
@click.option("--max-bytes", type=Size(), metavar="SIZE", help="Fetch about so much at most: 500MB, 2G.")
@click.option(
    "--follow-causation", is_flag=True, help="Also causes, effects under other correlation ids: one more pass."
)
@click.option("--values", is_flag=True, help="Show payloads (tree, html); JSON always has them.")
@click.option(
    "--limit", type=click.IntRange(1), default=500, show_default=True, help="Events that tree and pictures show."
)
@click.option(
    "-f", "--follow", is_flag=True, help="Keep the tree live, or print what comes as ndjson, until it is quiet."
)
@click.option(
    "--quiet",
    type=click.FloatRange(0),
    default=30.0,
    metavar="SECONDS",
    show_default=True,
    help="Without news for so long, --follow ends; 0: only Ctrl-C ends it.",
)
@click.option(
    "--expect",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Wait for the events that a YAML or JSON file lists; exit code 1 where they don't come in time.",
)
@click.option(
    "--audit",
    is_flag=True,
    help="Hold the chain against the spans of the trace store: what is missing on either side, which service to mend.",
)
@output_option(*FORMS)
@pass_desk
def trace(
    desk: Desk,
    identifier: str,
    topics: tuple[str, ...],
    exclude: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    engine: str,
    max_bytes: int | None,
    follow_causation: bool,
    values: bool,
    limit: int,
    follow: bool,
    quiet: float,
    expect: Path | None,
    audit: bool,
    output: str,
) -> None:
    """The event chain of a correlation id (or of an event's id, or a traceparent): what caused what, and what each
    consumer group did with it.

    ✓ consumed: the group's committed offset has passed the event. Committed past it is not succeeded: a consumer that
    swallows its errors commits all the same. … pending: not passed yet. ✗ dead-lettered: a letter of the group says so.
    ↻ replayed: that letter was put back. ? unknown: the reason stands beside it.

    Exit code 1: nothing was found, or what was expected didn't come; 5: not everything could be read. Ctrl-C prints
    what was found until then, and what wasn't read (130)."""
    from eventops.cli import trace_audit, trace_pages, trace_watch
    from eventops.trace.model import Question

    question = Question(identifier, topics, since, until, engine, follow_causation or audit, exclude, max_bytes)
    paper = trace_pages.Paper(output, limit, values)
    _warn(question, output, follow=follow, expect=expect, audit=audit)
    if expect is not None:
        raise SystemExit(trace_watch.expect(desk, question, trace_watch.load(expect), paper))
    if follow and output != Format.NDJSON:
        raise SystemExit(exit_code(trace_watch.live(desk, question, quiet, paper)))
    if audit:
        raise SystemExit(trace_audit.audit(desk, question, output))
    with Interruption() as interruption:
        report = search(desk, question, interruption)
    paper.print(report, desk.now())
    trace_pages.say_what_it_rests_on(report, question)
    if interruption.is_set:
        raise KeyboardInterrupt
    if follow:
        trace_watch.stream(desk, report, quiet)
    raise SystemExit(exit_code(report))


def exit_code(report: TraceReport) -> ExitCode:
    """Nothing found is a finding only where everything was read; else it may stand in what wasn't."""
    if not report.coverage.complete:
        return ExitCode.PARTIAL
    return ExitCode.DONE if report.events else ExitCode.FINDING


def _warn(question: Question, output: str, *, follow: bool, expect: Path | None, audit: bool) -> None:
    """
    Raises:
        UsageError: options that don't go together.
    """
    from eventops.trace.identifiers import Identifier

    if follow and (question.until or output not in ("tree", Format.NDJSON)):
        raise click.UsageError("--follow goes with -o tree or ndjson, and without --until")
    if expect is not None and (follow or question.until):
        raise click.UsageError("--expect waits of its own accord: leave out --follow and --until")
    if audit and (follow or expect is not None or output in FORMS[1:]):
        raise click.UsageError("--audit is a table or a document of its own: leave out --follow, --expect and pictures")
    if question.identifier.strip() and Identifier.of(question.identifier).is_hopelessly_short:
        say(f"note: {question.identifier!r} is so short that much of the log holds it: expect a slow search")


def search(desk: Desk, question: Question, interruption: Interruption) -> TraceReport:
    """What was found until the end or the interruption; a meter on stderr shows how far it is."""
    report = None
    with meter(f"looking for {safe(question.identifier, 40)}") as shown:
        for found in desk.trace.search(question, desk.now(), lambda: interruption.is_set):
            shown.tell(found)
            report = found.report
    assert report is not None
    return report
