"""What to do next, drawn from a seed: the same seed gives the same sequence. Pure, endless.

A journey is one customer's: register, perhaps order, perhaps pay or cancel, perhaps forget the password; all under one
correlation id. Some twenty journeys are under way at any time, so that steps of different customers interleave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count
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

_STRAY_RECORDS = (Kind.INVALID_JSON, Kind.KAFKAJS_EVENT, Kind.MISSING_METADATA, Kind.KAFKAJS_EVENT, Kind.UNKNOWN_TYPE)
"""In turn, so that even a short run has each."""
_STRAY_EVERY = 16
"""Steps; the first comes after half as many."""
_REFUSED_EVERY = 9
"""Customers; the first is the third."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a journey; ``amount`` is an order's total."""

    kind: Kind
    journey: int
    email: str
    correlation_id: str
    amount: float = 0.0


def plan(seed: int, run: str = "") -> Iterator[Step]:
    """An endless sequence of steps. ``run`` stands in every e-mail address and correlation id, so that the same traffic
    can be had twice on one broker without meeting itself.

    >>> from itertools import islice
    >>> list(islice(plan(7), 50)) == list(islice(plan(7), 50))
    True
    """
    draw = Random(seed)  # noqa: S311 -- repeatable on purpose, nothing secret
    under_way: list[list[Step]] = []
    number = 0
    for turn in count():
        if turn % _STRAY_EVERY == _STRAY_EVERY // 2:
            number += 1
            yield _stray(_STRAY_RECORDS[turn // _STRAY_EVERY % len(_STRAY_RECORDS)], number, _name(draw, run))
        elif len(under_way) < _OPEN_JOURNEYS and draw.random() < 0.4:
            number += 1
            first, *rest = _journey(draw, number, _name(draw, run))
            under_way.append(rest)
            yield first
        elif under_way:
            chosen = draw.randrange(len(under_way))
            yield under_way[chosen].pop(0)
            if not under_way[chosen]:
                del under_way[chosen]


def well_formed(steps: Iterator[Step]) -> Iterator[Step]:
    """The same steps without the malformed records."""
    return (step for step in steps if step.kind not in {Kind.INVALID_JSON, Kind.MISSING_METADATA})


def _journey(draw: Random, number: int, name: str) -> list[Step]:
    """Registration first, then at least one step more."""
    domain = REFUSED_DOMAIN if number % _REFUSED_EVERY == 3 else "example.com"
    kinds = [Kind.REGISTER]
    if draw.random() < 0.75:
        kinds += [Kind.PLACE_ORDER, Kind.PAY_ORDER if draw.random() < 0.8 else Kind.CANCEL_ORDER]
    if len(kinds) == 1 or draw.random() < 0.15:
        kinds.append(Kind.PASSWORD_RESET)
    amount = round(draw.uniform(1.0, 250.0), 2)
    return [Step(kind, number, f"customer-{name}@{domain}", f"req-{name}", amount) for kind in kinds]


def _stray(kind: Kind, number: int, name: str) -> Step:
    return Step(kind, number, f"visitor-{name}@example.com", f"req-{name}")


def _name(draw: Random, run: str) -> str:
    return f"{run}{draw.getrandbits(40):010x}"
