"""``eventops trace``: what the trace room found, once or as it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eventops.cli.options import pass_desk
from eventops.cli.output import Format, output_option
from eventops.cli.trace_options import FORMS, Way, question, question_options, way_options

if TYPE_CHECKING:
    from eventops.bootstrap import Desk

_EXAMPLES = (
    "Examples: eventops trace req-abc123 · eventops trace req-abc123 --since 1h -o json · "
    "eventops trace req-abc123 -f · eventops trace req-abc123 -o html > ticket.html · "
    "eventops trace req-abc123 --expect checkout.yaml · eventops trace req-abc123 --audit"
)


@click.command(epilog=_EXAMPLES)
@question_options
@way_options
@output_option(*FORMS)
@pass_desk
def trace(desk: Desk, **given: Any) -> None:
    """The event chain of a correlation id (or of an event's id, or a traceparent): what caused what, and what each
    consumer group did with it.

    ✓ consumed: the group's committed offset has passed the event. Committed past it is not succeeded: a consumer that
    swallows its errors commits all the same. … pending: not passed yet. ✗ dead-lettered: a letter of the group says so.
    ↻ replayed: that letter was put back. ? unknown: the reason stands beside it. Letters are found by their ids, and in
    topics named for letters by where they came from.

    Exit code 1: nothing was found, what was expected didn't come, or --audit found something; 5: not everything could
    be read, or --audit had nothing to compare. Ctrl-C prints what was found until then, and what wasn't read (130)."""
    from eventops.cli import trace_audit, trace_search, trace_watch
    from eventops.cli.trace_pages import Paper

    asked, way = question(given), Way.of(given)
    way.check(asked)
    paper = Paper(way.output, given["limit"], given["values"])
    if way.expect is not None:
        code = trace_watch.expect(desk, asked, trace_watch.load(way.expect), paper)
    elif way.audit:
        code = trace_audit.audit(desk, asked, way.output)
    elif not way.follow:
        code = trace_search.once(desk, asked, paper)
    elif way.output == Format.NDJSON:
        code = trace_watch.stream(desk, asked, way.quiet)
    else:
        code = trace_watch.live(desk, asked, way.quiet, paper)
    raise SystemExit(code)
