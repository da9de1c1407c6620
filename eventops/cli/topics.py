"""``eventops topics``: print what the topics room found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventops.cli.options import pass_desk
from eventops.cli.output import Column, Document, output_option, print_document, print_table
from eventops.errors import ExitCode
from eventops.wording import count, duration

if TYPE_CHECKING:
    from eventops.bootstrap import Desk


@click.command(epilog="Examples: eventops topics · eventops topics user-events -o json")
@click.argument("topic", nargs=-1)
@click.option("--internal", is_flag=True, help="Kafka's own topics too.")
@output_option()
@pass_desk
def topics(desk: Desk, topic: tuple[str, ...], internal: bool, output: str) -> None:
    """Topics: partitions, offsets kept, retention, and who reads them. With a name, partition by partition."""
    from eventops.topics.document import document

    found = document(desk.topics.report(topic, desk.now(), internal=internal))
    if output != "table":
        print_document(found, output, found["topics"])
    else:
        _print(found, one_by_one=bool(topic))
    raise SystemExit(ExitCode.DONE if found["coverage"]["complete"] else ExitCode.PARTIAL)


def _print(found: Document, *, one_by_one: bool) -> None:
    print_table("Topics", _TOPICS, found["topics"], footer="offsets kept: the most records there can be")
    if one_by_one:
        for topic in found["topics"]:
            print_table(topic["topic"], _PARTITIONS, topic["partitions"])


def _retention(topic: Document) -> str:
    if topic["retention_reason"]:
        return "?"
    kept = "for ever" if topic["retention_seconds"] is None else duration(topic["retention_seconds"])
    return "compacted" if topic["cleanup_policy"] == "compact" else kept


_TOPICS = [
    Column("topic", lambda row: row["topic"]),
    Column("partitions", lambda row: count(len(row["partitions"])), right=True, spare=1),
    Column("offsets kept", lambda row: count(row["offsets"]), right=True),
    Column("retention", _retention, spare=2),
    Column("read by", lambda row: ", ".join(row["groups"]) or "nobody", wrap=True, spare=3),
]

_PARTITIONS = [
    Column("partition", lambda row: str(row["partition"]), right=True),
    Column("start", lambda row: count(row["start"]), right=True),
    Column("end", lambda row: count(row["end"]), right=True),
    Column("in open transactions", lambda row: count(row["open_transactions"]), right=True),
    Column("", lambda row: row["reason"] or "", wrap=True),
]
