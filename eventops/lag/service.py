"""Asks a broker how far its consumer groups are, in the one order that can't go negative."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from eventops.errors import EventopsError
from eventops.events import Partition, Record
from eventops.lag import held as held_back
from eventops.lag import rules
from eventops.lag.model import GroupLag, GroupSelection, LagAge, LagReport, PartitionOffsets
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
            EventopsError: none of the named groups exists; the message names those that are close.
        """
        found = self._groups(selection)
        supported = [group for group in found.groups if rules.is_supported(group)]
        # Committed offsets first, then the ends: both only grow, so the answer is overstated rather than negative.
        committed = self._committed(supported)
        wanted = self._wanted(supported, committed)
        everything = {partition for partitions in wanted.values() for partition in partitions}
        bounds = self._broker.log_bounds(everything)
        offsets = {group.group_id: _offsets(group, wanted, committed, bounds) for group in supported}
        tails = look(self._broker, [o for of_group in offsets.values() for o in of_group], bounds, now)
        held = held_back.look(self._broker, bounds.bounds, now)
        groups = tuple(_judged(group, offsets, committed, tails, held) for group in found.groups)
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
        found = self._broker.groups(selection.names)
        if selection.names and not found.groups:
            missing = [gap.subject for gap in found.gaps]
            known = [group.group_id for group in self._broker.groups().groups]
            raise EventopsError(f"{found.gaps[0].reason}: {', '.join(missing)}", _suggestion(missing, known))
        return found

    def _wanted(self, groups: Collection[Group], committed: Committed) -> dict[str, set[Partition]]:
        """What a group committed on, and all partitions of the topics its members read: a partition that nobody was
        given and nobody committed on is exactly the one to be seen."""
        read = {group.group_id: {p.topic for m in group.members for p in m.assigned} for group in groups}
        topics = {topic for topics in read.values() for topic in topics}
        partitions = {topic.name: topic.partitions for topic in self._broker.topics(topics)} if topics else {}
        return {
            group.group_id: set(committed.offsets.get(group.group_id, {}))
            | {Partition(name, number) for name in read[group.group_id] for number in partitions.get(name, ())}
            for group in groups
        }


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


def _suggestion(missing: Collection[str], known: Collection[str]) -> str:
    """
    >>> _suggestion(["biling"], ["billing", "shipping"])
    'did you mean billing?'
    >>> _suggestion(["x"], ["billing", "shipping"])
    'there are billing, shipping'
    """
    close = sorted({name for wanted in missing for name in difflib.get_close_matches(wanted, known)})
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not known:
        return "this cluster has no groups yet"
    shown = ", ".join(sorted(known)[:10])
    return f"there are {shown}" + (f" and {len(known) - 10} more" if len(known) > 10 else "")
