"""Asks a broker how far its consumer groups are, in the one order that can't go negative."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from eventops import selecting
from eventops.errors import EventopsError
from eventops.lag.keeping import Settings
from eventops.lag.model import GroupSelection, LagReport, Standing
from eventops.lag.reading import ALL_AT_ONCE, STREAMED, Reading
from eventops.ports import NO_SUCH_GROUP, Broker, Gap, Group, Groups
from eventops.selecting import NothingSelected


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
        reading = self._reading(selection, now, (ALL_AT_ONCE, ALL_AT_ONCE))
        groups = tuple(reading)
        return LagReport(now, self.cluster_id(), groups, reading.coverage)

    def stream(self, selection: GroupSelection, now: datetime) -> Reading:
        """The same, by name, group by group as they come in. Ages are told of those that are furthest behind in
        each step, instead of in all.

        Raises:
            NothingSelected: no group fits, or none that reads a topic that fits; the message names what is close.
            UsageError: a pattern isn't one.
        """
        return self._reading(selection, now, STREAMED)

    def settings(self, report: LagReport) -> Settings:
        """How long the topics are kept on which something waits; see :mod:`eventops.lag.keeping`."""
        every = (one for group in report.groups for one in group.partitions)
        waiting = {one.partition.topic for one in every if one.standing is Standing.BEHIND}
        return self._broker.retention(sorted(waiting)) if waiting else {}

    def cluster_id(self) -> str:
        """Whose groups they are."""
        return self._broker.cluster().cluster_id

    def _reading(self, selection: GroupSelection, now: datetime, steps: tuple[int, int]) -> Reading:
        reading = Reading(self._broker, self._groups(selection), selection, now, steps)
        if selection.topics and reading.is_empty:
            raise self._no_such_topic(selection)
        return reading

    def _groups(self, selection: GroupSelection) -> Groups:
        if not any(map(selecting.is_pattern, selection.names)):
            found = self._broker.groups(selection.names)
            if selection.names and not found.groups:
                raise self._none_seen(found, selection.names)
            return found
        fits = selecting.matcher(selection.names)
        everything = self._broker.groups()
        groups = tuple(group for group in everything.groups if fits(group.group_id))
        if not groups:
            raise self._none_seen(everything, selection.names)
        missing = [name for name in selection.names if not any(map(selecting.matcher([name]), _ids(groups)))]
        patterns = [Gap(name, None, NO_SUCH_GROUP) for name in missing if selecting.is_pattern(name)]
        plain = [name for name in missing if not selecting.is_pattern(name)]
        unseen = self._broker.groups(plain).gaps if plain else ()
        return Groups(groups, (*everything.gaps, *unseen, *patterns))

    def _none_seen(self, found: Groups, names: Collection[str]) -> EventopsError:
        if unseen := next(filter(None, map(found.why_unseen, sorted(names))), None):
            return unseen
        known = _ids(self._broker.groups().groups)
        near = selecting.suggestion(names, known)
        return NothingSelected(f"{NO_SUCH_GROUP}: {', '.join(names)}", near, NO_SUCH_GROUP)

    def _no_such_topic(self, selection: GroupSelection) -> NothingSelected:
        known = [topic.name for topic in self._broker.topics()]
        named = ", ".join(selection.topics)
        if any(map(selecting.matcher(selection.topics), known)):
            what = f"no group that was asked for reads {named}"
            return NothingSelected(what, "leave --topic out to see what they read")
        near = selecting.suggestion(selection.topics, known, "topics")
        return NothingSelected(f"no such topic: {named}", near, "no such topic")


def _ids(groups: Collection[Group]) -> list[str]:
    return [group.group_id for group in groups]
