"""The polls of one run, for as long as somebody watches: verdicts, rates and ages that one snapshot can't tell.

Memory is bounded: about a kilobyte for each group and partition, whatever the length of the run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from msgspec.structs import replace as changed

from eventops.events import Partition
from eventops.lag import insight, judgement, pace, rules
from eventops.lag.ends import Ends
from eventops.lag.model import (
    AgeMethod,
    GroupLag,
    LagAge,
    LagReport,
    Pace,
    PartitionLag,
    PartitionOffsets,
    Rate,
    Standing,
    Verdict,
)
from eventops.lag.pace import Tick
from eventops.lag.tracks import Terms, Track, Trail
from eventops.ports.attention import breathe

_FORGOTTEN: Final = 900.0
"""Seconds after which what wasn't seen any more is forgotten."""


class History:
    """Polls in the order they came; not for several threads at once."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.polls = 0
        self._trails: dict[str, dict[Partition, Trail]] = {}
        self._ends: dict[Partition, Ends] = {}
        self._ticks: dict[str, deque[Tick]] = {}
        self._arrivals: deque[Tick] = deque()
        self._topic_ids: dict[str, str] = {}
        self._at: float | None = None
        self._swept = 0.0

    def add(self, report: LagReport) -> LagReport:
        """One more poll. A topic that was made anew is known by its id even if it grew past its old end.

        Returns the report with verdicts, rates, and ages interpolated where no record told them.
        """
        at = report.as_of.timestamp()
        if self._at is not None and at <= self._at:
            self._forget_everything()  # the clock was set back: what was seen can't be compared any more
        self._forget_made_anew({o.partition.topic: o.topic_id for o in _all_offsets(report) if o.topic_id is not None})
        seconds = None if self._at is None else at - self._at
        grown = self._note_ends(report, at)
        if seconds is not None and grown:
            _keep(self._arrivals, Tick(at, seconds, _total(list(grown.values())), None))
        for group in report.groups:
            consumed = self._note_group(group, at)
            arrived = [grown[one.partition] for one in group.partitions if one.partition in grown]
            if seconds is not None and arrived:
                why = pace.OFFSETS_WENT_BACK if consumed else pace.NOTHING_KNOWN
                tick = Tick(at, seconds, _total(arrived), _total(consumed), why)
                _keep(self._ticks.setdefault(group.group, deque()), tick)
        self._at, self.polls = at, self.polls + 1
        self._forget_unseen(at)
        return replace(report, groups=tuple(self._judge(self._aged(group, at), at) for group in report.groups))

    def arrivals(self) -> Rate:
        """Offsets a second that came to all partitions that groups read; one that several groups read counts once."""
        return pace.arrival(self._arrivals)

    def track(self, group: str, partition: Partition) -> Track | None:
        """What was seen of one group on one partition."""
        trail = self._trails.get(group, {}).get(partition)
        return None if trail is None else trail.track()

    def _note_ends(self, report: LagReport, at: float) -> dict[Partition, int | None]:
        """By how much each log grew since the poll before; None: it went back. What wasn't known before isn't there."""
        grown: dict[Partition, int | None] = {}
        seen: set[Partition] = set()
        for one in (one for group in report.groups for one in group.partitions):
            end = one.offsets.log_end
            if end is None or one.partition in seen:
                continue
            seen.add(one.partition)
            before = self._ends.get(one.partition)
            if before is not None and end >= before.last:
                grown[one.partition] = end - before.last
                before.add(at, end)
            else:
                self._ends[one.partition] = Ends(at, end)
                if before is not None:
                    grown[one.partition] = None
        return grown

    def _note_group(self, group: GroupLag, at: float) -> list[int | None]:
        """By how much the group got on, a partition known in both polls; None: its offset was set back."""
        breathe()
        trails = self._trails.setdefault(group.group, {})
        consumed = []
        for one in group.partitions:
            offsets = one.offsets
            start, committed, end = offsets.log_start, offsets.committed, offsets.log_end
            if start is None or end is None:
                continue
            trail = trails.get(one.partition)
            is_other_log = committed is None or committed > end or one.standing is Standing.TOPIC_RECREATED
            if is_other_log or (trail is not None and trail.is_of_another_log(end, start)):
                trails.pop(one.partition, None)
                trail = None
            if committed is None or is_other_log:
                continue
            is_idle = one.standing is Standing.CAUGHT_UP
            if trail is None:
                trails[one.partition] = Trail(at, committed, end, start, is_idle=is_idle)
            else:
                consumed.append(trail.observe(at, committed, end, start, is_idle=is_idle, step=self.terms.step))
        return consumed

    def _judge(self, group: GroupLag, at: float) -> GroupLag:
        breathe()
        trails = self._trails.get(group.group, {})
        partitions = tuple(self._judge_partition(one, trails.get(one.partition), at) for one in group.partitions)
        judgements = [judgement.of(one) for one in partitions]
        ticks = self._ticks.get(group.group, ())
        whole = judgement.worst(group, judgements)
        arrival, consumption = pace.arrival(ticks), pace.consumption(ticks)
        held_up, is_fine = judgement.held_up(partitions), whole.verdict is Verdict.OK
        nearest = insight.nearest_to_loss(group)
        return replace(
            group,
            partitions=partitions,
            judgement=whole,
            pace=Pace(arrival, consumption, pace.eta(group.lag, arrival, consumption, held_up, is_fine=is_fine)),
            until_lost=None if nearest is None else _until_lost(trails.get(nearest.partition)),
        )

    def _judge_partition(self, one: PartitionLag, trail: Trail | None, at: float) -> PartitionLag:
        """The track is made only where records wait: most partitions of a large cluster are caught up."""
        is_needed = trail is not None and one.standing in (Standing.BEHIND, Standing.LOST_RECORDS)
        track = trail.track() if trail is not None and is_needed else None
        return changed(one, judgement=judgement.judge(one, track, at, self.terms))

    def _aged(self, group: GroupLag, at: float) -> GroupLag:
        """Ages that no record told, from the polls between which the log's end passed the committed offset."""
        if group.age.seconds is not None or not group.partitions:
            return group
        partitions = tuple(self._interpolated(one, at) for one in group.partitions)
        return replace(group, partitions=partitions, age=rules.oldest(partitions))

    def _interpolated(self, one: PartitionLag, at: float) -> PartitionLag:
        first = rules.next_offset(one.offsets)
        ends = self._ends.get(one.partition)
        if one.age.seconds is not None or first is None or ends is None:
            return one
        came = ends.passed(first)
        if came is None:
            return one
        return changed(one, age=LagAge(max(0.0, at - came), AgeMethod.INTERPOLATED))

    def _forget_everything(self) -> None:
        self._trails.clear()
        self._ends.clear()
        self._ticks.clear()
        self._arrivals.clear()
        self._at = None

    def _forget_made_anew(self, topic_ids: Mapping[str, str]) -> None:
        anew = {name for name, topic_id in topic_ids.items() if self._topic_ids.get(name, topic_id) != topic_id}
        self._topic_ids.update(topic_ids)
        if anew:
            for trails in self._trails.values():
                for partition in [partition for partition in trails if partition.topic in anew]:
                    del trails[partition]
            self._ends = {partition: ends for partition, ends in self._ends.items() if partition.topic not in anew}

    def _forget_unseen(self, at: float) -> None:
        """What wasn't in the reports for a quarter of an hour; looked for now and then."""
        if at - self._swept < _FORGOTTEN / 3:
            return
        self._swept = at
        for group, trails in list(self._trails.items()):
            for partition in [p for p, trail in trails.items() if at - trail.last_at > _FORGOTTEN]:
                del trails[partition]
            if not trails:
                del self._trails[group]
                self._ticks.pop(group, None)
        used = {partition for trails in self._trails.values() for partition in trails}
        self._ends = {p: ends for p, ends in self._ends.items() if p in used or at - ends.last_at <= _FORGOTTEN}


def _all_offsets(report: LagReport) -> Iterator[PartitionOffsets]:
    return (one.offsets for group in report.groups for one in group.partitions)


def _until_lost(trail: Trail | None) -> Rate:
    """Seconds until retention reaches the committed offset, if the log's start and the group go on as they did."""
    if trail is None or trail.last_at <= trail.first_at:
        return Rate(None, pace.ONE_SNAPSHOT)
    if trail.start == trail.first_start:
        return Rate(None, "retention took nothing while it was watched")
    gained = (trail.start - trail.first_start) - (trail.committed - trail.first_committed)
    if gained <= 0:
        return Rate(None, "never at this rate: the group gets on as fast as retention", is_never=True)
    return Rate(max(trail.committed - trail.start, 0) * (trail.last_at - trail.first_at) / gained)


def _total(amounts: Sequence[int | None]) -> int | None:
    return None if None in amounts or not amounts else sum(amount for amount in amounts if amount is not None)


def _keep(ticks: deque[Tick], tick: Tick) -> None:
    """The ticks of the last :data:`pace.SPAN` seconds; one at least. After an outage that one is known to be a gap."""
    before = ticks[-1].seconds if ticks else None
    ticks.append(replace(tick, is_gap=pace.is_gap(tick.seconds, before)))
    while len(ticks) > 1 and tick.at - ticks[0].at + ticks[0].seconds > pace.SPAN:
        ticks.popleft()
