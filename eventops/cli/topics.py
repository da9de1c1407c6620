"""``eventops topics``: print what the topics room found."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from eventops.cli.completing import topic_names
from eventops.cli.diagnostics import say_gaps
from eventops.cli.lazy import DefaultGroup
from eventops.cli.options import cluster_options, pass_desk
from eventops.cli.output import Column, Document, output_option, print_document, print_table
from eventops.errors import ExitCode
from eventops.wording import UNKNOWN, count, duration, few, instant, plural, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk

_TOLD_CONFIG = (
    "cleanup.policy",
    "retention.ms",
    "retention.bytes",
    "segment.ms",
    "min.insync.replicas",
    "max.message.bytes",
    "message.timestamp.type",
    "compression.type",
)


@click.group(
    cls=DefaultGroup,
    default="list",
    epilog="Examples: eventops topics · eventops topics 'order-*' -o json · eventops topics show user-events",
)
@cluster_options
def topics() -> None:
    """Topics, how much they hold, who reads them. Without a command it lists them: `eventops topics [TOPIC]...`"""


@topics.command("list", epilog="Examples: eventops topics list · eventops topics list '*-dlt' -o json")
@click.argument("topic", nargs=-1, shell_complete=topic_names)
@click.option("--internal", is_flag=True, help="Kafka's own topics too.")
@output_option()
@pass_desk
def list_topics(desk: Desk, topic: tuple[str, ...], internal: bool, output: str) -> None:
    """All topics, or those that a name, a glob or a /regex/ means: partitions, offsets kept, retention, replicas, who
    reads them."""
    from eventops.topics.document import document

    found = document(desk.topics.report(topic, desk.now(), internal=internal))
    if output != "table":
        print_document(found, output, found["topics"])
    else:
        reads = _read_by("nobody" if found["coverage"]["complete"] else UNKNOWN)
        print_table("Topics", [*_TOPICS, reads], found["topics"], footer=_summary(found["topics"]))
    _end(found)


@topics.command("show", epilog="Example: eventops topics show user-events")
@click.argument("topic", shell_complete=topic_names)
@output_option()
@pass_desk
def show(desk: Desk, topic: str, output: str) -> None:
    """One topic: where its partitions lie, from when to when they reach, configuration, and its readers' lag."""
    from eventops.topics.document import show_document

    found = show_document(desk.topics.show(topic, desk.now()))
    if output != "table":
        print_document(found, output, found["partitions"])
    else:
        _print(found)
    _end(found)


def _print(found: Document) -> None:
    kind = "internal, " if found["internal"] else ""
    copies = plural(found["replication_factor"] or 0, "replica")
    click.echo(safe(f"{found['topic']}: {kind}{plural(len(found['partitions']), 'partition')}, {copies} each"))
    print_table("Partitions", _PARTITIONS, found["partitions"], footer=_summary([found]))
    print_table("Readers", _READERS, found["readers"])
    if found["config"] is None:
        click.echo(safe(f"configuration: unknown, {found['config_reason']}"))
        return
    rows = [{"name": name, "value": found["config"][name]} for name in _TOLD_CONFIG if name in found["config"]]
    print_table("Configuration", _CONFIG, rows, footer="-o json has all of it")


def _end(found: Document) -> None:
    say_gaps(found)
    raise SystemExit(ExitCode.DONE if found["coverage"]["complete"] else ExitCode.PARTIAL)


def _summary(topics: list[Document]) -> str:
    """What offsets mean, and what is wrong with replicas."""
    lacking = sum(len(topic["under_replicated"]) for topic in topics)
    offline = sum(len(topic["offline"]) for topic in topics)
    lines = ["offsets kept: the most records there can be"]
    lines += [f"{plural(lacking, 'partition')} under-replicated: a replica is behind or down"] if lacking else []
    lines += [f"{plural(offline, 'partition')} offline: no leader, nothing can be read or written"] if offline else []
    return "\n".join(lines)


def _retention(topic: Document) -> str:
    if topic["retention_reason"]:
        return UNKNOWN
    kept = "for ever" if topic["retention_seconds"] is None else duration(topic["retention_seconds"])
    return "compacted" if topic["cleanup_policy"] == "compact" else kept


def _health(topic: Document) -> str:
    lacking, offline = len(topic["under_replicated"]), len(topic["offline"])
    said = ([f"{offline} offline"] if offline else []) + ([f"{lacking} under"] if lacking else [])
    return f"x{topic['replication_factor'] or UNKNOWN}" + (f", {', '.join(said)}" if said else "")


def _health_style(topic: Document) -> str:
    return "bold red" if topic["offline"] else "yellow" if topic["under_replicated"] else ""


def _partition_style(row: Document) -> str:
    return "bold red" if row["leader"] is None else "yellow" if len(row["in_sync"]) < len(row["replicas"]) else ""


def _read_by(nobody: str) -> Column:
    """Where not all was read, that no group is known isn't that there is none."""
    return Column("read by", lambda row: few(row["groups"]) or nobody, wrap=True, spare=3)


def _ids(numbers: list[int]) -> str:
    return ",".join(map(str, numbers)) or "-"


def _time(text: str | None) -> str:
    return instant(datetime.fromisoformat(text)) if text else "-"


_TOPICS = [
    Column("topic", lambda row: row["topic"]),
    Column("partitions", lambda row: count(len(row["partitions"])), right=True, spare=1),
    Column("replicas", _health, style=_health_style),
    Column("offsets kept", lambda row: count(row["offsets"]), right=True),
    Column("retention", _retention, spare=2),
]

_PARTITIONS = [
    Column("partition", lambda row: str(row["partition"]), right=True),
    Column("leader", lambda row: "none" if row["leader"] is None else str(row["leader"]), style=_partition_style),
    Column("replicas", lambda row: _ids(row["replicas"]), spare=2),
    Column("in sync", lambda row: _ids(row["in_sync"]), style=_partition_style),
    Column("start", lambda row: count(row["start"]), right=True),
    Column("end", lambda row: count(row["end"]), right=True),
    Column("in open tx", lambda row: count(row["open_transactions"]), right=True, spare=1),
    Column("first record", lambda row: _time(row["first_at"]), spare=4),
    Column("last record", lambda row: _time(row["last_at"]), spare=3),
    Column("", lambda row: row["reason"] or "", wrap=True),
]

_READERS = [
    Column("group", lambda row: row["group"]),
    Column("state", lambda row: row["state"].replace("_", " "), spare=1),
    Column("members", lambda row: count(row["members"]), right=True),
    Column("lag", lambda row: count(row["lag"]), right=True),
    Column("", lambda row: row.get("lag_reason") or "", wrap=True),
]

_CONFIG = [Column("property", lambda row: row["name"]), Column("value", lambda row: row["value"])]
