"""The ledger's rows: written and read back unchanged, keyed without ambiguity."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.dlq.ledger import Ledger
from eventops.dlq.ledger_format import decode, encode, encode_lease
from eventops.dlq.model import LetterId, State
from eventops.dlq.rows import Lease, Sheet, content_hash, home_partition, ledger_key
from eventops.events import Position
from tests.dlq.sheets import record_of
from tests.dlq.workshop import AT, record

LETTERS = st.builds(LetterId, st.text(max_size=5), st.text(max_size=5), st.integers(0, 99), st.integers(0, 99))
TEXT = st.text(max_size=5)
PLACE = st.integers(0, 99)
SHEETS = st.builds(
    Sheet,
    cluster_id=TEXT,
    topic=TEXT,
    topic_id=TEXT,
    state=st.sampled_from([State.REPLAYED, State.DISCARDED, State.PARKED, State.OPEN]),
    target_topic=TEXT,
    operator=TEXT,
    at=st.datetimes(timezones=st.just(UTC)),
    run_id=TEXT,
    attempt=st.integers(1, 9),
    reason=st.none() | TEXT,
    group=st.none() | TEXT,
    cause=st.none() | TEXT,
    change=st.none() | TEXT,
    letters=st.lists(
        st.tuples(PLACE, PLACE, TEXT) | st.tuples(PLACE, PLACE, TEXT, PLACE, PLACE), min_size=1, max_size=5
    ).map(tuple),
    ends=st.lists(st.tuples(PLACE, PLACE), max_size=3).map(tuple),
    target_id=st.none() | st.text(min_size=1, max_size=5),
)
VERSION_1 = (
    b'{"version":1,"state":"replayed","source":{"cluster_id":"c","topic":"orders-dlt","topic_id":"t","partition":0,'
    b'"offset":1},"content":"' + b"ab" * 32 + b'","target_topic":"orders","target":"orders/0/7","replay_id":"x",'
    b'"operator":"ada@host","at":"2026-01-15T00:00:00.000000Z","run_id":"run","attempt":1,"reason":null}'
)
"""As the first version wrote it."""


def test_rows_that_name_their_topic_in_base64_are_about_the_same_topic() -> None:
    """As versions wrote them that asked another client for it."""
    name, same = b"AAAAAAAAAAAAAAAAAAAABw", "00000000-0000-0000-0000-000000000007"
    for value in (VERSION_1.replace(b'"topic_id":"t"', b'"topic_id":"%s"' % name), _of_today(name.decode())):
        found = Ledger()
        found.absorb([record(key=b"k", value=value, at="eventops-ledger/0/0")])
        assert found.is_about(same)
        assert found.latest(LetterId("c", same, 0, 1)) is not None


def _of_today(topic_id: str) -> bytes:
    letters = ((0, 1, "ab", 0, 7),)
    return encode(
        Sheet(
            "c", "orders-dlt", topic_id, State.REPLAYED, "orders", "ada", AT, "run", 1, None, None, None, None, letters
        )
    )


@given(SHEETS)
def test_rows_are_read_back_as_they_were_written(sheet: Sheet) -> None:
    assert decode(encode(sheet)) == sheet


def test_a_lease_is_read_back_and_given_back_by_a_tombstone() -> None:
    lease = Lease("t", "orders-dlt", "run", "ada", "host", 7, AT, AT)
    found = Ledger()
    found.absorb([record(key=lease.key, value=encode_lease(lease), at="eventops-ledger/0/0")])
    assert found.leases == {"t": lease}

    found.absorb([record(key=lease.key, value=None, at="eventops-ledger/0/1")])
    assert not found.leases


def test_rows_of_the_first_version_are_read() -> None:
    sheet = decode(VERSION_1)
    assert isinstance(sheet, Sheet)
    (row,) = sheet.rows()

    assert (row.state, row.target, row.content) == (State.REPLAYED, Position("orders", 0, 7), "ab" * 16)
    assert row.group is None


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

    assert found.unreadable.keys() == {b"k"}
    assert not found.is_legible(LetterId("c", "t", 0, 1)), "nobody knows which letters it is about"
    found.absorb([record(key=b"k", value=None, at="eventops-ledger/0/1")])
    assert found.is_legible(LetterId("c", "t", 0, 1)), "a record without a value takes it back"


def test_the_last_row_about_a_letter_wins_and_history_keeps_all() -> None:
    found = Ledger()
    found.absorb([record_of(_sheet(State.PARKED)), record_of(_sheet(State.REPLAYED))])

    (row,) = _sheet(State.REPLAYED).rows()
    assert found.latest(row.letter) == row
    assert found.replayed(row.deed) == row
    assert found.put_to("t", Position("orders", 0, 7), Position("orders-dlt", 0, 2), AT) == row
    assert found.put_to("t", Position("orders", 0, 7), Position("orders-dlt", 0, 1), AT) is None, "it is the letter"
    assert found.of_replay("t", row.replay_id) == row
    assert [one.state for one in found.history("orders-dlt")] == [State.REPLAYED, State.PARKED]


def test_a_readable_record_heals_an_unreadable_one_of_its_key() -> None:
    sheet = _sheet(State.PARKED)
    found = Ledger()
    found.absorb([record(key=sheet.key, value=b"garbage", at="eventops-ledger/0/0"), record_of(sheet)])

    assert not found.unreadable


def test_a_target_that_was_made_anew_takes_its_offsets_once_more() -> None:
    """A letter failed of what was put there last before it was written."""
    first = replace(_sheet(State.REPLAYED), ends=((0, 4),))
    again = replace(first, letters=((0, 5, "hash", 0, 7),), ends=((0, 9),), run_id="later")
    found = Ledger()
    found.absorb([record_of(first), record_of(again)])
    rows = [*first.rows(), *again.rows()]
    told = [found.put_to("t", Position("orders", 0, 7), Position("orders-dlt", 0, at), AT) for at in (3, 4, 8, 9)]
    assert told == [None, rows[0], rows[0], rows[1]]


def test_a_newer_versions_record_is_not_guessed_at() -> None:
    sheet = _sheet(State.REPLAYED)
    later = encode(sheet).replace(b'"version":2', b'"version":3')
    with pytest.raises(ValueError, match="version 3"):
        decode(later)
    found = Ledger()
    found.absorb([record(key=b"k", value=later, at="eventops-ledger/0/0")])

    (row,) = sheet.rows()
    assert not found.is_legible(row.letter)
    assert found.is_legible(LetterId("c", "another", 0, 1))


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


def _sheet(state: State) -> Sheet:
    target = (0, 1, "hash", 0, 7) if state is State.REPLAYED else (0, 1, "hash")
    return Sheet(
        "c", "orders-dlt", "t", state, "orders", "ada@host", AT, "run", 1, None, "billing", "NoStock", None, (target,)
    )
