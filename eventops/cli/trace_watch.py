"""A chain as it goes on: live on a terminal, as lines for other programs, or until what was expected has come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eventops.cli.diagnostics import complain, say
from eventops.cli.output import Format, console, print_document
from eventops.cli.searching import Interruption, meter
from eventops.cli.trace_pages import Paper, painted, say_what_it_rests_on
from eventops.cli.trace_search import exit_code, print_report
from eventops.errors import ExitCode, UsageError
from eventops.wording import duration, plural, safe

if TYPE_CHECKING:
    from rich.text import Text

    from eventops.bootstrap import Desk
    from eventops.trace.expectation import Expectation
    from eventops.trace.model import Hop, Question, TraceReport

_PAUSE: Final = 0.5
"""Seconds between two looks at what came meanwhile."""


def live(desk: Desk, question: Question, quiet: float, paper: Paper) -> ExitCode:
    """The tree, drawn anew where something changed, until nothing does for ``quiet`` seconds; then it is printed whole.
    Ctrl-C prints what there is."""
    _say_how_it_ends(quiet)
    report = None
    try:
        with Interruption() as interruption:
            for latest in _drawn(_reports(desk, question, interruption), quiet, paper):
                report = latest
    finally:  # a broker that went away meanwhile doesn't take along what was seen
        if report is not None:
            print_report(desk, report, question, paper)
    interruption.pass_on()
    assert report is not None
    return exit_code(report)


def _drawn(reports: Iterator[TraceReport], quiet: float, paper: Paper) -> Iterator[TraceReport]:
    """The reports, each on screen where it says something new, until none does for ``quiet`` seconds."""
    from rich.live import Live

    screen, before, told = console(), None, time.monotonic()
    with Live(console=screen, auto_refresh=False, transient=True) as shown:
        for report in reports:
            if before is None or _changed(before, report):
                told = time.monotonic()
                if screen.is_terminal:
                    shown.update(_screenful(report, paper), refresh=True)
            yield report
            before = report
            if quiet and time.monotonic() - told >= quiet:
                return


def stream(desk: Desk, question: Question, quiet: float) -> ExitCode:
    """An event a line, and again whenever more is known of it: a group passed it, a letter came, it was put back."""
    from eventops.dlq.document import letter_document
    from eventops.trace.document import hop_document

    _say_how_it_ends(quiet)
    known: dict[str, Hop] = {}
    told, report = time.monotonic(), None
    try:
        with Interruption() as interruption:
            for report in _reports(desk, question, interruption):
                new = [hop for hop in report.events if known.get(hop.event.reference) != hop]
                if new:
                    print_document({}, Format.NDJSON, [hop_document(hop, letter_document) for hop in new])
                    known, told = {hop.event.reference: hop for hop in report.events}, time.monotonic()
                if quiet and time.monotonic() - told >= quiet:
                    break
    finally:
        if report is not None:
            say_what_it_rests_on(report, question)
    interruption.pass_on()
    assert report is not None
    return exit_code(report)


def _say_how_it_ends(quiet: float) -> None:
    say("following; Ctrl-C ends it" + (f", or {duration(quiet)} without news" if quiet else ""))


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
    """Look until it is met, can't be met any more, the time is over, or Ctrl-C."""
    until = time.monotonic() + expected.within
    report, failures = None, []
    try:
        with Interruption() as interruption:
            for report in _reports(desk, question, interruption):
                failures = list(expected.failures(report))
                if not failures or expected.is_hopeless(report) or time.monotonic() >= until:
                    break
    finally:  # as with live(): what was seen stays
        if report is not None:
            print_report(desk, report, question, paper)
            for failure in failures:
                complain(f"not as expected: {failure}")
    assert report is not None
    if not failures:
        say("as expected")
        return ExitCode.DONE
    interruption.pass_on()
    return ExitCode.FINDING if report.coverage.complete else ExitCode.PARTIAL


def _reports(desk: Desk, question: Question, interruption: Interruption) -> Iterator[TraceReport]:
    """The whole chain, and then anew twice a second, until the interruption; one at least."""
    with meter(f"looking for {safe(question.identifier, 40)}") as shown:
        watching = desk.trace.watch(question, desk.now, lambda: interruption.is_set)
        for found in watching:
            shown.tell(found)
            if found.report is not None:
                break
    assert found.report is not None
    yield found.report
    while not interruption.is_set:
        interruption.wait(_PAUSE)
        yield next(found.report for found in watching if found.report is not None)


def _changed(before: TraceReport, after: TraceReport) -> bool:
    return (before.events, before.coverage.gaps) != (after.events, after.coverage.gaps)


def _screenful(report: TraceReport, paper: Paper) -> Text:
    """As much as the screen holds: what is newest stands at the end of its branch, mostly below."""
    from rich.text import Text

    from eventops.trace import drawing

    screen = console()
    lines = drawing.tree(report, paper.limit, values=paper.values)
    rows = [part for line in lines for part in painted(line, screen)]
    if (room := max(1, screen.height - 3)) < len(rows):
        rows = [Text(f"… {plural(len(rows) - room, 'line')} above"), *rows[-room:]]
    return Text("\n").join([Text(drawing.summary(report)), *rows])
