"""The ledger's rows: written and read back unchanged, keyed without ambiguity."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.dlq.ledger import Ledger, Row, content_hash, decode, encode, home_partition, ledger_key
from eventops.dlq.model import LetterId, State
from eventops.events import Position, Record
from tests.dlq.workshop import record

LETTERS = st.builds(LetterId, st.text(max_size=5), st.text(max_size=5), st.integers(0, 99), st.integers(0, 99))
ROWS = st.builds(
    Row,
    letter=LETTERS,
    topic=st.text(max_size=5),
    state=st.sampled_from([State.REPLAYED, State.DISCARDED, State.PARKED]),
    content=st.text(max_size=5),
    target_topic=st.text(max_size=5),
    target=st.none() | st.builds(Position, st.just("orders"), st.integers(0, 9), st.integers(0, 9)),
    replay_id=st.text(max_size=5),
    operator=st.text(max_size=5),
    at=st.datetimes(timezones=st.just(UTC)),
    run_id=st.text(max_size=5),
    attempt=st.integers(1, 9),
    reason=st.none() | st.text(max_size=5),
)


@given(ROWS)
def test_a_row_is_read_back_as_it_was_written(row: Row) -> None:
    assert decode(encode(row)) == row


@given(LETTERS, LETTERS, st.text(max_size=5), st.text(max_size=5), st.integers(1, 12), st.integers(1, 12))
def test_keys_are_equal_only_for_the_same_replay(
    one: LetterId, other: LetterId, target: str, another: str, attempt: int, later: int
) -> None:
    is_same = (one, target, attempt) == (other, another, later)
    assert (ledger_key(one, target, attempt) == ledger_key(other, another, later)) is is_same


@given(st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b"null", b'{"version":1}', b'{"version":1,"source":7}']))
def test_what_is_no_row_is_kept_as_unreadable(value: bytes) -> None:
    found = Ledger()
    found.absorb([record(key=b"k", value=value, at="eventops-ledger/0/0")])

    assert found.unreadable == {b"k"}


def test_the_last_row_of_a_key_wins_and_a_readable_one_heals_an_unreadable() -> None:
    row = _row(State.PARKED)
    found = Ledger()
    found.absorb([_record(row, b"garbage"), _record(row), _record(_row(State.REPLAYED))])

    assert not found.unreadable
    assert found.latest(row.letter) == _row(State.REPLAYED)
    assert found.replayed(row.key) is not None


def test_a_newer_versions_row_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="version 2"):
        decode(encode(_row(State.REPLAYED)).replace(b'"version":1', b'"version":2'))


def test_the_content_hash_tells_none_from_empty_and_frames_headers() -> None:
    variants = [
        record(key=None, value=b""),
        record(key=b"", value=None),
        record((("ab", b"c"),), key=b"", value=b""),
        record((("a", b"bc"),), key=b"", value=b""),
        record((("a", None),), key=b"", value=b""),
        record((("a", b""),), key=b"", value=b""),
    ]

    assert len({content_hash(variant) for variant in variants}) == len(variants)


def test_a_topics_rows_have_one_home() -> None:
    assert {home_partition(f"topic-{number}", 8) for number in range(200)} == set(range(8))


def _row(state: State) -> Row:
    at = datetime(2026, 1, 15, tzinfo=UTC)
    return Row(LetterId("c", "t", 0, 1), "orders-dlt", state, "hash", "orders", None, "id", "ada@host", at, "run")


def _record(row: Row, value: bytes | None = None) -> Record:
    return record(key=row.key, value=value or encode(row), at="eventops-ledger/0/0")
