"""Groups and what stands around their offsets, as a real broker tells it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eventops.errors import EventopsError, Unsupported
from eventops.events import Partition
from eventops.groups.model import Kind, Scope, Surroundings, Target
from eventops.groups.reset import ResetService
from eventops.groups.service import GroupService
from tests.brokers.lab import KafkaLab, eventually, outgoing, settled

pytestmark = pytest.mark.broker
NOW = datetime(2026, 1, 15, tzinfo=UTC)


def test_a_glob_finds_groups_with_their_topics(lab: KafkaLab) -> None:
    topic, other, group = lab.topic(partitions=2), lab.topic("refunds"), lab.name("billing")
    lab.commit(group, {Partition(topic, 0): 0, Partition(other, 0): 0})
    (found,) = GroupService(lab.broker).list([f"*{group[-10:]}"], NOW).groups
    assert (found.group.group_id, found.topics, found.members) == (group, (topic, other), 0)
    report = GroupService(lab.broker).list([f"*{group[-10:]}", lab.name("nobody")], NOW)
    assert [(gap.subject, gap.reason) for gap in report.coverage.gaps] == [(lab.name("nobody"), "no such group")]
    assert found.group.coordinator == lab.properties["bootstrap.servers"]


def test_a_member_owns_what_it_was_given(lab: KafkaLab) -> None:
    topic, gone, group = lab.topic(partitions=2), lab.topic("refunds"), lab.name("billing")
    lab.commit(group, {Partition(topic, 0): 0, Partition(gone, 0): 0})
    with lab.member(group, topic, client_id="worker-1", group_instance_id="w1"):
        report = GroupService(lab.broker).show(group, NOW)
    assert [(p.partition.topic, p.committed, p.owner.client_id if p.owner else None) for p in report.places] == [
        (topic, 0, "worker-1"),
        (topic, None, "worker-1"),
        (gone, 0, None),
    ]
    assert report.unowned == (Partition(gone, 0),)
    assert (report.group.members[0].instance_id, report.group.assignor) == ("w1", "range")


def test_a_share_group_has_members_and_a_start_instead_of_committed_offsets(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("workers")
    lab.append(home, b"a", b"b")
    with lab.share_member(group, home.topic) as consumer:

        def is_assigned() -> bool:
            consumer.poll(0.1)
            return any(member.assigned for told in lab.broker.groups([group]).groups for member in told.members)

        eventually(is_assigned)
        report = GroupService(lab.broker).show(group, NOW)
        (listed,) = GroupService(lab.broker).list([group], NOW).groups
    assert (report.group.type, [member.assigned for member in report.group.members]) == ("share", [(home,)])
    assert report.coverage.complete
    assert (listed.members, listed.topics) == (1, (home.topic,))
    with pytest.raises(Unsupported, match="type share"):
        ResetService(lab.broker).plan(group, Scope(all_topics=True), Target(Kind.EARLIEST, "earliest"), NOW)


def test_a_group_that_is_not_there_is_met_halfway(lab: KafkaLab) -> None:
    topic, group = lab.topic(), lab.name("billing")
    lab.commit(group, {Partition(topic, 0): 0})
    with pytest.raises(EventopsError, match=f"did you mean .*{group}"):
        GroupService(lab.broker).show(group[:-1], NOW)
    with pytest.raises(EventopsError, match="there is no group"):
        GroupService(lab.broker).list([f"{group}-x*"], NOW)
    with pytest.raises(EventopsError, match="no position there"):
        GroupService(lab.broker).peek(group, NOW, topics=["elsewhere"])


def test_the_records_before_and_after_are_found_past_markers_and_aborted_ones(lab: KafkaLab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, b"a", b"b")
    producer = lab.broker.transactional_producer(lab.name("writer"))
    for _ in range(10):
        producer.begin()
        producer.append(outgoing(home, b"aborted", b"aborted"))
        producer.abort()
    settled(lab.broker, home)
    producer.begin()
    producer.append(outgoing(home, b"c"))
    producer.commit()
    producer.close()
    assert settled(lab.broker, home) == 34
    found = _peek(lab, home, committed=20)
    assert [record.value for record in found.before] == [b"a", b"b"]
    assert [(record.position.offset, record.value) for record in found.after] == [(32, b"c")]
    assert found.notes == (
        "no record at offsets 2 to 19: transaction markers, aborted or compacted",
        "no record at offsets 20 to 31: transaction markers, aborted or compacted",
    )
    (end,) = _peek(lab, home, committed=33).notes
    assert end == "no record at offset 33: a transaction marker, aborted or compacted"


def test_a_purged_range_is_said(lab: KafkaLab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, *(b"%d" % number for number in range(8)))
    lab.cut(home, before=4)
    found = _peek(lab, home, committed=1)
    assert (found.before, [record.value for record in found.after]) == ((), [b"4", b"5"])
    assert found.notes == ("offsets 1 to 3 are no longer kept: 3 offsets of it can't be read",)
    found = _peek(lab, home, committed=5)
    assert [record.value for record in found.before] == [b"4"]


def test_an_open_transaction_is_said_and_not_waited_for(lab: KafkaLab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, b"a", b"b")
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"held", b"back"))
    found = _peek(lab, home, committed=1)
    assert [record.value for record in (*found.before, *found.after)] == [b"a", b"b"]
    assert found.notes == ("an open transaction holds back 2 offsets from 2 on",)
    producer.abort()
    producer.close()


def test_what_there_is_to_say_where_nothing_stands(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(partitions=2), 0), lab.name("billing")
    lab.append(home, b"a")
    assert _peek(lab, home, committed=1).notes == ("nothing waits: this is the end of the log",)
    assert "beyond the end 1" in _peek(lab, home, committed=40).notes[0]
    report = GroupService(lab.broker).peek(group, NOW, partition=1)
    assert "never committed here" in report.partitions[0].notes[0]
    assert report.coverage.complete


def _peek(lab: KafkaLab, home: Partition, committed: int) -> Surroundings:
    lab.commit(lab.name("billing"), {home: committed})
    report = GroupService(lab.broker).peek(lab.name("billing"), NOW, partition=0, each=2)
    assert report.coverage.complete
    return report.partitions[0]
