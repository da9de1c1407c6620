"""The questions that several screens share, so that each is asked once."""

from __future__ import annotations

from typing import Final

from eventops.bootstrap import Desk
from eventops.dlq.model import CauseGroup, LettersReport, ListReport, Selection, State
from eventops.lag.model import GroupSelection, LagReport
from eventops.ports import Cluster
from eventops.tui.history import History
from eventops.tui.watch import Watch

_TOPICS_READ: Final = 3
"""Dead-letter topics whose causes are read for the overview: those with most open letters."""
_LETTERS_EVERY: Final = 5.0
_CAUSES_EVERY: Final = 10.0
"""Letters are read whole, and causes decode them: seconds at least between two readings."""


class Questions:
    """One desk's questions; ``refresh`` is how often (seconds) the cheap ones are asked; ``history`` judges the lag."""

    def __init__(self, desk: Desk, refresh: float, history: History) -> None:
        self._desk = desk
        self._letters_every = max(refresh, _LETTERS_EVERY)
        self._letters_of: dict[str, Watch[LettersReport]] = {}
        self.lag: Watch[LagReport] = Watch(
            "lag", lambda: history.add(desk.lag.snapshot(GroupSelection(), desk.now())), refresh
        )
        self.cluster: Watch[Cluster] = Watch("cluster", lambda: desk.broker.cluster(), max(refresh, _CAUSES_EVERY))
        self.letters: Watch[ListReport] = Watch("letters", lambda: desk.dlq.list(desk.now()), self._letters_every)
        self.causes: Watch[tuple[CauseGroup, ...]] = Watch(
            "causes", lambda: top_causes(desk), max(5 * refresh, _CAUSES_EVERY)
        )

    def letters_of(self, topic: str) -> Watch[LettersReport]:
        """The letters of one topic."""
        desk = self._desk
        if topic not in self._letters_of:
            self._letters_of[topic] = Watch(
                "letters", lambda: desk.dlq.letters(Selection(topic), desk.now()), self._letters_every
            )
        return self._letters_of[topic]


def top_causes(desk: Desk) -> tuple[CauseGroup, ...]:
    """The causes of most open letters, over the topics that hold most of them."""
    topics = sorted(desk.dlq.list(desk.now()).topics, key=lambda one: -one.open)[:_TOPICS_READ]
    reports = [desk.dlq.causes(Selection(topic.topic), desk.now()) for topic in topics if topic.open]
    causes = [cause for report in reports for cause in report.causes if open_of(cause)]
    return tuple(sorted(causes, key=lambda cause: -open_of(cause)))


def open_of(cause: CauseGroup) -> int:
    """Letters of it that nobody dealt with."""
    return cause.counts.get(State.OPEN, 0) + cause.counts.get(State.FAILED_AGAIN, 0)
