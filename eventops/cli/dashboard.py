"""``eventops dashboard``: the other face, opened from the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from eventops.cli.options import choices, pass_desk
from eventops.errors import UsageError

if TYPE_CHECKING:
    from eventops.bootstrap import Desk


@click.command(epilog="Example: eventops dashboard --context prod")
@click.option(
    "--refresh",
    type=click.FloatRange(min=0.5),
    default=None,
    metavar="SECONDS",
    help="How often the screens ask the cluster; else as the last time, 2 s at first.",
)
@pass_desk
def dashboard(desk: Desk, refresh: float | None) -> None:
    """Overview, lag, traces and dead letters on one screen; `?` shows the keys, `q` leaves."""
    show(desk, refresh=refresh)


def show(desk: Desk, *, refresh: float | None) -> None:
    """
    Raises:
        UsageError: there is no terminal to draw on.
    """
    opened = choices().open_dashboard
    if opened is None or not sys.stdout.isatty():
        raise UsageError(
            "the dashboard needs a terminal", remedy="use `eventops lag`, `eventops dlq` or `eventops trace`"
        )
    opened(desk, refresh=refresh)
