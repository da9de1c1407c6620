"""What a dead-letter family is: the headers that give it away, and how to read what they say. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eventops.dlq.encodings import Sheet
from eventops.dlq.failure import Failure, Hop


def _unrecorded(_sheet: Sheet) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Family:
    """One framework's convention. It knows a record that has a header of ``marks``; its parts are read one by one,
    since grouping a million letters needs only the failure and the group.

    ``path`` gives the hops, the origin first; never empty. ``newest_first``: the framework writes its headers before
    those that it copies. ``may_be_bare``: its letters may have neither key nor value, and be no tombstones.
    ``topics`` are patterns of topics whose every record is such a letter, whatever its headers.
    """

    name: str
    marks: frozenset[str]
    failure: Callable[[Sheet], Failure]
    path: Callable[[Sheet], tuple[Hop, ...]]
    group: Callable[[Sheet], str | None] = _unrecorded
    attempts: Callable[[Sheet], int | None] = _unrecorded
    newest_first: bool = False
    may_be_bare: bool = False
    topics: tuple[str, ...] = ()
