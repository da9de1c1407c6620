"""Gathers what the topic rules need."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from eventops.errors import UsageError
from eventops.events import Partition
from eventops.ports import Broker, Coverage
from eventops.topics import rules
from eventops.topics.model import TopicsReport


class TopicService:
    """Which topics there are, how much they hold, who reads them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def report(self, names: Collection[str], now: datetime, *, internal: bool = False) -> TopicsReport:
        """The named topics, or all of them; internal ones only by name or with ``internal``.

        Raises:
            UsageError: a topic that was named doesn't exist.
        """
        topics = [topic for topic in self._broker.topics(names) if names or internal or not topic.internal]
        missing = sorted(set(names) - {topic.name for topic in topics})
        if missing:
            raise UsageError(f"there is no topic {missing[0]!r}", remedy="`eventops topics` lists them")
        partitions = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
        groups = self._broker.groups()
        committed = self._broker.committed_offsets([group.group_id for group in groups.groups])
        bounds = self._broker.log_bounds(partitions)
        settings = self._broker.retention([topic.name for topic in topics])
        readers = rules.readers(groups.groups, committed)
        gaps = (*groups.gaps, *committed.gaps, *bounds.gaps)
        return TopicsReport(
            as_of=now,
            topics=tuple(rules.summary(t, bounds, settings.get(t.name), readers.get(t.name, ())) for t in topics),
            coverage=Coverage(len(partitions), len(bounds.bounds), gaps=gaps),
        )
