"""``eventops groups reset``: a plan, and with ``--execute`` the deed and its proof."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eventops.cli import diagnostics, groups_reset_pages
from eventops.cli.completing import group_names
from eventops.cli.options import pass_desk, program
from eventops.cli.output import output_option, print_document
from eventops.errors import ExitCode, UsageError
from eventops.wording import plural, safe, shell_words

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.groups.model import ResetPlan, ResetReport, Scope, Target

_EPILOG = """\b
Targets (--to):
  earliest, latest        the ends of the log
  offset:123              that offset
  2026-01-15T10:00Z       the first record at or after that time (UTC without a zone)
  -2h                     the same, so long before now: 90s, 15m, 2h, 3d, 1w
  shift:-10, shift:+10    from where the group stands
  file:plan.csv           TOPIC,PARTITION,OFFSET a line, as --export and kafka-consumer-groups write it

\b
Examples:
  eventops groups reset billing --all-topics --to -2h
  eventops groups reset billing --topic orders:0,2 --to offset:1200 --execute
  eventops groups reset billing --topic orders --to latest --export plan.csv
  eventops groups reset billing --to file:plan.csv --execute

Exit code 0: planned, or done and read back. 1: something can't be moved, or wasn't. 4: members, ACL, read-only."""


@click.command("reset", epilog=_EPILOG)
@click.argument("group", shell_complete=group_names)
@click.option("--topic", "topics", multiple=True, metavar="TOPIC[:P,P]", help="What to move; may be repeated.")
@click.option("--all-topics", is_flag=True, help="Whatever the group committed on.")
@click.option("--to", required=True, metavar="TARGET", help="Where to; the targets are listed below.")
@click.option("--create", is_flag=True, help="A group that doesn't exist shall come to be by it.")
@click.option("--export", "file", type=click.Path(path_type=Path), help="Also write the plan as CSV to a new file.")
@click.option("--execute", is_flag=True, help="Act; without it the plan is printed and nothing is written.")
@click.option("--yes", is_flag=True, help="Don't ask before executing; without a terminal nobody is asked.")
@output_option()
@pass_desk
def reset(
    desk: Desk, *, group: str, topics: tuple[str, ...], all_topics: bool, to: str, create: bool, file: Path | None,
    execute: bool, yes: bool, output: str,
) -> None:  # fmt: skip
    """Put a group's committed offsets elsewhere: a plan until --execute, which takes a group without members.

    Offsets outside of a log are moved to its edge, as Kafka's own tool does, and the plan says so.
    """
    from eventops.groups.document import reset_document
    from eventops.groups.model import ResetReport

    scope, target = _asked(desk, group, topics, to, all_topics=all_topics)
    if execute:
        desk.require_writable()
    plan = desk.reset.plan(group, scope, target, desk.now(), create=create)
    if file is not None:
        _export(plan, file)
    report = ResetReport(plan)
    if execute:
        groups_reset_pages.say_reset(reset_document(report))
        if not (yes or _is_confirmed(plan)):
            diagnostics.say("nothing was written")
            raise SystemExit(ExitCode.FINDING)
        report = desk.reset.execute(plan)
    document = reset_document(report)
    if output == "table":
        groups_reset_pages.print_reset(document, _command(plan, topics, all_topics=all_topics, create=create))
    else:
        print_document(document, output, document["moves"])
    raise SystemExit(_exit_code(report))


def _asked(desk: Desk, group: str, topics: tuple[str, ...], to: str, *, all_topics: bool) -> tuple[Scope, Target]:
    from eventops.groups import targets
    from eventops.groups.model import Kind

    try:
        target = targets.target(to, group, desk.now())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from error
    try:
        scope = targets.scope(topics, all_topics=all_topics)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--topic") from error
    if target.kind is Kind.FILE and (topics or all_topics):
        raise click.UsageError("a file says itself what to move: leave out --topic and --all-topics")
    if target.kind is not Kind.FILE and bool(topics) == all_topics:
        raise click.UsageError("say what to move: --topic TOPIC[:P,P] or --all-topics")
    return scope, target


def _export(plan: ResetPlan, path: Path) -> None:
    from eventops.groups import plan_file

    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(plan_file.written(plan.moves))
    except OSError as error:
        raise UsageError(f"{path} can't be written ({error.strerror})", "name a file that isn't there yet") from error
    diagnostics.say(f"{plural(len(plan.moves), 'partition')} written to {path}")


def _is_confirmed(plan: ResetPlan) -> bool:
    if plan.refused or not sys.stdin.isatty():
        return True
    what = plural(len(plan.moves), "partition")
    return click.confirm(f"Set the offsets of {safe(plan.group.group_id)} on {what}?", err=True)


def _command(plan: ResetPlan, topics: tuple[str, ...], *, all_topics: bool, create: bool) -> str:
    """The command that does what was planned: a time ago has become a moment."""
    name = plan.group.group_id
    is_option = name.startswith("-")
    words = ["groups", "reset", *([] if is_option else [name])]
    words += [word for topic in topics for word in ("--topic", topic)]
    words += ["--all-topics"] * all_topics + ["--create"] * create + ["--to", plan.target.text, "--execute"]
    words += ["--", name] * is_option
    return f"{program()} {shell_words(words)}"


def _exit_code(report: ResetReport) -> ExitCode:
    if any(why.startswith("not permitted") for why in report.refusals.values()):
        return ExitCode.NOT_PERMITTED
    if report.plan.refused or not report.plan.moves or report.verified is False:
        return ExitCode.FINDING
    return ExitCode.DONE
