"""Where an offset goes, and what that does to a group's reading. Pure; the same fitting as Kafka's own tool."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from eventops.events import Partition, rfc3339
from eventops.groups.model import Kind, Move, Refusal, Target
from eventops.ports import LogBounds
from eventops.wording import plural


def move(
    partition: Partition, target: Target, before: int | None, bounds: LogBounds, found: Mapping[Partition, int]
) -> Move | Refusal:
    """One partition's way; ``found`` are the offsets at the target's moment."""
    if target.kind is Kind.SHIFT and before is None:
        return Refusal(
            partition.topic, partition.partition, "the group never committed here: there is nothing to shift"
        )
    if target.kind is Kind.MOMENT and partition not in found:
        return Refusal(partition.topic, partition.partition, "it didn't tell which offset stands at that time")
    wanted = _wanted(partition, target, before or 0, bounds, found)
    after = fitted(wanted, bounds)
    note = _note(wanted, bounds)
    if target.kind is Kind.MOMENT and after == bounds.high_watermark:
        note = f"no record is as new as {rfc3339(target.moment)}: this is the end of the log"
    return Move(partition, before, after, bounds, note)


def fitted(wanted: int, bounds: LogBounds) -> int:
    """Into the log, whose end is a place too: the next record to come.

    >>> log = LogBounds(start=4, high_watermark=9, last_stable=9)
    >>> [fitted(offset, log) for offset in (-3, 4, 7, 9, 10)]
    [4, 4, 7, 9, 9]
    """
    return min(max(wanted, bounds.start), bounds.high_watermark)


def effect(before: int | None, after: int, bounds: LogBounds) -> tuple[int | None, int | None, str | None]:
    """Offsets skipped, offsets read again, and the reason where neither is known.

    >>> log = LogBounds(start=4, high_watermark=20, last_stable=20)
    >>> effect(10, 15, log), effect(10, 6, log), effect(2, 10, log)      # 2 and 3 are gone already
    ((5, 0, None), (0, 4, None), (6, 0, None))
    >>> effect(None, 10, log)[2], effect(30, 10, log)[2]
    ('the group never committed here', 'the committed offset is beyond the end of the log: it is of another log')
    """
    if before is None:
        return None, None, "the group never committed here"
    if before > bounds.high_watermark:
        return None, None, "the committed offset is beyond the end of the log: it is of another log"
    return max(0, after - max(before, bounds.start)), max(0, before - after), None


def warnings(target: Target, moves: Sequence[Move], members: int, group: str) -> Iterator[str]:
    """What somebody should know before it is carried out, a sentence each."""
    if members:
        yield f"{group} has {plural(members, 'member')}: a reset is refused until its consumers are stopped"
    if target.kind is Kind.LATEST:
        held = sum(one.bounds.high_watermark - one.bounds.last_stable for one in moves)
        if held:
            yield f"open transactions hold back {plural(held, 'offset')}: the group will not see what they commit there"
    same = sum(one.before == one.after for one in moves)
    if same:
        yield f"already there: {same:,} of {plural(len(moves), 'partition')}"


def missing(wanted: Collection[Partition], known: Mapping[str, Collection[int]]) -> list[Refusal]:
    """Partitions that don't exist.

    >>> missing([Partition("orders", 0), Partition("orders", 7), Partition("x", 0)], {"orders": (0, 1)})
    [Refusal(topic='orders', partition=7, reason='it has partitions 0 to 1'), Refusal(topic='x', partition=0, \
reason='there is no such topic')]
    """
    found = []
    for at in sorted(wanted):
        if at.topic not in known:
            found.append(Refusal(at.topic, at.partition, "there is no such topic"))
        elif at.partition not in known[at.topic]:
            found.append(Refusal(at.topic, at.partition, f"it has partitions 0 to {max(known[at.topic], default=0)}"))
    return found


def _wanted(
    partition: Partition, target: Target, before: int, bounds: LogBounds, found: Mapping[Partition, int]
) -> int:
    match target.kind:
        case Kind.EARLIEST:
            return bounds.start
        case Kind.LATEST:
            return bounds.high_watermark
        case Kind.OFFSET:
            return target.number
        case Kind.SHIFT:
            return before + target.number
        case Kind.MOMENT:
            return found[partition]
        case Kind.FILE:
            return target.offsets[partition]


def _note(wanted: int, bounds: LogBounds) -> str | None:
    if wanted < bounds.start:
        return f"{wanted} is below the start of the log: moved up to {bounds.start}"
    if wanted > bounds.high_watermark:
        return f"{wanted} is beyond the end of the log: moved down to {bounds.high_watermark}"
    return None
