"""``eventops context``: the clusters a person works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventops import config
from eventops.cli import diagnostics
from eventops.cli.options import Choices, pass_desk
from eventops.cli.output import Column, output_option, print_document, print_table
from eventops.config import Context, Contexts
from eventops.wording import plural

if TYPE_CHECKING:
    from eventops.bootstrap import Desk


@click.group(epilog="Contexts live in a TOML file; `eventops context list` names it.")
def context() -> None:
    """The clusters you work with: add, list, use, show, check, remove."""


@context.command("list", epilog="Example: eventops context list -o json")
@output_option()
def list_contexts(output: str) -> None:
    """All contexts; the current one is marked."""
    known = config.load_contexts(config.contexts_path())
    rows = [_row(known, found) for found in known.by_name.values()]
    if output != "table":
        print_document({"path": str(known.path), "current": known.current, "contexts": rows}, output, rows)
        return
    print_table("Contexts", _COLUMNS, rows, footer=f"in {known.path}")


@context.command("use", epilog="Example: eventops context use prod")
@click.argument("name")
def use(name: str) -> None:
    """Make a context the current one."""
    config.use_context(config.contexts_path(), name)
    diagnostics.say(f"{name} is now the current context")


@context.command("add", epilog="Example: eventops context add prod -b kafka-1:9093 -X sasl.password=env:KAFKA_PW")
@click.argument("name")
@click.option("-b", "--bootstrap-servers", required=True, metavar="HOST:PORT", help="The cluster.")
@click.option(
    "-X", "properties", multiple=True, metavar="PROPERTY=VALUE", help="A librdkafka property; may be repeated."
)
@click.option("--read-only", is_flag=True, help="Refuse whatever writes to this cluster.")
@click.option("--colour", help="The colour that the faces show it in.")
def add(name: str, bootstrap_servers: str, properties: tuple[str, ...], read_only: bool, colour: str | None) -> None:
    """Add a context, or replace it. Secrets by reference: env:NAME, file:PATH, keyring:SERVICE/USER."""
    empty = Contexts(config.contexts_path())
    base = config.resolve(empty, bootstrap=bootstrap_servers, properties=properties, environ={})
    if literal := base.literal_secrets():
        name_of_it = literal[0].upper().replace(".", "_")
        raise config.ConfigurationError(
            f"{literal[0]} would stand in the file as it is: name where it is kept, "
            f"{literal[0]}=env:{name_of_it}, file:PATH or keyring:SERVICE/USER"
        )
    ours = {key: value for key, value in (("read-only", read_only), ("colour", colour)) if value}
    first = config.load_contexts(empty.path).current is None
    config.save_context(empty.path, Context(name, base.properties, {**base.settings, **ours}), use=first)
    diagnostics.say(f"{name} was written to {empty.path}" + (" and is the current context" if first else ""))


@context.command("remove", epilog="Example: eventops context remove old")
@click.argument("name")
def remove(name: str) -> None:
    """Take a context out of the file; the cluster isn't touched."""
    path = config.contexts_path()
    config.resolve(config.load_contexts(path), name=name, environ={})
    config.remove_context(path, name)
    diagnostics.say(f"{name} was removed from {path}")


@context.command("show", epilog="Example: eventops context show prod")
@click.argument("name", required=False)
@output_option()
def show(name: str | None, output: str) -> None:
    """One context (the current one by default) as commands see it; secrets are hidden."""
    found = Choices(context=name).resolve()
    document = {"name": found.name, "properties": found.shown(), "settings": dict(found.settings)}
    if output != "table":
        print_document(document, output, [document])
        return
    rows = [{"key": key, "value": str(value)} for key, value in {**found.shown(), **found.settings}.items()]
    print_table(
        found.name, [Column("property", lambda row: row["key"]), Column("value", lambda row: row["value"])], rows
    )


@context.command("check", epilog="Example: eventops context check --context prod")
@pass_desk
def check(desk: Desk) -> None:
    """Ask the cluster who it is; exit code 3 where nobody answers, 4 where it refuses."""
    answer = desk.broker.cluster()
    brokers = plural(len(answer.brokers), "broker")
    click.echo(f"{desk.context.name}: cluster {answer.cluster_id}, {brokers}: {', '.join(answer.brokers)}")


def _row(known: Contexts, found: Context) -> dict[str, object]:
    return {
        "name": found.name,
        "current": found.name == known.current,
        "bootstrap_servers": found.bootstrap_servers,
        "read_only": found.read_only,
        "colour": found.colour,
    }


_COLUMNS = [
    Column("", lambda row: "*" if row["current"] else ""),
    Column("name", lambda row: row["name"]),
    Column("bootstrap servers", lambda row: row["bootstrap_servers"] or "?"),
    Column("writes", lambda row: "refused" if row["read_only"] else "allowed"),
]
