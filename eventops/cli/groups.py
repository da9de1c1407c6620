"""``eventops groups``: who reads together, where they stand, what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventops.cli import groups_pages
from eventops.cli.completing import group_names, topic_names
from eventops.cli.groups_reset import reset
from eventops.cli.lazy import DefaultGroup
from eventops.cli.options import cluster_options, pass_desk
from eventops.cli.output import output_option, print_document
from eventops.errors import ExitCode

if TYPE_CHECKING:
    from eventops.bootstrap import Desk


@click.group(
    cls=DefaultGroup,
    default="list",
    epilog="Examples: eventops groups · eventops groups show billing · eventops groups reset -h",
)
@cluster_options
def groups() -> None:
    """Consumer groups: list, show, peek at what stands around their offsets, and reset those."""


@groups.command("list", epilog="Examples: eventops groups list · eventops groups list 'billing-*' -o json")
@click.argument("group", nargs=-1, shell_complete=group_names)
@output_option()
@pass_desk
def list_groups(desk: Desk, group: tuple[str, ...], output: str) -> None:
    """All groups, or those that a name, a glob or a /regex/ means: type, state, members, topics, coordinator."""
    from eventops.groups.document import list_document

    document = list_document(desk.groups.list(group, desk.now()))
    if output == "table":
        groups_pages.print_list(document)
    else:
        print_document(document, output, document["groups"])
    _end(complete=document["coverage"]["complete"])


@groups.command("show", epilog="Example: eventops groups show billing")
@click.argument("group", shell_complete=group_names)
@output_option()
@pass_desk
def show(desk: Desk, group: str, output: str) -> None:
    """One group: members, hosts, assignment, committed offsets, and partitions that nobody was given."""
    from eventops.groups.document import show_document

    document = show_document(desk.groups.show(group, desk.now()))
    if output == "table":
        groups_pages.print_group(document)
    else:
        print_document(document, output, document["partitions"])
    _end(complete=document["coverage"]["complete"])


@groups.command("peek", epilog="Example: eventops groups peek billing --topic orders --partition 0 -n 5")
@click.argument("group", shell_complete=group_names)
@click.option("--topic", multiple=True, shell_complete=topic_names, help="Only that topic; may be repeated.")
@click.option("--partition", type=click.IntRange(min=0), help="Only that partition.")
@click.option("-n", "each", type=click.IntRange(1, 1000), default=3, show_default=True, help="Records on each side.")
@output_option()
@pass_desk
def peek(desk: Desk, group: str, topic: tuple[str, ...], partition: int | None, each: int, output: str) -> None:
    """The records just before and after the committed offsets, decoded; `>` marks the next one to be consumed."""
    from eventops.groups.document import peek_document

    found = desk.groups.peek(group, desk.now(), topics=topic, partition=partition, each=each)
    document = peek_document(found)
    if output == "table":
        groups_pages.print_peek(document)
    else:
        print_document(document, output, document["partitions"])
    _end(complete=document["coverage"]["complete"])


groups.add_command(reset)


def _end(*, complete: bool) -> None:
    raise SystemExit(ExitCode.DONE if complete else ExitCode.PARTIAL)
