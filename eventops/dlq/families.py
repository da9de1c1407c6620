"""The frameworks' dead-letter conventions in one table, and a record as the letter that they make of it.

A record may tell of several frameworks: a letter of one that another read and gave up too. The one whose headers came
last wrote it; the others' hops are older.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from eventops.dlq.causes import Causes
from eventops.dlq.decoders_kafka import CONNECT, SHARE, STREAMS
from eventops.dlq.decoders_others import KARAFKA, MASSTRANSIT, NSERVICEBUS, SMALLRYE, SMALLRYE_RETRY, WATERMILL
from eventops.dlq.decoders_spring import BINDER, RETRYABLE, SPRING
from eventops.dlq.encodings import MOST_HOPS, NAME_CHARACTERS, Sheet, text, topic_name
from eventops.dlq.failure import Failure, Hop
from eventops.dlq.family import Family
from eventops.dlq.model import Brief, Letter, Origin
from eventops.dlq.stripping import Stripping
from eventops.events import (
    CE_TYPE,
    EVENT_TYPE_HEADERS,
    REPLAY_ID,
    REPLAY_LINK,
    Position,
    Reader,
    Record,
    header_text,
    read_event,
)
from eventops.events.text import json_object

UNKNOWN_FAMILY: Final = "unknown"
FAMILIES: Final[tuple[Family, ...]] = (
    SPRING,
    RETRYABLE,
    BINDER,
    CONNECT,
    STREAMS,
    SHARE,
    SMALLRYE,
    SMALLRYE_RETRY,
    KARAFKA,
    WATERMILL,
    MASSTRANSIT,
    NSERVICEBUS,
)
"""Every family that is known without configuration; a context may declare more."""

_TYPE_MARKS: Final = (b"ype", b"specversion", b"\\u")
"""A body without any of these has no event type."""
_TYPE_NAMES: Final = frozenset(name.casefold() for name in EVENT_TYPE_HEADERS)
_MOST_SHAPES: Final = 2_000
"""Lists of header names whose families are remembered."""
_SMALLRYE_TOPIC: Final = re.compile(r"^dead-letter-topic-|_retry_\d+$")


class Conventions:
    """How letters are recognised and read: the built-in families, and what a context adds to them.

    ``declared`` families win over built-in ones with the same headers; ``groups`` are topic patterns and the consumer
    group that fails into them, where the letter doesn't say; ``topics`` and ``hidden`` are patterns of topics that are,
    and that never are, dead-letter topics; ``read`` reads their events.
    ``strip`` takes off headers what any family adds.
    """

    def __init__(
        self,
        declared: Sequence[Family] = (),
        causes: Causes | None = None,
        groups: Sequence[tuple[str, str]] = (),
        topics: Sequence[str] = (),
        hidden: Sequence[str] = (),
        read: Reader = read_event,
    ) -> None:
        self.read = read
        self.causes = causes or Causes()
        self.hidden = tuple(hidden)
        self.declared = tuple(declared)
        self.topics = (*topics, *(pattern for family in declared for pattern in family.topics))
        self._groups = tuple(groups)
        self._by_topic = tuple((pattern, family) for family in declared for pattern in family.topics)
        self._known: dict[tuple[str, tuple[str, ...]], tuple[Family, ...]] = {}
        self._by_mark: dict[str, Family] = {}
        self.strip = Stripping((*FAMILIES, *declared))
        for family in (*FAMILIES, *declared):
            self._by_mark.update(dict.fromkeys(family.marks, family))

    def known(self, sheet: Sheet) -> tuple[Family, ...]:
        """The families that left headers on the record, the latest first; empty where no family knows it."""
        key = (sheet.topic, tuple([name for name, _value in sheet.headers]))
        remembered = self._known.get(key)
        if remembered is None:
            if len(self._known) >= _MOST_SHAPES:
                self._known.clear()
            remembered = self._known[key] = self._look(sheet)
        return remembered

    def _look(self, sheet: Sheet) -> tuple[Family, ...]:
        marks = self._by_mark
        found: dict[str, Family] = {}
        for name, _value in reversed(sheet.headers):
            if name in marks and marks[name].name not in found:
                found[marks[name].name] = marks[name]
        if not found:
            return tuple(family for pattern, family in self._by_topic if fnmatchcase(sheet.topic, pattern))[:1]
        if len(found) == 1:
            return tuple(found.values())
        is_smallryes = _SMALLRYE_TOPIC.search(sheet.topic) is not None
        return tuple(sorted(found.values(), key=lambda family: family.newest_first is not is_smallryes))

    def group_of(self, sheet: Sheet, known: Sequence[Family]) -> str | None:
        """The consumer group that failed: by the letter's word, else by the context's."""
        recorded = known[0].group(sheet) if known else None
        return recorded or next((group for pattern, group in self._groups if fnmatchcase(sheet.topic, pattern)), None)

    def brief(self, record: Record) -> Brief:
        """As much of the letter as grouping needs."""
        sheet = Sheet.of(record)
        known = self.known(sheet)
        failure = known[0].failure(sheet) if known else Failure()
        return Brief(record, self.group_of(sheet, known), self.causes.cause(failure), self.event_type(sheet))

    @property
    def reads_plainly(self) -> bool:
        """The context names no places of its own where ids stand."""
        return self.read is read_event

    def may_have_type(self, names: Iterable[str]) -> bool:
        """Whether a header of those names may tell the event's type."""
        return not _TYPE_NAMES.isdisjoint(map(str.casefold, names))

    def event_type(self, sheet: Sheet) -> str | None:
        """The type of the event inside: what reading the whole event says, for a fraction of the time where the body or
        a CloudEvents header has it, or nothing does."""
        if not self.reads_plainly:
            return self.read(sheet.record).ids.event_type
        value = sheet.record.value
        if value and not any(mark in value for mark in _TYPE_MARKS):
            value = None
        document = json_object(value) if value else None
        if document is None:
            if raw := sheet.last.get(CE_TYPE):
                return header_text(raw)
            if not self.may_have_type(sheet.last):
                return None
        elif "specversion" not in document and isinstance(found := document.get("eventType"), str) and found:
            return found
        return self.read(sheet.record).ids.event_type

    def origins(self, record: Record) -> tuple[Position, ...]:
        """Where its record stood, hop by hop, as :meth:`decode` says, for a fraction of the time."""
        sheet = Sheet.of(record)
        return _positions(_hops(sheet, self.known(sheet)))

    def decode(self, record: Record) -> Letter:
        """The record as a letter: of the latest family that knows it, else of the family ``unknown``, whose origin
        and cause nobody recorded."""
        sheet = Sheet.of(record)
        known = self.known(sheet)
        group = self.group_of(sheet, known)
        failure = known[0].failure(sheet) if known else Failure()
        path = hop_history(sheet, known, failure, group)
        first = path[0] if path else Hop()
        replay_id = text(sheet.last.get(REPLAY_ID), NAME_CHARACTERS)
        return Letter(
            event=self.read(record),
            family=known[0].name if known else UNKNOWN_FAMILY,
            origin=Origin(first.position, first.timestamp) if first.position else None,
            group=group,
            failure=failure,
            hops=max(len(path), 1) + (replay_id is not None),
            attempts=known[0].attempts(sheet) if known else None,
            replay_id=replay_id,
            replay_of=_position(sheet.last.get(REPLAY_LINK)),
            path=path,
            origins=_positions(path),
            cause=self.causes.cause(failure),
            is_bare=bool(known) and known[0].may_be_bare and record.key is None and record.value is None,
        )


def _hops(sheet: Sheet, known: Sequence[Family]) -> list[Hop]:
    return [hop for family in reversed(known) for hop in family.path(sheet)][-MOST_HOPS:]


def _positions(path: Iterable[Hop]) -> tuple[Position, ...]:
    return tuple(hop.position for hop in path if hop.position is not None)


def hop_history(sheet: Sheet, known: Sequence[Family], failure: Failure, group: str | None) -> tuple[Hop, ...]:
    """Every hop that any family tells of, the oldest first; the last one also has what the letter as a whole says."""
    if not known:
        return ()
    hops = _hops(sheet, known)
    hops[-1] = replace(
        hops[-1],
        group=group or hops[-1].group,
        exception_class=failure.cause_class or failure.exception_class or hops[-1].exception_class,
        message=failure.message or hops[-1].message,
        attempts=known[0].attempts(sheet) or hops[-1].attempts,
    )
    return tuple(hops)


BUILT_IN: Final = Conventions()


def decode(record: Record) -> Letter:
    """The record as a letter, by the built-in families alone."""
    return BUILT_IN.decode(record)


strip: Final = Stripping(FAMILIES)
"""The headers without every built-in family's error headers, replication markers, and what an earlier replay added.

Left on, they make consumers give up at once (retry counters), stop replication, or tell of a failure that is over. The
chain stays: ids, ``traceparent``, ``baggage``."""

ORIGINAL_TIMESTAMP: Final = "eventops-original-timestamp"
"""When the origin was appended (RFC 3339); a replayed record has the time of its replay."""


def _position(raw: bytes | None) -> Position | None:
    try:
        position = Position.parse((raw or b"").decode("ascii", "replace"))
    except ValueError:
        return None
    return position if topic_name(position.topic.encode()) else None
