"""How a plan is carried out: how fast, and how it is ended early."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click

from eventops.cli import diagnostics
from eventops.cli.numbers import Finite
from eventops.cli.options import Command
from eventops.dlq.pace import LEAST_RATE, LONGEST_WAIT, MOST_A_CHUNK, MOST_RATE

if TYPE_CHECKING:
    from eventops.dlq.pace import Pace


_REASON: Final = "Why; kept in the ledger with your name."


def execution_options(command: Command) -> Command:
    """Plan or act."""
    for option in (
        click.option("--yes", is_flag=True, help="Don't ask before executing."),
        click.option("--execute", is_flag=True, help="Act; without it the plan is printed and nothing is written."),
        click.option("--take-over", is_flag=True, help="Though another operator seems to be at it."),
        click.option(
            "--chunk",
            type=click.IntRange(1, MOST_A_CHUNK),
            default=40_000,
            show_default=True,
            help="Letters a transaction at most; fewer where one takes long.",
        ),
    ):
        command = option(command)
    return command


def reason_option(command: Command) -> Command:
    """Why it is done."""
    return click.option("--reason", callback=_as_reason, help=_REASON)(command)


def required_reason_option(command: Command) -> Command:
    """The same, where nobody does it without."""
    return click.option("--reason", required=True, callback=_as_reason, help=_REASON)(command)


def _as_reason(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """
    Raises:
        BadParameter: it says nothing.
    """
    if text is not None and not text.strip():
        raise click.BadParameter("it says nothing: write why, as in --reason 'test data'")
    return text


def pace_options(command: Command) -> Command:
    """How fast, and how surely."""
    for option in (
        click.option(
            "--at-least-once",
            is_flag=True,
            help="Without transactions: killed, it may double what was in hand. Readers can tell by the header "
            "eventops-replay-id.",
        ),
        click.option(
            "--ramp-settle",
            type=Finite(0, LONGEST_WAIT),
            default=5.0,
            show_default=True,
            help="Seconds that letters may take to come back once a stage is read.",
        ),
        click.option(
            "--ramp-wait",
            type=Finite(0, LONGEST_WAIT),
            default=120.0,
            show_default=True,
            help="Seconds that the failed group may take to read a stage.",
        ),
        click.option(
            "--ramp",
            is_flag=True,
            help="1 letter, then 10, 100, …: the next stage begins when the group has read the last one and none of it "
            "failed again, in whichever dead-letter topic; else it ends. The last stage is watched too. Where letters "
            "don't tell their group, only those that come back within --ramp-settle are seen.",
        ),
        click.option(
            "--rate", type=Finite(LEAST_RATE, MOST_RATE), help=f"Letters a second at most, {LEAST_RATE:g} or more."
        ),
    ):
        command = option(command)
    return command


def pace(given: dict[str, Any]) -> Pace:
    """Takes the options that say how fast out of what was given."""
    from eventops.dlq.pace import Pace, Ramp

    settle, wait = given.pop("ramp_settle", 0.0), given.pop("ramp_wait", 0.0)
    ramp = Ramp(wait=wait, settle=settle) if given.pop("ramp", False) else None
    return Pace(chunk=given.pop("chunk"), rate=given.pop("rate", None), take_over=given.pop("take_over"), ramp=ramp)


@contextmanager
def interruptible(is_waiting: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end the run after the transaction in hand, where it isn't waiting without one; a second one
    ends it at once, which is safe too."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        in_hand = "no transaction is in hand: ending" if is_waiting() else "finishing the transaction in hand"
        diagnostics.say(f"{in_hand} ...")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
