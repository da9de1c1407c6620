"""Putting a group's committed offsets elsewhere: first a plan, then the deed, then the proof.

A group with members keeps its offsets to itself: they would commit over ours. It is refused here, and by the broker
where one joins in the meantime.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from eventops.errors import EventopsError, GroupInUse, NotPermitted, Unsupported, UsageError
from eventops.events import Partition
from eventops.groups import looking, moving, rules
from eventops.groups.model import Kind, Move, Refusal, ResetPlan, ResetReport, Scope, Target
from eventops.ports import COMMITTING, NOT_PERMITTED, Bounds, Broker, Coverage, Group
from eventops.wording import plural

SHOWN: Final = 200
"""Partitions whose record at the new offset is read."""

ABSENT: Final = "absent"


class NoSuchGroup(EventopsError):
    """A reset would make it; that has to be asked for."""


class ResetService:
    """Can a group be put elsewhere, and what does that do?"""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def plan(self, name: str, scope: Scope, target: Target, now: datetime, *, create: bool = False) -> ResetPlan:
        """What a reset would do. Nothing is written.

        Raises:
            EventopsError: there is no such group, and it shan't be created.
            UsageError: there is no such topic or partition, or the group has no offsets.
            NotPermitted: the group or a topic may not be seen.
            Unsupported: a group of a type that commits no offsets.
        """
        group = self._group(name, create=create)
        before = self._committed(group)
        wanted, refused = self._partitions(group, scope, target, before)
        bounds = self._broker.log_bounds(wanted)
        found = self._broker.offsets_at(wanted, target.moment) if target.moment is not None else {}
        ways = [moving.move(at, target, before.get(at), held, found) for at, held in sorted(bounds.bounds.items())]
        refused += [Refusal(gap.subject, gap.partition, gap.reason) for gap in bounds.gaps]
        refused += [way for way in ways if isinstance(way, Refusal)]
        moves, size = self._with_records([way for way in ways if isinstance(way, Move)], bounds)
        read = sum(move.record is not None for move in moves)
        warnings = tuple(moving.warnings(target, moves, len(group.members), name))
        coverage = Coverage(len(wanted), len(bounds.bounds), read, size, gaps=bounds.gaps)
        return ResetPlan(now, group, target, moves, tuple(refused), warnings, coverage)

    def execute(self, plan: ResetPlan) -> ResetReport:
        """Carry a plan out, whole, and read back what the broker holds then.

        Raises:
            EventopsError: parts of the plan can't be done.
            GroupInUse: the group has members; nothing was written.
            NotPermitted: the broker forbids it.
            EventopsError: the group committed since the plan was made; nothing was written.
        """
        name = plan.group.group_id
        if plan.refused or not plan.moves:
            raise EventopsError(
                f"{plural(len(plan.refused), 'partition')} can't be moved, so nothing was written",
                "correct the file" if plan.target.kind is Kind.FILE else "leave them out with --topic T:P,P",
            )
        self._refuse_if_in_use(name)
        offsets = {move.partition: move.after for move in plan.moves}
        before = self._committed(plan.group)
        if any(before.get(move.partition) != move.before for move in plan.moves):
            raise EventopsError(f"{name} committed since this plan was made, so nothing was written", "plan again")
        refusals = self._broker.alter_committed_offsets(name, offsets)
        held = self._broker.committed_offsets([name]).offsets.get(name, {})
        return ResetReport(plan, {at: held[at] for at in offsets if at in held}, refusals)

    def _group(self, name: str, *, create: bool) -> Group:
        found = self._broker.groups([name])
        if found.groups:
            group = found.groups[0]
            if group.type not in COMMITTING:
                raise Unsupported(f"{name} is a group of type {group.type}, which commits no offsets")
            return group
        if (unseen := found.why_unseen(name)) is not None:
            raise unseen
        if not create:
            near = rules.suggestion(name, [group.group_id for group in self._broker.groups().groups])
            raise NoSuchGroup(
                f"there is no group {name!r} ({near})", "a reset would create it: add --create if you mean it"
            )
        return Group(name, "classic", ABSENT)

    def _committed(self, group: Group) -> Mapping[Partition, int]:
        """
        Raises:
            EventopsError: they can't be read; without them there is no plan.
        """
        told = self._broker.committed_offsets([group.group_id])
        if told.gaps:
            gap = told.gaps[0]
            kind = NotPermitted if NOT_PERMITTED in gap.reason else EventopsError
            raise kind(f"the committed offsets of {group.group_id} can't be read", gap.reason)
        found = told.offsets.get(group.group_id, {})
        if found and group.state == ABSENT:
            raise EventopsError(f"{group.group_id} wasn't found, and has committed offsets: it is there", "plan again")
        return found

    def _partitions(
        self, group: Group, scope: Scope, target: Target, before: Mapping[Partition, int]
    ) -> tuple[set[Partition], list[Refusal]]:
        """
        Raises:
            UsageError: a topic or partition that was named isn't there, or the group has no offsets.
        """
        asked = {at.topic for at in target.offsets} | set(scope.topics)
        topics = asked or {at.topic for at in before}
        known = {topic.name: topic.partitions for topic in self._broker.topics(topics)} if topics else {}
        if target.kind is Kind.FILE:
            refused = moving.missing(target.offsets, known)
            gone = {(one.topic, one.partition) for one in refused}
            return {at for at in target.offsets if (at.topic, at.partition) not in gone}, refused
        if scope.all_topics:
            if not before:
                raise UsageError(f"{group.group_id} committed on no topic", "name what it shall read with --topic")
            wanted = {Partition(name, number) for name, numbers in known.items() for number in numbers}
            refused = moving.missing([at for at in before if at.topic not in known], known)
            return (wanted & set(before) if target.kind is Kind.SHIFT else wanted), refused
        return self._named(scope, known), []

    def _named(self, scope: Scope, known: Mapping[str, Collection[int]]) -> set[Partition]:
        missing = moving.missing(
            [Partition(name, number) for name, numbers in scope.topics.items() for number in numbers or (0,)], known
        )
        if missing:
            first = missing[0]
            place = f"{first.topic}:{first.partition}" if first.topic in known else first.topic
            raise UsageError(f"{place} can't be moved, {first.reason}", "`eventops topics` lists them")
        return {Partition(name, number) for name, numbers in scope.topics.items() for number in numbers or known[name]}

    def _with_records(self, moves: Collection[Move], bounds: Bounds) -> tuple[tuple[Move, ...], int]:
        """The record at each new offset, and how many bytes they have."""
        places = {move.partition: move.after for move in list(moves)[:SHOWN]}
        looks = looking.around(self._broker, places, bounds.bounds, before=0, after=1)
        shown = tuple(_with_record(move, looks.get(move.partition)) for move in moves)
        records = [move.record for move in shown if move.record is not None]
        return shown, sum(len(record.key or b"") + len(record.value or b"") for record in records)

    def _refuse_if_in_use(self, name: str) -> None:
        found = self._broker.groups([name])
        if (unseen := found.why_unseen(name)) is not None:
            raise unseen
        for group in found.groups:
            if group.members:
                hosts = ", ".join(sorted({f"{member.client_id} at {member.host}" for member in group.members})[:3])
                raise GroupInUse(
                    f"{name} has {plural(len(group.members), 'member')} ({hosts})", "stop its consumers, then try again"
                )


def _with_record(move: Move, look: looking.Look | None) -> Move:
    if look is not None and look.after:
        return replace(move, record=look.after[0])
    if look is None:
        return replace(move, record_reason=f"only the first {SHOWN} partitions are looked at")
    if look.gap is not None:
        return replace(move, record_reason=look.gap.reason)
    if move.bounds.last_stable <= move.after < move.bounds.high_watermark:
        return replace(move, record_reason="held back by an open transaction")
    if look.is_cut_short:
        return replace(move, record_reason=f"no record within {looking.AT_MOST:,} offsets")
    return replace(move, record_reason="the end of the log")
