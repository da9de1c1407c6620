"""How letters of a topic are recognised: which family knows how many, what they tell, and which of their headers nobody
knows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from eventops.dlq.families import FAMILIES, Conventions
from eventops.dlq.family import Family
from eventops.dlq.model import Letter
from eventops.ports import Coverage

_MOST_NAMES = 200
"""Names of headers that are counted; anybody may write any."""


@dataclass(slots=True)
class Recognised:
    """One family's letters. ``headers`` are those that a replay would keep: the event's own, and what isn't known."""

    family: str
    letters: int = 0
    with_origin: int = 0
    with_group: int = 0
    with_cause: int = 0
    headers: Counter[str] = field(default_factory=Counter)
    example: str = ""

    def add(self, letter: Letter, conventions: Conventions) -> None:
        """One more."""
        self.letters += 1
        self.with_origin += letter.origin is not None
        self.with_group += letter.group is not None
        failure = letter.failure
        self.with_cause += any((failure.exception_class, failure.cause_class, failure.message, failure.stack))
        for name in {name for name, _value in conventions.strip(letter.record.headers)}:
            if name in self.headers or len(self.headers) < _MOST_NAMES:
                self.headers[name] += 1
        self.example = str(letter.position)


@dataclass(frozen=True, slots=True)
class Recognition:
    """Of one topic, most letters first."""

    topic: str
    families: tuple[Recognised, ...]
    coverage: Coverage


def recognised(letters: Iterable[Letter], conventions: Conventions) -> tuple[Recognised, ...]:
    """Most letters first."""
    found: dict[str, Recognised] = {}
    for letter in letters:
        found.setdefault(letter.family, Recognised(letter.family)).add(letter, conventions)
    return tuple(sorted(found.values(), key=lambda one: (-one.letters, one.family)))


def recognition_document(found: Recognition) -> dict[str, Any]:
    """The JSON that ``docs/reference/schemas`` describes."""
    return {
        "topic": found.topic,
        "families": [
            {
                "family": one.family,
                "letters": one.letters,
                "with_origin": one.with_origin,
                "with_group": one.with_group,
                "with_cause": one.with_cause,
                "other_headers": [{"name": name, "letters": number} for name, number in one.headers.most_common()],
                "example": one.example,
            }
            for one in found.families
        ],
        "coverage": found.coverage.document(),
    }


def families_document(context: str, declared: Iterable[Family]) -> dict[str, Any]:
    """Every family that is known, the context's own first."""
    own = [_family(family, "context") for family in declared]
    return {"context": context, "families": own + [_family(family, "built in") for family in FAMILIES]}


def _family(family: Family, source: str) -> dict[str, Any]:
    return {
        "family": family.name,
        "source": source,
        "known_by": sorted(family.marks),
        "topics": list(family.topics),
        "newest_first": family.newest_first,
        "taken_off": list(family.writes),
    }
