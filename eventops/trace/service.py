"""What happened to this request? Once, or as it goes on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any

from eventops.errors import Unsupported
from eventops.events import Reader, read_event
from eventops.ports import Broker, TraceStore
from eventops.trace.audit import Audit, audit
from eventops.trace.auditing import evidence
from eventops.trace.model import Found, Question, TraceReport
from eventops.trace.origins import Letters
from eventops.trace.search import Search


class TraceService:
    """What happened to this request?"""

    def __init__(
        self, broker: Broker, letters: Letters[Any], read: Reader = read_event, store: TraceStore | None = None
    ) -> None:
        self._broker = broker
        self._store = store
        self._read = read
        self._letters = letters

    def trace(self, question: Question, now: datetime) -> TraceReport:
        """The whole chain as of ``now``.

        Raises:
            UsageError: no id, a window that holds no time, or a topic that was named doesn't exist.
            Unsupported: the broker keeps no history.
        """
        *_, last = self.search(question, now)
        assert last.report is not None
        return last.report

    def search(
        self, question: Question, now: datetime, stopped: Callable[[], bool] | None = None
    ) -> Generator[Found, None, None]:
        """Like :meth:`trace`, telling how far it got; the last one has the report. Once ``stopped`` says so, the rest
        of the log isn't read and becomes gaps. Closing it ends the reading."""
        search = self._search(question, now, stopped)
        yield from search.read()
        yield from search.judge(now)

    def watch(
        self, question: Question, clock: Callable[[], datetime], stopped: Callable[[], bool] | None = None
    ) -> Generator[Found, None, None]:
        """Like :meth:`search`, and then a report each time it is asked for the next: only what came meanwhile is read.
        It never ends, and never waits of its own accord."""
        while True:
            search = self._search(question, clock(), stopped)
            yield from search.read()
            yield from search.judge(clock())
            while not search.is_of_another_chain:
                yield from search.judge(clock())

    def audit(self, report: TraceReport, now: datetime) -> Audit:
        """A report's chain against the spans that the trace store holds of it.

        Raises:
            Unsupported: there is no trace store.
            StoreUnavailable: it doesn't answer.
        """
        if self._store is None:
            raise Unsupported("there is no trace store to compare with")
        return audit(evidence(self._broker, self._store, self._read, report, now))

    def _search(self, question: Question, now: datetime, stopped: Callable[[], bool] | None = None) -> Search:
        return Search(self._broker, self._letters, self._read, self._store, question, now, stopped)
