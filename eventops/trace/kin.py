"""Whom a chain's causes and effects are, beyond its correlation id."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from eventops.events import Event, Record
from eventops.trace.identifiers import Identifier, spelt

_TOKEN: Final = re.compile(rb"[\w.:@~-]+")
_PLAIN: Final = re.compile(r"[\w.:@~-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kin:
    """``causes``: ids that the chain names and doesn't hold; ``ids``: those it holds, which others may name."""

    causes: frozenset[str]
    ids: frozenset[str]
    tokens: frozenset[bytes]
    odd: tuple[Identifier, ...]

    @classmethod
    def of(cls, chain: Collection[Event]) -> Self:
        """Of a chain's events."""
        ids = frozenset(event.ids.event_id for event in chain if event.ids.event_id)
        causes = frozenset(event.ids.causation_id for event in chain if event.ids.causation_id) - ids
        plain = {text for text in ids | causes if _PLAIN.fullmatch(text)}
        odd = tuple(Identifier.of(text) for text in sorted((ids | causes) - plain))
        return cls(causes, ids, frozenset(map(spelt, plain)), odd)

    @property
    def sought(self) -> tuple[bytes, ...]:
        """What a search looks for: every record that :meth:`may_be_in` holds one of these."""
        return (*sorted(self.tokens), *(needle for identifier in self.odd for needle in identifier.sought))

    def may_be_in(self, record: Record) -> bool:
        """Whether decoding it is worth it. Any number of ids costs the same: the record's words are looked up.

        >>> from eventops.events import Position
        >>> kin = Kin(frozenset(), frozenset({"e-1"}), frozenset({b"e-1"}), ())
        >>> kin.may_be_in(Record(Position("t", 0, 0), None, None, b'{"causationId":"e-1"}'))
        True
        """
        held = b"\0".join([record.value or b"", *(value for _, value in record.headers if value is not None)])
        words = _TOKEN.findall(held)
        return not self.tokens.isdisjoint(words) or any(identifier.may_be_in(record) for identifier in self.odd)

    def includes(self, event: Event) -> bool:
        """It caused an event of the chain, or one of the chain caused it."""
        return event.ids.event_id in self.causes or event.ids.causation_id in self.ids
