"""A chain as it goes on: live on a terminal, as lines for other programs, or until what was expected has come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eventops.cli.diagnostics import complain, progress, say
from eventops.cli.output import Format, console, print_document
from eventops.cli.trace_pages import Paper, painted, say_what_it_rests_on
from eventops.errors import ExitCode, UsageError
from eventops.wording import duration, safe

if TYPE_CHECKING:
    from rich.text import Text

    from eventops.bootstrap import Desk
    from eventops.trace.expectation import Expectation
    from eventops.trace.model import Question, TraceReport

_PAUSE: Final = 0.5
"""Seconds between two looks at what came meanwhile."""


def live(desk: Desk, question: Question, quiet: float, paper: Paper) -> TraceReport:
    """The tree, drawn anew where something changed, until nothing does for ``quiet`` seconds; then it is printed whole.
    Ctrl-C prints what there is."""
    from rich.live import Live

    say("following; Ctrl-C ends it" + (f", or {duration(quiet)} without news" if quiet else ""))
    screen, report, told = console(), None, time.monotonic()
    try:
        with Live(console=screen, auto_refresh=False, transient=True, vertical_overflow="ellipsis") as shown:
            for latest in _reports(desk, question):
                if report is None or _changed(report, latest):
                    told = time.monotonic()
                    if screen.is_terminal:
                        shown.update(_screenful(latest, paper), refresh=True)
                report = latest
                if quiet and time.monotonic() - told >= quiet:
                    break
    finally:
        if report is not None:
            paper.print(report, desk.now())
            say_what_it_rests_on(report, question)
    assert report is not None
    return report


def stream(desk: Desk, report: TraceReport, quiet: float) -> None:
    """What comes after the report, a line of JSON each; an event, or a letter (it has a ``cause_key``)."""
    from eventops.dlq.document import letter_document
    from eventops.trace.document import news_document

    say("following; Ctrl-C ends it" + (f", or {duration(quiet)} without news" if quiet else ""))
    told = time.monotonic()
    for news in desk.trace.follow(report):
        for one in news:
            print_document({}, Format.NDJSON, [news_document(one, letter_document)])
            told = time.monotonic()
        if quiet and time.monotonic() - told >= quiet:
            return


def load(path: Path) -> Expectation:
    """
    Raises:
        UsageError: the file can't be read, or isn't as ``docs/reference/expect.md`` says.
    """
    import yaml

    from eventops.trace.expectation import Expectation

    try:
        return Expectation.of(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read", remedy=str(error)) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: {error}", remedy="docs/reference/expect.md says how it is written") from error


def expect(desk: Desk, question: Question, expected: Expectation, paper: Paper) -> ExitCode:
    """Look until it is met, can't be met any more, or the time is over."""
    until = time.monotonic() + expected.within
    for report in _reports(desk, question):
        failures = list(expected.failures(report))
        if not failures or expected.is_hopeless(report) or time.monotonic() >= until:
            break
    paper.print(report, desk.now())
    say_what_it_rests_on(report, question)
    if not failures:
        say("as expected")
        return ExitCode.DONE
    for failure in failures:
        complain(f"not as expected: {failure}")
    return ExitCode.FINDING if report.coverage.complete else ExitCode.PARTIAL


def _reports(desk: Desk, question: Question) -> Iterator[TraceReport]:
    with progress(f"looking for {safe(question.identifier, 40)}") as tell:
        watching = desk.trace.watch(question, desk.now)
        for found in watching:
            if found.report is None:
                tell(found.records, found.expected)
                continue
            report = found.report
            break
    yield report
    for found in watching:
        if found.report is not None:
            time.sleep(_PAUSE)
            yield found.report


def _changed(before: TraceReport, after: TraceReport) -> bool:
    return (before.events, before.coverage.gaps) != (after.events, after.coverage.gaps)


def _screenful(report: TraceReport, paper: Paper) -> Text:
    from rich.text import Text

    from eventops.trace import drawing

    screen = console()
    lines = drawing.tree(report, paper.limit, values=paper.values)
    rows = [Text(drawing.summary(report)), *(part for line in lines for part in painted(line, screen))]
    return Text("\n").join(rows)
