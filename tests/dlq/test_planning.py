"""What a plan puts back, as what, in which order, and what it warns of. No broker."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.dlq import families, grouping, planning, rules
from eventops.dlq.command import of_plan, that_goes_on
from eventops.dlq.conditions import LetterCondition
from eventops.dlq.ledger import Ledger
from eventops.dlq.model import Letter, Selection, State
from eventops.dlq.pace import Pace, Ramp
from eventops.dlq.planning import plan
from eventops.dlq.replay_model import EXACTLY_ONCE, Plan, Source, Wishes
from eventops.dlq.request import Known, Request
from eventops.dlq.rows import ledger_key
from eventops.events import REPLAY_ID, REPLAY_LINK, Event, Headers, Position
from eventops.ports import Coverage, Topic
from tests.dlq.sheets import record_of, sheet_of
from tests.dlq.workshop import AT, TRACEPARENT, record, spring_headers

DLT = Topic("orders-dlt", "topic-id-1", (0,))
ORDERS = Topic("orders", "topic-id-2", (0, 1, 2))
BODY = b'{"eventId":"e-1"}'


def letter(
    offset: int, *, origin: str | None = None, key: bytes | None = b"k", value: bytes | None = BODY, more: Headers = ()
) -> Letter:
    """A letter of orders-dlt/0 whose origin stands at the same offset of orders/0."""
    headers = spring_headers(Position.parse(origin or f"orders/0/{offset}")) if origin != "" else ()
    return families.decode(record((TRACEPARENT, *more, *headers), at=f"orders-dlt/0/{offset}", key=key, value=value))


def fresh(one: Letter, age: timedelta) -> Event:
    """Its event, come so long before the plan."""
    return replace(one.event, record=replace(one.event.record, timestamp=AT - age))


def known(**more: object) -> Known:
    """A cluster where orders has three partitions."""
    base = Known("cluster", DLT, Ledger(), Coverage(1, 1), EXACTLY_ONCE, targets={"orders": ORDERS})
    return replace(base, **more)  # type: ignore[arg-type]


def planned(*letters: Letter, selection: Selection | None = None, to: str | None = None, **more: object) -> Plan:
    """The plan for those letters."""
    return plan(Request(selection or Selection("orders-dlt"), AT, "run", wishes=Wishes(to=to)), letters, known(**more))


def test_a_letter_goes_back_to_its_partition_with_its_chain_and_nothing_of_its_failure() -> None:
    [one] = planned(letter(4, origin="orders/2/9")).planned

    assert (one.target_topic, one.target_partition) == ("orders", 2)
    assert (one.key, one.value, one.taken_from) == (b"k", BODY, "letter")
    assert dict(one.headers) == {
        "traceparent": TRACEPARENT[1],
        REPLAY_ID: one.replay_id.encode(),
        REPLAY_LINK: b"orders-dlt/0/4",
        "eventops-original-timestamp": b"2026-01-15T10:30:00.000000Z",
    }


def test_a_partition_that_is_gone_leaves_the_choice_to_the_key() -> None:
    assert planned(letter(0, origin="orders/7/1")).planned[0].target_partition is None


def test_the_origin_record_is_preferred_while_it_is_the_same_event() -> None:
    stripped_by_its_class = letter(0, value=b'{"eventId":"e-1"}')
    origin = record((TRACEPARENT,), at="orders/0/0", value=b'{"eventId":"e-1","kept":true}')
    [one] = planned(stripped_by_its_class, origins={Position("orders", 0, 0): origin}).planned

    assert (one.taken_from, one.value) == ("origin", origin.value)
    assert one.difference == "value: 29 bytes in the origin, 17 bytes in the letter"


def test_a_replay_has_the_trace_context_of_its_letter_which_is_no_difference() -> None:
    sent_before = record((("traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"), ("baggage", b"a=b")))
    origins = {Position("orders", 0, 0): replace(sent_before, value=BODY, key=b"k")}
    [one] = planned(letter(0), origins=origins).planned
    assert (one.taken_from, one.difference) == ("origin", None)
    assert [value for name, value in one.headers if name == "traceparent"] == [TRACEPARENT[1]]
    assert "baggage" not in dict(one.headers), "it belongs to the earlier hop's context"

    request = Request(Selection("orders-dlt"), AT, "run", wishes=Wishes(drop_headers=("traceparent",)))
    [one] = plan(request, [letter(0)], known(origins=origins)).planned
    assert "traceparent" not in dict(one.headers), "the operator has the last word"


@pytest.mark.parametrize(
    ("told", "source", "taken", "says"),
    [
        (None, Source.AUTO, "letter", "1 letter differs from what stands at the origin"),
        (None, Source.ORIGIN, "origin", "1 letter differs from the origin record, which is put back"),
        (AT, Source.AUTO, "origin", "1 letter differs from the origin record, which is put back"),
        (AT + timedelta(seconds=1), Source.AUTO, "letter", None),
    ],
    ids=["nothing tells", "asked for", "the same time", "another time"],
)
def test_a_letter_that_was_emptied(told: datetime | None, source: Source, taken: str, says: str | None) -> None:
    emptied = letter(0, value=b"")
    assert emptied.origin is not None
    emptied = replace(emptied, origin=replace(emptied.origin, timestamp=told))
    origin = replace(record(at="orders/0/0", value=b'{"eventId":"e-1"}'), timestamp=AT)
    request = Request(Selection("orders-dlt"), AT, "run", wishes=Wishes(source=source))
    found = plan(request, [emptied], known(origins={Position("orders", 0, 0): origin}))
    [one] = found.planned
    assert one.taken_from == taken
    warned = [warning for warning in found.warnings if "differs" in warning]
    assert len(warned) == (says is not None)
    assert all(warning.startswith(says or "") for warning in warned)


def test_another_event_at_the_origins_offset_is_not_put_back() -> None:
    anew = record(at="orders/0/0", value=b'{"eventId":"another"}')

    assert planned(letter(0), origins={Position("orders", 0, 0): anew}).planned[0].taken_from == "letter"


def test_without_an_origin_a_target_has_to_be_named() -> None:
    lost = letter(0, origin="")

    assert "--to" in planned(lost).refused[0].reason
    [one] = planned(lost, to="orders").planned
    assert (one.target_topic, one.target_partition) == ("orders", None)


def test_a_target_that_does_not_exist_is_refused() -> None:
    assert "doesn't exist" in planned(letter(0, origin="gone/0/1")).refused[0].reason


def test_the_same_letter_to_the_same_target_has_the_same_replay_id() -> None:
    first, second = (planned(letter(0)).planned[0].replay_id for _ in range(2))

    assert first == second
    assert first != planned(letter(1)).planned[0].replay_id


def test_a_keys_letters_go_back_in_the_order_of_their_origin() -> None:
    shuffled = [letter(0, origin="orders/0/30"), letter(1, origin="orders/0/10"), letter(2, origin="orders/0/20")]

    assert [one.letter.position.offset for one in planned(*shuffled).planned] == [1, 2, 0]


def test_a_replayed_letter_is_an_answer_and_not_planned_again() -> None:
    done = ledger_of(letter(0), State.REPLAYED)
    answer = planned(judged(letter(0), done), letter(1), ledger=done)

    assert [one.position.offset for one in answer.already_replayed] == [0]
    assert [one.letter.position.offset for one in answer.planned] == [1]


def test_a_row_about_another_content_refuses_the_letter() -> None:
    done = ledger_of(letter(0, value=b"before"), State.REPLAYED)
    answer = planned(judged(letter(0), done), ledger=done)

    assert "made anew" in answer.refused[0].reason


def test_a_row_of_a_topic_made_anew_does_not_match() -> None:
    done = ledger_of(letter(0), State.REPLAYED)
    answer = planned(letter(0), ledger=done, topic=replace(DLT, topic_id="topic-id-9"))

    assert len(answer.planned) == 1


def test_an_unreadable_row_is_not_guessed_at() -> None:
    source = planning.letter_id(letter(0).position, "cluster", DLT.topic_id)
    broken = Ledger()
    broken.absorb([record(key=ledger_key(source, "orders"), value=b"?", at="eventops-ledger/0/0")])

    reason = planned(letter(0), ledger=broken).refused[0].reason
    assert "eventops-ledger/0/0" in reason
    assert "take it back" in reason


def test_a_parked_letter_is_put_back_only_when_it_is_named() -> None:
    parked = ledger_of(letter(0), State.PARKED)
    one = judged(letter(0), parked)

    assert "--offset" in planned(one, ledger=parked).refused[0].reason
    named = Selection("orders-dlt", positions=(one.position,))
    assert len(planned(one, selection=named, ledger=parked).planned) == 1


def test_the_limit_counts_what_is_still_to_do() -> None:
    done = ledger_of(letter(0), State.REPLAYED)
    letters = [judged(letter(0), done), letter(1), letter(2)]
    answer = planned(*letters, selection=Selection("orders-dlt", limit=1), ledger=done)

    assert (answer.selected, len(answer.already_replayed), len(answer.planned)) == (2, 1, 1)


def test_warnings_name_what_an_operator_would_regret() -> None:
    letters = [letter(0), letter(1), letter(2, key=b"other", more=((REPLAY_ID, b"x"),))]
    answer = planned(
        *letters,
        selection=Selection("orders-dlt", positions=(letters[0].position, letters[2].position)),
        configs={"orders": {"cleanup.policy": "compact", "max.message.bytes": "150"}},
        idle_groups=frozenset({"billing"}),
    )

    text = "\n".join(answer.warnings)
    for sign in (
        "orders is compacted",
        "2 letters outgrew what orders takes (150 bytes)",
        "1 key only some",
        "1 letter failed again",
        "billing has no members",
    ):
        assert sign in text


def test_warnings_of_one_kind_beyond_the_first_few_are_one() -> None:
    failing = [letter(number) for number in range(300)]
    many = [
        replace(one, group=f"group-{number:03}", event=fresh(one, timedelta(seconds=number % 200)))
        for number, one in enumerate(failing)
    ]
    groups = frozenset(f"group-{number:03}" for number in range(300))
    answer = planned(*many, idle_groups=groups)

    still = [warning for warning in answer.warnings if "fail" in warning]
    assert [warning.partition(" still")[0] for warning in still[:3]] == [
        "the group group-000", "the group group-200", "the group group-001"
    ], "the latest first"  # fmt: skip
    assert still[3:] == ["and 297 more causes that still fail"]
    assert [warning for warning in answer.warnings if "group" in warning][-1] == "and 297 more groups without members"


def test_the_command_repeats_the_selection_for_a_shell() -> None:
    where = LetterCondition.of('key == "k"')
    at = (Position("orders-dlt", 0, 3),)
    selection = Selection("orders-dlt", causes=("a b",), positions=at, limit=9, where=where)
    one = planned(letter(3), selection=selection, to="elsewhere", targets={"elsewhere": ORDERS})

    words = "eventops -b x:1 dlq replay orders-dlt --cause 'a b' --offset 0/3 --where 'key == \"k\"'"
    assert of_plan(one, "eventops -b x:1") == f"{words} --limit 9 --to elsewhere --execute"
    assert that_goes_on(one, "eventops -b x:1", Pace(), left=4) == f"{words} --limit 4 --to elsewhere --execute"


def test_the_command_repeats_the_pace_and_whatever_stands_in_a_key() -> None:
    """Keys and expressions may hold line feeds, bytes that are no UTF-8 and what a terminal would obey."""
    selection = Selection("orders-dlt", keys=(b"\xff\xfe", b"a\nb"))
    one = plan(Request(selection, AT, "run", wishes=Wishes(again=True)), [letter(3)], known())
    pace = Pace(rate=1234567.5, ramp=Ramp(wait=7, settle=60), take_over=True)
    words = r"eventops dlq replay orders-dlt --key $'\xff\xfe' --key $'a\x0a'$'b' --again --rate 1234567.5"
    ramp = "--ramp --ramp-wait 7 --ramp-settle 60"
    assert of_plan(one, "eventops", pace) == f"{words} {ramp} --take-over --execute"
    assert that_goes_on(one, "eventops", pace, left=1) == f"{words} {ramp} --run {one.run_id} --execute"


OWN_NAMES = st.text(max_size=8).filter(lambda name: bool(families.strip(((name, None),))))
"""What a failure or a replication adds is left out by design."""
HEADERS = st.lists(st.tuples(OWN_NAMES, st.none() | st.binary(max_size=8)), max_size=6).map(tuple)


@given(chain=HEADERS, key=st.none() | st.binary(max_size=9), value=st.none() | st.binary(max_size=30))
def test_a_replay_preserves_key_payload_and_chain(chain: Headers, key: bytes | None, value: bytes | None) -> None:
    [one] = planned(letter(0, key=key, value=value, more=chain)).planned

    assert (one.key, one.value) == (key, value)
    assert one.headers[: len(chain) + 1] == (TRACEPARENT, *chain)
    assert {name for name, _ in one.headers[len(chain) + 1 :]} >= {REPLAY_ID, REPLAY_LINK}


def test_replication_markers_are_left_behind() -> None:
    markers: Headers = (("__mskmr", None), ("__mskmr_id", b"1"), ("__replicator_id", b"r"))
    [one] = planned(letter(0, more=(*markers, ("__own", b"1")))).planned

    assert [name for name, _value in one.headers if name.startswith("__")] == ["__own"]


LETTERS = st.lists(
    st.builds(
        lambda offset, cause, group, state: replace(
            families.decode(
                record(spring_headers(Position("t", 0, 1), cause=cause, group=group), at=f"a-dlt/0/{offset}")
            ),
            state=state,
        ),
        st.integers(0, 10**6),
        st.sampled_from(["a.X", "b.X", "Y"]),
        st.sampled_from(["g", "h"]),
        st.sampled_from(list(State)),
    ),
    max_size=30,
)


@given(LETTERS)
def test_grouping_loses_no_letter(letters: list[Letter]) -> None:
    groups = grouping.group_by_cause("a-dlt", letters)

    assert sum(sum(group.counts.values()) for group in groups) == len(letters)
    for state in State:
        assert sum(group.counts.get(state, 0) for group in groups) == sum(one.state is state for one in letters)
    assert len({(group.cause_id, group.group) for group in groups}) == len(groups)


def judged(one: Letter, ledger: Ledger) -> Letter:
    return rules.judge(one, planning.letter_id(one.position, "cluster", DLT.topic_id), ledger)


def ledger_of(one: Letter, state: State) -> Ledger:
    source = planning.letter_id(one.position, "cluster", DLT.topic_id)
    target = Position("orders", 0, 99) if state is State.REPLAYED else None
    found = Ledger()
    found.absorb([record_of(sheet_of(one, source, state, target, reason="too large"))])
    return found
