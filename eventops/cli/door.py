"""Every command, and where it is imported from when it is asked for."""

from __future__ import annotations

import click

from eventops.cli.lazy import Door, LazyGroup
from eventops.cli.options import cluster_options

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
