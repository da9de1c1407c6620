"""``eventops dlq replay``, ``discard`` and ``restore``: plan first, act with ``--execute``."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from eventops.cli import diagnostics, dlq_pages
from eventops.cli.dlq_editing import editing_options, edits
from eventops.cli.dlq_execution import (
    execution_options,
    interruptible,
    pace,
    pace_options,
    reason_option,
    required_reason_option,
)
from eventops.cli.dlq_options import everything_option, reading_letters, say_unjudged, selection, selection_options
from eventops.cli.options import pass_desk, program
from eventops.cli.output import output_option, print_document
from eventops.dlq.pace import MOST_ATTEMPTS
from eventops.errors import ExitCode
from eventops.wording import plural

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.dlq.pace import Pace
    from eventops.dlq.replay_model import Plan, ReplayReport, Wishes
    from eventops.dlq.service import DeadLetterService

_HOW = ("execute", "yes", "output")


@click.command(
    "replay",
    epilog="Examples: eventops dlq replay orders-dlt --cause NoStock --ramp --execute · "
    "eventops dlq replay orders-dlt --offset 0/41 --edit --new-id · "
    "eventops dlq replay orders-dlt --all --transform '.value.email |= ascii_downcase'",
)
@selection_options
@everything_option
@editing_options
@click.option("--to", metavar="TOPIC", help="Put them there instead of where each one came from.")
@click.option(
    "--source",
    type=click.Choice(["auto", "origin", "letter"]),
    default="auto",
    show_default=True,
    help="What is put back: the record at the letter's origin, or the letter itself. auto: the origin where it can "
    "still be read and is the same event; the plan says which, and shows differences.",
)
@click.option("--by-key", is_flag=True, help="Let each record's key choose the partition, not its origin.")
@click.option("--drop-header", "drop_headers", multiple=True, metavar="NAME", help="Leave it out; may be repeated.")
@click.option(
    "--max-attempts",
    type=click.IntRange(1, MOST_ATTEMPTS),
    default=3,
    show_default=True,
    help="Leave events alone that were put back so often, and failed again.",
)
@click.option("--again", is_flag=True, help="Put back once more what was replayed before: a deliberate second time.")
@click.option(
    "--run",
    metavar="ID",
    help="Go on with that run, which was ended early: what it put back counts as done, also with --again.",
)
@reason_option
@pace_options
@execution_options
@output_option()
@pass_desk
def replay(desk: Desk, topic: str, **given: Any) -> None:
    """Put letters back where they came from, each exactly once. Prints the plan; --execute carries it out.

    Exactly once: each letter is appended to its target once, for readers of committed records, however often this is
    killed and started again, and whoever else replays the same topic. What a consumer then does with it is its own
    affair. A reader of uncommitted records (Java's default) may see an aborted attempt; eventops-replay-id, a header of
    every replayed record, tells. --at-least-once gives this up where transactions aren't allowed.

    Headers that tell of failures are taken off; key, partition, payload and the event's own headers stay. What has one
    key goes back in the order it came.

    Exit code 0: planned, or all done. 1: nothing to replay, or letters remain. 4: not permitted. 130: interrupted; the
    command that goes on is printed.
    """
    from eventops.dlq.ramp import with_caution

    reason, run, how, tempo = given.pop("reason"), given.pop("run"), _how(given), pace(given)
    wishes, edit = _wishes(given), given.pop("edit")
    chosen = selection(topic, **given)
    _require_a_selection(given, how["execute"])
    if how["execute"]:
        desk.require_writable()
    wishes, edited = edits(desk, chosen, wishes, edit=edit)
    with planning(desk) as letters:
        plan = letters.plan(chosen, desk.now(), run or _run_id(), wishes, reason=reason, edited=edited)
    say_unjudged(given["where"])
    _run(desk, with_caution(plan, tempo.ramp), pace=tempo, **how)


@click.command("discard", epilog='Example: eventops dlq discard orders-dlt --cause MalformedEvent --reason "test data"')
@selection_options
@everything_option
@required_reason_option
@execution_options
@output_option()
@pass_desk
def discard(desk: Desk, topic: str, **given: Any) -> None:
    """Write letters off in the ledger; the log itself keeps them. Prints the plan; --execute carries it out."""
    _keep_books(desk, "discard", topic, given)


@click.command("restore", epilog="Example: eventops dlq restore orders-dlt --offset 0/41 --execute")
@selection_options
@everything_option
@reason_option
@execution_options
@output_option()
@pass_desk
def restore(desk: Desk, topic: str, **given: Any) -> None:
    """Take back that letters were discarded or parked: they are open again. Prints the plan; --execute carries it
    out."""
    _keep_books(desk, "restore", topic, given)


def _keep_books(desk: Desk, action: str, topic: str, given: dict[str, Any]) -> None:
    from eventops.dlq.replay_model import Action

    reason, how, tempo = given.pop("reason"), _how(given), pace(given)
    _require_a_selection(given, how["execute"])
    if how["execute"]:
        desk.require_writable()
    chosen = selection(topic, **given)
    with planning(desk) as letters:
        plan = letters.plan_bookkeeping(Action(action), chosen, desk.now(), _run_id(), reason)
    say_unjudged(given["where"])
    _run(desk, plan, pace=tempo, **how)


@contextmanager
def planning(desk: Desk) -> Iterator[DeadLetterService]:
    """The service; whoever interrupts it is told that there is nothing to go on from."""
    try:
        with reading_letters(desk) as letters:
            yield letters
    except KeyboardInterrupt:
        diagnostics.say("it was still being planned, and nothing was written: the same command begins anew")
        raise


def _run(desk: Desk, plan: Plan, *, execute: bool, yes: bool, output: str, pace: Pace) -> None:
    from eventops.dlq.replay_document import plan_document, replay_document
    from eventops.dlq.replay_model import ReplayReport

    report = ReplayReport(plan, executed=False)
    planned = plan_document(plan, desk.dlq.strip, dlq_pages.DIFFS if output == "table" else None)
    document = replay_document(report, planned=planned)
    if execute:
        dlq_pages.say_plan(document)
        if plan.planned:
            if plan.wishes.again:
                diagnostics.say(f"should it be killed, this goes on with it:\n  {_that_goes_on(plan, pace)}")
            if not _is_confirmed(plan, yes):
                diagnostics.say("nothing was written")
                raise SystemExit(ExitCode.FINDING)
            report = _carry_out(desk, plan, pace)
            document = replay_document(report, planned=planned)
    if output != "table":
        print_document(document, output, document["targets"] if report.executed else document["plan"]["records"])
    elif report.executed:
        dlq_pages.print_outcome(document)
    elif not execute:
        read_only = desk.context.name if desk.context.read_only else None
        dlq_pages.print_plan(document, _command(plan, pace), read_only)
    raise SystemExit(_exit_code(report))


def _carry_out(desk: Desk, plan: Plan, pace: Pace) -> ReplayReport:
    what = {"replay": "replaying", "discard": "discarding", "restore": "restoring"}[plan.action.value]
    told: str | None = None
    is_idle = True  # until the ledger told what is done already
    with interruptible(lambda: is_idle) as is_stopped, diagnostics.progress(what) as progress:
        for step in desk.dlq.execute(plan, pace, is_stopped=is_stopped, now=desk.now, program=program()):
            progress(step.done, step.total)
            if step.told and step.told != told:
                diagnostics.say(f"{step.done:,} of {step.total:,}: {step.told}")
            told = step.told
            is_idle = step.is_idle
            if step.report is not None:
                return step.report
    raise AssertionError("the last step carries the report")


def _is_confirmed(plan: Plan, yes: bool) -> bool:
    if yes or not sys.stdin.isatty():
        return True
    return click.confirm(f"{plan.action.value.capitalize()} {plural(len(plan.planned), 'letter')}?", err=True)


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
    is_finding = report.failed or report.parked or report.failed_again or report.stopped or plan.refused
    return ExitCode.FINDING if is_finding else ExitCode.DONE


def _require_a_selection(given: dict[str, Any], execute: bool) -> None:
    """Nobody puts everything back by leaving a condition out."""
    everything = given.pop("everything")
    conditions = ("causes", "offsets", "groups", "keys", "correlation_ids", "since", "until", "where")
    is_narrowed = any(given[name] for name in conditions)
    if everything and is_narrowed:
        raise click.UsageError("--all means every letter, and conditions were given as well: leave one out")
    if execute and not everything and not is_narrowed:
        raise click.UsageError("which letters? Name a --cause, --where, --offset, --key, a time, …, or --all of them")


def _wishes(given: dict[str, Any]) -> Wishes:
    """Takes what says how letters are put back out of what was given."""
    from eventops.dlq.replay_model import Source, Wishes

    named = ("to", "transform", "edited", "new_ids", "max_attempts", "again", "by_key", "drop_headers", "at_least_once")
    return Wishes(source=Source(given.pop("source")), **{name: given.pop(name) for name in named})


def _how(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given.pop(name) for name in _HOW}


def _run_id() -> str:
    return str(uuid.uuid4())


def _command(plan: Plan, pace: Pace) -> str:
    from eventops.dlq.command import of_plan

    return of_plan(plan, program(), pace)


def _that_goes_on(plan: Plan, pace: Pace) -> str:
    from eventops.dlq.command import that_goes_on

    return that_goes_on(plan, program(), pace, len(plan.planned))
