"""Putting groups elsewhere, on a real broker: the plan, the deed, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eventops.errors import EventopsError, GroupInUse, UsageError
from eventops.events import Partition
from eventops.groups.model import Kind, Scope, Target
from eventops.groups.reset import ResetService
from tests.brokers.lab import KafkaLab, outgoing, settled

pytestmark = pytest.mark.broker
NOW = datetime(2026, 1, 15, tzinfo=UTC)
EARLIEST = Target(Kind.EARLIEST, "earliest")
ALL = Scope(all_topics=True)


@pytest.fixture
def home(lab: KafkaLab) -> Partition:
    """Where the group ``billing`` stands at 4 of 6 records; the topic's other partition it never committed on."""
    home = Partition(lab.topic(partitions=2), 0)
    lab.append(home, *(b"%d" % number for number in range(6)))
    lab.commit(lab.name("billing"), {home: 4})
    return home


def test_a_plan_writes_nothing_and_its_execution_is_read_back(lab: KafkaLab, home: Partition) -> None:
    reset, group = ResetService(lab.broker), lab.name("billing")
    plan = reset.plan(group, ALL, EARLIEST, NOW)
    assert [(move.partition.partition, move.before, move.after) for move in plan.moves] == [(0, 4, 0), (1, None, 0)]
    assert [move.record.value if move.record else move.record_reason for move in plan.moves] == [
        b"0",
        "the end of the log",
    ]
    assert dict(lab.broker.committed_offsets([group]).offsets[group]) == {home: 4}
    report = reset.execute(plan)
    assert (report.verified, report.refusals) == (True, {})
    assert dict(lab.broker.committed_offsets([group]).offsets[group]) == {home: 0, Partition(home.topic, 1): 0}


def test_the_record_at_the_new_offset_is_found_behind_markers(lab: KafkaLab, home: Partition) -> None:
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"aborted"))
    producer.abort()
    producer.close()
    settled(lab.broker, home)
    lab.append(home, b"behind the marker")
    (move,) = ResetService(lab.broker).plan(lab.name("billing"), _only(home), Target(Kind.SHIFT, "", 2), NOW).moves
    assert move.after == 6
    assert move.record is not None
    assert (move.record.position.offset, move.record.value) == (8, b"behind the marker")


def test_a_shift_moves_only_what_was_committed(lab: KafkaLab, home: Partition) -> None:
    reset, group = ResetService(lab.broker), lab.name("billing")
    shift = Target(Kind.SHIFT, "shift:-1", -1)
    assert [move.partition for move in reset.plan(group, ALL, shift, NOW).moves] == [home]
    plan = reset.plan(group, Scope({home.topic: None}), shift, NOW)
    assert [(one.partition, "never committed" in one.reason) for one in plan.refused] == [(1, True)]
    with pytest.raises(EventopsError, match="1 partition can't be moved, so nothing was written"):
        reset.execute(plan)


def test_a_group_that_got_members_since_the_plan_is_refused(lab: KafkaLab, home: Partition) -> None:
    reset, group = ResetService(lab.broker), lab.name("billing")
    plan = reset.plan(group, ALL, EARLIEST, NOW)
    with lab.member(group, home.topic, client_id="worker-1"):
        with pytest.raises(GroupInUse, match=r"has 1 member \(worker-1 at /127.0.0.1\): stop its consumers"):
            reset.execute(plan)
        assert "has 1 member" in reset.plan(group, ALL, EARLIEST, NOW).warnings[0]
    assert dict(lab.broker.committed_offsets([group]).offsets[group]) == {home: 4}


def test_a_group_that_committed_since_the_plan_is_refused(lab: KafkaLab, home: Partition) -> None:
    reset, group = ResetService(lab.broker), lab.name("billing")
    plan = reset.plan(group, ALL, EARLIEST, NOW)
    lab.commit(group, {home: 5})
    with pytest.raises(EventopsError, match="committed since this plan was made"):
        reset.execute(plan)
    assert dict(lab.broker.committed_offsets([group]).offsets[group]) == {home: 5}


def test_a_group_that_is_not_there_comes_to_be_only_when_asked(lab: KafkaLab, home: Partition) -> None:
    reset, fresh = ResetService(lab.broker), lab.name("fresh")
    with pytest.raises(EventopsError, match="add --create"):
        reset.plan(fresh, _only(home), EARLIEST, NOW)
    plan = reset.plan(fresh, _only(home), Target(Kind.LATEST, "latest"), NOW, create=True)
    assert not lab.broker.groups([fresh]).groups
    lab.forget(fresh)
    assert reset.execute(plan).verified
    assert dict(lab.broker.committed_offsets([fresh]).offsets[fresh]) == {home: 6}


def test_a_purged_log_and_an_open_transaction_are_told(lab: KafkaLab, home: Partition) -> None:
    reset, group = ResetService(lab.broker), lab.name("billing")
    lab.cut(home, before=2)
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"held", b"back"))
    (move,) = reset.plan(group, _only(home), Target(Kind.OFFSET, "offset:0", 0), NOW).moves
    assert (move.after, move.note) == (2, "0 is below the start of the log: moved up to 2")
    plan = reset.plan(group, _only(home), Target(Kind.LATEST, "latest"), NOW)
    assert (plan.moves[0].after, plan.moves[0].record_reason) == (8, "the end of the log")
    assert "open transactions hold back 2 offsets" in plan.warnings[0]
    (move,) = reset.plan(group, _only(home), Target(Kind.OFFSET, "offset:6", 6), NOW).moves
    assert move.record_reason == "held back by an open transaction"
    producer.abort()
    producer.close()


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        (Scope({"nowhere": None}), "nowhere can't be moved, there is no such topic"),
        (Scope({"orders": (0, 7)}), "orders.*:7 can't be moved, it has partitions 0 to 1"),
    ],
)
def test_what_is_named_and_not_there_is_a_usage_error(lab: KafkaLab, home: Partition, scope: Scope, why: str) -> None:
    named = Scope({lab.name(topic) if topic == "orders" else topic: numbers for topic, numbers in scope.topics.items()})
    with pytest.raises(UsageError, match=why):
        ResetService(lab.broker).plan(lab.name("billing"), named, EARLIEST, NOW)


def test_a_file_s_rows_that_are_not_there_are_all_told(lab: KafkaLab, home: Partition) -> None:
    offsets = {home: 3, Partition(home.topic, 5): 0, Partition("nowhere", 0): 0}
    plan = ResetService(lab.broker).plan(lab.name("billing"), Scope(), Target(Kind.FILE, "", offsets=offsets), NOW)
    assert [move.after for move in plan.moves] == [3]
    assert [one.reason for one in plan.refused] == ["there is no such topic", "it has partitions 0 to 1"]


def test_what_helps_a_plan_that_cannot_be_done_fits_its_target(lab: KafkaLab, home: Partition) -> None:
    """A file says itself what to move: --topic is refused beside it."""
    reset, group = ResetService(lab.broker), lab.name("billing")
    target = Target(Kind.FILE, "file:plan.csv", offsets={home: 1, Partition(home.topic, 9): 1})
    with pytest.raises(EventopsError) as refused:
        reset.execute(reset.plan(group, Scope(), target, NOW))
    assert refused.value.remedy == "correct the file"


def _only(home: Partition) -> Scope:
    return Scope({home.topic: (home.partition,)})
