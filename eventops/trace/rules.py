"""What a consumer group did with an event: verdicts from committed offsets and dead letters, each with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Final

from eventops.events import Partition, Position
from eventops.ports import Bounds, Committed, Gap, Group
from eventops.trace.model import Copy, DeadLetter, Delivery, Hop, Status
from eventops.wording import plural

_FIRST: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one group stands on one partition. ``committed`` None: never committed there, unless ``reason`` says why it
    isn't known. ``end`` is the high watermark, taken after the committed offset; None where it isn't known."""

    group: str
    committed: int | None
    end: int | None
    assigned: bool = False
    reason: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Readers:
    """The groups, the offsets they committed, and the logs' bounds taken after those. ``doubt``: why "consumed" may
    hide a dead letter, where the search left out what may hold it."""

    groups: Sequence[Group]
    committed: Committed
    bounds: Bounds
    doubt: str | None = None

    def of(self, partition: Partition) -> tuple[Standing, ...]:
        """Every group that reads the partition: it committed on its topic, or a member was given the partition."""
        log = self.bounds.bounds.get(partition)
        end = None if log is None else log.high_watermark
        found = []
        for group in self.groups:
            offsets = self.committed.offsets.get(group.group_id, {})
            assigned = any(partition in member.assigned for member in group.members)
            reason = _unread(group.group_id, partition, self.committed.gaps)
            if assigned or any(held.topic == partition.topic for held in offsets):
                found.append(Standing(group.group_id, offsets.get(partition), end, assigned, reason, self.doubt))
        return tuple(sorted(found, key=lambda standing: standing.group))


def delivery(position: Position, standing: Standing, letters: Sequence[DeadLetter] = ()) -> Delivery:
    """What the group did with the record there; ``letters`` are those of this group about exactly this position.

    >>> delivery(Position("orders", 0, 41), Standing("billing", committed=42, end=50)).evidence
    'committed 42 > offset 41'
    """
    if letters:
        return failed(standing.group, letters)
    status, evidence = _by_offset(position, standing)
    return Delivery(standing.group, status, None, evidence)


def failed(group: str, letters: Sequence[DeadLetter]) -> Delivery:
    """The newest letter decides: one that was put back may have failed again."""
    letter = max(letters, key=lambda letter: (letter.timestamp or _FIRST, letter.position))
    whose = "" if letter.group else " (which doesn't name its group)"
    many = "" if len(letters) == 1 else f", the last of {plural(len(letters), 'letter')}"
    evidence = f"letter {letter.position}{whose}: {letter.cause_key}{many}"
    status = Status.REPLAYED if letter.is_replayed else Status.DEAD_LETTERED
    return Delivery(group, status, letter.timestamp, evidence + (", put back" if letter.is_replayed else ""))


def delivered(hops: Iterable[Hop], readers: Readers) -> tuple[Hop, ...]:
    """The hops with what each group did with their records and with each copy of them."""
    known = cache(readers.of)
    return tuple(_delivered(hop, known) for hop in hops)


def _delivered(hop: Hop, standings_on: Callable[[Partition], tuple[Standing, ...]]) -> Hop:
    copies = tuple(
        replace(copy, deliveries=tuple(_deliveries(copy.position, hop, standings_on(copy.position.home))))
        for copy in hop.copies
    )
    standings = () if hop.is_stand_in else standings_on(hop.event.position.home)
    found = (_with_replay(one, copies) for one in _deliveries(hop.event.position, hop, standings))
    return replace(hop, deliveries=tuple(found), copies=copies)


def _by_offset(position: Position, standing: Standing) -> tuple[Status, str]:
    committed, end = standing.committed, standing.end
    if standing.reason is not None:
        return Status.UNKNOWN, standing.reason
    if committed is None and standing.assigned:
        return Status.PENDING, f"never committed on {position.home}, which is assigned to a member of it"
    if committed is None:
        return Status.UNKNOWN, f"never committed on {position.home}, and no member of it has that partition"
    if end is not None and committed > end:
        return Status.UNKNOWN, f"committed {committed} > the log's end {end}: the topic was made anew or cut short"
    if committed > position.offset:
        doubt = f"; {standing.doubt}" if standing.doubt else ""
        return Status.CONSUMED, f"committed {committed} > offset {position.offset}{doubt}"
    return Status.PENDING, f"committed {committed} <= offset {position.offset}"


def _deliveries(position: Position, hop: Hop, standings: Sequence[Standing]) -> Iterator[Delivery]:
    letters = [letter for letter in hop.dead_letters if _is_about(letter, position, hop)]
    nameless = [letter for letter in letters if letter.group is None]
    suspects = _suspects(position, standings, letters) if nameless else []
    for standing in standings:
        mine = [letter for letter in letters if letter.group == standing.group]
        if not mine and suspects == [standing]:
            mine = nameless
        told = delivery(position, standing, mine)
        yield _doubted(told, nameless) if not mine and standing in suspects else told
    if nameless and not suspects:
        yield failed("?", nameless)
    for group in sorted({letter.group for letter in letters if letter.group} - {one.group for one in standings}):
        yield failed(group, [letter for letter in letters if letter.group == group])


def _suspects(position: Position, standings: Sequence[Standing], letters: Sequence[DeadLetter]) -> list[Standing]:
    """The groups that a letter which names none may be of: those that passed the record and left no letter of theirs;
    where nobody passed it, whoever reads there alone."""
    guilty = {letter.group for letter in letters}
    others = [one for one in standings if one.group not in guilty]
    passed = [one for one in others if one.committed is not None and one.committed > position.offset]
    return passed or (others if len(others) == 1 else [])


def _doubted(told: Delivery, nameless: Sequence[DeadLetter]) -> Delivery:
    """One of several that may have failed."""
    whose = f"letter {nameless[-1].position} doesn't name its group, which may be this one"
    return replace(told, status=Status.UNKNOWN, evidence=f"{whose}; {told.evidence}")


def _is_about(letter: DeadLetter, position: Position, hop: Hop) -> bool:
    """Its origins say so; one that names none, or speaks for a record that is gone, is about the event's own record."""
    is_own = position == hop.event.position and (not letter.origins or hop.is_stand_in)
    return position in letter.origins or is_own


def _with_replay(told: Delivery, copies: Sequence[Copy]) -> Delivery:
    """Where a letter was put back, what became of the replay belongs to the evidence."""
    if told.status is not Status.REPLAYED:
        return told
    became = [
        f"{copy.position} is {again.status.value.replace('_', '-')}"
        for copy in copies
        if copy.replay_id
        for again in copy.deliveries
        if again.group == told.group
    ]
    return replace(told, evidence="; ".join([told.evidence, *became]))


def _unread(group: str, partition: Partition, gaps: Iterable[Gap]) -> str | None:
    """Why the group's offset on the partition isn't known; a gap of one partition begins with the group's name."""
    for gap in gaps:
        if (gap.subject, gap.partition) == (group, None):
            return f"its committed offsets couldn't be had: {gap.reason}"
        if (gap.subject, gap.partition) == (partition.topic, partition.partition) and gap.reason.startswith(
            f"{group}: "
        ):
            return f"its committed offset couldn't be had: {gap.reason.removeprefix(f'{group}: ')}"
    return None
