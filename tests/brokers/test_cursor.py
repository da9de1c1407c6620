"""How far a reading has come, without a broker."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eventops.adapters.kafka.cursor import Cursor, cursors, fitted, together
from eventops.events import Partition, Position
from eventops.ports import Bounds, Gap, LogBounds, Range

HERE = Partition("orders", 0)


def test_a_jump_over_markers_finishes_what_it_passes() -> None:
    cursor = Cursor(HERE, [Range(HERE, 0, 3), Range(HERE, 5, 7), Range(HERE, 20, 22)], 0)
    cursor.move(8)
    assert (cursor.first, cursor.is_finished) == (20, False)
    cursor.move(22)
    assert cursor.is_finished


def test_a_position_never_goes_back() -> None:
    cursor = Cursor(HERE, [Range(HERE, 0, 10)], 5)
    cursor.move(3)
    assert cursor.position == 5


def test_what_is_no_longer_kept_is_a_gap_up_to_the_range_s_end() -> None:
    (cursor,) = cursors([Range(HERE, 2, 6)])
    assert cursor.cut(100) == Gap("orders", 0, "offsets 2 to 5 are no longer kept")
    assert cursor.is_finished
    assert cursor.cut(200) is None


def test_only_partitions_with_bounds_are_read() -> None:
    there, gone, empty = Partition("a", 0), Partition("b", 0), Partition("c", 0)
    bounds = Bounds({there: LogBounds(0, 9, 9), empty: LogBounds(0, 9, 9)}, (Gap("b", 0, "no such topic"),))
    left, gaps = fitted(cursors([Range(there, 0, 9), Range(gone, 0, 9), Range(empty, 4, 4)]), bounds)
    assert [cursor.partition for cursor in left] == [there]
    assert gaps == [Gap("b", 0, "no such topic")]


offsets = st.integers(0, 200)


@given(st.lists(st.tuples(offsets, st.integers(0, 30)), max_size=8))
def test_every_offset_that_is_asked_for_is_read_once_and_no_other(wanted: list[tuple[int, int]]) -> None:
    ranges = [Range(HERE, first, first + length) for first, length in wanted]
    (left, _) = fitted(cursors(ranges), Bounds({HERE: LogBounds(0, 500, 500)}))
    read = []
    for cursor in left:
        for offset in range(500):
            cursor.move(offset)
            if not cursor.is_finished and cursor.first <= offset < cursor.end:
                read.append(offset)
    assert read == sorted({offset for r in ranges for offset in range(r.first, r.end)})


@given(st.sets(offsets, min_size=1), st.integers(0, 50))
def test_single_positions_are_all_covered_by_disjoint_ranges(wanted: set[int], nearby: int) -> None:
    ranges = together([Position("orders", 0, offset) for offset in wanted], nearby)
    covered = [offset for r in ranges for offset in range(r.first, r.end)]
    assert len(covered) == len(set(covered))
    assert wanted <= set(covered)
