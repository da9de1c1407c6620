"""One cluster's, for as long as the dashboard is at it: whom it asks there, and what it knows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from eventops.tui.history import History
from eventops.tui.lag_columns import Paced, worst_first
from eventops.tui.questions import Questions, first_lag

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventops.bootstrap import Desk
    from eventops.lag.model import GroupLag, LagReport
    from eventops.tui.watch import Watch

_POLLS_KEPT: Final = 2
"""The last one, and the one before it, which the screen shows until the last one is painted."""


class Seat:
    """A question takes it along, and its answer brings it back: what comes when the dashboard has gone on to another
    cluster is known here, where nobody looks any more. ``refresh``: seconds between two questions."""

    def __init__(self, desk: Desk, refresh: float) -> None:
        self.desk = desk
        self.history = History()
        self.questions = Questions(desk, refresh, self.history)
        self.is_left = False
        """The dashboard is at another cluster, or on its way: what was asked here leads nowhere."""
        self.arriving: list[Paced] | None = None
        """The groups that came in so far, before the first answer is whole."""
        self._judged: tuple[LagReport, list[Paced]] | None = None
        self._polled: deque[list[GroupLag]] = deque()

    def leave(self) -> None:
        """For good: readings that are under way end."""
        self.is_left = True
        self.questions.let_go()

    def ask(self, watch: Watch[Any], tell: Callable[[list[Paced]], object]) -> Any:
        """The answer, judged where it is about lag; of the first poll ``tell`` is told of the groups that came in so
        far. Called by workers."""
        is_lag = watch is self.questions.lag
        is_first = is_lag and watch.value is None
        answer = self._first_lag(tell) if is_first else watch.ask()
        if is_lag:
            self._judge(answer)
            self._let_go_of_old(answer)
        return answer

    def worst_groups(self) -> list[Paced] | None:
        """The groups of the last poll, judged once a poll and not at every repaint; before the first is whole, those
        that came in; None before any did."""
        report = self.questions.lag.value
        if report is None:
            return self.arriving
        self.arriving = None
        judged = self._judged
        return judged[1] if judged is not None and judged[0] is report else self._judge(report)

    def _first_lag(self, tell: Callable[[list[Paced]], object]) -> LagReport:
        return first_lag(self.desk, self.history, lambda groups: tell(worst_first(groups, {})))

    def _judge(self, report: LagReport) -> list[Paced]:
        found = worst_first(report.groups, self.history.trends)
        self._judged = report, found
        return found

    def _let_go_of_old(self, report: LagReport) -> None:
        """Where the last name of a report goes, all of it is freed at once: 12 ms for fifty thousand partitions, in
        which no key is answered. So its groups are kept until no screen shows them, and go one by one, in a worker."""
        polled = self._polled
        polled.append(list(report.groups))
        while len(polled) > _POLLS_KEPT:
            groups = polled.popleft()
            while groups:
                groups.pop()
