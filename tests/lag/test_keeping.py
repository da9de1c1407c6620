"""When retention may take what waits: by age at once, by size after polls, and what nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from eventops.lag import keeping
from eventops.lag.check import Limits, Outcome, judged
from eventops.lag.model import AgeMethod, GroupLag, LagAge, Rate
from tests.lag.polls import report

HOUR = "3600000"


def waiting(age: float | None) -> GroupLag:
    """Ten wait on one partition, the oldest for so long; nothing on the other."""
    (group,) = report(0, (10, 20, 0), (5, 5, 0)).groups
    told = LagAge(age, AgeMethod.MESSAGE) if age is not None else LagAge(None, AgeMethod.UNKNOWN, "not asked")
    return replace(group, partitions=(changed(group.partitions[0], age=told), group.partitions[1]))


@pytest.mark.parametrize(
    ("age", "settings", "until_lost", "value", "is_known", "why"),
    [
        (600, {"retention.ms": HOUR}, None, 3000, True, "it is ten minutes old and kept for an hour"),
        (9000, {"retention.ms": HOUR}, None, 0, True, "it may go at any moment"),
        (None, {"retention.ms": HOUR}, None, None, False, "how old it is isn't known"),
        (600, {"retention.ms": "-1"}, None, None, True, "kept for ever"),
        (600, {"retention.ms": HOUR, "cleanup.policy": "compact"}, None, None, True, "compaction takes no last record"),
        (600, {"retention.ms": HOUR, "cleanup.policy": "compact,delete"}, None, 3000, True, "both"),
        (600, {"retention.ms": HOUR, "retention.bytes": "9"}, None, 3000, False, "by size it takes polls"),
        (600, {"retention.ms": HOUR, "retention.bytes": "9"}, Rate(60), 60, True, "the sooner of both"),
        (600, None, None, None, False, "the configuration may not be read"),
    ],
)
def test_when_what_waits_may_be_lost(
    age: float | None,
    settings: dict[str, str] | None,
    until_lost: Rate | None,
    value: float | None,
    is_known: bool,
    why: str,
) -> None:
    group = replace(waiting(age), until_lost=until_lost)
    told = {} if settings is None else {"orders": settings}
    found = keeping.until_lost(group, told)
    assert found.value == value, why
    assert (found.reason is None or found.is_never) == is_known, why
    expected = Outcome.FINE if is_known else Outcome.UNKNOWN
    expected = Outcome.BREACHED if value is not None and value < 100 else expected
    assert judged(group, Limits(min_retention=100), 60.0, told).outcome is expected, why


def test_nothing_that_waits_can_not_be_lost() -> None:
    (group,) = report(0, (5, 5, 0)).groups
    assert judged(group, Limits(min_retention=1e9)).outcome is Outcome.FINE
