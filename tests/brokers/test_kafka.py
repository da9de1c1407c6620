"""What only Apache Kafka and its client do: other kinds of groups, refused connections, hung transactions."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.adapters.kafka.failures import error_of
from eventops.adapters.kafka.wire import groups as wired
from eventops.adapters.kafka.wire.client import Node, Silence
from eventops.errors import BrokerUnreachable, EventopsError, GroupInUse, NotPermitted, UsageError
from eventops.events import Partition, Position
from eventops.ports import Range, ShareProgress
from tests.brokers.lab import KafkaLab, eventually, outgoing, settled

broker = pytest.mark.broker


def test_a_closed_port_is_told_within_the_deadline_and_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{_free_port()}"
    nobody = KafkaBroker({"bootstrap.servers": address}, timeout=2)
    started = time.monotonic()
    with pytest.raises(BrokerUnreachable, match=f"nobody answers at {address} within 2 s.*refused.*-b or --context"):
        nobody.groups()
    assert time.monotonic() - started < 4
    assert capfd.readouterr() == ("", "")


def test_what_one_broker_of_many_answered_to_a_list_is_an_error_like_any_other() -> None:
    told = KafkaError(KafkaError._TIMED_OUT)
    assert error_of(told) is told, "in a list of groups it comes bare, and it is no exception"


def test_a_port_that_accepts_and_says_nothing_is_told_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(BrokerUnreachable, match=f"nobody answers at {address}"):
            KafkaBroker({"bootstrap.servers": address}, timeout=1).topics()
        assert time.monotonic() - started < 4


@broker
def test_refused_credentials_are_told_at_once(bootstrap_servers: str) -> None:
    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "x"}
    stranger = KafkaBroker({"bootstrap.servers": bootstrap_servers, "sasl.password": "y", **login})
    with pytest.raises(NotPermitted, match="check security") as refused:
        stranger.topics()
    assert refused.value.exit_code == 4


@pytest.mark.parametrize("properties", [{}, {"bootstrap.servers": "127.0.0.1:1", "no.such.property": "1"}])
def test_a_wrong_configuration_is_a_usage_error(properties: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        KafkaBroker(properties).cluster()


@broker
def test_a_refused_question_names_the_remedy(kafka_lab: KafkaLab) -> None:
    with pytest.raises(EventopsError, match="INVALID_CONFIG"):
        kafka_lab.broker.create_topic(kafka_lab.name("orders"), 1, {"retention.ms": "soon"})


@broker
def test_groups_of_the_new_protocol_are_alive(kafka_lab: KafkaLab) -> None:
    topic, group = kafka_lab.topic(partitions=2), kafka_lab.name("billing")
    with kafka_lab.member(group, topic, group_protocol="consumer"):
        (told,) = kafka_lab.broker.groups([group]).groups
    assert told.type == "consumer"
    assert told.state != "dead"
    assert [member.assigned for member in told.members] == [(Partition(topic, 0), Partition(topic, 1))]


@broker
@pytest.mark.parametrize("kind", ["classic", "consumer", "share", "streams"])
def test_a_group_that_was_deleted_since_it_was_listed_is_none_of_all_groups(
    kafka_lab: KafkaLab, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The list is the broker's own, and one group older: its coordinator denies that one."""
    there, gone = kafka_lab.name("billing"), kafka_lab.name("gone")
    kafka_lab.commit(there, {Partition(kafka_lab.topic(), 0): 0})
    listed = wired._listed

    def a_moment_ago(*asked: Any) -> tuple[dict[str, wired.Listed], dict[Node, Silence]]:
        found, silent = listed(*asked)
        return found | {gone: replace(found[there], type=kind)}, silent

    assert [gap.reason for gap in kafka_lab.broker.groups([there, gone]).gaps] == ["no such group"]
    monkeypatch.setattr(wired, "_listed", a_moment_ago)
    found = kafka_lab.broker.groups()
    assert there in {group.group_id for group in found.groups}
    assert gone not in {group.group_id for group in found.groups}
    assert gone not in {gap.subject for gap in found.gaps}


@broker
def test_groups_of_the_new_protocol_keep_their_offsets_too(kafka_lab: KafkaLab) -> None:
    topic, group = kafka_lab.topic(), kafka_lab.name("billing")
    with kafka_lab.member(group, topic, group_protocol="consumer"), pytest.raises(GroupInUse):
        kafka_lab.broker.alter_committed_offsets(group, {Partition(topic, 0): 0})
    assert kafka_lab.broker.alter_committed_offsets(group, {Partition(topic, 0): 0}) == {}


@broker
def test_share_groups_are_what_they_are_and_tell_how_far_they_are(kafka_lab: KafkaLab) -> None:
    home, group = Partition(kafka_lab.topic(), 0), kafka_lab.name("workers")
    kafka_lab.append(home, b"a", b"b", b"c")
    with kafka_lab.share_member(group, home.topic) as consumer:
        eventually(lambda: not consumer.poll(0.1) and home in _progress(kafka_lab, group))
        (told,) = kafka_lab.broker.groups([group]).groups
    assert (told.type, told.state, told.unsupported) == ("share", "stable", None)
    assert [member.assigned for member in told.members] == [(home,)]
    assert _progress(kafka_lab, group)[home].left == 0
    kafka_lab.append(home, b"d", b"e")
    assert _progress(kafka_lab, group)[home].left == 2, "of the five after its start, three were delivered"
    assert kafka_lab.broker.groups([group]).groups[0].state == "empty"
    assert group in [other.group_id for other in kafka_lab.broker.groups().groups]


@broker
def test_streams_groups_are_what_they_are(kafka_lab: KafkaLab) -> None:
    topic, group = kafka_lab.topic(partitions=2), kafka_lab.name("totals")
    kafka_lab.append(Partition(topic, 0), b"a", b"b")

    def is_assigned(beat: Callable[[], object]) -> bool:
        beat()
        return kafka_lab.broker.groups([group]).groups[0].members[0].assigned != ()

    with kafka_lab.streams_member(group, topic) as beat:
        eventually(lambda: is_assigned(beat))
        (told,) = kafka_lab.broker.groups([group]).groups
    assert (told.type, told.state, told.unsupported) == ("streams", "stable", None)
    assert [one.client_id for one in told.members] == ["eventops"]
    assert [one.assigned for one in told.members] == [(Partition(topic, 0), Partition(topic, 1))]


@broker
def test_settings_that_only_librdkafka_knows_leave_it_alone_and_say_what_is_missing(kafka_lab: KafkaLab) -> None:
    home, group, workers = Partition(kafka_lab.topic(), 0), kafka_lab.name("billing"), kafka_lab.name("workers")
    kafka_lab.append(home, b"a", b"b")
    kafka_lab.commit(group, {home: 1})
    with kafka_lab.share_member(workers, home.topic) as consumer:
        eventually(lambda: not consumer.poll(0.1) and bool(kafka_lab.broker.groups([workers]).groups))
        alone = KafkaBroker({**kafka_lab.properties, "sasl.kerberos.service.name": "kafka"})
        told = {one.group_id: one for one in alone.groups([group, workers]).groups}
    assert (told[group].type, told[group].state) == ("classic", "empty")
    assert (told[workers].type, told[workers].state) == ("unknown", "unknown")
    missing = "share and streams groups can't be read with these settings: sasl.kerberos.service.name"
    assert (told[workers].unsupported or "").startswith(missing)
    assert [gap.reason.startswith(missing) for gap in alone.share_progress([workers]).gaps] == [True]
    assert alone.committed_offsets([group]).offsets[group] == {home: 1}
    bounds = alone.log_bounds([home, Partition(kafka_lab.name("gone"), 0)])
    assert bounds.bounds[home].high_watermark == 2
    assert [partition.topic for partition in bounds.gone] == [kafka_lab.name("gone")]
    assert alone.cluster().cluster_id == kafka_lab.broker.cluster().cluster_id
    assert [found.name for found in alone.topics([home.topic])] == [home.topic]
    alone.close()


def _progress(lab: KafkaLab, group: str) -> Mapping[Partition, ShareProgress]:
    return lab.broker.share_progress([group]).shares.get(group, {})


@broker
def test_whichever_client_is_asked_topics_and_bounds_are_the_same(kafka_lab: KafkaLab) -> None:
    topic = kafka_lab.topic(partitions=2)
    homes = [Partition(topic, number) for number in (0, 1)]
    for home in homes:
        kafka_lab.append(home, b"one")
    fresh = KafkaBroker(kafka_lab.properties)
    try:
        assert fresh.topics([topic]) == kafka_lab.broker.topics([topic]), "replays are recorded by the topic's id"
        soon, later = fresh.log_bounds(homes).bounds, kafka_lab.broker.log_bounds(homes).bounds
        assert [(log.start, log.last_stable, log.high_watermark) for log in soon.values()] == [(0, 1, 1), (0, 1, 1)]
        assert [replace(log, leader_epoch=None) for log in later.values()] == list(soon.values())
        assert fresh.topics([topic, kafka_lab.name("not-there")]) == fresh.topics([topic])
    finally:
        fresh.close()


@broker
def test_an_open_transaction_is_named_instead_of_waited_for(kafka_lab: KafkaLab) -> None:
    home = Partition(kafka_lab.topic(), 0)
    producer = kafka_lab.broker.transactional_producer(kafka_lab.name("replay"))
    producer.begin()
    producer.append(outgoing(home, b"held back"))
    impatient = KafkaBroker(kafka_lab.properties, timeout=3)
    gaps = [gap.reason for batch in impatient.scan([Range(home, 0, 1)]) for gap in batch.gaps]
    assert gaps == ["an open transaction holds back the records from 0 on"]
    producer.close()
    assert settled(kafka_lab.broker, home) == 2, "closing aborted it"
    impatient.close()


@broker
def test_keys_choose_partitions_as_in_java(kafka_lab: KafkaLab) -> None:
    topic = kafka_lab.topic(partitions=6)
    producer = kafka_lab.broker.transactional_producer(kafka_lab.name("replay"))
    producer.begin()
    (record,) = outgoing(Partition(topic, 0), b"v", key=b"order-1")
    (appended,) = producer.append([type(record)(topic, b"order-1", b"v")])
    producer.abort()
    producer.close()
    assert isinstance(appended, Position)
    assert appended.partition == (_murmur2(b"order-1") & 0x7FFFFFFF) % 6


def _murmur2(data: bytes) -> int:
    """Kafka's hash of a key (org.apache.kafka.common.utils.Utils.murmur2), to check the client's against."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
