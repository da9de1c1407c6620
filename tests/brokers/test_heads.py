"""What stands first in a range, told without reading records: never anything but what a consumer would say."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from eventops.adapters.kafka.wire import heads
from eventops.events import Partition, Record
from eventops.ports import Isolation, Range
from tests.brokers.lab import KafkaLab, settled

pytestmark = pytest.mark.broker

LARGE = b"more than is fetched for a head" * 200


def written(lab: KafkaLab, bootstrap_servers: str, codec: str) -> Partition:
    """Batches of several records, those of a transaction that was aborted among them, and a large one."""
    home = Partition(lab.topic(codec), 0)
    settings = {"bootstrap.servers": bootstrap_servers, "compression.type": codec, "linger.ms": 50}
    producer = Producer({**settings, "transactional.id": lab.name("writer")})
    producer.init_transactions()
    for ends_well in (True, False, True):
        producer.begin_transaction()
        for moment in range(3):
            producer.produce(home.topic, b"value " * 10, partition=0, timestamp=1_700_000_000_000 + moment)
        producer.flush()
        producer.produce(home.topic, LARGE, partition=0) if ends_well else None
        producer.flush()
        (producer.commit_transaction if ends_well else producer.abort_transaction)()
    return home


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_heads_are_what_a_consumer_would_find(lab: KafkaLab, bootstrap_servers: str, codec: str) -> None:
    home = written(lab, bootstrap_servers, codec)
    end = settled(lab.broker, home)
    lab.broker.log_bounds([home])
    scanned = lab.broker.scan([Range(home, 0, end)], Isolation.READ_UNCOMMITTED)
    records = {one.position.offset: one for batch in scanned for one in batch.records}
    assert len(records) == end - 3, "what is left are the markers"
    ranges = [Range(home, first, last) for first in range(end) for last in range(first + 1, end + 1)]
    told = {asked: head for one in ranges for asked, head in lab.broker.heads([one]).items()}
    for asked, head in told.items():
        found: Record | None = next((records[at] for at in range(asked.first, asked.end) if at in records), None)
        assert head.holds_record == (found is not None), asked
        if head.is_dated:
            assert found is not None
            assert head.timestamp == found.timestamp, asked
    markers = [Range(home, at, at + 1) for at in range(end) if at not in records]
    assert [told[one].holds_record for one in markers] == [False] * 3
    begins = [told[one] for one in ranges if one.first == 0]
    assert all(head.is_dated for head in begins)


def test_a_record_in_the_midst_of_a_batch_is_dated_unless_it_is_compressed(
    lab: KafkaLab, bootstrap_servers: str
) -> None:
    for codec, is_dated in (("none", True), ("lz4", False)):
        home = written(lab, bootstrap_servers, codec)
        settled(lab.broker, home)
        lab.broker.log_bounds([home])
        second = Range(home, 1, 3)
        assert lab.broker.heads([second])[second].is_dated == is_dated, codec


def test_what_is_not_told_is_left_out(lab: KafkaLab, bootstrap_servers: str) -> None:
    """A batch that is larger than what is fetched, an offset that isn't there, and a partition nobody asked about."""
    home, other = written(lab, bootstrap_servers, "none"), written(lab, bootstrap_servers, "gzip")
    end = settled(lab.broker, home)
    lab.broker.log_bounds([home])
    small, missing, stranger = Range(home, 0, 1), Range(home, end, end + 1), Range(other, 0, 1)
    assert list(lab.broker.heads([small, missing, stranger])) == [small]
    lab.broker.log_bounds([other])
    large = Range(home, 3, 4)
    assert set(lab.broker.heads([stranger, large])) == {stranger}, "behind another, a large batch isn't sent"
    places = [Range(home, first, end) for first in range(end)]
    assert len(lab.broker.heads(places)) <= heads.PLACES, (
        "a partition that is read at many places doesn't take a Fetch each"
    )
