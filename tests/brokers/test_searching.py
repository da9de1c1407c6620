"""The search on a real Apache Kafka: it finds what a full reading finds, whatever codec, batches and transactions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

import pytest
from confluent_kafka import Producer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.errors import Unsupported
from eventops.events import Partition, Position
from eventops.ports import Engine, Findings, Manner, Outgoing, Range, Sought
from tests.brokers.lab import DEADLINE, KafkaLab, settled

pytestmark = pytest.mark.broker
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
SCAN = Manner(Engine.SCAN)


@pytest.fixture(scope="module")
def lab(bootstrap_servers: str) -> Iterator[KafkaLab]:
    run = uuid.uuid4().hex[:8]
    found = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    yield found
    found.close()


@pytest.fixture(scope="module")
def log(lab: KafkaLab) -> tuple[Partition, ...]:
    """Three partitions: every codec, batches of many sizes, committed and aborted transactions, tombstones, headers."""
    topic = lab.topic("searched", partitions=3)
    homes = tuple(Partition(topic, number) for number in range(3))
    for turn, codec in enumerate(CODECS):
        for batch in (1, 7, 400):
            home = homes[(turn + batch) % 3]
            append(
                lab,
                home,
                [b"%s %d req-%d %s" % (codec.encode(), batch, n % 50, b"x" * 90) for n in range(batch)],
                codec,
            )
        for end in ("commit", "abort"):
            producer = lab.broker.transactional_producer(lab.name(f"tx-{codec}"))
            producer.begin()
            headers = (("id", b"req-7"), ("none", None))
            producer.append(
                [Outgoing(topic, b"k", None, headers, turn % 3), Outgoing(topic, None, b"req-8", (), turn % 3)]
            )
            getattr(producer, end)()
            producer.close()
    for home in homes:
        settled(lab.broker, home)
    return homes


def append(lab: KafkaLab, home: Partition, values: Iterable[bytes], codec: str = "none", **tuning: str) -> None:
    named = {name.replace("_", "."): value for name, value in tuning.items()}
    producer = Producer({**lab.properties, "compression.type": codec, "linger.ms": "50", **named})
    for value in values:
        producer.produce(home.topic, value, partition=home.partition, headers=[("n", value[:9])])
    assert producer.flush(DEADLINE) == 0


def whole(lab: KafkaLab, homes: Iterable[Partition]) -> list[Range]:
    bounds = lab.broker.log_bounds(list(homes)).bounds
    return [Range(home, log.start, log.last_stable) for home, log in bounds.items()]


def places(pieces: Iterable[Findings]) -> list[Position]:
    return sorted(record.position for piece in pieces for record in piece.records)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    needles=st.lists(
        st.sampled_from([b"req-7", b"req-4", b"zstd 7", b"snappy 400 req-3", b"no-such"]), min_size=1, max_size=3
    ),
    cuts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_a_scan_finds_exactly_what_a_full_reading_finds(
    lab: KafkaLab, log: tuple[Partition, ...], needles: list[bytes], cuts: tuple[float, float]
) -> None:
    low, high = sorted(cuts)
    ranges = [Range(r.partition, int(r.end * low), max(int(r.end * high), int(r.end * low))) for r in whole(lab, log)]
    sought = Sought(tuple(needles))
    read = [record for batch in lab.broker.scan(ranges) for record in batch.records]
    expected = sorted(record.position for record in read if sought.may_be_in(record))
    pieces = list(lab.broker.search(sought, ranges, SCAN))
    assert places(pieces) == expected
    assert sum(piece.passed for piece in pieces) == sum(range_.end - range_.first for range_ in ranges)
    assert not [gap for piece in pieces for gap in piece.gaps]


@pytest.mark.parametrize("engine", [Engine.SCAN, Engine.CONSUME])
def test_both_engines_see_committed_transactions_only(
    lab: KafkaLab, log: tuple[Partition, ...], engine: Engine
) -> None:
    pieces = list(lab.broker.search(Sought((b"req-8",)), whole(lab, log), Manner(engine)))
    values = [record.value for piece in pieces for record in piece.records]
    assert len([value for value in values if value == b"req-8"]) == len(CODECS)


@pytest.mark.parametrize("engine", [Engine.SCAN, Engine.CONSUME])
def test_the_newest_is_found_first(lab: KafkaLab, engine: Engine) -> None:
    """More than either engine reads at a time."""
    home = Partition(lab.topic(f"newest-{engine.value}"), 0)
    values = [b"filling %d %s" % (n, b"x" * 300) for n in range(25_000)]
    append(lab, home, [b"needle old", *values, b"needle new"], linger_ms="5")
    found = [
        record.value
        for piece in lab.broker.search(Sought((b"needle",)), whole(lab, [home]), Manner(engine))
        for record in piece.records
    ]
    assert found == [b"needle new", b"needle old"]


def test_raw_bytes_in_headers_of_a_compacted_log_are_found(lab: KafkaLab) -> None:
    config = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.0",
        "max.compaction.lag.ms": "100",
    }
    home = Partition(lab.topic("compacted", config=config), 0)
    identifier = uuid.uuid4()
    producer = Producer(lab.properties)
    for turn in range(40):
        producer.produce(
            home.topic, b"value %d" % turn, key=b"same", headers=[("kafka_correlationId", identifier.bytes)]
        )
        producer.flush(DEADLINE)
    read = [record for batch in lab.broker.scan(whole(lab, [home])) for record in batch.records]
    assert places(lab.broker.search(Sought((identifier.bytes,)), whole(lab, [home]), SCAN)) == [
        r.position for r in read
    ]


def test_what_retention_took_is_a_gap_and_the_rest_is_found(lab: KafkaLab) -> None:
    home = Partition(lab.topic("truncated"), 0)
    append(lab, home, [b"needle %d" % n for n in range(6)])
    lab.cut(home, before=4)
    pieces = list(lab.broker.search(Sought((b"needle",)), [Range(home, 0, 6)], SCAN))
    assert [position.offset for position in places(pieces)] == [4, 5]
    assert [gap.reason for piece in pieces for gap in piece.gaps] == ["offsets 0 to 3 are no longer kept"]


def test_a_topic_that_is_gone_is_a_gap(lab: KafkaLab, log: tuple[Partition, ...]) -> None:
    gone = Partition(lab.topic("gone"), 0)
    append(lab, gone, [b"needle"])
    ranges = [*whole(lab, log), *whole(lab, [gone])]
    search = lab.broker.search(Sought((b"req-8",)), ranges, SCAN)
    lab.delete(gone.topic)
    pieces = list(search)
    assert len(places(pieces)) >= len(CODECS)
    assert [gap.subject for piece in pieces for gap in piece.gaps] == [gone.topic]


def test_a_bomb_is_a_gap_and_what_stands_around_it_is_found(lab: KafkaLab) -> None:
    home = Partition(lab.topic("bomb", config={"max.message.bytes": "300000000"}), 0)
    append(lab, home, [b"needle 1"])
    append(lab, home, [bytes(70_000_000)], "zstd", message_max_bytes="300000000")
    append(lab, home, [b"needle 2"])
    pieces = list(lab.broker.search(Sought((b"needle",)), whole(lab, [home]), SCAN))
    assert [position.offset for position in places(pieces)] == [0, 2]
    (gap,) = [gap for piece in pieces for gap in piece.gaps]
    assert gap.reason.startswith("offsets 1 to 1: it doesn't decompress within 67 MB")


def test_ending_early_names_what_was_left_out(lab: KafkaLab, log: tuple[Partition, ...]) -> None:
    for manner, says in (
        (Manner(Engine.SCAN, max_bytes=0), "--max-bytes was reached before offsets 0 to"),
        (Manner(Engine.CONSUME, stopped=lambda: True), "the search was interrupted before offsets 0 to"),
    ):
        gaps = [gap for piece in lab.broker.search(Sought((b"req-7",)), whole(lab, log), manner) for gap in piece.gaps]
        assert {(gap.subject, gap.partition) for gap in gaps} == {(home.topic, home.partition) for home in log}
        assert all(gap.reason.startswith(says) for gap in gaps)


def test_settings_that_raw_fetching_does_not_know_fall_back_and_say_so(
    lab: KafkaLab, log: tuple[Partition, ...]
) -> None:
    broker = KafkaBroker({**lab.properties, "ssl.cipher.suites": "DEFAULT"})
    pieces = list(broker.search(Sought((b"req-8",)), whole(lab, log)))
    (note,) = [note for piece in pieces for note in piece.notes]
    assert note.endswith("read by the ordinary consumer, since ssl.cipher.suites can't be carried over")
    assert places(pieces) == places(lab.broker.search(Sought((b"req-8",)), whole(lab, log), SCAN))
    with pytest.raises(Unsupported, match="use --engine auto or consume"):
        list(broker.search(Sought((b"req-8",)), whole(lab, log), SCAN))
    broker.close()
