"""Which groups are meant, who owns what, and what there is to say about a position. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from eventops.events import Partition, Record
from eventops.groups.model import GroupSummary, Place
from eventops.ports import Bounds, Committed, Group
from eventops.wording import plural


def suggestion(name: str, known: Collection[str]) -> str:
    """
    >>> suggestion("biling", ["billing", "audit"]), suggestion("x", ["billing", "audit"])
    ('did you mean billing?', '`eventops groups list` lists them')
    """
    near = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(near)}?" if near else "`eventops groups list` lists them"


def summary(group: Group, committed: Committed) -> GroupSummary:
    """One group of many."""
    if group.unsupported is not None:
        return GroupSummary(group, None, group.unsupported)
    assigned = {partition.topic for member in group.members for partition in member.assigned}
    if group.group_id not in committed.offsets:
        why = next((gap.reason for gap in committed.gaps if gap.subject == group.group_id), "it didn't answer")
        return GroupSummary(group, None, why)
    return GroupSummary(group, tuple(sorted(assigned | {p.topic for p in committed.offsets[group.group_id]})))


def places(
    group: Group, partitions: Iterable[Partition], offsets: Mapping[Partition, int], bounds: Bounds
) -> tuple[Place, ...]:
    """Where the group stands on each partition, by topic and number."""
    owners = {partition: member for member in group.members for partition in member.assigned}
    missing = {(gap.subject, gap.partition): gap.reason for gap in bounds.gaps}
    found = []
    for at in sorted(partitions):
        held = bounds.bounds.get(at)
        why = None if held else missing.get((at.topic, at.partition), "its bounds weren't read")
        start, end, stable = (held.start, held.high_watermark, held.last_stable) if held else (None, None, None)
        found.append(Place(at, offsets.get(at), start, end, stable, owners.get(at), why))
    return tuple(found)


def notes(place: Place, looked: tuple[int, int] | None, before: Sequence[Record], after: Sequence[Record]) -> list[str]:
    """What isn't seen from the records alone, a sentence each; ``looked``: from where to where everything was read."""
    if place.start is None or place.end is None or place.last_stable is None:
        return [place.reason or "its bounds weren't read"]
    if place.committed is None:
        return ["the group never committed here: where it would begin is its own setting (auto.offset.reset)"]
    if place.committed > place.end:
        beyond = f"offset {place.committed} is beyond the end {place.end}"
        return [f"{beyond}: the topic was made anew, or its log was cut short"]
    said = []
    first = max(place.committed, place.start)
    if place.committed < place.start:
        lost = plural(place.start - place.committed, "offset")
        said.append(f"offsets {place.committed} to {place.start - 1} are no longer kept: {lost} of it can't be read")
    if looked is not None:
        low = before[-1].position.offset + 1 if before else looked[0]
        high = after[0].position.offset if after else looked[1]
        said += [hole for hole in (_hole(low, first), _hole(first, high)) if hole]
    if place.last_stable < place.end:
        held = max(place.last_stable, first)
        said.append(f"an open transaction holds back {plural(place.end - held, 'offset')} from {held} on")
    elif first >= place.end:
        said.append("nothing waits: this is the end of the log")
    return said


def _hole(first: int, end: int) -> str | None:
    """
    >>> _hole(5, 7)
    'no record at offsets 5 to 6: transaction markers, aborted or compacted'
    >>> _hole(5, 5) is None
    True
    """
    if end <= first:
        return None
    if end == first + 1:
        return f"no record at offset {first}: a transaction marker, aborted or compacted"
    return f"no record at offsets {first} to {end - 1}: transaction markers, aborted or compacted"
