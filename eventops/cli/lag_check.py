"""``eventops lag check``: an exit code and one line, for cron, probes and CI."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from eventops.cli.lag_options import selection_options, span_option
from eventops.cli.moments import seconds
from eventops.cli.options import pass_desk
from eventops.cli.output import Column, output_option, print_document, print_table
from eventops.errors import BrokerUnreachable, ExitCode

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.lag.check import Finding, Limits
    from eventops.lag.model import GroupSelection, LagReport

_VERDICTS: Final = ("warn", "error", "stop", "stall", "rewind", "lost_records", "topic_recreated", "ahead_of_log")
_POLLS: Final = 12
"""Polls in the time a check takes, but one every five seconds at least."""

_SOONEST, _LATEST = 0.25, 5.0


@click.command(
    epilog="Examples: eventops lag check billing --max-lag 10000 --max-age 5m || page-somebody · "
    "eventops lag check --verdict error --for 2m · eventops lag check 'billing-*' --max-eta 10m --min-retention 12h"
)
@selection_options
@click.option(
    "--max-lag",
    type=click.IntRange(min=0),
    metavar="N",
    help="Offsets a group may be behind; those lost to retention count.",
)
@click.option("--max-age", type=seconds, metavar="DURATION", help="How long the oldest record may wait, as in 60s.")
@click.option("--max-eta", type=seconds, metavar="DURATION", help="How long catching up may take at the present rate.")
@click.option(
    "--max-held-back",
    type=seconds,
    metavar="DURATION",
    help="How long one open transaction may hold records back from those who read committed ones.",
)
@click.option(
    "--min-retention",
    type=seconds,
    metavar="DURATION",
    help="How long retention must still leave what waits; by size (retention.bytes) that takes several polls.",
)
@click.option(
    "--verdict",
    "verdicts",
    type=click.Choice(_VERDICTS),
    multiple=True,
    help="What is a breach; may be repeated. `error` is any but warn; `warn` is all, inactive included. "
    "Lost records, and offsets of another log, breach each.",
)
@click.option(
    "--for",
    "held",
    type=seconds,
    default="0s",
    metavar="DURATION",
    help="A breach counts when it holds for so long; it polls meanwhile.",
)
@span_option
@output_option("line")
@pass_desk
def check(
    desk: Desk,
    selection: GroupSelection,
    max_lag: int | None,
    max_age: float | None,
    max_eta: float | None,
    max_held_back: float | None,
    min_retention: float | None,
    verdicts: tuple[str, ...],
    held: float,
    span: float,
    output: str,
) -> None:
    """One line, and an exit code: 0 all is fine, 1 a limit is breached, 3 nobody answers, 5 it isn't known.

    --verdict and --max-eta take several polls: up to --span (--max-eta: 30s), less where nothing waits. `warn` takes
    six commits seen: a span of a minute for who commits every five seconds, more for others. Records that
    retention took before the group came to them breach every limit but --max-held-back, and --max-lag by their number.
    """
    from eventops.lag import check as rules
    from eventops.lag import pace

    if max_lag is max_age is max_eta is max_held_back is min_retention is None and not verdicts:
        raise click.UsageError(
            "a check takes a limit: --max-lag, --max-age, --max-eta, --max-held-back, --min-retention or --verdict"
        )
    wrong = frozenset(verdict for name in verdicts for verdict in rules.VERDICTS[name])
    limits = rules.Limits(
        max_lag, max_age, max_eta, wrong, min(pace.SPAN, span), max_held_back=max_held_back, min_retention=min_retention
    )
    findings, polls = _findings(desk, selection, limits, held, span)
    outcome = rules.worst(findings)
    _print(findings, outcome.value, rules.summary(findings), polls, output)
    codes = {
        rules.Outcome.FINE: ExitCode.DONE,
        rules.Outcome.BREACHED: ExitCode.FINDING,
        rules.Outcome.UNKNOWN: ExitCode.PARTIAL,
    }
    raise SystemExit(codes[outcome])


def _findings(
    desk: Desk, selection: GroupSelection, limits: Limits, held: float, span: float
) -> tuple[tuple[Finding, ...], int]:
    """Poll until every group is decided; answers them and the number of polls.

    Raises:
        BrokerUnreachable: at the first poll, or at the last one that was due.
    """
    from eventops.lag.check import Finding, Hold, Outcome, check
    from eventops.lag.history import History
    from eventops.lag.tracks import Terms
    from eventops.selecting import NothingSelected

    history, hold = History(Terms(span)), Hold(held)
    horizon = held + (span if limits.takes_polls else 0.0)
    every = min(max(horizon / _POLLS, _SOONEST), _LATEST)
    first_answer: float | None = None
    polls = 0
    while True:
        asked = time.monotonic()
        watched = 0.0 if first_answer is None else asked - first_answer
        is_last = watched > horizon + every
        report = _asked(lambda: desk.lag.snapshot(selection, desk.now()), is_needed=polls == 0 or is_last)
        if isinstance(report, NothingSelected):
            return (Finding(", ".join((*selection.names, *selection.topics)), Outcome.UNKNOWN, report.why),), polls
        if report is not None:
            polls += 1
            first_answer = first_answer or time.monotonic()
            settings = desk.lag.settings(report) if limits.min_retention is not None else {}
            is_decided = hold.add(check(history.add(report), limits, watched, settings), asked)
            if is_decided or is_last:
                return hold.findings, polls
        time.sleep(max(every - (time.monotonic() - asked), 0.0))


def _asked(snapshot: Callable[[], LagReport], *, is_needed: bool) -> Any:
    """The report, or that nothing was selected; None where nobody answered and another poll will come."""
    from eventops.selecting import NothingSelected

    try:
        return snapshot()
    except NothingSelected as nothing:
        return nothing
    except BrokerUnreachable:
        if is_needed:
            raise
        return None


def _print(findings: Sequence[Finding], outcome: str, line: str, polls: int, output: str) -> None:
    rows = [{"group": f.group, "outcome": f.outcome.value, "reason": f.reason} for f in findings]
    if output == "line":
        click.echo(line)
    elif output == "table":
        print_table(line, _FINDINGS, rows)
    else:
        print_document({"outcome": outcome, "reason": line, "polls": polls, "findings": rows}, output, rows)


_STYLES: Final = {"breached": "bold red", "unknown": "magenta", "fine": "green"}

_FINDINGS: Final = [
    Column("group", lambda row: row["group"]),
    Column("outcome", lambda row: row["outcome"], style=lambda row: _STYLES[row["outcome"]]),
    Column("", lambda row: row["reason"], wrap=True),
]
