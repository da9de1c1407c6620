"""Whom a chain's causes and effects are, beyond its correlation id."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from eventops.events import Event, canonical_id
from eventops.ports import Sought
from eventops.trace.identifiers import Identifier

_PLAIN: Final = re.compile(r"[\w.@~-][\w.:@~-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kin:
    """``causes``: ids that the chain names and doesn't hold; ``ids``: those it holds, which others may name; both in
    the form by which ids are the same."""

    causes: frozenset[str]
    ids: frozenset[str]
    sought: Sought
    """What every record holds that tells of one of them."""

    @classmethod
    def of(cls, chain: Collection[Event]) -> Self | None:
        """Of a chain's events; None: they name nobody. Whatever isn't a word of its own costs a pass an id."""
        held = {event.ids.event_id for event in chain} - {None}
        named = {event.ids.causation_id for event in chain} - {None}
        texts = {text for text in held | named if text}
        plain = {text for text in texts if _PLAIN.fullmatch(text)}
        words = frozenset(word for text in plain for word in _words(text))
        odd = tuple(needle for text in sorted(texts - plain) for needle in Identifier.of(text).sought)
        ids = frozenset(canonical_id(text) for text in held if text)
        causes = frozenset(canonical_id(text) for text in named if text) - ids
        return cls(causes, ids, Sought(odd, words)) if texts else None

    def includes(self, event: Event) -> bool:
        """It caused an event of the chain, or one of the chain caused it."""
        ids = event.ids
        return canonical_id(ids.event_id or "") in self.causes or canonical_id(ids.causation_id or "") in self.ids


def _words(text: str) -> tuple[bytes, ...]:
    """A UUID's notations include a URN, of which it is no word of its own."""
    key = canonical_id(text)
    return (*Identifier.of(text).needles, *([f"urn:uuid:{key}".encode()] if key != text or len(key) == 36 else []))
