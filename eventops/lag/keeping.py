"""How long retention still leaves what waits: pure.

A log loses its oldest records by age (``retention.ms``), by size (``retention.bytes``), or not at all (compaction). By
age it is known at once: the oldest record that waits may go as soon as it is that old. By size it is known only from
how the log's start moves over several polls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from eventops.lag.model import GroupLag, PartitionLag, Rate, Standing

Settings = Mapping[str, Mapping[str, str]]
"""Kafka's properties a topic; a topic whose configuration may not be read is missing."""

_NOT_TOLD: Final = "the topic's configuration may not be read (DescribeConfigs)"
_KEPT: Final = Rate(None, "what waits is kept for ever", is_never=True)
_NOTHING_WAITS: Final = Rate(None, "nothing waits", is_never=True)


def until_lost(group: GroupLag, settings: Settings) -> Rate:
    """Seconds until retention may take the first record that waits: at the earliest, since it takes whole segments.
    ``is_never``: it won't, as things are."""
    if group.lag is None and not group.partitions:
        return Rate(None, group.reason)
    found = [rate for one in group.partitions for rate in _of(one, group, settings.get(one.partition.topic))]
    known = [rate.value for rate in found if rate.value is not None]
    unknown = next((rate for rate in found if rate.value is None and not rate.is_never), None)
    if unknown is not None:
        return Rate(min(known, default=None), unknown.reason)
    return Rate(min(known)) if known else _KEPT if found else _NOTHING_WAITS


def _of(one: PartitionLag, group: GroupLag, settings: Mapping[str, str] | None) -> Iterator[Rate]:
    """What threatens one partition; nothing where nothing waits."""
    if one.standing is Standing.CAUGHT_UP:
        return
    if one.standing not in (Standing.BEHIND, Standing.LOST_RECORDS):
        yield Rate(None, one.reason)
    elif settings is None:
        yield Rate(None, _NOT_TOLD)
    elif "delete" not in settings.get("cleanup.policy", "delete"):
        yield _KEPT
    else:
        by_age, by_size = _limit(settings, "retention.ms"), _limit(settings, "retention.bytes")
        if by_age is not None:
            age = one.age.seconds
            yield Rate(None, one.age.reason) if age is None else Rate(max(by_age / 1000 - age, 0.0))
        if by_size is not None:
            yield group.until_lost or Rate(None, "how fast the log's start moves takes several polls")
        if by_age is by_size is None:
            yield _KEPT


def _limit(settings: Mapping[str, str], name: str) -> int | None:
    """A limit of Kafka's; -1 is none."""
    text = settings.get(name, "-1")
    return int(text) if text.isdecimal() else None
