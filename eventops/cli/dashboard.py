"""``eventops dashboard``: the other face, opened from the command line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from eventops.cli.numbers import Finite
from eventops.cli.options import choices, pass_desk
from eventops.errors import UsageError

if TYPE_CHECKING:
    from eventops.bootstrap import Desk


_PORT: Final = 8787


@click.command(epilog="Example: eventops dashboard --context prod")
@click.option(
    "--refresh",
    type=Finite(0.5, 300),
    default=None,
    metavar="SECONDS",
    help="How often the screens ask the cluster, 0.5 to 300; else as the last time, 2 at first.",
)
@click.option("--web", is_flag=True, help="In a browser of this machine: prints the address, Ctrl-C ends it.")
@click.option("--port", type=click.IntRange(1, 65535), default=_PORT, show_default=True, help="Where --web listens.")
@pass_desk
def dashboard(desk: Desk, refresh: float | None, web: bool, port: int) -> None:
    """Overview, lag, traces and dead letters on one screen; `?` shows the keys, `q` leaves."""
    if web:
        serve(refresh, port)
    else:
        show(desk, refresh=refresh)


def serve(refresh: float | None, port: int) -> None:
    """One dashboard a tab, each a process of its own with the same cluster.

    Raises:
        UsageError: what it takes isn't installed, or the port is taken.
    """
    chosen = choices()
    assert chosen.serve_dashboard is not None, "the door introduces the dashboard"
    every = [] if refresh is None else ["--refresh", str(refresh)]
    try:
        chosen.serve_dashboard(["-m", "eventops", *chosen.words(), "dashboard", *every], port)
    except ModuleNotFoundError as error:
        raise UsageError(f"--web needs {error.name}", remedy="pip install 'eventops[web]'") from error
    except OSError as error:
        raise UsageError(
            f"nothing can listen at port {port}: {error.strerror}", remedy="name another: --port"
        ) from error


def show(desk: Desk, *, refresh: float | None) -> None:
    """
    Raises:
        UsageError: there is no terminal to draw on.
    """
    opened = choices().open_dashboard
    if opened is None or not (sys.stdout.isatty() or "TEXTUAL_DRIVER" in os.environ):
        raise UsageError(
            "the dashboard needs a terminal", remedy="use `eventops lag`, `eventops dlq` or `eventops trace`"
        )
    if os.environ.get("TERM") == "dumb":
        raise UsageError(
            "this terminal draws no screens (TERM=dumb)",
            remedy="use `eventops lag`, `eventops dlq` or `eventops trace`",
        )
    opened(desk, refresh=refresh)
