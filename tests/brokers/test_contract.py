"""What a Broker is. Every adapter passes all of it; :class:`tests.brokers.lab.Lab` says what it has to bring."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest

from eventops.errors import GroupInUse
from eventops.events import Partition, Position, Record, header_pairs, moment_of
from eventops.ports import Batch, Fenced, Isolation, Outgoing, Range, Rejected, Scanned
from tests.brokers.lab import Lab, outgoing, settled

pytestmark = pytest.mark.broker


def test_topics_are_told_by_name_with_their_partitions(lab: Lab) -> None:
    topic = lab.topic(partitions=3)
    (told,) = lab.broker.topics([topic, lab.name("not-there")])
    assert (told.name, told.partitions, told.leaderless, told.internal) == (topic, (0, 1, 2), (), False)
    assert topic in [other.name for other in lab.broker.topics()]


def test_a_topic_made_anew_has_another_id(lab: Lab) -> None:
    topic = lab.topic()
    (before,) = lab.broker.topics([topic])
    lab.delete(topic)
    assert lab.topic() == topic
    (after,) = lab.broker.topics([topic])
    assert before.topic_id != after.topic_id


def test_creating_a_topic_that_exists_leaves_it_as_it_is(lab: Lab) -> None:
    topic = lab.topic(partitions=2, config={"retention.ms": "1234567"})
    lab.broker.create_topic(topic, 5, {})
    assert lab.broker.topics([topic])[0].partitions == (0, 1)
    assert lab.broker.retention([topic, lab.name("not-there")])[topic]["retention.ms"] == "1234567"


def test_reading_creates_no_topic(lab: Lab) -> None:
    missing = Partition(lab.name("not-there"), 0)
    assert lab.broker.read([Position(missing.topic, 0, 0)]) == {}
    bounds = lab.broker.log_bounds([missing])
    assert (dict(bounds.bounds), [gap.subject for gap in bounds.gaps]) == ({}, [missing.topic])
    assert [gap.subject for batch in lab.broker.scan([Range(missing, 0, 5)]) for gap in batch.gaps] == [missing.topic]
    assert lab.broker.topics([missing.topic]) == ()


def test_a_group_with_members_tells_who_reads_what(lab: Lab) -> None:
    topic, group = lab.topic(partitions=2), lab.name("billing")
    with lab.member(group, topic):
        (told,) = lab.broker.groups([group]).groups
    assert (told.type, told.state) == ("classic", "stable")
    assert [member.assigned for member in told.members] == [(Partition(topic, 0), Partition(topic, 1))]


def test_a_group_that_does_not_exist_is_a_gap(lab: Lab) -> None:
    missing = lab.name("nobody")
    answer = lab.broker.groups([missing])
    assert (answer.groups, [gap.subject for gap in answer.gaps]) == ((), [missing])


def test_what_was_never_committed_is_missing(lab: Lab) -> None:
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), b"a", b"b")
    lab.commit(group, {Partition(topic, 0): 1})
    committed = lab.broker.committed_offsets([group])
    assert dict(committed.offsets[group]) == {Partition(topic, 0): 1}
    assert lab.broker.groups([group]).groups[0].state == "empty"


def test_topics_tell_where_their_partitions_lie(lab: Lab) -> None:
    (told,) = lab.broker.topics([lab.topic(partitions=2)])
    assert [placement.partition for placement in told.placements] == [0, 1]
    for placement in told.placements:
        assert placement.leader in placement.replicas
        assert placement.lacking == ()


def test_committed_offsets_are_set_and_a_group_comes_to_be_by_it(lab: Lab) -> None:
    topic, group = lab.topic(partitions=2), lab.name("billing")
    lab.append(Partition(topic, 0), b"a", b"b")
    for offset in (2, 1):
        assert lab.broker.alter_committed_offsets(group, {Partition(topic, 0): offset}) == {}
        assert dict(lab.broker.committed_offsets([group]).offsets[group]) == {Partition(topic, 0): offset}
    lab.commit(group, {Partition(topic, 0): 1})


def test_a_partition_that_is_not_there_is_refused_and_the_others_are_set(lab: Lab) -> None:
    topic, group = lab.topic(), lab.name("billing")
    lab.commit(group, {Partition(topic, 0): 0})
    refused = lab.broker.alter_committed_offsets(group, {Partition(topic, 0): 0, Partition(topic, 9): 4})
    assert refused == {Partition(topic, 9): "no such topic or partition"}


def test_a_group_with_members_keeps_its_offsets(lab: Lab) -> None:
    topic, group = lab.topic(), lab.name("billing")
    lab.commit(group, {Partition(topic, 0): 0})
    with lab.member(group, topic), pytest.raises(GroupInUse, match=f"{group} has members now.*stop its consumers"):
        lab.broker.alter_committed_offsets(group, {Partition(topic, 0): 1})
    assert dict(lab.broker.committed_offsets([group]).offsets[group]) == {Partition(topic, 0): 0}


def test_bounds_of_an_open_transaction(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, b"a", b"b")
    producer = lab.broker.transactional_producer(lab.name("replay"))
    producer.begin()
    producer.append(outgoing(home, b"c"))
    bounds = lab.broker.log_bounds([home]).bounds[home]
    assert (bounds.start, bounds.last_stable, bounds.high_watermark) == (0, 2, 3)
    assert bounds.end(Isolation.READ_COMMITTED) == 2
    producer.abort()
    producer.close()


def test_bounds_of_one_missing_partition_leave_the_others(lab: Lab) -> None:
    topic = lab.topic()
    answer = lab.broker.log_bounds([Partition(topic, 0), Partition(topic, 7)])
    assert list(answer.bounds) == [Partition(topic, 0)]
    assert [(gap.subject, gap.partition) for gap in answer.gaps] == [(topic, 7)]


def test_a_scan_shows_what_was_committed_and_finishes_on_markers(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    _three_transactions(lab, home)
    end = settled(lab.broker, home)
    batches = list(lab.broker.scan([Range(home, 0, end)]))
    assert _values(batches) == [b"committed-1", b"committed-2"]
    assert _last_position(batches, home) == end, "the log ends with a marker that no record has"
    everything = list(lab.broker.scan([Range(home, 0, end)], Isolation.READ_UNCOMMITTED))
    assert _values(everything) == [b"aborted-1", b"committed-1", b"committed-2", b"aborted-2"]


def test_skimming_reads_what_a_scan_reads(lab: Lab) -> None:
    topic = lab.topic(partitions=2)
    _three_transactions(lab, Partition(topic, 0))
    lab.append(Partition(topic, 1), *(b"%d" % number for number in range(300)))
    end = settled(lab.broker, Partition(topic, 0))
    ranges = [Range(Partition(topic, 0), 0, end), Range(Partition(topic, 1), 5, 290)]
    scanned = [record for batch in lab.broker.scan(ranges) for record in batch.records]
    pieces = list(lab.broker.skim(ranges))
    skimmed = [
        Record(Position(at.topic, at.partition, offset), moment_of(time), key, value, header_pairs(headers))
        for batch in pieces
        for at, offset, time, key, value, headers in batch.records
    ]
    by_position = attrgetter("position")
    assert sorted(skimmed, key=by_position) == sorted(scanned, key=by_position)
    assert len(skimmed) == 2 + 285
    assert all(_last_position(pieces, range_.partition) >= range_.end for range_ in ranges)


def test_a_scan_stops_at_its_end_though_the_log_goes_on(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, *(b"%d" % number for number in range(100)))
    assert _values(lab.broker.scan([Range(home, 10, 13)])) == [b"10", b"11", b"12"]


def test_a_scan_reads_several_ranges_of_several_partitions(lab: Lab) -> None:
    topic = lab.topic(partitions=3)
    for number in range(3):
        lab.append(Partition(topic, number), *(b"%d-%d" % (number, offset) for offset in range(50)))
    ranges = [Range(Partition(topic, 0), 40, 42), Range(Partition(topic, 0), 3, 5), Range(Partition(topic, 2), 0, 1)]
    batches = list(lab.broker.scan([*ranges, Range(Partition(topic, 1), 7, 7)]))
    assert sorted(_values(batches)) == [b"0-3", b"0-4", b"0-40", b"0-41", b"2-0"]
    assert _last_position(batches, Partition(topic, 1)) == 7, "an empty range is finished at once"


def test_what_retention_took_is_a_gap_and_the_rest_is_read(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, *(b"%d" % number for number in range(6)))
    lab.cut(home, before=4)
    batches = list(lab.broker.scan([Range(home, 1, 6)]))
    assert _values(batches) == [b"4", b"5"]
    assert [gap.reason for batch in batches for gap in batch.gaps] == ["offsets 1 to 3 are no longer kept"]
    assert lab.broker.log_bounds([home]).bounds[home].start == 4


def test_a_topic_deleted_under_a_scan_becomes_a_gap(lab: Lab) -> None:
    topic = lab.topic()
    home = Partition(topic, 0)
    lab.append(home, b"a")
    scan = lab.broker.scan([Range(home, 0, 5)])
    assert _values([next(scan)]) == [b"a"]
    lab.delete(topic)
    assert [gap.subject for batch in scan for gap in batch.gaps] == [topic]


def test_a_scan_gives_a_sign_of_life_every_second_and_can_be_left(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, b"a")
    scan = lab.broker.scan([Range(home, 0, 5)])
    assert _values([next(scan)]) == [b"a"]
    started = time.monotonic()
    assert next(scan).records == ()
    assert time.monotonic() - started < 2.0
    scan.close()  # type: ignore[attr-defined]


def test_following_shows_what_is_appended_later(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, b"before")
    following = lab.broker.follow({home: 1})
    assert next(following).records == ()
    lab.append(home, b"after")
    assert next(_values([batch]) for batch in following if batch.records) == [b"after"]
    following.close()  # type: ignore[attr-defined]


def test_single_records_are_read_whole(lab: Lab) -> None:
    home = Partition(lab.topic(partitions=2), 0)
    _three_transactions(lab, home)
    settled(lab.broker, home)
    wanted = [Position(home.topic, 0, offset) for offset in range(8)]
    found = lab.broker.read([*wanted, Position(home.topic, 1, 0)])
    assert [(position.offset, record.value) for position, record in sorted(found.items())] == [
        (2, b"committed-1"),
        (3, b"committed-2"),
    ]
    record: Record = found[Position(home.topic, 0, 2)]
    assert (record.key, record.headers) == (b"key", (("h", b"1"), ("h", None)))
    assert record.timestamp is not None
    assert abs(datetime.now(UTC) - record.timestamp) < timedelta(minutes=2)


def test_offsets_at_a_moment(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, b"a", b"b")
    (record,) = lab.broker.read([Position(home.topic, 0, 0)]).values()
    assert record.timestamp is not None
    assert lab.broker.offsets_at([home], record.timestamp) == {home: 0}
    assert lab.broker.offsets_at([home], record.timestamp + timedelta(days=1)) == {home: 2}


def test_the_second_holder_of_an_id_fences_the_first(lab: Lab) -> None:
    home, name = Partition(lab.topic(), 0), lab.name("replay")
    first = lab.broker.transactional_producer(name)
    first.begin()
    first.append(outgoing(home, b"from the first"))
    second = lab.broker.transactional_producer(name)
    with pytest.raises(Fenced):
        first.commit()
    first.close()
    first.close()
    second.begin()
    (appended,) = second.append(outgoing(home, b"from the second"))
    second.commit()
    second.close()
    settled(lab.broker, home)
    assert isinstance(appended, Position)
    assert list(lab.broker.read([appended])) == [appended]
    assert _values(lab.broker.scan([Range(home, 0, appended.offset + 1)])) == [b"from the second"]


def test_a_fenced_holder_cannot_append_either(lab: Lab) -> None:
    home, name = Partition(lab.topic(), 0), lab.name("replay")
    first = lab.broker.transactional_producer(name)
    first.begin()
    lab.broker.transactional_producer(name).close()
    with pytest.raises(Fenced):
        first.append(outgoing(home, b"too late"))
    first.close()


@pytest.mark.parametrize("offender", ["too large for the client", "too large for the topic", "no such partition"])
def test_a_refused_record_is_an_answer_and_the_transaction_can_be_aborted(lab: Lab, offender: str) -> None:
    home = Partition(lab.topic(partitions=2, config={"max.message.bytes": "2000"}), 0)
    refused = {
        "too large for the client": Outgoing(home.topic, None, b"x" * 3_000_000, (), 1),
        "too large for the topic": Outgoing(home.topic, None, b"x" * 3_000, (), 1),
        "no such partition": Outgoing(home.topic, None, b"x", (), 9),
    }[offender]
    producer = lab.broker.transactional_producer(lab.name("replay"))
    producer.begin()
    taken, parked = producer.append([*outgoing(home, b"fine"), refused])
    assert taken == Position(home.topic, 0, 0) or isinstance(taken, Rejected), "a neighbour may be refused with it"
    assert isinstance(parked, Rejected)
    assert parked.reason
    producer.abort()
    producer.begin()
    producer.append(outgoing(home, b"fine"))
    producer.commit()
    producer.close()
    end = settled(lab.broker, home)
    assert _values(lab.broker.scan([Range(home, 0, end)])) == [b"fine"]


@pytest.mark.parametrize("end", range(1, 20))
def test_who_reads_on_from_where_a_reading_ended_misses_nothing(lab: Lab, end: int) -> None:
    """Transactions of one record each: offsets are wanted that hold markers, so more records are fetched than are
    wanted, up to the log's end. What is behind the end comes with the next reading."""
    home = Partition(lab.topic(), 0)
    producer = lab.broker.transactional_producer(lab.name("writer"))
    values = [b"%d" % number for number in range(10)]
    for value in values:
        producer.begin()
        producer.append(outgoing(home, value))
        producer.commit()
    producer.close()
    whole = settled(lab.broker, home)

    first = list(lab.broker.scan([Range(home, 0, end)]))
    rest = list(lab.broker.scan([Range(home, _last_position(first, home), whole)]))

    assert _values(first) + _values(rest) == values


def test_reading_joins_no_group_and_commits_nothing(lab: Lab) -> None:
    home = Partition(lab.topic(), 0)
    lab.append(home, b"a")
    before = {group.group_id for group in lab.broker.groups().groups}
    assert _values(lab.broker.scan([Range(home, 0, 1)])) == [b"a"]
    lab.broker.read([Position(home.topic, 0, 0)])
    appeared = {group.group_id for group in lab.broker.groups().groups} - before
    assert not [group for group in appeared if "eventops" in group]


def _three_transactions(lab: Lab, home: Partition) -> None:
    producer = lab.broker.transactional_producer(lab.name("writer"))
    headers = (("h", b"1"), ("h", None))
    for values, finish in (
        ((b"aborted-1",), producer.abort),
        ((b"committed-1", b"committed-2"), producer.commit),
        ((b"aborted-2",), producer.abort),
    ):
        producer.begin()
        producer.append(outgoing(home, *values, key=b"key", headers=headers))
        finish()
    producer.close()


def _values(batches: Iterable[Batch]) -> list[bytes]:
    return [record.value or b"" for batch in batches for record in batch.records]


def _last_position(batches: Sequence[Scanned[Any]], partition: Partition) -> int:
    return [batch.positions[partition] for batch in batches if partition in batch.positions][-1]
