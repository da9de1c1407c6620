"""Rates and the time to catch up, from two snapshots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from eventops.events import Partition
from eventops.lag import rules
from eventops.lag.model import LagReport, PartitionOffsets
from eventops.lag.pace import NEVER, ONE_SNAPSHOT, pace
from eventops.ports import Coverage, Group, Member

START = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "rate_in", "rate_out", "eta", "why"),
    [
        ((0, 100), (200, 200), 10.0, 20.0, 0.0, "caught up"),
        ((0, 100), (100, 150), 5.0, 10.0, 10.0, "50 wait, 5 a second are gained"),
        ((0, 100), (50, 150), 5.0, 5.0, None, "as many come as are consumed"),
        ((0, 100), (0, 150), 5.0, 0.0, None, "nothing is consumed"),
        ((100, 100), (0, 100), 0.0, None, None, "the offsets were set back"),
        ((0, 100), (0, 50), None, 0.0, None, "the log was made anew"),
        ((None, 100), (50, 100), 0.0, None, None, "where it began isn't known"),
    ],
)
def test_pace(
    before: tuple[int | None, int],
    after: tuple[int | None, int],
    rate_in: float | None,
    rate_out: float | None,
    eta: float | None,
    why: str,
) -> None:
    later = report(10, *after)
    found = pace(report(0, *before), later, later.groups[0])
    assert (found.rate_in.value, found.rate_out.value, found.eta.value) == (rate_in, rate_out, eta), why
    for rate in (found.rate_in, found.rate_out, found.eta):
        assert (rate.value is None) == (rate.reason is not None)


def test_never_is_said() -> None:
    later = report(10, 0, 150)
    assert pace(report(0, 0, 100), later, later.groups[0]).eta.reason == NEVER


def test_one_snapshot_has_no_pace() -> None:
    only = report(0, 0, 100)
    assert pace(None, only, only.groups[0]).rate_in.reason == ONE_SNAPSHOT


def report(second: int, committed: int | None, end: int) -> LagReport:
    offsets = PartitionOffsets(Partition("orders", 0), 0, committed, end)
    group = Group("billing", "classic", "stable", (Member("m", "c", "/127.0.0.1"),))
    judged = rules.group_lag(group, [rules.partition_lag(offsets, None, None)])
    return LagReport(START + timedelta(seconds=second), "c", (judged,), Coverage(1, 1))
