"""What to do next, drawn from a seed: the same seed gives the same sequence. Pure, endless.

A journey is one customer's: register, perhaps order, perhaps pay or cancel, perhaps forget the password; all under one
correlation id. Some twenty journeys are under way at any time, so that steps of different customers interleave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random

REFUSED_DOMAIN = "refused.example"
_OPEN_JOURNEYS = 20


class Kind(Enum):
    """One thing that someone does."""

    REGISTER = "register"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    PLACE_ORDER = "place_order"
    PAY_ORDER = "pay_order"
    CANCEL_ORDER = "cancel_order"
    INVALID_JSON = "invalid_json"
    MISSING_METADATA = "missing_metadata"
    KAFKAJS_EVENT = "kafkajs_event"
    UNKNOWN_TYPE = "unknown_type"


BY_HTTP = frozenset(
    {Kind.REGISTER, Kind.PASSWORD_RESET, Kind.PLACE_ORDER, Kind.PAY_ORDER, Kind.CANCEL_ORDER},
)
"""The rest are records produced straight to ``user-events``."""

_STRAY_RECORDS = {Kind.INVALID_JSON: 3, Kind.MISSING_METADATA: 2, Kind.KAFKAJS_EVENT: 4, Kind.UNKNOWN_TYPE: 2}
"""How often each, among themselves."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a journey; ``amount`` is an order's total."""

    kind: Kind
    journey: int
    email: str
    correlation_id: str
    amount: float = 0.0


def plan(seed: int) -> Iterator[Step]:
    """An endless sequence of steps.

    >>> from itertools import islice
    >>> list(islice(plan(7), 50)) == list(islice(plan(7), 50))
    True
    """
    draw = Random(seed)  # noqa: S311 -- repeatable on purpose, nothing secret
    under_way: list[list[Step]] = []
    number = 0
    while True:
        if draw.random() < 0.06:
            number += 1
            yield _stray(draw, number)
        elif len(under_way) < _OPEN_JOURNEYS and draw.random() < 0.4:
            number += 1
            first, *rest = _journey(draw, number)
            under_way.append(rest)
            yield first
        elif under_way:
            chosen = draw.randrange(len(under_way))
            yield under_way[chosen].pop(0)
            if not under_way[chosen]:
                del under_way[chosen]


def _journey(draw: Random, number: int) -> list[Step]:
    """Registration first, then at least one step more."""
    domain = REFUSED_DOMAIN if draw.random() < 0.08 else "example.com"
    email = f"customer{number}.{draw.getrandbits(24):06x}@{domain}"
    correlation_id = f"req-{draw.getrandbits(48):012x}"
    kinds = [Kind.REGISTER]
    if draw.random() < 0.75:
        kinds += [Kind.PLACE_ORDER, Kind.PAY_ORDER if draw.random() < 0.8 else Kind.CANCEL_ORDER]
    if len(kinds) == 1 or draw.random() < 0.15:
        kinds.append(Kind.PASSWORD_RESET)
    amount = round(draw.uniform(1.0, 250.0), 2)
    return [Step(kind, number, email, correlation_id, amount) for kind in kinds]


def _stray(draw: Random, number: int) -> Step:
    kind = draw.choices(list(_STRAY_RECORDS), list(_STRAY_RECORDS.values()))[0]
    return Step(kind, number, f"visitor{number}@example.com", f"req-{draw.getrandbits(48):012x}")
