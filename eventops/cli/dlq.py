"""``eventops dlq``: list, inspect, replay and write off dead letters."""

from __future__ import annotations

import re
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from eventops.cli import diagnostics, dlq_pages
from eventops.cli.options import Command, cluster_options, pass_desk, program
from eventops.cli.output import output_option, print_document
from eventops.errors import ExitCode
from eventops.events import Position
from eventops.wording import plural

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.dlq.model import Plan, ReplayReport, Selection
    from eventops.dlq.replay import Pace

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class _ListByDefault(click.Group):
    """``eventops dlq`` alone lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_asked = any(arg in self.commands or arg in ctx.help_option_names for arg in args)
        return super().parse_args(ctx, args if is_asked else ["list", *args])


@click.group(cls=_ListByDefault, epilog="Example: eventops dlq replay orders-dlt --cause SMTPRecipientsRefused")
@cluster_options
def dlq() -> None:
    """Dead letters: list, inspect, replay exactly once."""


def selection_options(command: Command) -> Command:
    """Which letters of the topic are meant."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="At most so many letters, the oldest events first."),
        click.option("--since", metavar="TIME", help="Letters since then: 2026-01-15T10:30:00Z, or 30m, 2h, 1d ago."),
        click.option("--offset", "offsets", multiple=True, metavar="P/O", help="One letter; may be repeated."),
        click.option("--group", "groups", multiple=True, help="Letters of that consumer group; may be repeated."),
        click.option(
            "--cause", "causes", multiple=True, help="Letters of that cause or its last segment; may be repeated."
        ),
        click.argument("topic"),
    ):
        command = option(command)
    return command


def execution_options(command: Command) -> Command:
    """Plan or act, and how fast."""
    for option in (
        click.option("--yes", is_flag=True, help="Don't ask before executing."),
        click.option("--execute", is_flag=True, help="Act; without it the plan is printed and nothing is written."),
        click.option("--chunk", type=click.IntRange(1, 10_000), default=500, show_default=True, help="A transaction."),
        click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Letters a second at most."),
    ):
        command = option(command)
    return command


@dlq.command("list", epilog="Example: eventops dlq list -o json")
@output_option()
@pass_desk
def list_topics(desk: Desk, output: str) -> None:
    """Dead-letter topics with counts, age and rate; exit code 1 where letters remain."""
    from eventops.dlq.document import list_document

    report = desk.dlq.list(desk.now())
    document = list_document(report)
    if output == "table":
        dlq_pages.print_topics(document)
    else:
        print_document(document, output, document["topics"])
    _end(found=any(topic.open for topic in report.topics), complete=report.coverage.complete)


@dlq.command("groups", epilog="Example: eventops dlq groups orders-dlt")
@click.argument("topic")
@output_option()
@pass_desk
def groups(desk: Desk, topic: str, output: str) -> None:
    """Letters of a topic by cause and consumer group."""
    from eventops.dlq.document import causes_document
    from eventops.dlq.model import Selection

    report = desk.dlq.letters(Selection(topic), desk.now())
    document = causes_document(report)
    if output == "table":
        dlq_pages.print_causes(document)
    else:
        print_document(document, output, document["causes"])
    _end(found=any(cause.open for cause in report.causes), complete=report.coverage.complete)


@dlq.command("show", epilog="Examples: eventops dlq show orders-dlt · eventops dlq show orders-dlt/0/41")
@selection_options
@output_option()
@pass_desk
def show(desk: Desk, topic: str, output: str, **chosen: Any) -> None:
    """Letters of TOPIC, or one letter TOPIC/PARTITION/OFFSET with its payload and stack trace."""
    from eventops.dlq.document import letter_document, letters_document

    if "/" in topic:
        letter = letter_document(desk.dlq.letter(_position(topic)))
        if output == "table":
            dlq_pages.print_letter(letter)
        else:
            print_document(letter, output, [letter])
        return
    report = desk.dlq.letters(_selection(topic, desk.now(), **chosen), desk.now())
    document = letters_document(report)
    if output == "table":
        dlq_pages.print_letters(document)
    else:
        print_document(document, output, document["letters"])
    _end(found=not report.letters, complete=report.coverage.complete)


@dlq.command("replay", epilog="Example: eventops dlq replay orders-dlt --cause SMTPRecipientsRefused --execute")
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
    plan = desk.dlq.plan(_selection(topic, desk.now(), **given), desk.now(), _run_id(), to=to)
    _run(desk, plan, **how)


@dlq.command("discard", epilog='Example: eventops dlq discard orders-dlt --cause MalformedEvent --reason "test data"')
@selection_options
@click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
@execution_options
@output_option()
@pass_desk
def discard(desk: Desk, topic: str, reason: str, **given: Any) -> None:
    """Write letters off in the ledger; the log itself keeps them. Prints the plan; --execute carries it out."""
    how = _execution(given)
    plan = desk.dlq.plan_discard(_selection(topic, desk.now(), **given), desk.now(), _run_id(), reason)
    _run(desk, plan, **how)


@dlq.command("history", epilog="Example: eventops dlq history orders-dlt")
@click.argument("topic", required=False)
@output_option()
@pass_desk
def history(desk: Desk, topic: str | None, output: str) -> None:
    """What was replayed, discarded and parked, when and by whom; newest first."""
    from eventops.dlq.document import history_document

    rows, gaps = desk.dlq.history(topic)
    document = history_document(topic, rows, gaps)
    if output == "table":
        dlq_pages.print_history(document)
    else:
        print_document(document, output, document["rows"])
    _end(found=not rows, complete=not gaps)


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


def _end(*, found: bool, complete: bool) -> None:
    if not complete:
        raise SystemExit(ExitCode.PARTIAL)
    raise SystemExit(ExitCode.FINDING if found else ExitCode.DONE)


def _execution(given: dict[str, Any]) -> dict[str, Any]:
    """Takes the options that say how, not which letters, out of what was given."""
    from eventops.dlq.replay import Pace

    pace = Pace(chunk=given.pop("chunk"), rate=given.pop("rate"))
    return {"pace": pace, **{name: given.pop(name) for name in ("execute", "yes", "output")}}


def _selection(topic: str, now: datetime, **chosen: Any) -> Selection:
    from eventops.dlq.model import Selection

    return Selection(
        topic=topic,
        causes=chosen["causes"],
        positions=tuple(_position(text if text.count("/") > 1 else f"{topic}/{text}") for text in chosen["offsets"]),
        groups=chosen["groups"],
        since=_moment(chosen["since"], now) if chosen["since"] else None,
        limit=chosen["limit"],
    )


def _position(text: str) -> Position:
    try:
        return Position.parse(text)
    except ValueError as error:
        raise click.UsageError(f"{error}; an example: orders-dlt/0/41") from error


def _moment(text: str, now: datetime) -> datetime:
    if ago := _AGO.fullmatch(text):
        return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(
            f"--since {text} is neither a time (2026-01-15T10:30:00Z) nor an age (30m, 2h)"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _run_id() -> str:
    return str(uuid.uuid4())


def _command(plan: Plan) -> str:
    from eventops.dlq.planning import command

    return command(plan, program())
