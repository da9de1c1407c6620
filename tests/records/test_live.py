"""What is due of a log that grows, how far a reading is, and both on a real Apache Kafka."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.errors import UsageError
from eventops.events import Partition, Position, Record
from eventops.ports import Gap, LogBounds, Range, Scanned
from eventops.records import rules
from eventops.records.model import Tail
from eventops.records.progress import Progress
from eventops.where import Where
from tests.dlq.workshop import Workshop

HOME, OTHER = Partition("orders", 0), Partition("orders", 1)


@pytest.mark.parametrize(
    ("log", "at", "due", "passed", "why"),
    [
        (LogBounds(0, 100, 100), None, (90, 100), 0, "the first look goes ten offsets back"),
        (LogBounds(95, 100, 100), None, (95, 100), 0, "but not before what the log still holds"),
        (LogBounds(0, 100, 100), 97, (97, 100), 0, "what came since"),
        (LogBounds(0, 100, 100), 100, None, 0, "nothing came"),
        (LogBounds(0, 100, 80), 80, None, 0, "an open transaction isn't waited for"),
        (LogBounds(0, 900, 900), 100, (850, 900), 750, "too much came: the latest"),
        (LogBounds(40, 60, 60), 10, (40, 60), 0, "what retention took is no more to be passed over"),
        (LogBounds(0, 5, 5), 700, (0, 5), 0, "the topic was made anew"),
    ],
)
def test_what_is_due_of_one_partition(
    log: LogBounds, at: int | None, due: tuple[int, int] | None, passed: int, why: str
) -> None:
    ranges, goes_on, over = rules.due({HOME: log}, {} if at is None else {HOME: at}, most=50, before=10)
    assert [(one.first, one.end) for one in ranges] == ([] if due is None else [due]), why
    assert over == passed, why
    assert goes_on == {HOME: log.last_stable}, why


_LOGS = st.dictionaries(
    st.builds(Partition, st.just("t"), st.integers(0, 20)),
    st.tuples(st.integers(0, 50), st.integers(0, 5000)).map(lambda two: LogBounds(two[0], sum(two), sum(two))),
    max_size=12,
)


@given(_LOGS, st.integers(1, 500), st.integers(0, 300))
def test_no_look_reads_more_than_it_may_and_nothing_is_lost_uncounted(
    logs: dict[Partition, LogBounds], most: int, before: int
) -> None:
    at = {home: log.start for home, log in logs.items()}
    ranges, goes_on, passed = rules.due(logs, at, most, before)
    read = sum(one.end - one.first for one in ranges)
    assert read <= max(most, len(ranges)), "at least one of each partition, whatever there are"
    assert read + passed == sum(log.last_stable - log.start for log in logs.values())
    assert goes_on == {home: log.last_stable for home, log in logs.items()}
    assert rules.due(logs, goes_on, most, before)[0] == (), "twice is never read"


def record(home: Partition, offset: int) -> Record:
    """Two bytes each."""
    return Record(Position(home.topic, home.partition, offset), None, b"k", b"v")


def test_progress_counts_what_is_behind_and_what_is_lacking() -> None:
    gone = Gap("orders", 1, "no leader")
    progress = Progress(Tail(), (HOME, OTHER), [Range(HOME, 10, 20)], [gone])
    assert (progress.seen(0, (), ()).passed, progress.seen(0, (), ()).total) == (0, 10)
    progress.note(Scanned((record(HOME, 10), record(HOME, 14)), {HOME: 15}))
    seen = progress.seen(2, (), ())
    assert seen.coverage is not None
    assert (seen.passed, seen.coverage.records, seen.coverage.bytes) == (5, 2, 4)
    assert seen.coverage.partitions_complete == 0, "one isn't over, the other has no leader"
    progress.note(Scanned((record(HOME, 19),), {HOME: 23}))
    found = progress.seen(1, (), ()).coverage
    assert progress.seen(1, (), ()).passed == 10, "a position beyond the end is the end"
    assert found is not None
    assert (found.partitions_complete, found.partitions_total, found.complete) == (1, 2, False)


def test_a_partition_without_records_in_that_time_is_read_whole() -> None:
    progress = Progress(Tail(), (HOME,), [Range(HOME, 20, 20)], [])
    assert progress.ranges == []
    assert progress.coverage.complete


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    """``until`` may lie before the first record of ``since`` in a partition."""
    progress = Progress(Tail(), (HOME,), [Range(HOME, 20, 12)], [])
    assert (progress.ranges, progress.coverage.complete) == ([], True)


@pytest.mark.broker
def test_looks_go_on_where_the_last_one_ended(bootstrap_servers: str, workshop: Workshop) -> None:
    orders, _letters = workshop.orders_with_letters(30)
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        live = desk.records.live((orders,), before=10)
        first = live.glance(100)
        assert [one.position.offset for one in first.events] == list(range(20, 30))
        assert live.glance(100).events == ()
        workshop.put(orders, [(b"k", str(number).encode(), ()) for number in range(50)])
        after = live.glance(20, Where.of("int(value) % 2 == 0"))
        assert (after.came, after.passed_over) == (50, 30)
        assert [one.record.value for one in after.events] == [str(number).encode() for number in range(30, 50, 2)]


@pytest.mark.broker
def test_a_look_at_no_topic_says_so(bootstrap_servers: str, unique: Callable[[str], str]) -> None:
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk, pytest.raises(UsageError, match="no topic"):
        desk.records.live((unique("nothing"),))


@pytest.mark.broker
def test_a_search_ends_where_until_says(bootstrap_servers: str, workshop: Workshop) -> None:
    topic = workshop.topic(workshop.unique("timed"))
    noon = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    workshop.put_at(topic, [(noon + timedelta(minutes=number), str(number).encode()) for number in range(10)])
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as desk:
        wanted = Tail((topic,), noon + timedelta(minutes=2), follows=False, until=noon + timedelta(minutes=5))
        pieces = list(desk.records.tail(wanted))
    assert [one.record.value for piece in pieces for one in piece.events] == [b"2", b"3", b"4"]
    assert (pieces[0].total, pieces[-1].passed) == (3, 3)
    assert pieces[-1].coverage is not None
    assert pieces[-1].coverage.complete
