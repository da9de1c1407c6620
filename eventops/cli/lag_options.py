"""What ``eventops lag`` and ``eventops lag check`` ask alike: which groups, which topics, how long to watch."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import click

from eventops.cli.completing import group_names, topic_names
from eventops.cli.moments import is_duration, seconds

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Command = Callable[..., Any]

_AGES: Final = {"auto": 200, "all": 2**31, "none": 0}
SPAN: Final = "60s"
EVERY: Final = "5s"
_CLUSTER: Final = ("-b", "--bootstrap-servers", "-X", "--context")


class ShowByDefault(click.Group):
    """``eventops lag billing`` means ``eventops lag show billing``, whose options its help tells too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What is neither a command nor a question for help belongs to ``show``."""
        if not args and ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        at = _after_cluster(args)
        if at == len(args) or args[at] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Its commands, and the groups that ``show`` takes."""
        from click import shell_completion

        groups = [] if incomplete.startswith("-") else group_names(ctx, None, incomplete)
        return [*super().shell_complete(ctx, incomplete), *map(shell_completion.CompletionItem, groups)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own, which is --help; then those of ``show``; then the commands."""
        options = [option for option in self.commands["show"].get_params(ctx) if isinstance(option, click.Option)]
        told = [found for option in options if (found := option.get_help_record(ctx)) is not None]
        with formatter.section("Options (those of show)"):
            formatter.write_dl(told)
        self.format_commands(ctx, formatter)


def _after_cluster(args: list[str]) -> int:
    """Where the first word stands that doesn't say which cluster is meant.

    >>> _after_cluster(["-b", "kafka:9092", "check"]), _after_cluster(["billing", "-b", "kafka:9092"])
    (2, 0)
    """
    at = 0
    while at < len(args):
        name, equals, _ = args[at].partition("=")
        if name in _CLUSTER:
            at += 1 if equals else 2
        elif name[:2] in ("-b", "-X") and name[1:2] != "-":
            at += 1
        else:
            break
    return min(at, len(args))


class WatchingCommand(click.Command):
    """``--watch billing`` means ``--watch`` and the group ``billing``: what isn't a duration is no value of it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A group named like a duration is told with ``--group 5s``."""
        for index, (arg, following) in enumerate(pairwise(args)):
            if arg == "--watch" and not is_duration(following):
                args = [*args[:index], f"--watch={EVERY}", *args[index + 1 :]]
                break
        return super().parse_args(ctx, args)


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
    for option in _SELECTION:
        wrapped = option(wrapped)
    return wrapped


_SELECTION: Final = (
    click.option(
        "--time",
        type=click.Choice(list(_AGES)),
        default="auto",
        show_default=True,
        help="Where the waiting record is read for its age: the 200 partitions furthest behind, all, or none.",
    ),
    click.option(
        "--topic",
        multiple=True,
        metavar="TOPIC",
        shell_complete=topic_names,
        help="Only these topics; a name, a glob or a /regex/.",
    ),
    click.option("--regex", is_flag=True, help="Every GROUP is a regular expression."),
    click.option(
        "--group",
        multiple=True,
        metavar="GROUP",
        shell_complete=group_names,
        help="The same as GROUP; may be repeated.",
    ),
    click.argument("groups", nargs=-1, metavar="[GROUP]...", shell_complete=group_names),
)

span_option = click.option(
    "--span",
    type=seconds,
    default=SPAN,
    show_default=True,
    metavar="DURATION",
    help="How long a group is observed before it can be called stopped, stalled or falling behind; a loss of a "
    "few percent takes a longer one, as 3m.",
)
