"""``eventops lag``: how far consumer groups are behind, for people and for probes."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from eventops.cli.diagnostics import say
from eventops.cli.options import pass_desk
from eventops.cli.output import Column, Document, output_option, print_document, print_table
from eventops.errors import ExitCode
from eventops.wording import UNKNOWN, count, duration, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.lag.check import Finding

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """A duration as people write it; a bare number is seconds.

    >>> [seconds(text) for text in ("60s", "1.5m", "250ms", "7")]
    [60.0, 90.0, 0.25, 7.0]
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is not a duration: write it as in 60s, 5m or 2h")
    return float(found[1]) * _UNITS[found[2] or "s"]


class ShowByDefault(click.Group):
    """``eventops lag billing`` means ``eventops lag show billing``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What is neither a command nor a question for help belongs to ``show``."""
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ShowByDefault, epilog="Examples: eventops lag · eventops lag billing -o json · eventops lag check -h")
def lag() -> None:
    """How far consumer groups are behind. Without a command it shows them: `eventops lag [GROUP]...`"""


@lag.command(epilog="Examples: eventops lag · eventops lag billing · eventops lag billing -o json")
@click.argument("group", nargs=-1)
@click.option(
    "--watch",
    type=seconds,
    is_flag=False,
    flag_value="5s",
    metavar="[DURATION]",
    help="Again every so often (5s), with rates and the time to catch up, until Ctrl-C.",
)
@output_option()
@pass_desk
def show(desk: Desk, group: tuple[str, ...], watch: float | None, output: str) -> None:
    """One snapshot of all groups, or of those named, partition by partition."""
    from eventops.lag.document import document
    from eventops.lag.history import History
    from eventops.lag.model import GroupSelection

    selection, history = GroupSelection(group), History()
    report = history.add(desk.lag.snapshot(selection, desk.now()))
    found = document(report)
    _print(found, output, _GROUPS, one_by_one=bool(group))
    while watch is not None:
        time.sleep(watch)
        found = document(history.add(desk.lag.snapshot(selection, desk.now())))
        _repaint(output)
        _print(found, output, [*_GROUPS[:4], *_PACE, *_GROUPS[4:]], one_by_one=bool(group))
    raise SystemExit(ExitCode.DONE if found["coverage"]["complete"] else ExitCode.PARTIAL)


@lag.command(epilog="Example: eventops lag check billing --max-lag 10000 --max-age 5m || page-somebody")
@click.argument("group", nargs=-1)
@click.option("--max-lag", type=click.IntRange(min=0), metavar="N", help="Offsets a group may be behind.")
@click.option("--max-age", type=seconds, metavar="DURATION", help="How long the oldest record may wait, as in 60s.")
@output_option()
@pass_desk
def check(desk: Desk, group: tuple[str, ...], max_lag: int | None, max_age: float | None, output: str) -> None:
    """For scripts and probes: exit code 1 when a limit is breached, 5 when that isn't known, 0 when all is fine."""
    from eventops.lag.check import Limits, Outcome, check, summary, worst
    from eventops.lag.model import GroupSelection

    if max_lag is None and max_age is None:
        raise click.UsageError("a check takes a limit: give --max-lag, --max-age or both")
    report = desk.lag.snapshot(GroupSelection(group), desk.now())
    findings = check(report, Limits(max_lag, max_age))
    outcome = worst(findings)
    _print_findings(findings, outcome.value, output)
    say(summary(findings))
    codes = {Outcome.FINE: ExitCode.DONE, Outcome.BREACHED: ExitCode.FINDING, Outcome.UNKNOWN: ExitCode.PARTIAL}
    raise SystemExit(codes[outcome])


def _print(found: Document, output: str, columns: Sequence[Column], *, one_by_one: bool) -> None:
    if output != "table":
        print_document(found, output, found["groups"])
    else:
        print_table(f"Consumer groups at {found['as_of']}", columns, found["groups"])
        for group in found["groups"] if one_by_one else ():
            print_table(group["group"], _PARTITIONS, group["partitions"])
    for gap in found["coverage"]["gaps"]:
        say(f"not read: {safe(_place(gap))}: {safe(gap['reason'])}")


def _repaint(output: str) -> None:
    """A fresh screen for a table on a terminal; elsewhere the snapshots follow one another."""
    if output == "table" and sys.stdout.isatty():
        click.clear()


def _print_findings(findings: Sequence[Finding], outcome: str, output: str) -> None:
    rows = [{"group": f.group, "outcome": f.outcome.value, "reason": f.reason} for f in findings]
    if output != "table":
        print_document({"outcome": outcome, "findings": rows}, output, rows)
    else:
        print_table("Check", _FINDINGS, rows)


def _place(gap: Document) -> str:
    return str(gap["topic"]) if gap["partition"] is None else f"{gap['topic']}/{gap['partition']}"


def _offset(offset: int | None) -> str:
    return "-" if offset is None else count(offset)


def _style(row: Document) -> str:
    return _STYLES.get(_word(row), "")


def _word(row: Document) -> str:
    """The verdict; where that takes more polls, where it stands meanwhile."""
    verdict = row.get("verdict") or row["outcome"]
    return str(row["standing"] if verdict == "not_enough_history" else verdict)


_STYLES: Final = {
    "lost_records": "bold red",
    "ahead_of_log": "bold red",
    "breached": "bold red",
    "stop": "bold red",
    "stall": "bold red",
    "rewind": "bold red",
    "inactive": "red",
    "warn": "yellow",
    "behind": "yellow",
    "never_committed": "yellow",
    "unknown": "magenta",
    "unsupported": "magenta",
    "ok": "green",
    "caught_up": "green",
    "fine": "green",
}


def _waits(row: Document) -> str:
    seconds = row["lag_age_seconds"]
    return UNKNOWN if seconds is None else "-" if seconds == 0 else duration(seconds)


_VERDICT: Final = Column("verdict", lambda row: _word(row).replace("_", " "), style=_style)
_LAG: Final = Column("lag", lambda row: count(row["lag"]), right=True)
_AGE: Final = Column("oldest waits", _waits, right=True, spare=1)
_WHY: Final = Column("", lambda row: row.get("lag_reason") or row.get("lag_age_seconds_reason") or "", wrap=True)


def _rate(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{rate:,.1f}"


def _eta(row: Document) -> str:
    seconds = row["eta_seconds"]
    if seconds is None:
        return "never" if "never" in row["eta_seconds_reason"] else UNKNOWN
    return "-" if seconds == 0 else duration(seconds)


_GROUPS: Final = [
    Column("group", lambda row: row["group"]),
    _VERDICT,
    _LAG,
    _AGE,
    Column("members", lambda row: count(len(row["members"])), right=True, spare=2),
    Column("partitions", lambda row: count(len(row["partitions"])), right=True, spare=4),
    Column("state", lambda row: row["state"].replace("_", " "), spare=3),
    _WHY,
]

_PACE: Final = [
    Column("in/s", lambda row: _rate(row["rate_in"]), right=True),
    Column("out/s", lambda row: _rate(row["rate_out"]), right=True),
    Column("caught up in", _eta, right=True),
]

_PARTITIONS: Final = [
    Column("topic", lambda row: row["topic"]),
    Column("partition", lambda row: str(row["partition"]), right=True),
    _VERDICT,
    _LAG,
    _AGE,
    Column("start", lambda row: _offset(row["start"]), right=True, spare=5),
    Column("committed", lambda row: _offset(row["committed"]), right=True, spare=4),
    Column("end", lambda row: _offset(row["end"]), right=True, spare=4),
    Column("member", lambda row: row["member"] or "nobody", spare=3),
    _WHY,
]

_FINDINGS: Final = [
    Column("group", lambda row: row["group"]),
    Column("outcome", lambda row: row["outcome"], style=_style),
    Column("", lambda row: row["reason"], wrap=True),
]
