"""``eventops dlq families`` and ``eventops dlq rules``: how letters are recognised and grouped, and what a
context adds to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from eventops import config
from eventops.cli.diagnostics import say
from eventops.cli.dlq_options import end
from eventops.cli.lazy import DefaultGroup
from eventops.cli.options import Command, pass_desk
from eventops.cli.output import Column, Document, output_option, print_document, print_table
from eventops.wording import count, plural, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.dlq.declaring import Told

_SHOWN = 12
"""Names of headers that a table's cell has."""


@click.group(
    cls=DefaultGroup,
    default="list",
    epilog="Example: eventops dlq families add acme --header message=x-error --header topic=x-source-topic",
)
def families() -> None:
    """Conventions by which letters are known: list, check a topic, add your own to a context."""


@families.command("list", epilog="Example: eventops dlq families -o json")
@output_option()
@pass_desk
def list_families(desk: Desk, output: str) -> None:
    """Every family that is known: the context's own, and those that are built in."""
    from eventops.dlq.recognising import families_document

    document = families_document(desk.context.name, desk.conventions.declared)
    if output == "table":
        print_table(f"Families that {desk.context.name} knows", _FAMILIES, document["families"])
    else:
        print_document(document, output, document["families"])


@families.command("check", epilog="Example: eventops dlq families check orders-dlt")
@click.argument("topic")
@click.option("--limit", type=click.IntRange(min=1), default=10_000, show_default=True, help="At most so many letters.")
@output_option()
@pass_desk
def check(desk: Desk, topic: str, limit: int, output: str) -> None:
    """Which family knows how many letters of TOPIC, what they tell, and which other headers they have: those that a
    family of your own could read. Exit code 1: no family knows some of them."""
    from eventops.dlq.families import UNKNOWN_FAMILY
    from eventops.dlq.recognising import recognition_document

    found = desk.dlq.recognition(topic, limit)
    document = recognition_document(found)
    if output == "table":
        print_table(topic, _RECOGNISED, document["families"])
    else:
        print_document(document, output, document["families"])
    is_unknown = any(one.family == UNKNOWN_FAMILY for one in found.families)
    end(found=is_unknown, complete=not found.coverage.gaps)


@families.command(
    "add",
    epilog="Example: eventops dlq families add acme --header exception=x-error-class --header message=x-error "
    "--header topic=x-source-topic --header partition=x-source-partition --header offset=x-source-offset",
)
@click.argument("name")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="ROLE=NAME",
    callback=lambda _context, _option, told: dict(map(_pair, told)),
    help="Which header says what: topic, partition, offset, timestamp (milliseconds), group, exception, cause, "
    "message, stack or attempts; as in message=x-error. May be repeated.",
)
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="GLOB",
    help="Every record of these topics is such a letter: '*-errors'.",
)
@click.option("--newest-first", is_flag=True, help="Where headers are repeated, the first one is the latest failure's.")
@click.option("--binary", is_flag=True, help="Numbers are big endian, 4 or 8 bytes, instead of text.")
@pass_desk
def add_family(
    desk: Desk, name: str, headers: dict[str, str], topics: tuple[str, ...], *, newest_first: bool, binary: bool
) -> None:
    """Declare a family in the context, or replace it; it wins over a built-in one that is known by the same headers.

    When its letters are put back, all of these headers are taken off.
    """
    from eventops.dlq.declaring import with_family

    _change(desk, lambda told: with_family(told, name, headers, topics, newest_first=newest_first, binary=binary))
    say(f"{name} is a family of the context {desk.context.name}; `eventops dlq families check TOPIC` tries it")
    if not headers:
        say("no header tells where its letters came from or why: they go back with --to alone, and group as unknown")


@families.command("remove", epilog="Example: eventops dlq families remove acme")
@click.argument("name")
@pass_desk
def remove_family(desk: Desk, name: str) -> None:
    """Take a family out of the context."""
    from eventops.dlq.declaring import without_family

    _change(desk, lambda told: without_family(told, name))
    say(f"{name} is no family of the context {desk.context.name} any more")


@click.group(
    cls=DefaultGroup, default="list", epilog="Example: eventops dlq rules add --message 'tenant \\w+=tenant <tenant>'"
)
def rules() -> None:
    """What a context says of topics, groups and messages: list, add, remove."""


@rules.command("list", epilog="Example: eventops dlq rules -o json")
@output_option()
@pass_desk
def list_rules(desk: Desk, output: str) -> None:
    """The context's rules: which topics hold letters, whose code is ours, who fails into what, what differs from
    message to message."""
    from eventops.dlq.declaring import rules_document
    from eventops.dlq.settings import KEY

    _ = desk.conventions  # says what is wrong with them
    rows = rules_document(desk.context.settings.get(KEY, {}))
    if output == "table":
        print_table(f"Rules of {desk.context.name}", _RULES, rows)
    else:
        print_document({"context": desk.context.name, "rules": rows}, output, rows)


def _rule_options(command: Command) -> Command:
    for option in (
        click.option(
            "--message",
            "messages",
            multiple=True,
            metavar="REGEX=WORDS",
            callback=lambda _context, _option, told: dict(map(_pattern, told)),
            help="What else differs from message to message, and what stands for it when letters are grouped: "
            "'tenant \\w+=tenant <tenant>'. May be repeated.",
        ),
        click.option(
            "--fails-into",
            "groups",
            multiple=True,
            metavar="GLOB=GROUP",
            callback=lambda _context, _option, told: dict(map(_pair, told)),
            help="The group that fails into those topics, where letters don't say: 'dead-letter-topic-*=billing'. "
            "May be repeated.",
        ),
        click.option(
            "--own-code",
            multiple=True,
            metavar="PREFIX",
            help="Our code: a prefix of classes or part of a path: com.acme.",
        ),
        click.option("--hidden", multiple=True, metavar="GLOB", help="Topics that never hold letters: 'test-dlq'."),
        click.option(
            "--topic", "topics", multiple=True, metavar="GLOB", help="More topics that hold letters: 'failed-*'."
        ),
    ):
        command = option(command)
    return command


@rules.command("add", epilog="Example: eventops dlq rules add --own-code com.acme. --topic 'failed-*'")
@_rule_options
@pass_desk
def add_rules(desk: Desk, **given: Any) -> None:
    """Add rules to the context."""
    from eventops.dlq.declaring import with_rules

    _require_some(given)
    _change(desk, lambda told: with_rules(told, _texts(given), given["groups"], given["messages"]))
    say(f"the rules of the context {desk.context.name} were added to")


@rules.command("remove", epilog="Example: eventops dlq rules remove --topic 'failed-*'")
@_rule_options
@pass_desk
def remove_rules(desk: Desk, **given: Any) -> None:
    """Take rules out of the context; of --fails-into and --message what stands before = is enough."""
    from eventops.dlq.declaring import without_rules

    _require_some(given)
    _change(desk, lambda told: without_rules(told, _texts(given), list(given["groups"]), list(given["messages"])))
    say(f"rules of the context {desk.context.name} were taken away")


def _change(desk: Desk, change: Callable[[Told], Told]) -> None:
    from eventops.dlq.settings import KEY

    config.change_setting(config.contexts_path(), desk.context.name, KEY, change)


def _texts(given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {"topics": given["topics"], "hidden": given["hidden"], "own-code": given["own_code"]}


def _require_some(given: dict[str, Any]) -> None:
    if not any(given.values()):
        raise click.UsageError("which rule? Name a --topic, --hidden, --own-code, --fails-into or --message")


def _pair(text: str) -> tuple[str, str]:
    """
    >>> _pair("message=x-error")
    ('message', 'x-error')

    Raises:
        UsageError: it has no ``=``.
    """
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise click.UsageError(f"{text!r} isn't NAME=VALUE")
    return name, value


def _pattern(text: str) -> tuple[str, str]:
    """A regular expression may have ``=`` itself; without any, ``<it>`` replaces what fits.

    >>> _pattern("tenant \\\\w+=tenant <tenant>"), _pattern("a=b=<c>"), _pattern("x+")
    (('tenant \\\\w+', 'tenant <tenant>'), ('a=b', '<c>'), ('x+', '<it>'))
    """
    pattern, separator, words = text.rpartition("=")
    return (pattern, words) if separator else (text, "<it>")


def _names(some: list[str]) -> str:
    more = len(some) - _SHOWN
    return safe(", ".join(some[:_SHOWN]) + (f", {plural(more, 'more', 'more')}" if more > 0 else "")) or "-"


def _others(row: Document) -> str:
    return _names([f"{one['name']} ({count(one['letters'])})" for one in row["other_headers"]])


_FAMILIES = [
    Column("family", lambda row: safe(row["family"])),
    Column("from", lambda row: row["source"]),
    Column("known by", lambda row: _names(row["known_by"]), wrap=True),
    Column("topics", lambda row: _names(row["topics"]), spare=2),
    Column("taken off", lambda row: _names(row["taken_off"]), wrap=True, spare=1),
]
_RECOGNISED = [
    Column("family", lambda row: safe(row["family"])),
    Column("letters", lambda row: count(row["letters"]), right=True),
    Column("origin", lambda row: count(row["with_origin"]), right=True, spare=2),
    Column("group", lambda row: count(row["with_group"]), right=True, spare=3),
    Column("cause", lambda row: count(row["with_cause"]), right=True, spare=2),
    Column("other headers", _others, wrap=True),
    Column("for example", lambda row: row["example"], spare=1),
]
_RULES = [
    Column("rule", lambda row: row["rule"]),
    Column("of", lambda row: safe(row["of"]), wrap=True),
    Column("is", lambda row: safe(row["is"] or "-"), wrap=True),
]
