"""Polls of one group as a table row writes them: (second, committed, end), optionally with the log's start."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from eventops.events import Partition
from eventops.lag import rules
from eventops.lag.history import History
from eventops.lag.model import AgeMethod, GroupLag, LagAge, LagReport, PartitionOffsets
from eventops.lag.tracks import Terms
from eventops.ports import Coverage, Group, Member

START = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
HERE = Partition("orders", 0)
NO_AGE = LagAge(None, AgeMethod.UNKNOWN, "no record could be read")

Poll = tuple[int, int | None, int] | tuple[int, int | None, int, int]


def report(
    second: int,
    *stands: tuple[int | None, int, int],
    held: bool = True,
    group: str = "billing",
    topic_id: str | None = None,
) -> LagReport:
    """One poll; ``stands`` are committed, end and start, a partition each."""
    member = Member("m", "worker-1", "/10.0.0.1", tuple(Partition("orders", number) for number in range(len(stands))))
    partitions = [
        rules.partition_lag(
            PartitionOffsets(Partition("orders", number), start, committed, end, topic_id=topic_id),
            None if committed == end else NO_AGE,
            "worker-1" if held else None,
        )
        for number, (committed, end, start) in enumerate(stands)
    ]
    told = Group(group, "classic", "stable" if held else "empty", (member,) if held else ())
    found = rules.group_lag(told, partitions)
    return LagReport(START + timedelta(seconds=second), "c", (found,), Coverage(len(stands), len(stands)))


def watched(polls: Iterable[Poll], *, held: bool = True, terms: Terms | None = None) -> GroupLag:
    """The group after all of the polls of its one partition."""
    history = History(terms)
    (found,) = [history.add(report(p[0], (p[1], p[2], p[3] if len(p) > 3 else 0), held=held)) for p in polls][-1].groups
    return found
