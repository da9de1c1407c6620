"""What a dead-letter family is: the headers that give it away, and how to read what they say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from eventops.dlq.encodings import Sheet
from eventops.dlq.failure import Failure, Hop


def _unrecorded(_sheet: Sheet) -> None:
    return None


def _as_it_is(message: str | None) -> str | None:
    return message


@dataclass(frozen=True, slots=True)
class Telling:
    """Which headers tell of the latest failure, the last one of each name; empty: none does. ``inner`` takes the
    cause's message out of the wrapper's; ``failed_part`` is the part that failed where the headers' names say it."""

    exception: str = ""
    cause: str = ""
    message: str = ""
    stack: str = ""
    part: str = ""
    failed_part: str | None = None
    inner: Callable[[str | None], str | None] = _as_it_is

    def failure(self, sheet: Sheet) -> Failure:
        """What they say."""
        return Failure(
            sheet.name(self.exception) if self.exception else None,
            sheet.name(self.cause) if self.cause else None,
            self.inner(sheet.message(self.message)) if self.message else None,
            sheet.stack(self.stack) if self.stack else None,
            self.failed_part or (sheet.name(self.part) if self.part else None),
        )


@dataclass(frozen=True, slots=True)
class Family:
    """One framework's convention. It knows a record that has a header of ``marks``; its parts are read one by one,
    since grouping a million letters needs only the failure and the group.

    ``path`` gives the hops, the origin first; never empty. The failure is what ``telling`` (of the headers' names)
    points at, or else what ``reads`` says. ``group`` depends on the topic and on ``group_header`` alone.
    ``newest_first``: the framework writes its headers before those that it copies. ``may_be_bare``: its letters may
    have neither key nor value, and be no tombstones. ``topics`` are patterns of topics whose every record is such a
    letter, whatever its headers.

    ``writes`` are the names of all headers that it adds, or how they begin before a ``*``; ``has_common_names``: an
    event may have headers of these names itself.
    """

    name: str
    marks: frozenset[str]
    path: Callable[[Sheet], tuple[Hop, ...]]
    telling: Callable[[Collection[str]], Telling] | None = None
    reads: Callable[[Sheet], Failure] = lambda _sheet: Failure()
    group: Callable[[Sheet], str | None] = _unrecorded
    group_header: str = ""
    attempts: Callable[[Sheet], int | None] = _unrecorded
    newest_first: bool = False
    may_be_bare: bool = False
    topics: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    has_common_names: bool = False

    def failure(self, sheet: Sheet) -> Failure:
        """The latest failure."""
        return self.reads(sheet) if self.telling is None else self.telling(sheet.last).failure(sheet)
