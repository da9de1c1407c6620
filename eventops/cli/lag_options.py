"""What ``eventops lag`` and ``eventops lag check`` ask alike: which groups, which topics, how long to watch."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final

import click

from eventops.cli.moments import seconds

Command = Callable[..., Any]

_AGES: Final = {"auto": 200, "all": 2**31, "none": 0}
SPAN: Final = "60s"


def selection_options(command: Command) -> Command:
    """Give the command a ``selection`` made of GROUP, ``--group``, ``--regex``, ``--topic`` and ``--time``."""

    def with_selection(
        *args: Any,
        groups: tuple[str, ...],
        group: tuple[str, ...],
        regex: bool,
        topic: tuple[str, ...],
        time: str,
        **rest: Any,
    ) -> Any:
        from eventops.lag.model import GroupSelection

        names = tuple(f"/{name}/" if regex else name for name in (*groups, *group))
        return command(*args, selection=GroupSelection(names, topic, _AGES[time]), **rest)

    wrapped: Command = update_wrapper(with_selection, command)
    for option in (
        click.option(
            "--time",
            type=click.Choice(list(_AGES)),
            default="auto",
            show_default=True,
            help="Where the waiting record is read for its age: the 200 partitions furthest behind, all, or none.",
        ),
        click.option("--topic", multiple=True, metavar="TOPIC", help="Only these topics; a name, a glob or a /regex/."),
        click.option("--regex", is_flag=True, help="Every GROUP is a regular expression."),
        click.option("--group", multiple=True, metavar="GROUP", help="The same as GROUP; may be repeated."),
        click.argument("groups", nargs=-1, metavar="[GROUP]..."),
    ):
        wrapped = option(wrapped)
    return wrapped


span_option = click.option(
    "--span",
    type=seconds,
    default=SPAN,
    show_default=True,
    metavar="DURATION",
    help="How long a group is observed before it can be called stopped, stalled or falling behind.",
)
