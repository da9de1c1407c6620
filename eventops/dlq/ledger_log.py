"""The ledger as it stands in the broker: read on from where the last reading ended, made when a row is to be written.

A reader that sees only committed records ends at the last stable offset, so somebody's open transaction hides whatever
was committed after it, our own rows too. :meth:`LedgerLog.rows` is for looking: it waits a moment, since a replay holds
short transactions here all the time, and names what stays hidden. Replaying needs all of it, else it would put back
twice what hidden rows tell of: :meth:`LedgerLog.goal` says how far that is, :meth:`LedgerLog.still_hidden` what can't
be reached yet, and :meth:`LedgerLog.up_to` reads it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from eventops.dlq import ledger
from eventops.dlq.illegible import Illegible
from eventops.dlq.ledger import Ledger
from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted
from eventops.events import Partition
from eventops.ports import Bounds, Broker, Gap, Isolation, LogBounds, Range, Topic
from eventops.wording import plural

_FORBIDDEN: Final = "not permitted"
_HIDDEN: Final = f"{_FORBIDDEN}: it takes READ on the topic to know what was replayed or written off already"
_HIDES: Final = "an open transaction hides"
_ILLEGIBLE: Final = "not understood:"
_POLL_SECONDS: Final = 0.1
_GLANCE_SECONDS: Final = 0.02
_MOMENT_SECONDS: Final = 2.0
"""How long who only looks waits for an open transaction: as long as a replay's own ones take."""
_CREATION_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Goal:
    """How far the ledger is to be read: to the high watermarks of one moment. ``topic_id`` says of which topic, None
    where there is none or the broker tells no ids."""

    topic_id: str | None
    bounds: Mapping[Partition, LogBounds]

    @property
    def hidden(self) -> Mapping[Partition, int]:
        """Of the partitions that couldn't be read that far: where readers of committed records ended."""
        return {home: at.last_stable for home, at in self.bounds.items() if at.last_stable < at.high_watermark}

    def end(self, home: Partition) -> int:
        """Where the partition ended."""
        return self.bounds[home].high_watermark


class LedgerLog:
    """Reads the ledger topic a piece at a time. Safe to call from several threads."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._lock = threading.Lock()
        self._ledger = Ledger()
        self._topic_id: str | None = None
        self._positions: dict[Partition, int] = {}
        self._stuck: dict[Partition, int] = {}
        """Where transactions were that stayed open while somebody waited: nobody waits for the same one twice."""

    def rows(self) -> tuple[Ledger, tuple[Gap, ...]]:
        """Every row committed by now, and what couldn't be read. Where there is no ledger yet there are no rows; who
        may not see it is told so by a gap, since Kafka doesn't tell such a user whether there is one."""
        try:
            goal, gaps = self._goal()
        except NotPermitted:
            return self._ledger, (Gap(ledger.TOPIC, None, _HIDDEN),)
        hidden = self._outlasting(goal)
        with self._lock:
            gaps += self._read(goal, hidden)
            return self._ledger, (*gaps, *_behind(goal, hidden), *_illegible(self._ledger))

    def by_now(self) -> Ledger:
        """Every row that can be seen at once, whatever an open transaction hides.

        Raises:
            NotPermitted, BrokerUnreachable: some of it can't be read.
        """
        goal = self.goal()
        with self._lock:
            if gaps := self._read(goal, goal.hidden):
                raise _unreadable(gaps)
            return self._ledger

    def goal(self) -> Goal:
        """How far whoever replays has to read, as of now.

        Raises:
            NotPermitted, BrokerUnreachable: a partition of the ledger can't be read.
        """
        goal, gaps = self._goal()
        if gaps:
            raise _unreadable(gaps)
        return goal

    def still_hidden(self, goal: Goal, among: Collection[Partition]) -> tuple[Partition, ...]:
        """Those ``among`` the partitions in which an open transaction hides something before the goal.

        Raises:
            NotPermitted, BrokerUnreachable: one of them can't be read.
        """
        found = self._broker.log_bounds(among)
        if found.gaps:
            raise _unreadable(found.gaps)
        return tuple(sorted(home for home, at in found.bounds.items() if at.last_stable < goal.end(home)))

    def up_to(self, goal: Goal) -> Ledger:
        """Every row up to a goal that nothing hides any more.

        Raises:
            NotPermitted, BrokerUnreachable: a partition of the ledger can't be read.
        """
        with self._lock:
            if gaps := self._read(goal, {}):
                raise _unreadable(gaps)
            return self._ledger

    def distrust(self) -> EventopsError | None:
        """Why the ledger, where there is one, isn't one to write into."""
        policy = self._broker.retention([ledger.TOPIC]).get(ledger.TOPIC, {}).get("cleanup.policy")
        if policy in (None, "compact"):
            return None
        return EventopsError(
            f"the ledger topic {ledger.TOPIC} has cleanup.policy={policy} and would forget what was replayed",
            remedy="set its cleanup.policy to compact",
        )

    def prepare(self) -> Topic:
        """The ledger topic, made where there is none.

        Raises:
            EventopsError: there is one that doesn't keep every row.
        """
        if not self._broker.topics([ledger.TOPIC]):
            self._broker.create_topic(ledger.TOPIC, ledger.PARTITIONS, ledger.CONFIG)
        if distrust := self.distrust():
            raise distrust
        return self._when_ready()

    def _when_ready(self) -> Topic:
        deadline = time.monotonic() + _CREATION_SECONDS
        while time.monotonic() < deadline:
            topics = self._broker.topics([ledger.TOPIC])
            if topics and topics[0].partitions and not topics[0].leaderless:
                return topics[0]
            time.sleep(_POLL_SECONDS)
        raise BrokerUnreachable(
            f"the ledger topic {ledger.TOPIC} has no leader", remedy="see whether all brokers are up"
        )

    def _goal(self) -> tuple[Goal, tuple[Gap, ...]]:
        """Where the ledger was made anew, everything read before is forgotten."""
        with self._lock:
            topics = self._broker.topics([ledger.TOPIC])
            topic_id = topics[0].topic_id if topics else None
            if not topics or topic_id != self._topic_id:
                self._ledger, self._positions, self._stuck, self._topic_id = Ledger(), {}, {}, topic_id
            partitions = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
            found = self._broker.log_bounds(partitions) if partitions else Bounds({})
            return Goal(topic_id, found.bounds), found.gaps

    def _read(self, goal: Goal, hidden: Mapping[Partition, int]) -> tuple[Gap, ...]:
        """Read on to the goal; of a partition that has something ``hidden``, to there."""
        if goal.topic_id != self._topic_id:
            return (Gap(ledger.TOPIC, None, "it was made anew while it was read"),)
        ends = {home: hidden.get(home, found.high_watermark) for home, found in goal.bounds.items()}
        firsts = {home: max(self._positions.get(home, 0), found.start) for home, found in goal.bounds.items()}
        ranges = [Range(home, first, ends[home]) for home, first in firsts.items() if first < ends[home]]
        gaps: tuple[Gap, ...] = ()
        for batch in self._broker.scan(ranges, Isolation.READ_COMMITTED) if ranges else ():
            self._ledger.absorb(batch.records)
            self._positions.update((home, min(position, ends[home])) for home, position in batch.positions.items())
            gaps += batch.gaps
        return gaps

    def _outlasting(self, goal: Goal) -> Mapping[Partition, int]:
        """What an open transaction still hides after a moment: of each partition where it begins."""
        hidden = dict(goal.hidden)
        deadline = time.monotonic() + _MOMENT_SECONDS
        while waiting := [home for home, at in hidden.items() if self._stuck.get(home) != at]:
            if time.monotonic() >= deadline:
                self._stuck.update({home: hidden[home] for home in waiting})
                break
            time.sleep(_GLANCE_SECONDS)
            for home, at in self._broker.log_bounds(waiting).bounds.items():
                hidden[home] = at.last_stable
                if at.last_stable >= goal.end(home):
                    del hidden[home]
        return hidden


def is_hiding(gap: Gap) -> bool:
    """Whether the gap is no more once the ledger was read up to a goal."""
    return gap.subject == ledger.TOPIC and gap.reason.startswith(_HIDES)


def is_illegible(gap: Gap) -> bool:
    """Whether the gap is a record that can't be read."""
    return gap.subject == ledger.TOPIC and gap.reason.startswith(_ILLEGIBLE)


def hung(partitions: Collection[Partition], patience: float) -> EventopsError:
    """A transaction stayed open on the ledger for so many seconds."""
    names = ", ".join(map(str, sorted(partitions)))
    return EventopsError(
        f"a transaction on the ledger ({names}) has been open for more than {patience:.0f} s, "
        "and what was committed after it can't be seen",
        remedy="let it time out, or find it with `kafka-transactions.sh find-hanging` and abort it, then try again",
    )


def _behind(goal: Goal, hidden: Mapping[Partition, int]) -> Iterator[Gap]:
    for home, at in sorted(hidden.items()):
        number = plural(goal.end(home) - at, "offset")
        reason = f"{_HIDES} {number} of the ledger: what was replayed or written off since isn't known"
        yield Gap(home.topic, home.partition, reason)


def _illegible(found: Ledger) -> Iterator[Gap]:
    """A gap a partition, about the first of its records that can't be read."""
    by_home: dict[Partition, list[Illegible]] = {}
    for one in found.unreadable.values():
        by_home.setdefault(one.position.home, []).append(one)
    for home, (first, *others) in sorted(by_home.items()):
        more = f"; {plural(len(others), 'more record')} like it" if others else ""
        yield Gap(home.topic, home.partition, f"{_ILLEGIBLE} {first.what}; {first.remedy}{more}")


def _unreadable(gaps: Collection[Gap]) -> EventopsError:
    reasons = "; ".join(f"{gap.subject}/{gap.partition}: {gap.reason}" for gap in gaps)
    if any(gap.reason.startswith(_FORBIDDEN) for gap in gaps):
        return NotPermitted(f"the ledger can't be read ({reasons})", f"it takes READ on the topic {ledger.TOPIC}")
    return BrokerUnreachable(f"the ledger can't be read ({reasons})", remedy="run this again when it can")
