"""What a topic's configuration and offsets say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from eventops.events import Partition, Record
from eventops.ports import Bounds, Committed, Group, Range, Topic
from eventops.topics.model import Ages, PartitionSpan, Reader, TopicSummary, Waiting

_NOT_TOLD_WAITING: Final = "it read the topic a moment ago, and doesn't any more"

NOT_TOLD = "the topic's configuration may not be read (DescribeConfigs)"


def summary(topic: Topic, bounds: Bounds, settings: Mapping[str, str] | None, groups: tuple[str, ...]) -> TopicSummary:
    """One topic from what the broker said; ``settings`` None where its configuration couldn't be had."""
    return TopicSummary(
        name=topic.name,
        topic_id=topic.topic_id,
        internal=topic.internal,
        partitions=tuple(span(Partition(topic.name, number), topic, bounds) for number in topic.partitions),
        cleanup_policy=None if settings is None else settings.get("cleanup.policy"),
        retention_seconds=None if settings is None else seconds(settings.get("retention.ms")),
        retention_bytes=None if settings is None else limit(settings.get("retention.bytes")),
        retention_reason=NOT_TOLD if settings is None else None,
        groups=groups,
    )


def span(partition: Partition, topic: Topic, bounds: Bounds) -> PartitionSpan:
    """One partition's span, or the reason why it is unknown."""
    log = bounds.bounds.get(partition)
    at = next((one for one in topic.placements if one.partition == partition.partition), None)
    if log is not None:
        held = log.high_watermark - log.last_stable
        return PartitionSpan(partition.partition, log.start, log.high_watermark, held, placement=at)
    told = (gap.reason for gap in bounds.gaps if (gap.subject, gap.partition) == (partition.topic, partition.partition))
    reason = "it has no leader" if partition.partition in topic.leaderless else next(told, "it didn't answer")
    return PartitionSpan(partition.partition, None, None, None, reason, at)


def readers(groups: Iterable[Group], committed: Committed) -> dict[str, tuple[str, ...]]:
    """Groups a topic: who committed on it, or has a member assigned to it.

    >>> from eventops.ports import Member
    >>> assigned = Group("billing", "classic", "stable", (Member("m", "c", "h", (Partition("orders", 0),)),))
    >>> readers([assigned], Committed({"audit": {Partition("orders", 1): 7}}))
    {'orders': ('audit', 'billing')}
    """
    found: dict[str, set[str]] = {}
    for group in groups:
        for member in group.members:
            for partition in member.assigned:
                found.setdefault(partition.topic, set()).add(group.group_id)
    for name, offsets in committed.offsets.items():
        for partition in offsets:
            found.setdefault(partition.topic, set()).add(name)
    return {topic: tuple(sorted(names)) for topic, names in found.items()}


def reader(group: Group, topic: str, waiting: Waiting | None) -> Reader:
    """One group on one topic, and what waits for it there; ``waiting`` None: nobody could tell.

    >>> reader(Group("billing", "classic", "empty"), "orders", Waiting(3, None)).lag
    3
    """
    members = sum(any(at.topic == topic for at in member.assigned) for member in group.members)
    told = waiting or Waiting(None, _NOT_TOLD_WAITING)
    return Reader(group, members, told.lag, told.reason)


def ages(records: Iterable[Record], ends: Iterable[Range]) -> Ages:
    """First and last timestamps, from records that were read near the ``ends`` of logs: of each partition the first
    range is where it starts and the second where it ends."""
    first: dict[int, datetime] = {}
    last: dict[int, datetime] = {}
    ranges: dict[int, list[Range]] = {}
    for one in ends:
        ranges.setdefault(one.partition.partition, []).append(one)
    for record in sorted(records, key=lambda record: record.position):
        head, tail = ranges[record.position.partition]
        if record.timestamp is not None and head.first <= record.position.offset < head.end:
            first.setdefault(record.position.partition, record.timestamp)
        if record.timestamp is not None and tail.first <= record.position.offset < tail.end:
            last[record.position.partition] = record.timestamp
    return Ages(first, last)


def limit(text: str | None) -> int | None:
    """A size limit of Kafka's; -1 is none.

    >>> limit("-1"), limit("1024"), limit(None)
    (None, 1024, None)
    """
    if text is None or not text.removeprefix("-").isdecimal():
        return None
    return int(text) if int(text) >= 0 else None


def seconds(milliseconds: str | None) -> float | None:
    """
    >>> seconds("604800000"), seconds("-1")
    (604800.0, None)
    """
    number = limit(milliseconds)
    return None if number is None else number / 1000
