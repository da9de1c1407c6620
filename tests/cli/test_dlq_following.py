"""What became of what was put back, by command: a ramp that stops, passed, pending, failed again; books kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from eventops.events import REPLAY_ID, Position
from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop, replayed, spring_headers, wait_until

pytestmark = pytest.mark.broker


@contextmanager
def consuming(
    workshop: Workshop, group: str, orders: str, letters: str, fails: Callable[[Message], bool], first: int = 0
) -> Iterator[None]:
    """A real group that commits what it handled and writes a letter of what it couldn't, as Spring does."""
    ended, joined = Event(), Event()
    consumer = Consumer(
        {"bootstrap.servers": workshop.bootstrap, "group.id": group, "enable.auto.commit": False}
        | {"auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    )
    producer = Producer({"bootstrap.servers": workshop.bootstrap, "linger.ms": 0})

    def handle(message: Message) -> None:
        if REPLAY_ID in dict(message.headers() or ()) and fails(message):
            at = Position(orders, message.partition() or 0, message.offset() or 0)
            headers = [*(message.headers() or ()), *spring_headers(at, group=group)]
            producer.produce(letters, message.value(), message.key(), 0, headers=headers)
            assert producer.flush(20) == 0
        consumer.commit(message=message, asynchronous=False)

    def run() -> None:
        while not ended.is_set():
            message = consumer.poll(0.05)
            if message is not None and message.error() is None:
                handle(message)

    consumer.subscribe([orders], on_assign=lambda *_: joined.set())
    thread = Thread(target=run)
    thread.start()
    try:
        assert joined.wait(20), "the group never came together"
        yield
    finally:
        ended.set()
        thread.join(20)
        consumer.close()


def letters_of(workshop: Workshop, group: str, count: int) -> tuple[str, str]:
    """Events that this group failed."""
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    for number in range(count):
        body = json.dumps({"eventId": f"{orders}-{number}"}).encode()
        workshop.put(orders, [(b"key-%d" % number, body, ())])
        workshop.put(letters, [(b"key-%d" % number, body, spring_headers(Position(orders, 0, number), group=group))])
    return orders, letters


def outcomes(operator: Operator, letters: str) -> list[str | None]:
    return [row["outcome"] for row in operator.history(letters)]


def test_a_ramp_goes_up_while_all_goes_well(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 25)

    with consuming(workshop, group, orders, letters, fails=lambda _message: False):
        done = operator.execute(letters, "--all", "--ramp", "--ramp-settle", "0.3")

    assert (done["replayed"], done["failed_again"], done["stopped"]) == (25, [], None)
    back = replayed(workshop.committed(orders))
    times = [one.timestamp.timestamp() for one in back if one.timestamp]
    assert len(times) == 25
    waits = [number + 1 for number in range(24) if times[number + 1] - times[number] > 0.3]
    assert waits == [1, 11], "one, then ten, then the rest, each after the stage before was read and had settled"
    assert outcomes(operator, letters) == ["passed"] * 25


def test_a_ramp_stops_when_the_first_fails_again(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 25)

    with consuming(workshop, group, orders, letters, fails=lambda _message: True):
        done = operator.execute(letters, "--all", "--ramp", "--ramp-settle", "5", code=1)

    assert (done["replayed"], done["failed_again"]) == (1, [f"{letters}/0/25"])
    assert done["stopped"] == f"1 letter failed again: {letters}/0/25"
    assert len(replayed(workshop.committed(orders))) == 1
    assert outcomes(operator, letters) == ["failed_again"]
    line = next(
        one for one in operator.document("list", schema="dlq-list", code=1)["topics"] if one["topic"] == letters
    )
    assert (line["open"], line["failed_again"], line["replayed"]) == (24, 1, 1)


def test_a_ramp_stops_at_the_second_stage(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 25)

    with consuming(workshop, group, orders, letters, fails=lambda message: message.key() == b"key-7"):
        done = operator.execute(letters, "--all", "--ramp", "--ramp-settle", "0.5", code=1)

    assert (done["replayed"], done["failed_again"]) == (11, [f"{letters}/0/25"])
    found = outcomes(operator, letters)
    assert [index for index, one in enumerate(found) if one == "failed_again"] == [7]
    assert found.count("passed") == 10


def test_a_ramp_ends_when_nobody_reads(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 3)
    with consuming(workshop, group, orders, letters, fails=lambda _message: False):
        wait_until(lambda: operator.shell("groups", "show", group).returncode == 0)

    done = operator.execute(letters, "--all", "--ramp", "--ramp-settle", "0", "--ramp-wait", "0.5", code=1)

    assert done["replayed"] == 1
    assert "1 letter wasn't read within" in done["stopped"]
    assert done["resume_command"] is not None
    assert "--ramp" in done["resume_command"]
    assert len(replayed(workshop.committed(orders))) == 1


def test_a_ramp_waits_for_no_group_that_is_not_there(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 3)
    began = time.monotonic()

    done = operator.execute(letters, "--all", "--ramp", code=1)

    assert (done["replayed"], done["stopped"]) == (1, f"there is no group {group}: nobody reads what was put back")
    assert time.monotonic() - began < 60, "and not the two minutes that a group may take to read"
    assert len(replayed(workshop.committed(orders))) == 1


def test_what_was_put_back_is_pending_until_the_group_went_past_it(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 3)
    operator.execute(letters, "--all", "--reason", "the mail server is back")

    def commit(offset: int) -> None:
        consumer = Consumer({"bootstrap.servers": workshop.bootstrap, "group.id": group})
        consumer.commit(offsets=[TopicPartition(orders, 0, offset)], asynchronous=False)
        consumer.close()

    assert outcomes(operator, letters) == ["unknown"] * 3, "the group has committed nothing there"
    commit(3)
    assert outcomes(operator, letters) == ["pending"] * 3
    commit(5)
    assert outcomes(operator, letters) == ["passed", "passed", "pending"]
    back = replayed(workshop.committed(orders))
    workshop.put(
        letters, [(back[1].key, back[1].value, back[1].headers + spring_headers(back[1].position, group=group))]
    )

    rows = operator.history(letters)
    assert [row["outcome"] for row in rows] == ["passed", "failed_again", "pending"]
    assert rows[1]["evidence"] == f"letter {letters}/0/3"
    assert {(row["reason"], row["group"], row["state"]) for row in rows} == {
        ("the mail server is back", group, "replayed")
    }
    assert {row["target"] for row in rows} == {str(one.position) for one in back}
    assert all("@" in row["operator"] for row in rows)


def test_a_letter_without_the_replays_headers_is_known_by_where_it_came_from(
    workshop: Workshop, operator: Operator
) -> None:
    """Share groups and others copy no headers: the ledger knows what stood there."""
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 2)
    operator.execute(letters, "--all")
    back = replayed(workshop.committed(orders))
    workshop.put(letters, [(back[0].key, back[0].value, spring_headers(back[0].position, group=group))])

    assert outcomes(operator, letters)[0] == "failed_again"
    line = next(
        one for one in operator.document("list", schema="dlq-list", code=1)["topics"] if one["topic"] == letters
    )
    assert (line["open"], line["failed_again"], line["replayed"]) == (0, 1, 2)
    (cause,) = operator.document("groups", letters, schema="dlq-groups", code=1)["causes"]
    assert (cause["failed_again"], cause["replayed"]) == (1, 2)
    shown = operator.document("show", f"{letters}/0/2", schema="letter")
    assert shown["state"] == "failed_again"
    again = operator.document("show", letters, "--where", 'state == "failed_again"', schema="dlq-letters")["letters"]
    assert [one["offset"] for one in again] == [2]
    assert "1 letter failed again after an earlier replay" in operator.warnings(letters)


def test_books_are_kept_and_nothing_is_deleted(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(3)
    assert operator("discard", letters, "--all", "--execute").returncode == 2, "a reason is asked for"

    plan = operator("discard", letters, "--offset", "0/0-1", "--reason", "test data")
    assert "2 letters to discard" in plan.stdout
    assert "only the ledger is written to" in plan.stdout
    assert f"dlq discard {letters} --offset 0/0-1 --reason 'test data' --execute" in plan.stdout
    done = operator.document("discard", letters, "--offset", "0/0-1", "--reason", "test data", "--execute")
    assert (done["discarded"], done["replayed"]) == (2, 0)
    assert operator.planned(letters) == [2]
    assert set(operator.refused(letters, code=0)) == {
        f"discarded: test data ({operator_name(operator, letters)}); name it with --offset to put it back all the same"
    }

    done = operator.document("restore", letters, "--offset", "0/0", "--reason", "it wasn't", "--execute")
    assert done["restored"] == 1
    assert operator.planned(letters) == [0, 2]
    assert operator.document("restore", letters, "--offset", "0/2", code=1)["refusals"][0]["reason"] == (
        "it is open, and neither discarded nor parked"
    )
    assert operator.execute(letters, "--all", code=1)["replayed"] == 2
    assert [(row["offset"], row["state"], row["reason"]) for row in operator.history(letters)] == [
        (0, "discarded", "test data"),
        (1, "discarded", "test data"),
        (0, "restored", "it wasn't"),
        (0, "replayed", None),
        (2, "replayed", None),
    ]
    assert operator.execute(letters, "--offset", "0/1")["replayed"] == 1, "named, it is put back all the same"
    assert len(workshop.committed(letters)) == 3
    assert len(replayed(workshop.committed(orders))) == 3


def test_a_run_and_a_page_of_the_history(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(3)
    first = operator.execute(letters, "--offset", "0/0")["run_id"]
    operator.execute(letters, "--all")

    one = operator.document("history", letters, "--run", first, schema="dlq-history")["rows"]
    assert [row["offset"] for row in one] == [0]
    newest = operator.document("history", letters, "--limit", "1", schema="dlq-history")["rows"]
    assert [row["offset"] for row in newest] == [2]
    assert operator("history", letters, "--run", "nobody's").returncode == 1
    page = operator("history", letters)
    assert page.returncode == 0
    assert "replayed" in page.stdout


def operator_name(operator: Operator, letters: str) -> str:
    return str(operator.history(letters)[0]["operator"])
