"""Asks a broker how far its consumer groups are, in the one order that can't go negative."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime

from eventops.events import Partition, Record
from eventops.lag import held as held_back
from eventops.lag import rules, selecting
from eventops.lag.model import GroupLag, GroupSelection, LagAge, LagReport, PartitionOffsets
from eventops.lag.selecting import NothingSelected
from eventops.lag.tails import Tails, look
from eventops.ports import Bounds, Broker, Committed, Coverage, Gap, Group, Groups, Isolation


class LagService:
    """Is anything falling behind, and does it matter?"""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def snapshot(self, selection: GroupSelection, now: datetime) -> LagReport:
        """How far the selected groups are behind. Kafka doesn't tell whether a group reads committed, so the end of the
        log is the high watermark unless the broker knows better.

        Raises:
            NothingSelected: no group fits, or none that reads a topic that fits; the message names what is close.
            UsageError: a pattern isn't one.
        """
        found = self._groups(selection)
        supported = [group for group in found.groups if rules.is_supported(group)]
        # Committed offsets first, then the ends: both only grow, so the answer is overstated rather than negative.
        committed = self._committed(supported)
        wanted = self._wanted(supported, committed, selecting.matcher(selection.topics))
        everything = {partition for partitions in wanted.values() for partition in partitions}
        bounds = self._broker.log_bounds(everything)
        offsets = {group.group_id: _offsets(group, wanted, committed, bounds) for group in supported}
        tails = look(self._broker, [o for of_group in offsets.values() for o in of_group], bounds, now, selection.ages)
        held = held_back.look(self._broker, bounds.bounds, now)
        chosen = [group for group in found.groups if not selection.topics or wanted.get(group.group_id)]
        if selection.topics and not chosen:
            raise self._no_such_topic(selection)
        groups = tuple(_judged(group, offsets, committed, tails, held) for group in chosen)
        gaps = (*found.gaps, *committed.gaps, *_unread(bounds))
        read = len(bounds.bounds) + len(bounds.gone)
        coverage = Coverage(len(everything), read, len(tails.records), _size(tails.records), gaps=gaps)
        return LagReport(now, self._broker.cluster().cluster_id, groups, coverage)

    def _committed(self, groups: Collection[Group]) -> Committed:
        shared = [group.group_id for group in groups if group.type == rules.SHARE]
        committed = self._broker.committed_offsets([g.group_id for g in groups if g.type in rules.COMMITTING])
        if not shared:
            return committed
        progress = self._broker.share_progress(shared)
        offsets, gaps = {**committed.offsets, **progress.offsets}, (*committed.gaps, *progress.gaps)
        return Committed(offsets, gaps, committed.epochs, progress.shares)

    def _groups(self, selection: GroupSelection) -> Groups:
        if not any(map(selecting.is_pattern, selection.names)):
            found = self._broker.groups(selection.names)
            if selection.names and not found.groups:
                raise self._no_such_group(selection.names, found.gaps[0].reason)
            return found
        fits = selecting.matcher(selection.names)
        everything = self._broker.groups()
        groups = tuple(group for group in everything.groups if fits(group.group_id))
        if not groups:
            raise self._no_such_group(selection.names, "no such group")
        missing = [name for name in selection.names if not any(map(selecting.matcher([name]), _ids(groups)))]
        return Groups(groups, (*everything.gaps, *(Gap(name, None, "no such group") for name in missing)))

    def _no_such_group(self, names: Collection[str], reason: str) -> NothingSelected:
        known = _ids(self._broker.groups().groups)
        return NothingSelected(f"{reason}: {', '.join(names)}", selecting.suggestion(names, known))

    def _no_such_topic(self, selection: GroupSelection) -> NothingSelected:
        known = [topic.name for topic in self._broker.topics()]
        named = ", ".join(selection.topics)
        if any(map(selecting.matcher(selection.topics), known)):
            return NothingSelected(
                f"no group that was asked for reads {named}", "leave --topic out to see what they read"
            )
        return NothingSelected(f"no such topic: {named}", selecting.suggestion(selection.topics, known, "topics"))

    def _wanted(
        self, groups: Collection[Group], committed: Committed, fits: Callable[[str], bool]
    ) -> dict[str, set[Partition]]:
        """What a group committed on, and all partitions of the topics its members read: a partition that nobody was
        given and nobody committed on is exactly the one to be seen."""
        read = {g.group_id: {p.topic for m in g.members for p in m.assigned if fits(p.topic)} for g in groups}
        topics = {topic for topics in read.values() for topic in topics}
        partitions = {topic.name: topic.partitions for topic in self._broker.topics(topics)} if topics else {}
        return {
            group.group_id: {p for p in committed.offsets.get(group.group_id, {}) if fits(p.topic)}
            | {Partition(name, number) for name in read[group.group_id] for number in partitions.get(name, ())}
            for group in groups
        }


def _ids(groups: Collection[Group]) -> list[str]:
    return [group.group_id for group in groups]


def _offsets(
    group: Group, wanted: Mapping[str, Collection[Partition]], committed: Committed, bounds: Bounds
) -> list[PartitionOffsets]:
    isolation = group.isolation or Isolation.READ_UNCOMMITTED
    mine = committed.offsets.get(group.group_id, {})
    epochs = committed.epochs.get(group.group_id, {})
    shares = committed.shares.get(group.group_id, {})
    is_shared = group.type == rules.SHARE
    found = []
    for partition in sorted(wanted[group.group_id]):
        held = bounds.bounds.get(partition)
        share = shares.get(partition)
        found.append(
            PartitionOffsets(
                partition=partition,
                log_start=None if held is None else held.start,
                committed=mine.get(partition),
                log_end=None if held is None else held.end(isolation),
                last_stable=None if held is None else held.last_stable,
                high_watermark=None if held is None else held.high_watermark,
                topic_id=bounds.topic_ids.get(partition.topic),
                is_gone=partition in bounds.gone,
                is_recreated=rules.is_of_another_log(epochs.get(partition), held.leader_epoch if held else None),
                is_shared=is_shared,
                left=None if share is None else share.left,
            )
        )
    return found


def _judged(
    group: Group,
    offsets: Mapping[str, list[PartitionOffsets]],
    committed: Committed,
    tails: Tails,
    held: Mapping[Partition, LagAge],
) -> GroupLag:
    if not rules.is_supported(group):
        return rules.unsupported(group)
    if group.group_id not in committed.offsets:
        return rules.unread(group, _why_unread(group.group_id, committed.gaps))
    owners = {partition: member.client_id for member in group.members for partition in member.assigned}
    judged = []
    for found in offsets[group.group_id]:
        first = rules.next_offset(found)
        place = None if first is None else (found.partition, first)
        seen = replace(found, only_markers=True) if place in tails.only_markers else found
        age = None if place is None or seen.only_markers else tails.ages[place]
        one = rules.partition_lag(seen, age, owners.get(found.partition))
        judged.append(replace(one, held_back=held[found.partition]) if found.partition in held else one)
    return rules.group_lag(group, judged)


def _why_unread(group: str, gaps: Collection[Gap]) -> str:
    return next((gap.reason for gap in gaps if gap.subject == group), "its committed offsets weren't read")


def _unread(bounds: Bounds) -> list[Gap]:
    """That a topic was deleted is an answer; whatever else wasn't read is a gap."""
    gone = {(partition.topic, partition.partition) for partition in bounds.gone}
    return [gap for gap in bounds.gaps if (gap.subject, gap.partition) not in gone]


def _size(records: Collection[Record]) -> int:
    return sum(len(record.key or b"") + len(record.value or b"") for record in records)
