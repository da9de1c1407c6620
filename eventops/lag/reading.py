"""A snapshot as it comes in, group by group, in the one order that can't go negative."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from msgspec.structs import replace as changed

from eventops import selecting
from eventops.events import Partition
from eventops.lag import held as held_back
from eventops.lag import rules
from eventops.lag.model import GroupLag, GroupSelection, LagAge, PartitionOffsets
from eventops.lag.tails import CLOSE, Tails, look
from eventops.ports import (
    COMMITTING,
    SHARE,
    Bounds,
    Broker,
    Committed,
    Coverage,
    Gap,
    Group,
    Groups,
    Isolation,
    LogBounds,
)
from eventops.ports.attention import breathe

Read = TypeVar("Read")
ALL_AT_ONCE: Final = 1 << 62
STREAMED: Final = (1_000, 4_000)
"""New partitions a step, first and afterwards: the first rows soon, then few requests."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What was read of some groups at once."""

    groups: list[Group]
    offsets: dict[str, list[PartitionOffsets]]
    tails: Tails


class Reading:
    """Iterate over it once for the groups; ``coverage`` is whole afterwards.

    All committed offsets are read first, then the ends, step by step: both only grow, so the answer is overstated
    rather than negative. ``steps`` is how many new partitions are read at a time, first and afterwards.
    """

    def __init__(
        self, broker: Broker, found: Groups, selection: GroupSelection, now: datetime, steps: tuple[int, int]
    ) -> None:
        self._broker = broker
        self._now = now
        self._steps = steps
        self._ages = selection.ages
        self._close = CLOSE
        self._fits = selecting.matcher(selection.topics)
        supported = [group for group in found.groups if rules.is_supported(group)]
        self._committed = self._read_committed(supported)
        self._wanted = self._all_wanted(supported)
        self._all = {partition for mine in self._wanted.values() for partition in mine}
        self._groups = [g for g in found.groups if not selection.topics or self._wanted.get(g.group_id)]
        self._bounds: dict[Partition, LogBounds] = {}
        self._topic_ids: dict[str, str] = {}
        self._gone: set[Partition] = set()
        self._seen: set[Partition] = set()
        self._held: dict[Partition, LagAge] = {}
        self._records = self._bytes = 0
        self._gaps = [*found.gaps, *self._committed.gaps]

    def __iter__(self) -> Iterator[GroupLag]:
        """While the groups of one step are told, the next one is read."""
        steps = self._read_steps()
        step = next(steps, None)
        while step is not None:
            following = _soon(lambda: next(steps, None)) if len(self._seen) < len(self._all) else None
            for group in step.groups:
                breathe()
                yield self._judged(group, step.offsets.get(group.group_id, ()), step.tails)
            step = following.result() if following else next(steps, None)

    def _read_steps(self) -> Iterator[_Step]:
        for groups in self._chunks():
            new = {p for g in groups for p in self._wanted.get(g.group_id, ())} - self._seen
            if new:
                self._take(self._broker.log_bounds(new), new)
            offsets = {g.group_id: self._offsets(g) for g in groups if g.group_id in self._wanted}
            waiting = [found for mine in offsets.values() for found in mine]
            tails = look(self._broker, waiting, self._now, self._ages, self._close)
            self._ages -= min(self._ages, len(tails.ages))
            self._close -= tails.close
            self._records += tails.records
            self._bytes += tails.bytes
            yield _Step(groups, offsets, tails)

    @property
    def is_empty(self) -> bool:
        """Whether no group is left to be told about."""
        return not self._groups

    @property
    def coverage(self) -> Coverage:
        """What the groups that were told so far rest on."""
        read = len(self._bounds) + len(self._gone)
        return Coverage(len(self._seen), read, self._records, self._bytes, gaps=tuple(self._gaps))

    def _chunks(self) -> Iterator[list[Group]]:
        at_most, later = self._steps
        chunk: list[Group] = []
        new: set[Partition] = set()
        for group in self._groups:
            chunk.append(group)
            new |= self._wanted.get(group.group_id, set()) - self._seen
            if len(new) >= at_most:
                yield chunk
                at_most, chunk, new = later, [], set()
        if chunk:
            yield chunk

    def _take(self, told: Bounds, asked: set[Partition]) -> None:
        """That a topic was deleted is an answer; whatever else wasn't read is a gap."""
        gone = {(partition.topic, partition.partition) for partition in told.gone}
        self._seen |= asked
        self._bounds.update(told.bounds)
        self._topic_ids.update(told.topic_ids)
        self._gone |= told.gone
        self._gaps += [gap for gap in told.gaps if (gap.subject, gap.partition) not in gone]
        self._held.update(held_back.look(self._broker, told.bounds, self._now))

    def _read_committed(self, groups: Collection[Group]) -> Committed:
        shared = [group.group_id for group in groups if group.type == SHARE]
        committed = self._broker.committed_offsets([g.group_id for g in groups if g.type in COMMITTING])
        if not shared:
            return committed
        progress = self._broker.share_progress(shared)
        offsets, gaps = {**committed.offsets, **progress.offsets}, (*committed.gaps, *progress.gaps)
        return Committed(offsets, gaps, committed.epochs, progress.shares)

    def _all_wanted(self, groups: Collection[Group]) -> dict[str, set[Partition]]:
        """What a group committed on, and all partitions of the topics its members read: a partition that nobody was
        given and nobody committed on is exactly the one to be seen."""
        fits = self._fits
        assigned = {g.group_id: {p for m in g.members for p in m.assigned if fits(p.topic)} for g in groups}
        read = {group: {partition.topic for partition in held} for group, held in assigned.items()}
        topics = {topic for topics in read.values() for topic in topics}
        partitions = {topic.name: topic.partitions for topic in self._broker.topics(topics)} if topics else {}
        return {
            group: {p for p in self._committed.offsets.get(group, {}) if fits(p.topic)}
            | {partition for partition in held if partition.topic not in partitions}
            | {Partition(name, number) for name in read[group] for number in partitions.get(name, ())}
            for group, held in assigned.items()
        }

    def _offsets(self, group: Group) -> list[PartitionOffsets]:
        breathe()
        is_committed_read = group.isolation is Isolation.READ_COMMITTED
        mine = self._committed.offsets.get(group.group_id, {})
        epochs = self._committed.epochs.get(group.group_id, {})
        shares = self._committed.shares.get(group.group_id, {})
        is_shared = group.type == SHARE
        found = []
        for partition in sorted(self._wanted[group.group_id]):
            log, share = self._bounds.get(partition), shares.get(partition) if shares else None
            found.append(
                PartitionOffsets(
                    partition=partition,
                    log_start=None if log is None else log.start,
                    committed=mine.get(partition),
                    log_end=None if log is None else log.last_stable if is_committed_read else log.high_watermark,
                    last_stable=None if log is None else log.last_stable,
                    high_watermark=None if log is None else log.high_watermark,
                    topic_id=self._topic_ids.get(partition.topic),
                    is_gone=log is None and partition in self._gone,
                    is_recreated=bool(epochs)
                    and log is not None
                    and rules.is_of_another_log(epochs.get(partition), log.leader_epoch),
                    is_shared=is_shared,
                    left=None if share is None else share.left,
                )
            )
        return found

    def _judged(self, group: Group, offsets: Sequence[PartitionOffsets], tails: Tails) -> GroupLag:
        if not rules.is_supported(group):
            return rules.unsupported(group)
        if group.group_id not in self._committed.offsets:
            return rules.unread(group, _why_unread(group.group_id, self._committed.gaps))
        owners = {partition: member.client_id for member in group.members for partition in member.assigned}
        judged = []
        for found in offsets:
            first, seen, age = rules.next_offset(found), found, None
            if first is not None and (place := (found.partition, first)) in tails.only_markers:
                seen = changed(found, only_markers=True)
            elif first is not None:
                age = tails.ages[place]
            one = rules.partition_lag(seen, age, owners.get(found.partition) if owners else None)
            held = self._held.get(found.partition) if self._held else None
            judged.append(one if held is None else changed(one, held_back=held))
        return rules.group_lag(group, judged)


def _soon(read: Callable[[], Read]) -> Future[Read]:
    """What is read meanwhile, by a thread that holds nobody up: a process that ends doesn't wait for it."""
    found: Future[Read] = Future()

    def run() -> None:
        try:
            found.set_result(read())
        except BaseException as failure:  # noqa: BLE001  # it belongs to whoever asks for the result
            found.set_exception(failure)

    asked = copy_context()  # whoever waits for the answer, waits for this
    threading.Thread(target=lambda: asked.run(run), name="eventops-lag", daemon=True).start()
    return found


def _why_unread(group: str, gaps: Collection[Gap]) -> str:
    return next((gap.reason for gap in gaps if gap.subject == group), "its committed offsets weren't read")
