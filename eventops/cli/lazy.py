"""Commands that are imported when they are asked for, so that ``eventops --help`` costs next to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Door(NamedTuple):
    """Where a command lives (``module:attribute``) and its one-line help."""

    target: str
    help: str


class LazyGroup(click.Group):
    """A group whose help is known without importing its commands."""

    def __init__(self, *args: Any, doors: Mapping[str, Door], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doors = doors

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click names it
        return list(self.doors)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        door = self.doors.get(cmd_name)
        if door is None:
            return None
        module, _, attribute = door.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, door.help) for name, door in self.doors.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.doors:
            ctx.fail(f"there is no command {name!r}{_meant(name, list(self.doors))}")
        return super().resolve_command(ctx, args)


class DefaultGroup(click.Group):
    """A group whose command ``default`` is meant where none is named: `eventops topics` is `eventops topics list`."""

    def __init__(self, *args: Any, default: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A shell that completes ``eventops topics `` is still offered the commands."""
        is_named = any(arg in self.commands or arg in ctx.help_option_names for arg in args)
        is_completing = ctx.resilient_parsing and not args
        return super().parse_args(ctx, args if is_named or is_completing else [self.default, *args])


def _meant(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"
