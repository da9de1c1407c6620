"""Whom a chain's causes and effects are, beyond its correlation id."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from eventops.events import Event, canonical_id
from eventops.ports import Sought
from eventops.trace.identifiers import Identifier
from eventops.trace.spellings import spelt

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
        held = {text for event in chain if (text := event.ids.event_id)}
        named = {text for event in chain if (text := event.ids.causation_id)}
        texts = held | named
        plain = {text for text in texts if _PLAIN.fullmatch(text)}
        words = frozenset(word for text in plain for word in _words(text))
        odd = tuple(needle for text in sorted(texts - plain) for needle in Identifier.of(text).sought)
        ids = frozenset(map(canonical_id, held))
        causes = frozenset(map(canonical_id, named)) - ids
        return cls(causes, ids, Sought(odd, words)) if texts else None

    def includes(self, event: Event) -> bool:
        """It caused an event of the chain, or one of the chain caused it."""
        ids = event.ids
        return canonical_id(ids.event_id or "") in self.causes or canonical_id(ids.causation_id or "") in self.ids


def _words(text: str) -> tuple[bytes, ...]:
    """A UUID's notations, and its URN, of which it is no word of its own; any other id has one."""
    meant = Identifier.of(text)
    return (*meant.needles, spelt(f"urn:uuid:{meant.key}")) if len(meant.needles) > 1 else meant.needles
