"""Each state of a partition and each kind of group, as a real broker brings them about."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.events import Partition
from eventops.lag.document import document
from eventops.lag.model import AgeMethod, GroupLag, GroupSelection, LagReport, Standing, Verdict
from eventops.lag.service import LagService
from eventops.ports import Committed
from tests.brokers.lab import DEADLINE, KafkaLab, eventually, outgoing, settled
from tests.contracts import keeps_its_contract

pytestmark = pytest.mark.broker


def test_an_open_transaction_is_told_with_its_age(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a", b"b")
    lab.commit(group, {home: 2})
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"c", b"d", b"e"))
    report = snapshot(lab, group, after=timedelta(minutes=20))
    (partition,) = only(report).partitions
    assert (partition.offsets.last_stable, partition.offsets.log_end, partition.offsets.held_back) == (2, 5, 3)
    assert partition.held_back is not None
    assert partition.held_back.seconds == pytest.approx(1200, abs=60)
    assert partition.held_back.method is AgeMethod.MESSAGE
    told = document(report)
    keeps_its_contract(told, "lag")
    assert (told["groups"][0]["held_back"], told["groups"][0]["held_back_seconds"]) == (3, partition.held_back.seconds)
    producer.abort()
    producer.close()
    settled(lab.broker, home)
    told = document(snapshot(lab, group))["groups"][0]["partitions"][0]
    assert (told["held_back"], told["held_back_seconds"]) == (0, 0.0)


def test_a_topic_deleted_between_two_questions_is_told_and_no_gap(lab: KafkaLab) -> None:
    kept, lost, group = Partition(lab.topic(), 0), Partition(lab.topic("payments"), 0), lab.name("billing")
    for home in (kept, lost):
        lab.append(home, b"a", b"b")
    lab.commit(group, {kept: 1, lost: 1})

    class DeletedMeanwhile(KafkaBroker):
        def committed_offsets(self, groups: Collection[str]) -> Committed:
            found = super().committed_offsets(groups)
            lab.delete(lost.topic)
            return found

    broker = DeletedMeanwhile(lab.properties)
    report = LagService(broker).snapshot(GroupSelection((group,)), datetime.now(UTC))
    broker.close()
    keeps_its_contract(document(report), "lag")
    assert {p.partition: (p.standing, p.lag) for p in only(report).partitions} == {
        kept: (Standing.BEHIND, 1),
        lost: (Standing.TOPIC_DELETED, None),
    }
    assert only(report).reason == "1 of 2 partitions of a deleted topic; the others are 1 behind"
    assert report.coverage.complete


def test_a_topic_made_anew_has_another_id_and_no_commit(lab: KafkaLab) -> None:
    """The broker forgets what was committed on a topic that is deleted; what follows is another log."""
    topic, group = lab.topic(), lab.name("billing")
    home, other = Partition(topic, 0), Partition(lab.topic("payments"), 0)
    lab.append(home, *(b"%d" % number for number in range(5)))
    lab.commit(group, {home: 5, other: 0})
    before = {p.partition: p.offsets for p in only(snapshot(lab, group)).partitions}
    lab.delete(topic)
    eventually(lambda: home not in lab.broker.committed_offsets([group]).offsets[group])
    assert lab.topic() == topic
    lab.append(home, b"new")
    with lab.member(group, topic):
        after = {p.partition: p for p in only(snapshot(lab, group)).partitions}
    assert before[home].topic_id != after[home].offsets.topic_id
    assert before[other].topic_id == after[other].offsets.topic_id
    assert (after[home].standing, after[home].lag) == (Standing.NEVER_COMMITTED, None)


def test_an_offset_of_a_later_leader_than_there_ever_was_is_of_another_log(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, *(b"%d" % number for number in range(5)))
    lab.commit(group, {home: 3})
    request = ConsumerGroupTopicPartitions(group, [TopicPartition(home.topic, 0, 3, leader_epoch=7)])
    lab.admin.alter_consumer_group_offsets([request], request_timeout=DEADLINE)[group].result(DEADLINE)
    found = only(snapshot(lab, group))
    assert (found.verdict, found.lag) == (Verdict.TOPIC_RECREATED, None)


def test_a_share_group_is_as_far_behind_as_its_broker_counts(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("workers")
    lab.append(home, b"a", b"b", b"c")
    with lab.share_member(group, home.topic) as consumer:
        eventually(lambda: not consumer.poll(0.1) and home in lab.broker.share_progress([group]).shares[group])
        found = only(snapshot(lab, group))
    assert (found.type, found.verdict, found.lag, len(found.members)) == ("share", Verdict.CAUGHT_UP, 0, 1)
    lab.append(home, b"d", b"e")
    report = snapshot(lab, group)
    keeps_its_contract(document(report), "lag")
    assert (only(report).verdict, only(report).lag) == (Verdict.INACTIVE, 2)
    assert only(report).age.reason == "a share group doesn't tell which records are left"


def test_a_streams_group_is_read_like_any_other(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("totals")
    lab.append(home, b"a", b"b", b"c")
    with lab.streams_member(group, home.topic):
        report = snapshot(lab, group)
    keeps_its_contract(document(report), "lag")
    assert (only(report).type, len(only(report).members)) == ("streams", 1)
    assert only(report).verdict is Verdict.NEVER_COMMITTED


def snapshot(lab: KafkaLab, group: str, after: timedelta = timedelta()) -> LagReport:
    return LagService(lab.broker).snapshot(GroupSelection((group,)), datetime.now(UTC) + after)


def only(report: LagReport) -> GroupLag:
    (group,) = report.groups
    return group


def _of(lab: KafkaLab, *groups: str) -> LagReport:
    return LagService(lab.broker).snapshot(GroupSelection(groups), datetime.now(UTC))


def test_what_an_aborted_transaction_left_hides_nothing_behind_it(lab: KafkaLab) -> None:
    """More offsets than are looked at first; a group near the end of the same log says nothing about another."""
    home = Partition(lab.topic(), 0)
    slow, fast = lab.name("slow"), lab.name("fast")
    lab.append(home, b"a", b"b", b"c")
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, *(b"aborted %d" % number for number in range(20))))
    producer.abort()
    producer.close()
    settled(lab.broker, home)
    lab.append(home, *(b"%d" % number for number in range(40)))
    lab.commit(slow, {home: 3})
    lab.commit(fast, {home: 62})
    for names in ((slow,), (slow, fast)):
        found = {group.group: group for group in _of(lab, *names).groups}[slow]
        assert (found.verdict, found.lag) == (Verdict.INACTIVE, 61), names
        assert found.age.method is AgeMethod.MESSAGE


def test_aborted_records_wait_for_those_who_read_them(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a")
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"b", b"c"))
    producer.abort()
    producer.close()
    settled(lab.broker, home)
    lab.commit(group, {home: 1})
    assert only(snapshot(lab, group)).lag == 3, "Kafka doesn't tell whether a group reads committed records only"
    lab.commit(group, {home: 3})
    assert only(snapshot(lab, group)).lag == 0, "the transaction's marker is no record"


def test_a_record_behind_a_marker_tells_its_age(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    other = Partition(lab.topic("other"), 0)
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"a"))
    producer.commit()
    producer.close()
    settled(lab.broker, home)
    lab.append(home, b"b")
    lab.append(other, *(b"%d" % number for number in range(30)))
    lab.commit(group, {home: 1, other: 4})
    found = only(snapshot(lab, group))
    assert [(one.lag, one.age.method) for one in found.partitions] == [
        (2 if one.partition == home else 26, AgeMethod.MESSAGE) for one in found.partitions
    ]


def test_a_busy_log_has_no_open_transaction(lab: KafkaLab) -> None:
    home = Partition(lab.topic(), 0)
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            lab.append(home, *(b"%d" % number for number in range(50)))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for broker in (KafkaBroker(lab.properties), lab.broker):
            for _ in range(40):
                bounds = broker.log_bounds([home]).bounds[home]
                assert bounds.high_watermark == bounds.last_stable
    finally:
        ended.set()
        writer.join()
