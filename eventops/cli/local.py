"""``eventops local``: a real Apache Kafka on this machine, without Docker."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from eventops.cli.diagnostics import say
from eventops.cli.output import output_option, print_document
from eventops.errors import ExitCode
from eventops.local.document import document, started_document
from eventops.local.model import LocalCluster, Progress, Standing
from eventops.wording import plural, safe

if TYPE_CHECKING:
    from eventops.local.service import LocalKafka


@click.group("local")
def local() -> None:
    """A real Apache Kafka on this machine, without Docker.

    It listens on 127.0.0.1 alone, keeps its topics from one start to the next, and is the context `local`, so that
    every other command works on it with no option.
    """


@local.command(epilog="Example: eventops local up --brokers 3")
@click.option("--brokers", type=click.IntRange(1, 9), help="How many brokers.  [default: as before, else 1]")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the first broker.  [default: as before, else 9092 or a free one]",
)
@output_option()
def up(brokers: int | None, port: int | None, output: str) -> None:
    """Start Kafka, or what is missing of it."""
    with _Progress() as progress:
        started = _kafka().up(brokers, port, progress)
    for note in started.notes:
        say(safe(note))
    if output != "table":
        report = started_document(started)
        print_document(report, output, report["brokers"])
        return
    what = "was already up" if started.already else "is up"
    size = plural(len(started.cluster.nodes), "broker")
    click.echo(f"Kafka {started.cluster.version} {what} at {started.cluster.bootstrap_servers} ({size}), context local")


@local.command(epilog="Example: eventops local down")
@click.option("--delete-data", is_flag=True, help="Delete its topics and settings as well.")
def down(delete_data: bool) -> None:
    """End Kafka; its topics stay for the next start."""
    with _Progress() as progress:
        was_running = _kafka().down(delete_data=delete_data, progress=progress)
    click.echo("Kafka has ended" if was_running else "Kafka was not up")
    if delete_data:
        click.echo("its data are deleted")


@local.command(epilog="Example: eventops local status --output json")
@output_option()
def status(output: str) -> None:
    """How the local Kafka stands. Exit code 0 when it is up, 1 when it isn't."""
    cluster = _kafka().status()
    if output != "table":
        report = document(cluster)
        print_document(report, output, report["brokers"])
    else:
        _print_status(cluster)
    raise SystemExit(ExitCode.DONE if cluster.standing is Standing.RUNNING else ExitCode.FINDING)


@local.command(epilog="Example: eventops local logs --lines 200 --follow")
@click.option("--broker", type=click.IntRange(1), default=1, show_default=True, help="Whose log.")
@click.option(
    "-n", "--lines", type=click.IntRange(0), default=50, show_default=True, help="How many of its last lines."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with lines as they come, until Ctrl-C.")
def logs(broker: int, lines: int, follow: bool) -> None:
    """A broker's log."""
    for line in _kafka().logs(broker, lines, follow=follow):
        click.echo(safe(line))


@local.command(epilog="Example: eventops local install")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing where all goes well.")
def install(quiet: bool) -> None:
    """Fetch Kafka and find a Java for it, to need no network later."""
    with _Progress(quiet=quiet) as progress:
        installation = _kafka().install(progress)
    if not quiet:
        what = "installed" if installation.fresh else "was already installed"
        java = f"Java {installation.java.version} from {installation.java.origin}"
        click.echo(f"Kafka {installation.version} {what} in {installation.libs}, to run on {java}")


class _Progress:
    """What is being done now, on one line of stderr that is wiped at the end; nothing where nobody watches."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._shown = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self._show if self._shown else lambda _: None

    def __exit__(self, *_: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _show(self, what: str) -> None:
        click.echo(f"\r\x1b[K{safe(what)} …", nl=False, err=True)


def _kafka() -> LocalKafka:
    from eventops.bootstrap import local_kafka

    return local_kafka()


def _print_status(cluster: LocalCluster) -> None:
    click.echo(f"Kafka {cluster.version}: {cluster.standing.value}")
    if cluster.reason:
        click.echo(f"  {cluster.reason}")
    for status in cluster.nodes:
        process = f"process {status.pid}" if status.pid is not None else "not running"
        click.echo(f"  broker {status.node.number}  {status.node.address}  {process}  log {status.node.log}")
    if not cluster.nodes:
        click.echo("  start it with `eventops local up`")
