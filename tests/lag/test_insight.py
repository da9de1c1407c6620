"""What several partitions come to: unknown is never 0, and known losses are never hidden."""

from __future__ import annotations

import pytest

from eventops.events import Partition
from eventops.lag import insight, judgement, rules
from eventops.lag.document import group_document
from eventops.lag.model import PartitionLag, PartitionOffsets, Verdict
from eventops.ports import Group, Member


def partition(number: int, start: int | None, committed: int | None, end: int | None) -> PartitionLag:
    return rules.partition_lag(PartitionOffsets(Partition("orders", number), start, committed, end), None, None)


LOST = partition(0, 15, 5, 20)
CAUGHT_UP = partition(1, 0, 20, 20)
BEHIND = partition(2, 0, 0, 20)
ABOVE = partition(3, 0, 999, 50)
NEVER = partition(4, 0, None, 20)
UNREAD = partition(5, None, 7, None)


@pytest.mark.parametrize(
    ("partitions", "lost", "why"),
    [
        ([], 0, "nothing there, nothing lost"),
        ([CAUGHT_UP, BEHIND], 0, "every partition is known"),
        ([LOST, CAUGHT_UP], 10, "5 to 14 are gone"),
        ([LOST, NEVER], 10, "at least as many: an unknown neighbour hides no loss"),
        ([CAUGHT_UP, ABOVE], None, "an offset of another log tells nothing"),
        ([NEVER], None, "where a group begins that never committed isn't known"),
        ([UNREAD], None, "the log's bounds weren't read"),
    ],
)
def test_losses_of_several_partitions(partitions: list[PartitionLag], lost: int | None, why: str) -> None:
    found = insight.lost_in_all(partitions)
    assert found.value == lost, why
    assert (found.reason is None) == (lost is not None)


def test_nothing_waits_is_said_only_where_that_is_known() -> None:
    group = group_document(rules.group_lag(Group("billing", "classic", "empty"), [ABOVE]))
    assert group["lost"] is None
    assert "beyond the end" in group["lost_reason"]
    assert "beyond the end" in group["retention_margin_reason"]


def test_a_group_that_is_behind_is_called_so_beside_a_partition_it_never_committed_on() -> None:
    there = Group("billing", "consumer", "stable", (Member("m-1", "c-1", "/127.0.0.1"),))
    group = rules.group_lag(there, [NEVER, BEHIND])
    assert group.verdict is Verdict.BEHIND
    assert judgement.of(group).verdict is Verdict.NOT_ENOUGH_HISTORY, "the worse of the two, as in the other views"
