"""The door: ``eventops`` and ``python -m eventops``. A face is imported only when it is asked for."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import click

from eventops.cli import diagnostics
from eventops.cli.lazy import Door, LazyGroup
from eventops.cli.options import Choices, cluster_options

if TYPE_CHECKING:
    from threading import Event

    from eventops.bootstrap import Desk

DOORS = {
    "demo": Door("eventops.cli.demo:demo", "A real local Kafka, three services, traffic with failures, the dashboard."),
    "dashboard": Door("eventops.cli.dashboard:dashboard", "The terminal dashboard."),
    "lag": Door("eventops.cli.lag:lag", "How far consumer groups are behind."),
    "groups": Door("eventops.cli.groups:groups", "Consumer groups: list, show, peek, and reset their offsets."),
    "trace": Door("eventops.cli.trace:trace", "The event chain of a correlation id, and who did what with it."),
    "events": Door("eventops.cli.events:events", "Live tail of the log, and single records, decoded."),
    "dlq": Door("eventops.cli.dlq:dlq", "Dead letters: list, inspect, replay exactly once."),
    "topics": Door("eventops.cli.topics:topics", "Topics, how much they hold, who reads them."),
    "local": Door("eventops.cli.local:local", "A real Apache Kafka on this machine, without Docker."),
    "context": Door("eventops.cli.context:context", "The clusters you work with."),
    "doctor": Door("eventops.cli.doctor:doctor", "What this machine, context and cluster allow, each with its remedy."),
    "completion": Door("eventops.cli.completion:completion", "Shell completion for bash, zsh or fish."),
}


@click.group(
    cls=LazyGroup,
    doors=DOORS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with `eventops demo`; on a cluster of yours with `eventops -b HOST:PORT lag`.",
)
@cluster_options
@click.version_option(package_name="eventops", message="%(prog)s %(version)s")
def cli() -> None:
    """The operations console for event-driven systems: lag, traces and dead letters."""


def open_dashboard(desk: Desk, *, refresh: float | None, ended: Event | None = None) -> None:
    """The terminal dashboard, until it is left or ``ended`` is set."""
    gc.disable()  # all of it stays: looking for garbage in it, now or later, only delays the first paint and keys
    from eventops.tui.app import run

    gc.freeze()
    gc.enable()
    run(desk, refresh=refresh, ended=ended)


def serve_dashboard(words: list[str], port: int) -> None:
    """The dashboard in a browser of this machine."""
    from eventops.tui.web import serve

    serve(words, port)


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    chosen = Choices(open_dashboard=open_dashboard, serve_dashboard=serve_dashboard)
    code = diagnostics.run(lambda: cli.main(prog_name="eventops", standalone_mode=False, obj=chosen))
    gc.freeze()  # else the end of the process collects, for some 30 ms, what the system takes back anyway
    sys.exit(code)


if __name__ == "__main__":
    main()
