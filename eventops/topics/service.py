"""Gathers what the topic rules need. Committed offsets are asked before the logs' ends: both only grow."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from eventops.errors import EventopsError
from eventops.events import Partition, Record
from eventops.ports import COMMITTING, Bounds, Broker, Committed, Coverage, Gap, Groups, Range, Topic
from eventops.selecting import is_pattern, matcher
from eventops.topics import rules
from eventops.topics.model import Ages, TopicReport, TopicsReport, Waiting

NEAR: Final = 8
"""Offsets that are read at each end of a log for its first and last record."""

AT_MOST: Final = 200
"""Partitions whose first and last records are read."""


class Lags(Protocol):
    """Who knows what waits for whom: the lag room, which judges markers, share groups and logs made anew alike."""

    def of_topic(self, topic: str, groups: Sequence[str], now: datetime) -> Mapping[str, Waiting]:
        """What waits for each of those groups on the topic, by group; one that doesn't read it any more is left out."""


class TopicService:
    """Which topics there are, how much they hold, who reads them."""

    def __init__(self, broker: Broker, lags: Lags) -> None:
        self._broker = broker
        self._lags = lags

    def report(self, names: Collection[str], now: datetime, *, internal: bool = False) -> TopicsReport:
        """The topics that names or globs mean, or all of them; internal ones only by name or with ``internal``.

        Raises:
            EventopsError: a topic that was named doesn't exist.
            EventopsError: no topic is meant by the globs.
        """
        topics = self._meant(names, internal=internal)
        partitions = [Partition(topic.name, number) for topic in topics for number in topic.partitions]
        groups, committed = self._readers()
        bounds = self._broker.log_bounds(partitions)
        settings = self._broker.retention([topic.name for topic in topics])
        readers = rules.readers(groups.groups, committed)
        gaps = (*groups.gaps, *committed.gaps, *bounds.gaps)
        return TopicsReport(
            as_of=now,
            topics=tuple(rules.summary(t, bounds, settings.get(t.name), readers.get(t.name, ())) for t in topics),
            coverage=Coverage(len(partitions), len(bounds.bounds), gaps=gaps),
        )

    def show(self, name: str, now: datetime) -> TopicReport:
        """One topic in full: where its partitions lie, how old it is, its configuration, and its readers' lag.

        Raises:
            EventopsError: it doesn't exist.
        """
        (topic,) = self._meant([name], internal=True, globs=False)
        partitions = [Partition(name, number) for number in topic.partitions]
        groups, committed = self._readers()
        bounds = self._broker.log_bounds(partitions)
        config = self._broker.retention([name]).get(name)
        names = rules.readers(groups.groups, committed).get(name, ())
        readers = [group for group in groups.groups if group.group_id in names]
        waiting = self._lags.of_topic(name, names, now) if readers else {}
        records, ages = self._ages(partitions, bounds)
        size = sum(len(record.key or b"") + len(record.value or b"") for record in records)
        gaps = (*groups.gaps, *committed.gaps, *bounds.gaps)
        return TopicReport(
            as_of=now,
            topic=rules.summary(topic, bounds, config, names),
            ages=ages,
            config=config,
            readers=tuple(rules.reader(group, name, waiting.get(group.group_id)) for group in readers),
            coverage=Coverage(len(partitions), len(bounds.bounds), len(records), size, gaps=gaps),
        )

    def _meant(self, names: Collection[str], *, internal: bool, globs: bool = True) -> list[Topic]:
        if globs and any(map(is_pattern, names)):
            is_meant = matcher(names)
            found = [t for t in self._broker.topics() if is_meant(t.name) and (internal or not t.internal)]
            plain = {name for name in names if not is_pattern(name)} - {topic.name for topic in found}
            if plain:
                raise EventopsError(f"there is no topic {min(plain)!r}", "`eventops topics` lists them")
            if not found:
                raise EventopsError(f"no topic is meant by {' '.join(sorted(names))}", "`eventops topics` lists them")
            return found
        topics = [topic for topic in self._broker.topics(names) if names or internal or not topic.internal]
        missing = sorted(set(names) - {topic.name for topic in topics})
        if missing:
            near = difflib.get_close_matches(missing[0], [topic.name for topic in self._broker.topics()])
            remedy = f"did you mean {' or '.join(near)}?" if near else "`eventops topics` lists them"
            raise EventopsError(f"there is no topic {missing[0]!r}", remedy)
        return topics

    def _readers(self) -> tuple[Groups, Committed]:
        groups = self._broker.groups()
        names = [group.group_id for group in groups.groups if group.type in COMMITTING]
        committed = self._broker.committed_offsets(names)
        told = {gap.subject for gap in groups.gaps if not gap.is_of_list}
        gaps: tuple[Gap, ...] = tuple(gap for gap in committed.gaps if gap.subject not in told)
        return groups, Committed(committed.offsets, gaps)

    def _ages(self, partitions: Collection[Partition], bounds: Bounds) -> tuple[list[Record], Ages]:
        """The first and the last few offsets of each log, all at once."""
        ends = []
        for at in list(partitions)[:AT_MOST]:
            held = bounds.bounds.get(at)
            if held is not None:
                ends.append(Range(at, held.start, min(held.start + NEAR, held.last_stable)))
                ends.append(Range(at, max(held.start, held.last_stable - NEAR), held.last_stable))
        wanted = [one for one in ends if one.first < one.end]
        records = [record for batch in self._broker.scan(wanted) for record in batch.records] if wanted else []
        return records, rules.ages(records, ends)
