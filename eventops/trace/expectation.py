"""What a request must lead to, and within which time: the file of ``trace --expect``, and whether a report meets it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final, Self

from eventops.trace.model import DeadLetter, Hop, TraceReport
from eventops.wording import duration, plural

_WITHIN: Final = 30.0
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_LETTERS: Final = ("none", "any")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Events that must appear: at least ``count`` of that type, from that source and in that topic where they are
    named, ``within`` so many seconds of the chain's first event."""

    type: str
    count: int = 1
    source: str | None = None
    topic: str | None = None
    within: float | None = None

    @classmethod
    def of(cls, document: object) -> Self:
        """
        Raises:
            ValueError: it is neither an event type nor an object with one.
        """
        if isinstance(document, str):
            return cls(document)
        named = _object(document, {field.name for field in fields(cls)}, "an event")
        count = named.get("count", 1)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"count is a number from 1 on, not {count!r}")
        texts = {name: named[name] for name in ("type", "source", "topic") if name in named}
        if not all(isinstance(text, str) for text in texts.values()) or not texts.get("type"):
            raise ValueError("an event has a type; its type, source and topic are texts")
        within = seconds(named["within"]) if "within" in named else None
        return cls(count=count, within=within, **texts)

    def missing(self, report: TraceReport) -> str | None:
        """What is missing, in words; None: it is all there."""
        found = [hop for hop in report.events if self._means(hop)]
        in_time = [hop for hop in found if self._is_in_time(hop, report)]
        if len(in_time) >= self.count:
            return None
        late = f", {len(found) - len(in_time)} later than {duration(self.within)}" if len(found) > len(in_time) else ""
        where = f" in {self.topic}" if self.topic else ""
        who = f" from {self.source}" if self.source else ""
        return f"{self.type}{who}{where}: {len(in_time)} of {self.count}{late}"

    def _means(self, hop: Hop) -> bool:
        ids, topic = hop.event.ids, hop.event.position.topic
        return ids.event_type == self.type and self.source in (None, ids.source) and self.topic in (None, topic)

    def _is_in_time(self, hop: Hop, report: TraceReport) -> bool:
        if self.within is None:
            return True
        first = min((moment for one in report.events if (moment := one.event.occurred_at)), default=None)
        at = hop.event.occurred_at
        return first is not None and at is not None and at - first <= timedelta(seconds=self.within)


@dataclass(frozen=True, slots=True)
class Expectation:
    """``within``: seconds the command waits. ``allows_letters``: dead letters don't matter."""

    events: tuple[Wanted, ...]
    within: float = _WITHIN
    allows_letters: bool = False

    @classmethod
    def of(cls, document: object) -> Self:
        """
        >>> Expectation.of({"events": ["order.placed"], "within": "10s"}).within
        10.0

        Raises:
            ValueError: the document isn't as ``docs/reference/expect.md`` says.
        """
        named = _object(document, {"events", "within", "dead_letters"}, "the file")
        events, letters = named.get("events"), named.get("dead_letters", "none")
        if not isinstance(events, list) or not events:
            raise ValueError("`events` is a list of at least one event type")
        if letters not in _LETTERS:
            raise ValueError(f"`dead_letters` is none or any, not {letters!r}")
        within = seconds(named["within"]) if "within" in named else _WITHIN
        return cls(tuple(map(Wanted.of, events)), within, letters == "any")

    def failures(self, report: TraceReport) -> Iterator[str]:
        """What isn't as it must be; nothing: the expectation is met."""
        for wanted in self.events:
            if (missing := wanted.missing(report)) is not None:
                yield missing
        letters = self._open(report)
        if letters:
            causes = ", ".join(sorted({letter.cause_key for letter in letters}))
            yield f"{plural(len(letters), 'dead letter')}: {causes}"

    def is_hopeless(self, report: TraceReport) -> bool:
        """Waiting longer can't mend it: a dead letter doesn't go away."""
        return bool(self._open(report))

    def _open(self, report: TraceReport) -> list[DeadLetter]:
        """Letters that matter, and that nobody put back."""
        held = [letter for hop in report.events for letter in hop.dead_letters if not letter.is_replayed]
        return [] if self.allows_letters else held


def seconds(value: object) -> float:
    """
    >>> [seconds(v) for v in (5, "250ms", "5s", "2m")]
    [5.0, 0.25, 5.0, 120.0]

    Raises:
        ValueError: it is no duration.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|m|h)", value, re.ASCII) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no duration: write 500ms, 30s or 2m")
    return float(found[1]) * _UNITS[found[2]]


def _object(document: object, names: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise ValueError(f"{what} is an object with {', '.join(sorted(names))}")
    if unknown := sorted(str(name) for name in document if name not in names):
        raise ValueError(f"{what} has no {unknown[0]!r}: there are {', '.join(sorted(names))}")
    return document
