"""Gathers what is to be known about groups. Committed offsets are asked first, then the ends: both only grow."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from eventops.errors import EventopsError, NotPermitted
from eventops.events import Partition
from eventops.groups import looking, rules
from eventops.groups.model import GroupReport, GroupsReport, PeekReport, Place, Surroundings
from eventops.ports import COMMITTING, SHARE, Bounds, Broker, Committed, Coverage, Gap, Group, Groups, LogBounds, Topic
from eventops.selecting import is_pattern, matcher

AT_MOST: Final = 100
"""Partitions that are peeked at in one go."""


class GroupService:
    """Who reads together, and where do they stand?"""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def list(self, names: Collection[str], now: datetime) -> GroupsReport:
        """All groups, or those that a name or glob means.

        Raises:
            EventopsError: none of the named groups exists.
            NotPermitted: none of them may be described.
        """
        plain = [] if any(map(is_pattern, names)) else list(names)
        found = self._broker.groups(plain)
        wanted = set(filter(matcher(names), [group.group_id for group in found.groups]))
        groups = [group for group in found.groups if group.group_id in wanted]
        if names and not groups:
            raise self._missing(min(names), found)
        committed = self._committed(groups)
        unread = found.gaps if plain else (*found.gaps, *self._unknown(names, wanted))
        gaps = (
            *unread,
            *(gap for gap in committed.gaps if gap.subject not in {g.subject for g in unread if not g.is_of_list}),
        )
        return GroupsReport(now, tuple(rules.summary(group, committed) for group in groups), Coverage(0, 0, gaps=gaps))

    def show(self, name: str, now: datetime) -> GroupReport:
        """One group: its members and where it stands on every partition of the topics it reads.

        Raises:
            EventopsError: there is no such group.
            NotPermitted: it may not be described.
        """
        group = self.group(name)
        committed = self._committed([group])
        partitions, bounds = self._where(group, committed)
        places = rules.places(group, partitions, committed.offsets.get(name, {}), bounds)
        unsupported = () if group.unsupported is None else (Gap(name, None, group.unsupported),)
        return GroupReport(now, group, places, _coverage(partitions, bounds, (*committed.gaps, *unsupported)))

    def peek(
        self, name: str, now: datetime, *, topics: Collection[str] = (), partition: int | None = None, each: int = 3
    ) -> PeekReport:
        """Up to ``each`` records before and after every committed offset, of all partitions or those that are named.

        Raises:
            EventopsError: there is no such group.
            EventopsError: it has nothing to do with that topic or partition.
        """
        shown = self.show(name, now)
        at = [p for p in shown.places if not topics or p.partition.topic in topics]
        wanted = [p for p in at if partition in (None, p.partition.partition)]
        if not wanted:
            raise EventopsError(f"{name} has no position there", f"`eventops groups show {name}` tells where it has")
        left = tuple(Gap(p.partition.topic, p.partition.partition, _TOO_MANY) for p in wanted[AT_MOST:])
        wanted = wanted[:AT_MOST]
        places = {p.partition: p.committed for p in wanted if p.committed is not None}
        looks = looking.around(self._broker, places, {p.partition: b for p in wanted if (b := _held(p))}, each, each)
        partitions = tuple(_surroundings(place, looks.get(place.partition)) for place in wanted)
        records = [record for found in partitions for record in (*found.before, *found.after)]
        size = sum(len(record.key or b"") + len(record.value or b"") for record in records)
        unread = tuple(look.gap for look in looks.values() if look.gap is not None)
        asked = {(place.partition.topic, place.partition.partition) for place in wanted}
        known = (g for g in shown.coverage.gaps if g.partition is None or (g.subject, g.partition) in asked)
        gaps = (*known, *left, *unread)
        missed = {(gap.subject, gap.partition) for gap in gaps} & asked
        coverage = Coverage(len(wanted), len(wanted) - len(missed), len(records), size, gaps=gaps)
        return PeekReport(now, shown.group, partitions, coverage)

    def group(self, name: str) -> Group:
        """One group by its name.

        Raises:
            EventopsError: there is no such group.
            NotPermitted: it may not be described.
        """
        found = self._broker.groups([name])
        if not found.groups:
            raise self._missing(name, found)
        return found.groups[0]

    def _where(self, group: Group, committed: Committed) -> tuple[set[Partition], Bounds]:
        """What it committed on and all partitions of the topics that it reads, with their logs' bounds. Members may
        read what we may not describe: that is a gap, and the members are shown."""
        mine = set(committed.offsets.get(group.group_id, {}))
        mine |= {partition for member in group.members for partition in member.assigned}
        told = {topic.name: topic.partitions for topic in self._topics({partition.topic for partition in mine})}
        seen = {Partition(name, number) for name, numbers in told.items() for number in numbers}
        seen |= {at for at in mine if at.topic in told}
        bounds = self._broker.log_bounds(seen)
        hidden = tuple(Gap(at.topic, at.partition, _HIDDEN) for at in sorted(mine - seen))
        return mine | seen, Bounds(bounds.bounds, (*bounds.gaps, *hidden))

    def _unknown(self, names: Collection[str], found: Collection[str]) -> tuple[Gap, ...]:
        """Plain names among globs that no group has."""
        plain = [name for name in names if not is_pattern(name) and name not in found]
        return self._broker.groups(plain).gaps if plain else ()

    def _topics(self, names: Collection[str]) -> Collection[Topic]:
        """Of the topics that members were given, one may be hidden from us while the group isn't."""
        if not names:
            return ()
        try:
            return self._broker.topics(names)
        except NotPermitted:
            return [topic for topic in self._broker.topics() if topic.name in names]

    def _committed(self, groups: Collection[Group]) -> Committed:
        """Committed offsets, and of share groups the offsets before which all is settled."""
        known = [group for group in groups if group.unsupported is None]
        committing = [group.group_id for group in known if group.type in COMMITTING]
        sharing = [group.group_id for group in known if group.type == SHARE]
        first = self._broker.committed_offsets(committing) if committing else Committed({})
        second = self._broker.share_progress(sharing) if sharing else Committed({})
        return Committed({**first.offsets, **second.offsets}, (*first.gaps, *second.gaps))

    def _missing(self, name: str, found: Groups) -> EventopsError:
        if (unseen := found.why_unseen(name)) is not None:
            return unseen
        known = [group.group_id for group in self._broker.groups().groups]
        return EventopsError(f"there is no group {name!r}", rules.suggestion(name, known))


_HIDDEN: Final = "the topic isn't told about: it takes DESCRIBE on it, or it was deleted"
_TOO_MANY: Final = f"only {AT_MOST} partitions are looked at in one go: name others with --topic and --partition"


def _coverage(partitions: Collection[Partition], bounds: Bounds, gaps: tuple[Gap, ...]) -> Coverage:
    return Coverage(len(partitions), len(bounds.bounds), gaps=(*gaps, *bounds.gaps))


def _held(place: Place) -> LogBounds | None:
    if place.start is None or place.end is None or place.last_stable is None:
        return None
    return LogBounds(place.start, place.end, place.last_stable)


def _surroundings(place: Place, look: looking.Look | None) -> Surroundings:
    before, after = (tuple(look.before), tuple(look.after)) if look else ((), ())
    notes = rules.notes(place, look.looked if look else None, before, after)
    if look is not None and look.gap is not None:
        notes.append(f"not all was read: {look.gap.reason}")
    elif look is not None and look.is_cut_short:
        notes.append(f"more may stand further away: {looking.AT_MOST:,} offsets on each side were looked through")
    return Surroundings(place, before, after, tuple(notes))
