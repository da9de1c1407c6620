"""The questions that several screens share, so that each is asked once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from eventops.bootstrap import Desk
from eventops.dlq.model import CauseGroup, LettersReport, ListReport, Selection, State
from eventops.events import Partition, read_event
from eventops.lag.model import GroupLag, GroupSelection, LagReport
from eventops.ports import Cluster, Range, Topic
from eventops.tui.history import History
from eventops.tui.messages import WaitingFound, WaitingUnknown
from eventops.tui.watch import Watch
from eventops.wording import count, plural, safe

if TYPE_CHECKING:
    from eventops.topics.model import TopicsReport
    from eventops.tui.seat import Seat

TOPICS_READ: Final = 3
"""Dead-letter topics whose causes are read for the overview: those with most open letters."""
_TOPICS_KEPT: Final = 4
_NAMED: Final = 3
"""Partitions that an alarm names."""
_FIRST_TOLD: Final = (40,)
"""A screenful of groups is told of at once."""
_TELL_EVERY: Final = 0.5
_FASTEST: Final = 0.5
_SLOWEST: Final = 300.0
_LETTERS_EVERY: Final = 5.0
_CAUSES_EVERY: Final = 10.0
"""Letters are read whole, and causes decode them: seconds at least between two readings."""


class Questions:
    """One desk's questions; ``refresh`` is how often (seconds) the cheap ones are asked; ``history`` judges the lag."""

    def __init__(self, desk: Desk, refresh: float, history: History) -> None:
        self._desk = desk
        self.refresh = refresh = min(max(refresh, _FASTEST), _SLOWEST)  # what was kept may be anything
        self._letters_every = max(refresh, _LETTERS_EVERY)
        self._causes_of: dict[str, Watch[LettersReport]] = {}
        self.lag: Watch[LagReport] = Watch(
            "lag", lambda: history.add(desk.lag.snapshot(GroupSelection(), desk.now())), refresh
        )
        self.cluster: Watch[Cluster] = Watch("cluster", lambda: desk.broker.cluster(), max(refresh, _CAUSES_EVERY))
        self.offline: Watch[tuple[Partition, ...]] = Watch(
            "offline", lambda: without_leader(desk.broker.topics()), max(refresh, _CAUSES_EVERY)
        )
        self.letters: Watch[ListReport] = Watch("letters", lambda: desk.dlq.list(desk.now()), self._letters_every)
        self.topics: Watch[TopicsReport] = Watch(
            "topics", lambda: desk.topics.report((), desk.now()), max(refresh, _CAUSES_EVERY)
        )
        self.causes: Watch[tuple[CauseGroup, ...]] = Watch(
            "causes", lambda: top_causes(desk, self.letters.value), max(5 * refresh, _CAUSES_EVERY)
        )

    @property
    def shared(self) -> tuple[Watch[Any], ...]:
        """Those that go on whichever screen is left."""
        return (self.lag, self.cluster, self.offline, self.letters, self.topics, self.causes)

    def let_go(self) -> None:
        """Nobody waits for any answer any more."""
        for watch in (*self.shared, *self._causes_of.values()):
            watch.let_go()

    def causes_of(self, topic: str) -> Watch[LettersReport]:
        """What the letters of one topic failed of; of topics looked at long ago nothing is kept."""
        desk = self._desk
        found = self._causes_of.pop(topic, None)
        if found is None:
            found = Watch("causes", lambda: desk.dlq.causes(Selection(topic), desk.now()), self._letters_every)
        self._causes_of[topic] = found
        while len(self._causes_of) > _TOPICS_KEPT:
            del self._causes_of[next(iter(self._causes_of))]
        return found

    def pace(self, factor: float) -> None:
        """Ask this many times as seldom, between twice a second and once in five minutes."""
        self.refresh = min(max(self.refresh * factor, _FASTEST), _SLOWEST)
        self._letters_every = max(self.refresh, _LETTERS_EVERY)
        self.lag.every = self.refresh
        self.cluster.every = self.offline.every = self.topics.every = max(self.refresh, _CAUSES_EVERY)
        self.causes.every = max(5 * self.refresh, _CAUSES_EVERY)
        self.letters.every = self._letters_every
        for watch in self._causes_of.values():
            watch.every = self._letters_every


def first_lag(desk: Desk, history: History, tell: Callable[[list[GroupLag]], object]) -> LagReport:
    """The first poll, telling now and then of the groups that came in so far: they shan't wait for the last one."""
    now, told = desk.now(), time.monotonic()
    reading = desk.lag.stream(GroupSelection(), now)
    found: list[GroupLag] = []
    for group in reading:
        found.append(group)
        if len(found) in _FIRST_TOLD or time.monotonic() - told > _TELL_EVERY:
            tell(list(found))
            told = time.monotonic()
    return history.add(LagReport(now, desk.lag.cluster_id(), tuple(found), reading.coverage))


def without_leader(topics: Iterable[Topic]) -> tuple[Partition, ...]:
    """The partitions of which nothing can be read or written now, Kafka's own among them."""
    return tuple(sorted(Partition(topic.name, number) for topic in topics for number in topic.leaderless))


def offline_told(partitions: Sequence[Partition]) -> str | None:
    """The alarm of them; None where there are none.

    >>> offline_told((Partition("orders", 2),))
    '1 partition offline, without a leader nothing can be read or written: orders/2'
    >>> offline_told([Partition("orders", number) for number in range(5)])
    '5 partitions offline, without a leader nothing can be read or written: orders/0, orders/1, orders/2 and 2 more'
    """
    if not partitions:
        return None
    named, more = ", ".join(safe(str(one), 60) for one in partitions[:_NAMED]), len(partitions) - _NAMED
    which = f"{named} and {count(more)} more" if more > 0 else named
    return f"{plural(len(partitions), 'partition')} offline, without a leader nothing can be read or written: {which}"


def top_causes(desk: Desk, known: ListReport | None) -> tuple[CauseGroup, ...]:
    """The causes of most open letters, over the topics that hold most of them. ``known``: the last list of them, which
    isn't read a second time."""
    listed = known if known is not None else desk.dlq.list(desk.now())
    topics = sorted(listed.topics, key=lambda one: -one.open)[:TOPICS_READ]
    reports = [desk.dlq.causes(Selection(topic.topic), desk.now()) for topic in topics if topic.open]
    causes = [cause for report in reports for cause in report.causes if open_of(cause)]
    return tuple(sorted(causes, key=lambda cause: -open_of(cause)))


def letter_topics_of(topics: Collection[str], known: Collection[str]) -> list[str]:
    """Those of the ``known`` dead-letter topics that are one of the topics, or are named after one.

    >>> letter_topics_of(["orders"], ["orders-dlt", "orders.DLT", "reorders-dlt", "orders-eu-dlt"])
    ['orders-dlt', 'orders.DLT']
    """
    return [one for one in known if one in topics or any(_is_named_after(one, topic) for topic in topics)]


def _is_named_after(letters: str, topic: str) -> bool:
    """Its name, then a separator and one word."""
    rest = letters.removeprefix(topic)
    return rest != letters and rest[:1] in ("-", ".", "_") and not any(sign in rest[1:] for sign in "-._")


def oldest_waiting(seat: Seat, unread: Range) -> WaitingFound | WaitingUnknown:
    """The request of the first record that can still be read in that range. Asks the cluster."""
    for batch in seat.desk.broker.scan([unread]):
        if batch.records:
            record = min(batch.records, key=lambda one: one.position)
            ids = read_event(record).ids
            if (identifier := ids.correlation_id or ids.event_id) is not None:
                return WaitingFound(seat, identifier, record.position)
            return WaitingUnknown(seat, f"{record.position} waits, and has neither a correlation id nor an event id")
    return WaitingUnknown(seat, f"no record of {unread.partition} waits any more")


def open_of(cause: CauseGroup) -> int:
    """Letters of it that nobody dealt with."""
    return cause.counts.get(State.OPEN, 0) + cause.counts.get(State.FAILED_AGAIN, 0)
