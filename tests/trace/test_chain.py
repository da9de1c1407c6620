"""The tree holds every event once, whatever the ids say."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import REPLAY_ID, Event, Partition, Position, Record, read_event
from eventops.ports import Bounds, LogBounds
from eventops.trace import drawing
from eventops.trace.chain import gathered, hops
from eventops.trace.kin import Kin
from eventops.trace.model import DeadLetter, Hop, Question
from eventops.trace.reach import absence
from tests.trace.scene import event, letter, report_of

NAMES = st.sampled_from([*"abcdef", None])


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Any causation: cycles, itself, one that isn't there, ids used twice, no ids, no times."""
    drawn = draw(st.lists(st.tuples(NAMES, NAMES, st.none() | st.integers(-5, 5), st.none() | st.just("replay-1"))))
    return [
        event(name, cause, f"orders/0/{offset}", seconds, replay)
        for offset, (name, cause, seconds, replay) in enumerate(drawn)
    ]


def tree(held: Sequence[Event], *letters: DeadLetter) -> tuple[Hop, ...]:
    return hops(gathered(held, letters), absent="it is gone")


def shape(found: Sequence[Hop]) -> list[str]:
    return ["  " * (hop.depth - 1) + hop.event.reference for hop in found]


def kinds(found: Sequence[Hop]) -> dict[str, list[str]]:
    return {hop.event.reference: [one.kind for one in hop.anomalies] for hop in found if hop.anomalies}


@given(events())
def test_every_record_is_in_the_tree_once(held: list[Event]) -> None:
    found = tree(held)
    places = [place for hop in found for place in (hop.event.position, *(copy.position for copy in hop.copies))]
    assert sorted(places) == [one.position for one in held]


@given(events())
def test_depths_and_children_agree(held: list[Event]) -> None:
    found = tree(held)
    depths = {hop.event.reference: hop.depth for hop in found}
    children = [child for hop in found for child in hop.children]
    assert len(depths) == len(found), "a reference names one event"
    assert sorted(children) == sorted(name for name, depth in depths.items() if depth > 1), (
        "one cause each, none for roots"
    )
    assert all(depths[child] == hop.depth + 1 for hop in found for child in hop.children)


@given(events(), st.randoms(use_true_random=False))
def test_the_order_of_reading_does_not_matter(held: list[Event], random: object) -> None:
    shuffled = sorted(held, key=lambda one: random.random())  # type: ignore[attr-defined]
    assert tree(shuffled) == tree(held)


def test_effects_stand_under_their_cause_in_the_order_they_happened() -> None:
    held = [
        event("late", "root", "orders/0/0", 9),
        event("early", "root", "mails/0/7", 1),
        event("root", None, "orders/0/5", 0),
        event("leaf", "late", "mails/0/1", 10),
    ]
    found = tree(held)
    assert shape(found) == ["root", "  early", "  late", "    leaf"]
    assert [hop.hop_seconds for hop in found] == [None, 1, 9, 1]


def test_a_very_long_chain_is_no_trouble() -> None:
    held = [event(f"e{n}", f"e{n - 1}" if n else None, f"orders/0/{n}", n) for n in range(10_000)]
    found = tree(held)
    assert found[-1].depth == 10_000
    lines = [line.text for line in drawing.tree(report_of(found))]
    assert max(map(len, lines)) < 160
    assert len(lines) < 2_000
    assert lines[-1] == "… 9,500 more events; -o ndjson prints all of them, --limit N more of the tree"


def test_events_without_ids_hang_in_time_order_under_the_root_level() -> None:
    held = [event(None, None, "logs/0/4", 3), event(None, None, "logs/0/9", 1), event("root", None, "orders/0/0", 2)]
    assert shape(tree(held)) == ["logs/0/9", "root", "logs/0/4"]


@pytest.mark.parametrize(
    ("held", "expected", "why"),
    [
        ([event("a")], {}, "a root needs no cause"),
        ([event("a", "gone")], {"a": ["missing_cause"]}, "it names a cause that nobody finds"),
        ([event("a", "a")], {"a": ["causation_cycle"]}, "its own cause"),
        (
            [event("a", "b", seconds=1), event("b", "a", "orders/0/1", 2)],
            {"a": ["causation_cycle"]},
            "a circle is opened at its earliest event, and told once",
        ),
        ([event("a"), event("b", "a", "orders/0/1", -2)], {"b": ["clock_skew"]}, "an effect before its cause"),
        ([event("a"), event("b", "a", "orders/0/1", None)], {}, "no time, no verdict on clocks"),
        (
            [event("a"), event("a", at="orders/0/1")],
            {"a": ["repeated_event"]},
            "an outbox may send twice: harmless to those that are idempotent",
        ),
        (
            [event("a"), event("a", at="audit/0/1"), event("a", at="dc2.orders/0/1")],
            {"a": ["mirrored_event"]},
            "topics that mirror others hold the same event, not another",
        ),
        (
            [
                event("a"),
                event("a", at="zoo/0/1"),
                event("a", at="orders/0/1"),
                event("a", at="orders/0/2", content="x"),
            ],
            {"a": ["duplicate_event", "repeated_event", "mirrored_event"]},
            "each of them is said",
        ),
        ([event(None)], {}, "one event alone has no tree to belong to"),
        (
            [event("a"), event(None, at="orders/0/1", seconds=1)],
            {"orders/0/1": ["orphan"]},
            "no id and no cause: nothing says where it belongs",
        ),
        ([event("a"), event("b", at="orders/0/1")], {}, "two requests of one correlation id are two roots"),
        (
            [event("a"), event("b", "a", "orders/0/1", correlation="req-2")],
            {"b": ["other_correlation"]},
            "causation leaves the correlation id",
        ),
        (
            [event("a"), event("a", at="orders/0/1", content="other")],
            {"a": ["duplicate_event"]},
            "one id for two contents",
        ),
        (
            [event("a"), event("a", at="orders/0/1", content="edited", replay="r1")],
            {},
            "a replay may have been edited on purpose",
        ),
    ],
)
def test_what_is_odd_is_said(held: list[Event], expected: dict[str, list[str]], why: str) -> None:
    assert kinds(tree(held)) == expected, why


def test_a_missing_cause_is_named_with_what_is_known_about_it() -> None:
    (hop,) = tree([event("a", "gone")])
    assert hop.anomalies[0].detail == "gone caused it: it is gone"


@pytest.mark.parametrize(
    ("question", "start", "unread", "says"),
    [
        (Question("x"), 0, True, "may stand in what couldn't be read"),
        (Question("x", ("orders",)), 0, False, "in the topics and times that were searched"),
        (Question("x"), 7, False, "may have gone with retention (1 topic cut)"),
        (Question("x"), 0, False, "--follow-causation looks under others"),
        (Question("x", follow_causation=True), 0, False, "it isn't in the log, under any correlation id"),
    ],
)
def test_coverage_says_why_a_cause_may_be_missing(question: Question, start: int, unread: bool, says: str) -> None:
    bounds = Bounds({Partition("orders", 0): LogBounds(start, 9, 9)})
    assert says in absence(question, bounds, unread=unread)


def test_kin_are_the_causes_and_effects_that_the_chain_does_not_hold() -> None:
    kin = Kin.of([event("a", "before"), event("b", "a"), event('say "hi"', "b")])
    assert kin is not None
    assert kin.causes == {"before"}
    told = [event("before"), event("after", "b"), event("after", 'say "hi"'), event("x", "y"), event("a")]
    assert [kin.includes(one) for one in told] == [True, True, True, False, False]
    assert [kin.sought.may_be_in(one.record) for one in told] == [True, True, True, False, True]


UUID = "3f2b6c1e-9d4a-4000-8000-0000a1b2c3d4"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (UUID.upper(), "in capitals, as Windows services do"),
        (UUID.replace("-", ""), "without hyphens, as Guid.ToString('N') does"),
        (f"urn:uuid:{UUID}", "as a URN"),
    ],
)
def test_a_uuid_is_the_same_however_it_is_written(written: str, why: str) -> None:
    first, second = tree([event(UUID), event("after", written, "orders/0/1", seconds=1)])
    assert (first.children, second.depth) == (("after",), 2), why
    assert not second.anomalies, why
    (alone,) = tree([event(UUID), event(written, at="orders/0/1", seconds=1)])
    assert [anomaly.kind for anomaly in alone.anomalies] == ["duplicate_event"], why
    kin = Kin.of([event(written)])
    assert kin is not None
    effect = event("after", UUID)
    assert kin.sought.may_be_in(effect.record), why
    assert kin.includes(effect), why


def test_a_cause_may_be_named_by_its_16_bytes() -> None:
    headers = (("kafka_correlationId", b"req-2"), ("x-causation-id", uuid.UUID(UUID).bytes))
    effect = read_event(Record(Position("orders", 0, 1), None, None, b"{}", headers))
    kin = Kin.of([event(UUID)])
    assert kin is not None
    assert kin.sought.may_be_in(effect.record)
    assert kin.includes(effect)


def test_a_letter_with_an_id_of_its_own_is_about_the_event_at_its_origin() -> None:
    (hop,) = tree([event("a", at="orders/0/7")], letter("error-report-1", "orders/0/7"))
    assert [one.position for one in hop.dead_letters] == [Position("orders-dlt", 0, 0)]


def test_what_was_put_back_without_an_id_is_a_copy_of_its_letters_event() -> None:
    put_back = read_event(Record(Position("orders", 0, 9), None, None, b"", ((REPLAY_ID, b"r1"),)))
    first = replace(letter(None, "orders/0/7"), replayed_as=put_back.position)
    second = letter(None, "orders/0/9", at="orders-dlt/0/1", seconds=5)
    (hop,) = tree([event("a", at="orders/0/7"), put_back], first, second)
    assert [copy.position for copy in hop.copies] == [put_back.position]
    assert [one.position.offset for one in hop.dead_letters] == [0, 1]


def test_the_first_record_that_is_no_replay_is_the_event() -> None:
    held = [event("a", at="orders/0/9", seconds=1), event("a", at="orders/0/3", seconds=0, replay="r1")]
    (hop,) = tree(held)
    assert hop.event.position == Position("orders", 0, 9)
    assert [(copy.position.offset, copy.replay_id) for copy in hop.copies] == [(3, "r1")]


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (letter("a", "orders/0/5"), "id and place"),
        (letter("a"), "the id alone: its framework records no place"),
        (letter(None, "orders/0/5"), "the place alone: its body has no id"),
        (letter(None, "retry/0/1", "orders/0/5"), "one of its hops"),
    ],
)
def test_a_letter_belongs_to_the_event_it_is_about(about: DeadLetter, why: str) -> None:
    (hop,) = tree([event("a", at="orders/0/5")], about)
    assert hop.dead_letters == (about,), why
    assert hop.anomalies == ()


def test_a_letter_stands_in_for_a_record_that_is_gone() -> None:
    found = tree([event("b", "a", "mails/0/0", 2)], letter("a", "orders/0/5", seconds=0))
    assert shape(found) == ["a", "  b"]
    assert kinds(found) == {"a": ["original_gone"]}
    assert found[0].is_stand_in
