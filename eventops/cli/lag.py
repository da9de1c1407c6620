"""``eventops lag``: how far consumer groups are behind, for people."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from eventops.cli.diagnostics import say, say_gaps
from eventops.cli.lag_check import check
from eventops.cli.lag_options import EVERY, ShowByDefault, WatchingCommand, selection_options, span_option
from eventops.cli.moments import seconds
from eventops.cli.options import cluster_options, pass_desk
from eventops.cli.output import Document, output_option, print_document, print_table
from eventops.errors import ExitCode
from eventops.wording import NONE_SEEN

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.lag.model import GroupSelection
    from eventops.lag.views import Rows, View


@click.group(
    cls=ShowByDefault,
    epilog="Examples: eventops lag · eventops lag 'billing-*' --watch · eventops lag check -h · eventops lag show -h",
)
@cluster_options
def lag() -> None:
    """How far consumer groups are behind. Without a command it shows them: `eventops lag [GROUP]...`"""


@lag.command(
    cls=WatchingCommand,
    epilog="Examples: eventops lag · eventops lag 'billing-*' --only-lagging · "
    "eventops lag --by topic --sort age --top 10 · eventops lag --watch billing · eventops lag --by partition -o csv",
)
@selection_options
@click.option("--only-lagging", is_flag=True, help="Leave out what is known to be caught up.")
@click.option(
    "--by",
    type=click.Choice(["group", "topic", "member", "partition"]),
    default="group",
    show_default=True,
    help="What a row is.",
)
@click.option(
    "--sort",
    type=click.Choice(["verdict", "lag", "age", "eta", "name"]),
    default="verdict",
    show_default=True,
    help="What comes first: the worst, the largest, or the first name, as in JSON and NDJSON unless this is given.",
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="The first N rows only.")
@click.option(
    "--watch",
    type=seconds,
    is_flag=False,
    flag_value=EVERY,
    metavar="[DURATION]",
    help=f"Again every so often ({EVERY}) until Ctrl-C, with verdicts and rates: in place on a terminal, else NDJSON.",
)
@span_option
@output_option()
@pass_desk
def show(
    desk: Desk,
    selection: GroupSelection,
    only_lagging: bool,
    by: str,
    sort: str,
    top: int | None,
    watch: float | None,
    span: float,
    output: str,
) -> None:
    """How far groups are behind, the worst first; with names, partition by partition.

    GROUP is a name, a glob ('billing-*') or a regular expression ('/^billing-\\d+$/'). Verdicts and rates take several
    polls (--watch); one snapshot tells where a group stands. A broker has 5 s to answer: what a silent or failed one
    keeps is named on stderr, everything else is shown, and the exit code is 5. Where none answers for 10 s it is 3.
    """
    from eventops.lag.views import By, Sort, View, rows, told, view_document

    if sort == "eta" and (by != "group" or watch is None):
        raise click.UsageError("--sort eta is for groups that are watched: leave out --by, and add --watch")
    view = View(By(by), Sort(sort), top, only_lagging)
    if watch is not None:
        _watch(desk, selection, view, watch, span, output)
    if output in ("json", "ndjson") and _as_they_come(view):
        raise SystemExit(_streamed(desk, selection, output))
    report = desk.lag.snapshot(selection, desk.now())
    shown = rows(report, view)
    document = view_document(report, view, shown)
    if output == "table":
        _print_tables(document, view, shown, one_by_one=_names_groups(selection))
    else:
        print_document(document, output, shown.rows)
    if not report.groups and report.coverage.complete:
        say(NONE_SEEN)
    elif rest := told(shown, view.by):
        say(rest)
    say_gaps(document)
    raise SystemExit(ExitCode.DONE if report.coverage.complete else ExitCode.PARTIAL)


def _as_they_come(view: View) -> bool:
    """Whether groups can be printed by name, as they are read: unless rows are left out, or another order was asked."""
    order = click.get_current_context().get_parameter_source("sort")
    by_name = view.sort == "name" or order is ParameterSource.DEFAULT
    return by_name and view.by == "group" and view.top is None and not view.only_lagging


def _streamed(desk: Desk, selection: GroupSelection, output: str) -> ExitCode:
    """Print groups as they come in: the first ones are there before the last ones are read."""
    from eventops.lag.document import streamed

    gc.disable()  # counting references frees what was printed, and the process ends with its answer
    now = desk.now()
    reading = desk.lag.stream(selection, now)
    found = streamed(reading, now, desk.lag.cluster_id())
    print_document(found, output, found["groups"])
    coverage = reading.coverage
    say_gaps({"coverage": coverage.document()})
    return ExitCode.DONE if coverage.complete else ExitCode.PARTIAL


def _watch(desk: Desk, selection: GroupSelection, view: View, every: float, span: float, output: str) -> None:
    """Ends with Ctrl-C (exit code 130), or when the first poll fails."""
    from eventops.cli.lag_watch import SHORTEST, as_lines, on_a_terminal
    from eventops.lag.history import History
    from eventops.lag.tracks import Terms

    is_told = click.get_current_context().get_parameter_source("output") is not ParameterSource.DEFAULT
    if output not in ("table", "ndjson"):
        raise click.UsageError(f"--watch prints a table on a terminal and NDJSON elsewhere, not {output}")
    if output == "table" and is_told and not sys.stdout.isatty():
        raise click.UsageError("--watch repaints a table on a terminal only: -o ndjson, or leave -o out")
    if every < SHORTEST:
        raise click.UsageError(f"--watch asks a cluster every {SHORTEST:g} s at most")
    history = History(Terms(span))
    is_painted = output == "table" and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    show = on_a_terminal if is_painted else as_lines
    show(lambda: history.add(desk.lag.snapshot(selection, desk.now())), view, every)


def _names_groups(selection: GroupSelection) -> bool:
    """Whether few groups are meant, each of which is shown partition by partition."""
    from eventops.selecting import is_pattern

    return bool(selection.names) and not any(map(is_pattern, selection.names))


def _print_tables(document: Document, view: View, shown: Rows, *, one_by_one: bool) -> None:
    from eventops.cli.lag_tables import PARTITIONS, columns

    young = any(row["verdict"] == "not_enough_history" for row in shown.rows)
    footer = "one snapshot tells where a group stands; whether it gets on takes --watch" if young else ""
    what = "Consumer groups" if view.by == "group" else f"Lag by {view.by.value}"
    print_table(f"{what} at {document['as_of']}", columns(view.by), shown.rows, footer)
    if one_by_one and view.by == "group":
        for group in shown.rows:
            print_table(group["group"], PARTITIONS, group["partitions"])


lag.add_command(check)
