"""``eventops demo``: everything on one machine, with one Ctrl-C to end it."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from eventops.cli import diagnostics
from eventops.cli.numbers import Finite
from eventops.cli.options import choices, cluster_options, program
from eventops.cli.output import Column, Document, console, output_option, print_document, print_table
from eventops.errors import UsageError
from eventops.wording import count, duration, plural

if TYPE_CHECKING:
    from eventops.config import Context
    from eventops.demo.service import RunningDemo


@click.command(
    epilog="Examples: eventops demo · eventops demo --headless --duration 30 -o json · eventops demo --no-failures · "
    "eventops demo --telemetry · eventops -b 127.0.0.1:9092 demo"
)
@cluster_options
@click.option("--rate", type=Finite(0, 200), default=4.0, show_default=True, help="Requests a second; 0 for none.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same requests.")
@click.option(
    "--failures/--no-failures",
    default=True,
    help="Refused addresses, a mail outage, malformed events, a slow consumer.",
)
@click.option(
    "--telemetry",
    is_flag=True,
    help="Spans to the OTLP endpoint that the standard variables name, else to a Jaeger and a collector found on PATH; "
    "they end with the demo.",
)
@click.option("--headless", is_flag=True, help="No dashboard: run, then print what happened.")
@click.option("--duration", type=Finite(1), metavar="SECONDS", help="End by itself; 30 with --headless.")
@output_option()
def demo(
    rate: float, seed: int, failures: bool, telemetry: bool, headless: bool, duration: float | None, output: str
) -> None:
    """A real Kafka, a mail server, three services and traffic with failures; then the dashboard.

    It works on the local Kafka where one is up (`eventops local up`), else on one of its own that ends with it. Either
    way every other command works on it from a second terminal, with no option. With -b or --context it works on that
    cluster, where its topics and events stay; no other setting chooses one. With --telemetry, `eventops trace` has
    spans and links too.
    """
    from eventops.config import data_home
    from eventops.demo import service
    from eventops.demo.model import Wish

    if not headless and not sys.stdout.isatty():
        raise UsageError("the dashboard needs a terminal", remedy="use `eventops demo --headless`")
    signal.signal(signal.SIGTERM, _interrupt)
    wish = Wish(rate=rate, seed=seed, failures=failures, telemetry=telemetry)
    with service.running(data_home(), wish, diagnostics.say, _named()) as running:
        if headless:
            running.watch(duration or 30.0, diagnostics.say)
            _print(running, output)
        else:
            _watch(running, duration)


def _named() -> Context | None:
    """The cluster that the command line names; None: it names none, whatever the environment or a context says.

    Raises:
        UsageError: there are properties, and no cluster that they belong to.
    """
    chosen = choices()
    if chosen.bootstrap_servers or chosen.context:
        return chosen.resolve()
    if chosen.properties:
        raise UsageError("-X belongs to a cluster", remedy="name it, with -b HOST:PORT or --context NAME")
    return None


def _watch(running: RunningDemo, duration: float | None) -> None:
    opened = choices().open_dashboard
    assert opened is not None, "the door introduces the dashboard"
    if duration is not None:
        timer = threading.Timer(duration, running.stage.ended.set)
        timer.daemon = True
        timer.start()
    opened(running.desk, refresh=2.0, ended=running.stage.ended)
    running.wait(0)


def _print(running: RunningDemo, output: str) -> None:
    from eventops.demo.report import document

    found = document(running.finish())
    if output != "table":
        print_document(found, output, found["events"])
        return
    print_table("Events", _EVENTS, found["events"])
    print_table("Dead letters", _LETTERS, found["letters"])
    print_table("Lag", _LAG, found["lag"])
    for line in _closing(found):
        console().print(line, soft_wrap=True)


def _closing(found: Document) -> list[str]:
    mails, example = found["mails"], found["example_correlation_id"]
    return [
        f"{plural(mails['accepted'], 'mail')} for {plural(mails['distinct'], 'event')} in {duration(found['seconds'])}",
        f"try: {program()} trace {example}" if example else "no chain was complete when the demo ended",
        f"logs: {Path(found['logs']['user-service']).parent}",
    ]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


_EVENTS = [
    Column("topic", lambda row: row["topic"]),
    Column("event", lambda row: row["event_type"] or "(none)"),
    Column("count", lambda row: count(row["count"]), right=True),
]
_LETTERS = [
    Column("topic", lambda row: row["topic"]),
    Column("cause", lambda row: row["cause"]),
    Column("group", lambda row: row["group"] or "?"),
    Column("open", lambda row: count(row["open"]), right=True),
    Column("all", lambda row: count(row["total"]), right=True),
]
_LAG = [
    Column("group", lambda row: row["group"]),
    Column("lag", lambda row: count(row["lag"]), right=True),
    Column("verdict", lambda row: row["verdict"].replace("_", " ")),
]
