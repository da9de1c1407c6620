"""One search for a chain on the command line, its report on paper, and its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventops.cli.searching import Interruption, meter
from eventops.cli.trace_pages import Paper, say_what_it_rests_on
from eventops.errors import ExitCode
from eventops.wording import safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.trace.model import Question, TraceReport


def once(desk: Desk, question: Question, paper: Paper) -> ExitCode:
    """Search, and print what there is at its end, or at Ctrl-C."""
    with Interruption() as interruption:
        report = search(desk, question, interruption)
    print_report(desk, report, question, paper)
    interruption.pass_on()
    return exit_code(report)


def search(desk: Desk, question: Question, interruption: Interruption) -> TraceReport:
    """What was found until the end or the interruption; a meter on stderr shows how far it is."""
    report = None
    with meter(f"looking for {safe(question.identifier, 40)}") as shown:
        for found in desk.trace.search(question, desk.now(), lambda: interruption.is_set):
            shown.tell(found)
            report = found.report
    assert report is not None
    return report


def print_report(desk: Desk, report: TraceReport, question: Question, paper: Paper) -> None:
    """The report to stdout, what it rests on to stderr."""
    paper.print(report, desk.now())
    say_what_it_rests_on(report, question)


def exit_code(report: TraceReport) -> ExitCode:
    """Nothing found is a finding only where everything was read; else it may stand in what wasn't."""
    if not report.coverage.complete:
        return ExitCode.PARTIAL
    return ExitCode.DONE if report.events else ExitCode.FINDING
