"""What is said of topics whose replicas lag or are lost, and of groups that read them."""

from __future__ import annotations

from datetime import UTC, datetime

from eventops.cli.topics import _health
from eventops.events import Partition, Position, Record
from eventops.ports import Bounds, Coverage, Gap, Group, LogBounds, Member, Placement, Range, Topic
from eventops.topics import rules
from eventops.topics.document import document
from eventops.topics.model import TopicsReport, Waiting

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
TOPIC = Topic(
    "orders",
    "id",
    (0, 1, 2),
    leaderless=(2,),
    placements=(
        Placement(0, leader=1, replicas=(1, 2, 3), in_sync=(1, 2, 3)),
        Placement(1, leader=3, replicas=(2, 3, 1), in_sync=(3, 1)),  # 2 is behind or down
        Placement(2, leader=None, replicas=(2,), in_sync=()),  # its only replica is down
    ),
)
LOG = LogBounds(start=4, high_watermark=10, last_stable=9)
BOUNDS = Bounds(
    {Partition("orders", 0): LOG, Partition("orders", 1): LogBounds(0, 0, 0)}, (Gap("orders", 2, "no leader"),)
)


def test_lost_replicas_are_told_partition_by_partition() -> None:
    summary = rules.summary(TOPIC, BOUNDS, {}, ())
    assert (summary.replication_factor, summary.under_replicated, summary.offline) == (3, (1, 2), (2,))
    assert [span.reason for span in summary.partitions] == [None, None, "it has no leader"]
    assert summary.span is None, "one partition didn't answer: the sum isn't known"
    told = document(TopicsReport(NOON, (summary,), Coverage(3, 2)))["topics"][0]
    assert _health(told) == "x3, 1 offline, 2 under"


def test_a_reader_has_the_lag_that_the_lag_room_tells_or_the_reason_why_not() -> None:
    billing = Group("billing", "classic", "stable", (Member("m", "c", "h", (Partition("orders", 0),)),))
    found = rules.reader(billing, "orders", Waiting(3, None))
    assert (found.members, found.lag, found.reason) == (1, 3, None)
    found = rules.reader(billing, "payments", Waiting(None, "1 of 3 partitions not read"))
    assert (found.members, found.lag, found.reason) == (0, None, "1 of 3 partitions not read")
    assert rules.reader(billing, "orders", None).reason is not None


def test_ages_come_from_the_ends_of_the_log_and_from_nowhere_else() -> None:
    home = Partition("orders", 0)
    ends = [Range(home, 0, 2), Range(home, 8, 10)]
    moments = {offset: NOON.replace(second=offset) for offset in (1, 5, 8, 9)}
    records = [Record(Position("orders", 0, offset), at, None, None) for offset, at in moments.items()]
    found = rules.ages(records, ends)
    assert (found.first, found.last) == ({0: moments[1]}, {0: moments[9]})
    assert rules.ages(records[1:2], ends).first == {}
