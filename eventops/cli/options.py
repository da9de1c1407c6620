"""The options every command shares: which cluster, and with which properties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from threading import Event

    from eventops.bootstrap import Desk
    from eventops.config import Context

Command = Callable[..., Any]


class Dashboard(Protocol):
    """Opens the dashboard and returns when it was left, or when ``ended`` was set."""

    def __call__(self, desk: Desk, *, refresh: float | None, ended: Event | None = None) -> None: ...


@dataclass(slots=True)
class Choices:
    """What the command line said about the cluster, before or after the command's name."""

    context: str | None = None
    bootstrap_servers: str | None = None
    properties: list[str] = field(default_factory=list)
    open_dashboard: Dashboard | None = None
    """The other face; the two don't know each other, the door introduces them."""
    serve_dashboard: Callable[[list[str], int], None] | None = None
    """The same for browsers: the words of the command that a tab runs, and the port."""

    def words(self) -> list[str]:
        """The choices as words of a command line."""
        context = ["--context", self.context] if self.context else []
        servers = ["-b", self.bootstrap_servers] if self.bootstrap_servers else []
        return [*context, *servers, *(word for one in self.properties for word in ("-X", one))]

    def resolve(self) -> Context:
        """The context that is meant.

        Raises:
            ConfigurationError: there is none.
        """
        from eventops import config

        known = config.load_contexts(config.contexts_path())
        return config.resolve(
            known, name=self.context, bootstrap=self.bootstrap_servers, properties=tuple(self.properties)
        )


def choices() -> Choices:
    """The choices of the running command."""
    return click.get_current_context().find_root().ensure_object(Choices)


def program() -> str:
    """How this cluster is reached, for commands that are suggested; properties may be secrets and aren't repeated."""
    chosen = choices()
    context = f" --context {chosen.context}" if chosen.context else ""
    servers = f" -b {chosen.bootstrap_servers}" if chosen.bootstrap_servers else ""
    return f"eventops{context}{servers}"


def cluster_options(command: Command) -> Command:
    """``-b``, ``-X`` and ``--context``, as kcat and kubectl have them, before or after the command's name."""
    for option in (
        click.option(
            "--context",
            metavar="NAME",
            expose_value=False,
            callback=_choose_context,
            shell_complete=_context_names,
            help="A context by its name.",
        ),
        click.option(
            "-X",
            "properties",
            metavar="PROPERTY=VALUE",
            multiple=True,
            expose_value=False,
            callback=_choose_properties,
            help="A librdkafka property; may be repeated.",
        ),
        click.option(
            "-b",
            "--bootstrap-servers",
            metavar="HOST:PORT",
            expose_value=False,
            callback=_choose_servers,
            help="The cluster, instead of a context's.",
        ),
    ):
        command = option(command)
    return command


def pass_desk(command: Command) -> Command:
    """Give the command the Desk of the chosen cluster as its first argument, and close it afterwards."""

    def with_desk(*args: Any, **kwargs: Any) -> Any:
        from eventops.bootstrap import desk_for

        desk: Desk = desk_for(choices().resolve())
        with desk:
            return command(desk, *args, **kwargs)

    return cluster_options(update_wrapper(with_desk, command))


def _context_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """A shell that completes can't be told what is wrong with the file."""
    from eventops import config

    try:
        names = sorted(config.load_contexts(config.contexts_path()).by_name)
    except config.ConfigurationError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def _choose_context(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        choices().context = _named(value, "--context")


def _choose_servers(_context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        choices().bootstrap_servers = _named(value, "-b")


def _choose_properties(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> None:
    choices().properties.extend(value)


def _named(value: str, option: str) -> str:
    """An empty name is a variable that isn't set: never taken for the current context.

    Raises:
        BadParameter: it is empty.
    """
    if not value.strip():
        raise click.BadParameter("it is empty: which cluster is meant?", param_hint=option)
    return value
