"""Speech: everything that goes to stderr, and the exit code a command ends with."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import click

from eventops.config import ConfigurationError
from eventops.errors import EventopsError, ExitCode
from eventops.wording import safe

DEFECT: Final = 70
"""``EX_SOFTWARE`` of sysexits.h: outside the contract on purpose, so that no script takes a defect for a finding."""

_MOMENT_SECONDS: Final = 0.5
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def say(text: str) -> None:
    """One line of speech."""
    _tell(text)


def say_gaps(document: Mapping[str, Any]) -> None:
    """What a report doesn't rest on, a line a topic and reason."""
    together: dict[tuple[str, str], list[int]] = {}
    for gap in document["coverage"]["gaps"]:
        numbers = together.setdefault((gap["topic"], gap["reason"]), [])
        numbers += [] if gap["partition"] is None else [gap["partition"]]
    for (subject, reason), numbers in together.items():
        place = f"{subject}/{','.join(map(str, numbers))}" if numbers else subject
        say(f"not read: {safe(place)}: {safe(reason)}")


def complain(text: str) -> None:
    """One line about what went wrong, in red where the terminal shows colours."""
    _tell(click.style("eventops: ", fg="red", bold=True) + safe(text), colour=colours(sys.stderr))


def _tell(text: str, *, colour: bool | None = None) -> None:
    """A listener that went away (``2>&1 | head``) changes nothing: click would make it exit code 1, a finding."""
    try:
        click.echo(text, err=True, color=colour)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def colours(stream: Any) -> bool:
    """Colours are shown on a terminal, unless ``NO_COLOR`` is set (no-color.org) or the terminal is dumb."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and bool(stream.isatty())


def run(command: Callable[[], object]) -> int:
    """Run a command; every error that was foreseen becomes one sentence and its exit code.

    A reader that went away (``| head``) is no error: the rest of the output is dropped silently.
    """
    try:
        result = command()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except EventopsError as error:
        complain(str(error))
        return int(error.exit_code)
    except ConfigurationError as error:
        complain(str(error))
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except OSError as error:
        if error.errno not in _FULL:
            return _defect()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered would fail once more
        complain(f"the output can't be written ({error.strerror}): make room, or send it elsewhere")
        return int(ExitCode.USAGE)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it becomes a sentence
        is_interrupted = isinstance(error.__cause__, KeyboardInterrupt)  # in the Kafka client's C code: a SystemError
        return _interrupted() if is_interrupted else _defect()
    return result if isinstance(result, int) else int(ExitCode.DONE)


def _interrupted() -> int:
    say("interrupted")
    return int(ExitCode.INTERRUPTED)


def _defect() -> int:
    """
    Raises:
        Exception: the one at hand, where somebody asked for it.
    """
    if os.environ.get("EVENTOPS_DEBUG"):
        raise
    complain(f"a defect of eventops itself ({_where()}): set EVENTOPS_DEBUG=1 and report what it prints then")
    return DEFECT


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress line on stderr where it is a terminal, nothing elsewhere; the callback takes done and expected. What
    is over in a moment shows none."""
    if not sys.stderr.isatty():
        yield lambda _done, _expected: None
        return
    began = time.monotonic()
    update: Callable[[int, int], None] | None = None
    with ExitStack() as stack:

        def tell(done: int, expected: int) -> None:
            nonlocal update
            if update is None and time.monotonic() - began > _MOMENT_SECONDS:
                update = stack.enter_context(_bar(what))
            if update is not None:
                update(done, expected)

        yield tell


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, expected: bar.update(task, completed=done, total=expected)


def _where() -> str:
    import traceback

    kind, error, at = sys.exc_info()
    last = traceback.extract_tb(at)[-1]
    return f"{kind.__name__ if kind else 'error'}: {error}, {Path(last.filename).name}:{last.lineno}"
