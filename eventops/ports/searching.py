"""Looking for an id in a log: what is sought, how, and what was found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from eventops.events import Record
from eventops.ports.nouns import Gap

_WORD: Final = re.compile(rb"[\w.@~-][\w.:@~-]*")
"""A number behind its name's colon begins a word, as a text behind its quote does."""


class Engine(StrEnum):
    """How a log is searched. AUTO: the fastest way that does here, saying so where it isn't the raw one."""

    AUTO = "auto"
    SCAN = "scan"
    """Whole batches as they travel; what may hold the id is then read by the ordinary consumer."""
    CONSUME = "consume"
    """Every record by the ordinary consumer."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Bytes of which a record holds at least one, if it is to be found; wrong only towards too many. ``needles`` may
    stand in the midst of others; ``words`` stand alone, as an id does in JSON or as a header's whole value, and any
    number of them costs the same.

    >>> from eventops.events import Position
    >>> record = Record(Position("t", 0, 0), None, None, b'{"id":"req-10"}')
    >>> Sought((b"req-1",)).may_be_in(record), Sought(words=frozenset({b"req-1"})).may_be_in(record)
    (True, False)
    """

    needles: tuple[bytes, ...] = ()
    words: frozenset[bytes] = frozenset()

    def may_be_in(self, record: Record) -> bool:
        """Whether the key, the value or a header of the record holds one."""
        held = b"\0".join(record.parts)
        if any(needle in held for needle in self.needles):
            return True
        if not self.words:
            return False
        return not self.words.isdisjoint(_WORD.findall(held)) or not self.words.isdisjoint(v for _, v in record.headers)

    @property
    def parts(self) -> tuple[bytes, ...]:
        """All that may stand in the bytes of a whole batch."""
        return (*self.needles, *sorted(self.words))


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Manner:
    """How to search, and when to end early: after about ``max_bytes`` were fetched, or when ``stopped`` says so. What
    was left out then becomes gaps."""

    engine: Engine = Engine.AUTO
    max_bytes: int | None = None
    stopped: Callable[[], bool] = _never


PLAINLY: Final = Manner()
"""As fast as can be, and to the end."""


@dataclass(frozen=True, slots=True)
class Findings:
    """A piece of a search: ``records`` may hold what is sought. Since the last piece ``passed`` offsets are behind us,
    ``looked_at`` records and ``bytes`` were looked at, and ``fetched`` bytes travelled."""

    records: tuple[Record, ...] = ()
    passed: int = 0
    looked_at: int = 0
    bytes: int = 0
    fetched: int = 0
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
