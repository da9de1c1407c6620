"""A search on the command line: how far it is, what it finds, and Ctrl-C, which ends the reading early."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Final, Self

import click

from eventops.wording import instant, safe

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from eventops.trace.model import Found

_GLANCE: Final = 0.05
"""Seconds between two looks whether Ctrl-C was pressed."""

_SIZES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


class Size(click.ParamType[int]):
    """Bytes on the command line: ``500MB``, ``2G``, ``1000000``."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """
        >>> Size().convert("500MB", None, None), Size().convert("1.5g", None, None)
        (500000000, 1500000000)
        """
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", str(value).strip().lower(), re.ASCII)
        if found is None or not 0 < float(found[1]) < 1e18:
            self.fail(f"{value!r} is no size; write 500MB or 2G", param, ctx)
        return int(float(found[1]) * _SIZES[found[2]])


class Interruption:
    """While it is entered, the first Ctrl-C only sets it; a second one interrupts as ever."""

    def __init__(self) -> None:
        self.is_set = False

    def pass_on(self) -> None:
        """To be called when what there was is printed.

        Raises:
            KeyboardInterrupt: it is set.
        """
        if self.is_set:
            raise KeyboardInterrupt

    def wait(self, seconds: float) -> None:
        """So long, or until it is set."""
        until = time.monotonic() + seconds
        while not self.is_set and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _GLANCE))

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.is_set = True


class Meter:
    """Tells people on a terminal; elsewhere nothing."""

    def __init__(self, bar: Progress | None, task: TaskID | None) -> None:
        self._bar, self._task = bar, task

    def tell(self, found: Found) -> None:
        """How far it is, and what is new."""
        if self._bar is None or self._task is None:
            return
        for event in found.found:
            said = f"{event.ids.event_type or '(no type)'}  {event.position}  {instant(event.occurred_at)}"
            self._bar.console.print(f"found {safe(said)}", markup=False, highlight=False)
        self._bar.update(self._task, completed=found.records, total=found.expected, megabytes=found.fetched / 1e6)
        elapsed = self._bar.tasks[self._task].elapsed or 0.0
        if elapsed > 0:
            self._bar.update(self._task, rate=found.fetched / 1e6 / elapsed)


@contextmanager
def meter(what: str) -> Iterator[Meter]:
    """Offsets, bytes, rate and the time that is left, on stderr where it is a terminal."""
    if not sys.stderr.isatty():
        yield Meter(None, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    bytes_ = TextColumn("{task.fields[megabytes]:,.0f} MB at {task.fields[rate]:,.0f} MB/s")
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), bytes_, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Meter(bar, bar.add_task(what, total=None, megabytes=0.0, rate=0.0))
