"""``eventops lag --watch``: polls in the background; in place on a terminal, a line a row elsewhere."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Final

from eventops.cli.diagnostics import complain, say
from eventops.cli.lag_tables import columns
from eventops.cli.output import console, drawn, print_document
from eventops.errors import BrokerUnreachable, EventopsError
from eventops.wording import duration, safe

if TYPE_CHECKING:
    from rich.console import Group

    from eventops.lag.model import LagReport
    from eventops.lag.views import View
    from eventops.ports import Gap

SHORTEST: Final = 0.1
"""Seconds between two polls at least."""

_REPAINT: Final = 1.0
_AROUND: Final = 8
"""Lines of a screen that aren't rows."""

_HEAD: Final = 3
"""Those of a low one: the columns' names, their rule, and what is wrong."""

_TERMINATED: Final = 143


class Watching:
    """What is known: the last report, and since when the cluster doesn't answer."""

    def __init__(self, report: LagReport, view: View, every: float) -> None:
        self.report, self.view, self.every = report, view, every
        self.polls = 1
        self.first_at = self.answered_at = time.monotonic()
        self.failure: EventopsError | None = None

    def take(self, answer: LagReport | EventopsError) -> None:
        """One more answer; a failure leaves what was known, and its age grows."""
        if isinstance(answer, EventopsError):
            self.failure = answer
            return
        self.report, self.failure = answer, None
        self.polls, self.answered_at = self.polls + 1, time.monotonic()

    def trouble(self) -> str | None:
        """The sentence for figures that can't be trusted; None where they can."""
        waited = time.monotonic() - self.answered_at
        if self.failure is None and waited <= max(3 * self.every, 5.0):
            return None
        if self.failure is not None and not isinstance(self.failure, BrokerUnreachable):
            return f"{safe(str(self.failure))}; asking again, the figures are {duration(waited)} old"
        return f"no answer for {duration(waited)}, retrying" + (f": {safe(str(self.failure))}" if self.failure else "")


def on_a_terminal(ask: Callable[[], LagReport], view: View, every: float) -> None:
    """Repaint in place until Ctrl-C; the terminal is as before afterwards.

    Raises:
        EventopsError: the first poll failed.
    """
    from rich.live import Live

    screen = console()
    watching = Watching(ask(), view, every)
    answers = _polled(ask, every)
    with _ending_on_sigterm(), Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            live.update(_picture(watching, screen.size), refresh=True)
            if (answer := _next(answers)) is not None:
                watching.take(answer)


def as_lines(ask: Callable[[], LagReport], view: View, every: float) -> None:
    """A line of JSON a row and poll, each with its ``as_of``; that the cluster doesn't answer, and what isn't read, is
    said once.

    Raises:
        EventopsError: the first poll failed.
    """
    watching = Watching(ask(), view, every)
    told = _told_gaps(watching.report, frozenset())
    _print_lines(watching)
    answers = _polled(ask, every)
    is_silent, answers_again = False, ""
    while True:
        answer = _next(answers)
        if answer is not None:
            watching.take(answer)
        trouble = watching.trouble()
        if trouble is not None and not is_silent:
            complain(trouble)
            is_gone = watching.failure is not None and not isinstance(watching.failure, BrokerUnreachable)
            answers_again = "what was asked for is there again" if is_gone else "the cluster answers again"
        if trouble is None and is_silent:
            say(answers_again)
        is_silent = trouble is not None
        if answer is not None and not is_silent:
            told = _told_gaps(watching.report, told)
            _print_lines(watching)


def _told_gaps(report: LagReport, before: frozenset[Gap]) -> frozenset[Gap]:
    """Say what isn't read, and what is read again, where that has changed since the poll ``before``."""
    now = frozenset(report.coverage.gaps)
    for gap in report.coverage.gaps:
        if gap not in before:
            say(f"not read: {safe(gap.place)}: {safe(gap.reason)}")
    places = {gap.place for gap in now}
    for place in sorted({gap.place for gap in before} - places):
        say(f"read again: {safe(place)}")
    return now


def _print_lines(watching: Watching) -> None:
    from eventops.lag.views import rows, view_document

    shown = rows(watching.report, watching.view)
    document = view_document(watching.report, watching.view, shown)
    print_document({}, "ndjson", ({"as_of": document["as_of"], **row} for row in shown.rows))


def _polled(ask: Callable[[], LagReport], every: float) -> Queue[LagReport | BaseException]:
    """Answers of a thread that nobody waits for: Ctrl-C ends the command while a broker keeps silent."""
    answers: Queue[LagReport | BaseException] = Queue()

    def poll() -> None:
        while True:
            asked = time.monotonic()
            try:
                answers.put(ask())
            except Exception as error:  # noqa: BLE001 - the thread that shows it raises what wasn't foreseen
                answers.put(error)
            time.sleep(max(every - (time.monotonic() - asked), 0.0))

    def later() -> None:
        time.sleep(every)
        poll()

    threading.Thread(target=later, name="lag", daemon=True).start()
    return answers


def _next(answers: Queue[LagReport | BaseException]) -> LagReport | EventopsError | None:
    """The next answer, None where none comes in time for the next repaint."""
    try:
        answer = answers.get(timeout=_REPAINT)
    except Empty:
        return None
    if isinstance(answer, BaseException) and not isinstance(answer, EventopsError):
        raise answer
    return answer


def _picture(watching: Watching, size: Any) -> Group:
    from rich.console import Group
    from rich.text import Text

    from eventops.lag.views import rows, view_document

    shown = rows(watching.report, watching.view)
    document = view_document(watching.report, watching.view, shown)
    is_low = size.height < _AROUND + 2  # then the rows are worth more than what is said about them
    fitting = shown.rows[: max(size.height - (_HEAD if is_low else _AROUND), 1)]
    watched = duration(round(watching.answered_at - watching.first_at))
    title = f"Lag at {document['as_of'][:19]}Z, {watching.polls} polls over {watched}; Ctrl-C ends"
    parts: list[Any] = []
    if trouble := watching.trouble():
        parts.append(Text(trouble, "bold red", no_wrap=True, overflow="ellipsis"))
    made = drawn("" if is_low else title, columns(watching.view.by, with_pace=True), fitting, size.width, one_line=True)
    if is_low:
        return Group(*parts, next(made))
    parts += made
    if len(fitting) < shown.found:
        parts.append(Text(f"{len(fitting)} of {shown.found:,} rows shown", "dim"))
    gaps = document["coverage"]["gaps"]
    if gaps:
        first = f"{safe(gaps[0]['topic'])}: {safe(gaps[0]['reason'])}"
        more = f", and {len(gaps) - 1} more" if len(gaps) > 1 else ""
        parts.append(Text(f"not read: {first}{more}", "yellow", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """SIGTERM gives the terminal back, too."""

    def end(*_: object) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
