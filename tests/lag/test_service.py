"""Lag as a real broker tells it, down to the document both faces print."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from eventops.errors import EventopsError
from eventops.events import Partition
from eventops.lag import tails
from eventops.lag.document import document
from eventops.lag.model import AgeMethod, GroupLag, GroupSelection, LagReport, PartitionOffsets, Standing, Verdict
from eventops.lag.service import LagService
from tests.brokers.lab import KafkaLab, outgoing, settled

pytestmark = pytest.mark.broker


def test_a_group_that_is_behind_tells_how_far_and_how_long(lab: KafkaLab) -> None:
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), b"a", b"b", b"c")
    lab.append(Partition(topic, 1), b"d")
    lab.commit(group, {Partition(topic, 0): 1, Partition(topic, 1): 1})
    found = only(report := snapshot(lab, group, after=timedelta(hours=1)))
    assert (found.verdict, found.lag) == (Verdict.INACTIVE, 2)
    assert found.age.method is AgeMethod.MESSAGE
    assert found.age.seconds == pytest.approx(3600, abs=60)
    assert [(p.standing, p.lag) for p in found.partitions] == [(Standing.BEHIND, 2), (Standing.CAUGHT_UP, 0)]
    assert report.coverage.complete


def test_partitions_of_members_that_never_committed_are_shown(lab: KafkaLab) -> None:
    topic, group = lab.topic(partitions=3), lab.name("billing")
    lab.append(Partition(topic, 0), b"a")
    lab.append(Partition(topic, 1), b"b")
    lab.commit(group, {Partition(topic, 0): 1})
    with lab.member(group, topic, client_id="worker-1"):
        found = only(snapshot(lab, group))
    assert [p.standing for p in found.partitions] == [
        Standing.CAUGHT_UP,
        Standing.NEVER_COMMITTED,
        Standing.CAUGHT_UP,  # an empty log: nothing to consume
    ]
    assert (found.verdict, found.lag, found.reason) == (
        Verdict.NEVER_COMMITTED,
        None,
        "1 of 3 partitions without a committed offset; the others are 0 behind",
    )
    assert {p.member for p in found.partitions} == {"worker-1"}
    assert [(member.client_id, member.lag) for member in found.members] == [("worker-1", None)]


def test_records_lost_to_retention_are_told(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, *(b"%d" % number for number in range(6)))
    lab.commit(group, {home: 1})
    lab.cut(home, before=4)
    found = only(snapshot(lab, group))
    assert (found.verdict, found.lag, found.partitions[0].offsets.log_start) == (Verdict.LOST_RECORDS, 2, 4)


def test_a_topic_made_anew_is_told(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a")
    lab.commit(group, {home: 1})
    lab.commit(group, {home: 40})
    found = only(snapshot(lab, group))
    assert (found.verdict, found.lag) == (Verdict.AHEAD_OF_LOG, None)


def test_a_transaction_s_marker_at_the_end_is_no_lag(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append(outgoing(home, b"a", b"b"))
    producer.commit()
    settled(lab.broker, home)
    lab.commit(group, {home: 2})
    found = only(snapshot(lab, group))
    assert found.partitions[0].offsets.log_end == 3
    assert (found.verdict, found.lag, found.age.seconds) == (Verdict.CAUGHT_UP, 0, 0.0)
    producer.begin()
    producer.append(outgoing(home, b"c"))
    found = only(snapshot(lab, group))
    assert (found.lag, found.age.method) == (2, AgeMethod.MESSAGE), "who doesn't read committed is given it already"
    producer.commit()
    producer.close()
    settled(lab.broker, home)
    found = only(snapshot(lab, group))
    assert (found.lag, found.age.method) == (3, AgeMethod.MESSAGE)


@pytest.mark.parametrize("ages", [0, 200, 2**31])
def test_markers_are_no_lag_however_many_ages_are_asked_for(lab: KafkaLab, ages: int) -> None:
    """More partitions end in a marker than ages are told of."""
    topic, group, many = lab.topic(partitions=260), lab.name("billing"), range(260)
    producer = lab.broker.transactional_producer(lab.name("writer"))
    producer.begin()
    producer.append([one for number in many for one in outgoing(Partition(topic, number), b"a")])
    producer.commit()
    producer.close()
    for number in many:
        settled(lab.broker, Partition(topic, number))
    lab.commit(group, {Partition(topic, number): 1 for number in many})
    found = only(LagService(lab.broker).snapshot(GroupSelection((group,), ages=ages), datetime.now(UTC)))
    assert {p.offsets.log_end for p in found.partitions} == {2}
    assert (found.verdict, found.lag, found.age.seconds) == (Verdict.CAUGHT_UP, 0, 0.0)
    (streamed,) = LagService(lab.broker).stream(GroupSelection((group,), ages=ages), datetime.now(UTC))
    assert streamed.lag == 0


def test_what_is_not_looked_at_is_not_guessed(lab: KafkaLab) -> None:
    """Beyond the bound the offsets count, and that they may be none is said."""
    topic = lab.topic(partitions=3)
    for number in range(3):
        lab.append(Partition(topic, number), b"a", b"b")
    offsets = [PartitionOffsets(Partition(topic, number), 0, 1, 2) for number in range(3)]
    told = tails.look(lab.broker, offsets, datetime.now(UTC), at_most=1, close_at_most=1)
    assert told.close == 1
    assert sorted(age.seconds is None for age in told.ages.values()) == [False, False, True]
    assert "may be markers" in str([age.reason for age in told.ages.values() if age.seconds is None])


def test_an_unknown_group_suggests_those_that_are_close(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a")
    lab.commit(group, {home: 1})
    with pytest.raises(EventopsError, match=f"no such group.*did you mean .*{group}"):
        snapshot(lab, group[:-1])
    partial = snapshot(lab, group, lab.name("shipping"))
    assert [gap.subject for gap in partial.coverage.gaps] == [lab.name("shipping")]
    assert only(partial).group == group


def test_the_document_keeps_the_contract(lab: KafkaLab) -> None:
    home, group = Partition(lab.topic(), 0), lab.name("billing")
    lab.append(home, b"a", b"b")
    lab.commit(group, {home: 1})
    told = json.loads(json.dumps(document(snapshot(lab, group))))
    assert list(told) == ["as_of", "cluster_id", "groups", "coverage"]
    found = told["groups"][0]
    assert (found["group"], found["type"], found["state"], found["standing"]) == (group, "classic", "empty", "inactive")
    assert (found["verdict"], found["evidence"]) == (
        "not_enough_history",
        "one snapshot: a verdict takes 1 m 0 s of polls",
    )
    assert (found["lag"], found["lag_age_method"], found["members"]) == (1, "message", [])
    assert (found["skew"], found["lost"], found["retention_margin"], found["partitions_unowned"]) == (1.0, 0, 1, 1)
    for figure in ("rate_in", "rate_out", "eta_seconds", "retention_seconds"):
        assert found[figure] is None
        assert found[f"{figure}_reason"]
    (partition,) = found["partitions"]
    assert partition.pop("lag_age_seconds") >= 0
    assert len(partition.pop("topic_id")) == 36
    assert partition == {
        "topic": home.topic,
        "partition": 0,
        "start": 0,
        "committed": 1,
        "end": 2,
        "held_back": 0,
        "held_back_seconds": 0.0,
        "lag": 1,
        "lag_age_method": "message",
        "standing": "behind",
        "verdict": "not_enough_history",
        "evidence": "one snapshot: a verdict takes 1 m 0 s of polls",
        "lost": 0,
        "retention_margin": 1,
        "member": None,
    }
    assert told["coverage"]["gaps"] == []
    assert (told["coverage"]["partitions_total"], told["coverage"]["complete"]) == (1, True)


def snapshot(lab: KafkaLab, *groups: str, after: timedelta = timedelta()) -> LagReport:
    return LagService(lab.broker).snapshot(GroupSelection(groups), datetime.now(UTC) + after)


def only(report: LagReport) -> GroupLag:
    (group,) = report.groups
    return group
