"""What is taken off a record that is put back: what failures, replications and earlier replays added to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eventops.dlq.family import Family
from eventops.events import REPLAY_ID, REPLAY_LINK, Headers

MARKERS: Final = (
    "__mskmr*",  # Amazon MSK Replicator: kafbat #1810
    "__replicator_id",  # Confluent Replicator
)
"""A record that carries one is taken for a copy, and isn't replicated again."""
_MOST_SHAPES: Final = 4_000
"""Lists of header names for which it is remembered what is taken off."""


class Stripping:
    """Takes off what some families write. Names that nobody else uses go wherever they are found; names that an event
    may have of its own (``x-original-timestamp``, ``source_topic``) only where that family left its marks.

    >>> from eventops.dlq.decoders_spring import BINDER, SPRING
    >>> strip = Stripping((SPRING, BINDER))
    >>> strip((("kafka_dlt-original-topic", b"t"), ("traceparent", b"00-..."), ("kafka_deliveryAttempt", b"")))
    (('traceparent', b'00-...'),)
    >>> [len(strip((("x-original-timestamp", b"1"), *more))) for more in ((), (("x-original-topic", b"t"),))]
    [1, 0]
    """

    def __init__(self, families: Iterable[Family]) -> None:
        known = tuple(families)
        everywhere = [*MARKERS, REPLAY_ID, REPLAY_LINK]
        everywhere += [name for family in known if not family.has_common_names for name in family.writes]
        self._names = frozenset(name for name in everywhere if not name.endswith("*"))
        self._beginnings = tuple({name[:-1] for name in everywhere if name.endswith("*")})
        self._common = tuple((family.marks, frozenset(family.writes)) for family in known if family.has_common_names)
        self._known: dict[tuple[str, ...], frozenset[str]] = {}

    def __call__(self, headers: Headers) -> Headers:
        """The headers without any of it; what is left keeps its order."""
        names = tuple([header[0] for header in headers])
        taken = self._known.get(names)
        if taken is None:
            if len(self._known) >= _MOST_SHAPES:
                self._known.clear()
            taken = self._known[names] = self._taken(frozenset(names))
        return tuple([header for header in headers if header[0] not in taken]) if taken else headers

    def _taken(self, names: frozenset[str]) -> frozenset[str]:
        taken = names & self._names
        taken |= {name for name in names if name.startswith(self._beginnings)}
        for marks, common in self._common:
            if not marks.isdisjoint(names):
                taken |= names & common
        return taken
