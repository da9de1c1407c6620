"""``eventops doctor``: what works here, what doesn't, and what to do about it."""

from __future__ import annotations

import click

from eventops.cli import checks
from eventops.cli.checks import Check, Health
from eventops.cli.options import choices, cluster_options
from eventops.cli.output import Column, Document, output_option, print_document, print_table
from eventops.errors import ExitCode

_MARKS = {"ok": "✓", "note": "!", "problem": "✗"}
_STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


@click.command(epilog="Example: eventops doctor --context prod")
@output_option()
@cluster_options
def doctor(output: str) -> None:
    """What this machine, this context and this cluster allow, each with its remedy. Nothing is changed."""
    found = list(checks.machine())
    found.extend(_of_the_cluster())
    rows = [_row(check) for check in found]
    if output == "table":
        print_table("Doctor", _COLUMNS, rows)
    else:
        print_document({"checks": rows}, output, rows)
    problems = [check.exit_code for check in found if check.health is Health.PROBLEM]
    raise SystemExit(max(problems, default=ExitCode.DONE))


def _of_the_cluster() -> list[Check]:
    from eventops.bootstrap import desk_for

    found: list[Check] = []
    for item in checks.context(choices()):
        if isinstance(item, Check):
            found.append(item)
            continue
        with desk_for(item) as desk:
            found.extend(checks.cluster(desk))
    return found


def _row(check: Check) -> dict[str, str | None]:
    return {
        "area": check.area,
        "subject": check.subject,
        "health": check.health.value,
        "finding": check.finding,
        "remedy": check.remedy,
    }


def _finding(row: Document) -> str:
    return f"{row['finding']}: {row['remedy']}" if row["remedy"] else str(row["finding"])


_COLUMNS = [
    Column("", lambda row: _MARKS[row["health"]], style=lambda row: _STYLES[row["health"]]),
    Column("", lambda row: row["health"], style=lambda row: _STYLES[row["health"]]),
    Column("about", lambda row: f"{row['area']} {row['subject']}" if row["area"] != row["subject"] else row["area"]),
    Column("finding", _finding, wrap=True),
]
