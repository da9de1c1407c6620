"""``eventops dlq replay`` and ``discard``: plan first, act with ``--execute``."""

from __future__ import annotations

import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from eventops.cli import diagnostics, dlq_pages
from eventops.cli.dlq_options import execution_options, selection, selection_options
from eventops.cli.options import pass_desk, program
from eventops.cli.output import output_option, print_document
from eventops.errors import ExitCode
from eventops.wording import plural

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.dlq.model import Plan, ReplayReport
    from eventops.dlq.replay import Pace


@click.command("replay", epilog="Example: eventops dlq replay orders-dlt --cause SMTPRecipientsRefused --execute")
@selection_options
@click.option("--to", metavar="TOPIC", help="Put them there instead of where each one came from.")
@execution_options
@output_option()
@pass_desk
def replay(desk: Desk, topic: str, to: str | None, **given: Any) -> None:
    """Put letters back where they came from, each exactly once. Prints the plan; --execute carries it out.

    Exit code 0: planned, or all done. 1: nothing to replay, or letters remain. 130: interrupted; the resume command
    is printed.
    """
    how = _execution(given)
    plan = desk.dlq.plan(selection(topic, **given), desk.now(), _run_id(), to=to)
    _run(desk, plan, **how)


@click.command("discard", epilog='Example: eventops dlq discard orders-dlt --cause MalformedEvent --reason "test data"')
@selection_options
@click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
@execution_options
@output_option()
@pass_desk
def discard(desk: Desk, topic: str, reason: str, **given: Any) -> None:
    """Write letters off in the ledger; the log itself keeps them. Prints the plan; --execute carries it out."""
    how = _execution(given)
    plan = desk.dlq.plan_discard(selection(topic, **given), desk.now(), _run_id(), reason)
    _run(desk, plan, **how)


def _run(desk: Desk, plan: Plan, *, execute: bool, yes: bool, output: str, pace: Pace) -> None:
    from eventops.dlq.document import replay_document
    from eventops.dlq.model import ReplayReport

    report = ReplayReport(plan, executed=False)
    if execute:
        desk.require_writable()
        dlq_pages.say_plan(replay_document(report))
        if plan.planned:
            if not _is_confirmed(plan, yes):
                diagnostics.say("nothing was written")
                raise SystemExit(ExitCode.FINDING)
            report = _carry_out(desk, plan, pace)
    document = replay_document(report)
    if output != "table":
        print_document(document, output, document["targets"] if report.executed else document["plan"]["records"])
    elif report.executed:
        dlq_pages.print_outcome(document)
    elif not execute:
        dlq_pages.print_plan(document, _command(plan))
    raise SystemExit(_exit_code(report))


def _carry_out(desk: Desk, plan: Plan, pace: Pace) -> ReplayReport:
    what = "discarding" if plan.is_discard else "replaying"
    with _interruptible() as is_stopped, diagnostics.progress(what) as progress:
        for step in desk.dlq.execute(plan, pace, is_stopped=is_stopped, now=desk.now, program=program()):
            progress(step.done, step.total)
            if step.report is not None:
                return step.report
    raise AssertionError("the last step carries the report")


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end the run after the transaction in hand; a second one ends it at once, which is safe too."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        diagnostics.say("finishing the transaction in hand ...")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_confirmed(plan: Plan, yes: bool) -> bool:
    if yes or not sys.stdin.isatty():
        return True
    verb = "Discard" if plan.is_discard else "Replay"
    return click.confirm(f"{verb} {plural(len(plan.planned), 'letter')}?", err=True)


def _exit_code(report: ReplayReport) -> ExitCode:
    plan = report.plan
    if report.interrupted:
        return ExitCode.INTERRUPTED
    if not plan.coverage.complete:
        return ExitCode.PARTIAL
    if not plan.planned:
        return ExitCode.FINDING
    if not report.executed:
        return ExitCode.DONE
    return ExitCode.FINDING if report.failed or report.parked or plan.refused else ExitCode.DONE


def _execution(given: dict[str, Any]) -> dict[str, Any]:
    """Takes the options that say how, not which letters, out of what was given."""
    from eventops.dlq.replay import Pace

    pace = Pace(chunk=given.pop("chunk"), rate=given.pop("rate"))
    return {"pace": pace, **{name: given.pop(name) for name in ("execute", "yes", "output")}}


def _run_id() -> str:
    return str(uuid.uuid4())


def _command(plan: Plan) -> str:
    from eventops.dlq.planning import command

    return command(plan, program())
