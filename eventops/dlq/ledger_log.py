"""The ledger as it stands in the broker: read on from where the last reading ended, made when a row is to be written.

Two ways to read it. :meth:`LedgerLog.rows` is for looking: what is committed by now. :meth:`LedgerLog.settled` is for
replaying: a reader that sees only committed records ends at the last stable offset, so somebody's open transaction
hides whatever was committed after it, our own rows too, and what they tell of would be put back twice. It waits that
out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping

from eventops.dlq import ledger
from eventops.dlq.ledger import Ledger
from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted
from eventops.events import Partition
from eventops.ports import Bounds, Broker, Gap, Isolation, LogBounds, Range, Topic

_FORBIDDEN = "not permitted"
_HIDDEN = f"{_FORBIDDEN}: it takes READ on the topic to know what was replayed or written off already"
_POLL_SECONDS = 0.1
_CREATION_SECONDS = 30.0


class LedgerLog:
    """Reads the ledger topic a piece at a time. Safe to call from several threads."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._lock = threading.Lock()
        self._ledger = Ledger()
        self._topic_id: str | None = None
        self._positions: dict[Partition, int] = {}

    def rows(self) -> tuple[Ledger, tuple[Gap, ...]]:
        """Every row committed by now, and what couldn't be read. Where there is no ledger yet there are no rows; who
        may not see it is told so by a gap, since Kafka doesn't tell such a user whether there is one."""
        with self._lock:
            try:
                bounds = self._bounds()
            except NotPermitted:
                return self._ledger, (Gap(ledger.TOPIC, None, _HIDDEN),)
            ends = {partition: found.last_stable for partition, found in bounds.bounds.items()}
            return self._ledger, bounds.gaps + self._read(bounds.bounds, ends)

    def whole(self) -> Ledger:
        """Every row committed by now.

        Raises:
            NotPermitted, BrokerUnreachable: some of it can't be read.
        """
        rows, gaps = self.rows()
        if gaps:
            raise _unreadable(gaps)
        return rows

    def settled(self, patience: float, is_stopped: Callable[[], bool] = lambda: False) -> Ledger | None:
        """Every row up to the high watermark as it is now; None where ``is_stopped`` said so while waiting.

        Raises:
            EventopsError: a transaction stayed open on the ledger for ``patience`` seconds.
            NotPermitted, BrokerUnreachable: a partition of the ledger can't be read.
        """
        with self._lock:
            bounds = self._whole(self._bounds())
        ends = {partition: found.high_watermark for partition, found in bounds.items()}
        if not self._wait_for_stable(ends, bounds, patience, is_stopped):
            return None
        with self._lock:
            if gaps := self._read(bounds, ends):
                raise _unreadable(gaps)
            return self._ledger

    def prepare(self) -> Topic:
        """The ledger topic, made where there is none.

        Raises:
            EventopsError: there is one that doesn't keep every row.
        """
        if not self._broker.topics([ledger.TOPIC]):
            self._broker.create_topic(ledger.TOPIC, ledger.PARTITIONS, ledger.CONFIG)
        policy = self._broker.retention([ledger.TOPIC]).get(ledger.TOPIC, {}).get("cleanup.policy")
        if policy not in (None, "compact"):
            raise EventopsError(
                f"the ledger topic {ledger.TOPIC} has cleanup.policy={policy} and would forget what was replayed",
                remedy="set its cleanup.policy to compact",
            )
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

    def _bounds(self) -> Bounds:
        """The ledger's bounds; where it was made anew, everything read before is forgotten."""
        topics = self._broker.topics([ledger.TOPIC])
        topic_id = topics[0].topic_id if topics else None
        if not topics or topic_id != self._topic_id:
            self._ledger, self._positions, self._topic_id = Ledger(), {}, topic_id
        partitions = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
        return self._broker.log_bounds(partitions) if partitions else Bounds({})

    def _read(self, bounds: Mapping[Partition, LogBounds], ends: Mapping[Partition, int]) -> tuple[Gap, ...]:
        firsts = {partition: max(self._positions.get(partition, 0), found.start) for partition, found in bounds.items()}
        ranges = [Range(partition, first, ends[partition]) for partition, first in firsts.items()]
        ranges = [range_ for range_ in ranges if range_.first < range_.end]
        gaps: tuple[Gap, ...] = ()
        for batch in self._broker.scan(ranges, Isolation.READ_COMMITTED) if ranges else ():
            self._ledger.absorb(batch.records)
            self._positions.update((home, min(position, ends[home])) for home, position in batch.positions.items())
            gaps += batch.gaps
        return gaps

    def _wait_for_stable(
        self,
        ends: Mapping[Partition, int],
        bounds: Mapping[Partition, LogBounds],
        patience: float,
        is_stopped: Callable[[], bool],
    ) -> bool:
        deadline = time.monotonic() + patience
        while waiting := [partition for partition, found in bounds.items() if found.last_stable < ends[partition]]:
            if is_stopped():
                return False
            if time.monotonic() >= deadline:
                raise _hung(waiting, patience)
            time.sleep(_POLL_SECONDS)
            bounds = self._whole(self._broker.log_bounds(waiting))
        return True

    @staticmethod
    def _whole(bounds: Bounds) -> Mapping[Partition, LogBounds]:
        if bounds.gaps:
            raise _unreadable(bounds.gaps)
        return bounds.bounds


def _hung(partitions: Collection[Partition], patience: float) -> EventopsError:
    names = ", ".join(map(str, sorted(partitions)))
    return EventopsError(
        f"a transaction on the ledger ({names}) has been open for more than {patience:.0f} s, "
        "and what was committed after it can't be seen",
        remedy="let it time out, or find it with `kafka-transactions.sh find-hanging` and abort it, then try again",
    )


def _unreadable(gaps: Collection[Gap]) -> EventopsError:
    reasons = "; ".join(f"{gap.subject}/{gap.partition}: {gap.reason}" for gap in gaps)
    if any(gap.reason.startswith(_FORBIDDEN) for gap in gaps):
        return NotPermitted(f"the ledger can't be read ({reasons})", f"it takes READ on the topic {ledger.TOPIC}")
    return BrokerUnreachable(f"the ledger can't be read ({reasons})", remedy="run this again when it can")
