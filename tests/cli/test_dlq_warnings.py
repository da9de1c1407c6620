"""Every warning of a plan, by command, on topics where it is true, and its silence where it isn't."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from eventops.dlq.partitioners import murmur2
from eventops.events import Position
from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop, replayed, spring_headers, wait_until

pytestmark = pytest.mark.broker
LONG_AGO = datetime.now(UTC) - timedelta(hours=3)


def topics(workshop: Workshop, partitions: int = 1, **config: str) -> tuple[str, str]:
    """A topic and its letters'."""
    orders = workshop.topic(workshop.unique("orders"), partitions, **config)
    return orders, workshop.topic(f"{orders}-dlt")


def fail(
    workshop: Workshop,
    letters: str,
    origin: Position,
    key: bytes = b"k",
    *,
    group: str = "billing",
    cause: str = "a.NoStock",
) -> None:
    """A letter of three hours ago, so that nothing is failing now."""
    workshop.put(letters, [(key, b"{}", spring_headers(origin, group=group, cause=cause))], at=LONG_AGO)


def test_a_plan_without_trouble_warns_of_nobody_reading_alone(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop)
    workshop.put(orders, [(b"k", b"{}", ())])
    group = workshop.unique("billing")
    fail(workshop, letters, Position(orders, 0, 0), group=group)

    nobody = f"there is no group {group}: nobody reads what is put back"
    assert operator.document("replay", letters)["plan"]["warnings"] == [nobody]


def test_newer_events_for_the_same_key(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop)
    workshop.put(orders, [(key, b"{}", ()) for key in (b"a", b"b", b"a", b"a", b"b")])
    for offset, key in ((0, b"a"), (1, b"b"), (4, b"b")):
        fail(workshop, letters, Position(orders, 0, offset), key)

    assert "of 1 key newer events are in the target: 1 letter would come after them" in operator.warnings(letters)
    assert "newer" not in operator.warnings(letters, "--key", "b"), "its newer event failed as well"


def test_what_was_put_back_is_as_old_as_what_it_is_a_copy_of(workshop: Workshop, operator: Operator) -> None:
    """Three events of one key failed. The first one back is no newer event for the second; the third one is."""
    orders, letters = topics(workshop)
    workshop.put(orders, [(b"a", b"{}", ())] * 3)
    for offset in range(3):
        fail(workshop, letters, Position(orders, 0, offset), b"a")
    operator.execute(letters, "--offset", "0/0")
    assert "newer" not in operator.warnings(letters, "--offset", "0/1-2")
    operator.execute(letters, "--offset", "0/2")
    assert "1 letter would come after them" in operator.warnings(letters, "--offset", "0/1")

    other = workshop.topic(f"{orders}-other-dlt")
    fail(workshop, other, Position(orders, 0, 2), b"a")
    assert "newer" not in operator.warnings(other), (
        "each of the copies tells the time of its event, and all of them had the same"
    )


def test_a_target_for_letters(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    other = workshop.topic(workshop.unique("parked.DLT"))
    assert f"{other} is named for dead letters" in operator.warnings(letters, "--to", other)
    assert "named for dead letters" not in operator.warnings(letters)


def test_a_compacted_target(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop, cleanup_policy="compact")
    fail(workshop, letters, Position(orders, 0, 0))

    assert f"{orders} is compacted: an old value would replace newer state" in operator.warnings(letters)


def test_only_some_letters_of_a_key(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(4, keys=2)

    assert "of 1 key only some open letters are selected" in operator.warnings(letters, "--offset", "0/0")
    assert "of 2 keys only some open letters are selected" in operator.warnings(letters, "--limit", "2")
    assert "only some" not in operator.warnings(letters, "--key", "key-1")
    operator.execute(letters, "--offset", "0/0")
    assert "only some" not in operator.warnings(letters, "--offset", "0/2"), "the other one of its key is back"


def test_a_topic_that_is_gone(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop)
    fail(workshop, letters, Position(orders, 0, 0))
    workshop.drop(orders)

    assert operator.refused(letters) == [f"the topic {orders} doesn't exist: create it, or name another with --to"]
    run = operator("replay", letters, "--all", "--execute")
    assert run.returncode == 1
    assert not workshop.exists(orders), "and it isn't made by asking for it"


def test_partitions_that_were_added(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop, partitions=2)
    keys = [b"key-%d" % number for number in range(8)]
    for number, key in enumerate(keys):
        fail(workshop, letters, Position(orders, murmur2(key) % 2, number), key)
    assert "had 2 partitions" not in operator.warnings(letters)

    admin = AdminClient({"bootstrap.servers": workshop.bootstrap})
    admin.create_partitions([NewPartitions(orders, 3)])[orders].result(20)
    wait_until(lambda: len(admin.list_topics(orders, timeout=10).topics[orders].partitions) == 3)

    told = operator.warnings(letters)
    assert f"{orders} had 2 partitions when these events came and has 3 now" in told
    assert "had 2 partitions" not in operator.warnings(letters, "--by-key")


def test_a_partition_that_is_gone(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop)
    fail(workshop, letters, Position(orders, 5, 0))

    assert f"the partition that 1 letter came from is gone from {orders}" in operator.warnings(letters)
    assert operator.execute(letters, "--all")["targets"][0]["partition"] == 0


def test_a_record_that_became_too_large_is_told_before_and_parked_after(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop, max_message_bytes="2000")
    workshop.put(letters, [(b"k", b"x" * 5_000, spring_headers(Position(orders, 0, 0)))], at=LONG_AGO)
    fail(workshop, letters, Position(orders, 0, 1))

    assert f"1 letter outgrew what {orders} takes (2,000 bytes) and would be parked" in operator.warnings(letters)
    done = operator.execute(letters, "--all", code=1)
    assert (done["replayed"], done["parked"]) == (1, 1)
    assert [row["state"] for row in operator.history(letters)].count("parked") == 1
    assert len(replayed(workshop.committed(orders))) == 1
    restored = operator.document("restore", letters, "--offset", "0/0", "--execute")
    assert restored["restored"] == 1, "a parked letter is open again"
    assert operator.planned(letters) == [0]


@pytest.mark.parametrize("value", [b"3", b"\x00\x00\x00\x03"])
def test_counters_that_would_exhaust_retries_at_once(workshop: Workshop, operator: Operator, value: bytes) -> None:
    orders, letters = topics(workshop)
    headers = (("x-delivery-count", value), *spring_headers(Position(orders, 0, 0)))
    workshop.put(letters, [(b"k", b"{}", headers)], at=LONG_AGO)

    told = operator.warnings(letters)
    assert "the header x-delivery-count stays on 1 letter and may exhaust their retries at once" in told
    assert "kafka_deliveryAttempt" not in told, "what families write is taken off"


def test_a_group_that_still_fails_the_same_way(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop)
    fail(workshop, letters, Position(orders, 0, 0))
    workshop.put(letters, [(b"other", b"{}", spring_headers(Position(orders, 0, 1), cause="a.NoStock"))])
    fail(workshop, letters, Position(orders, 0, 2), b"third", cause="a.NoAddress")

    assert "the group billing still fails with a.NoStock: its last letter came" in operator.warnings(letters)
    assert "the group billing still fails" in operator.warnings(letters, "--offset", "0/0"), "by any letter of its"
    assert "still fails" not in operator.warnings(letters, "--cause", "NoAddress")


def test_a_group_without_members(workshop: Workshop, operator: Operator) -> None:
    from confluent_kafka import Consumer, TopicPartition

    orders, letters = topics(workshop)
    group = workshop.unique("billing")
    workshop.put(orders, [(b"k", b"{}", ())])
    consumer = Consumer({"bootstrap.servers": workshop.bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(orders, 0, 1)], asynchronous=False)
    consumer.close()
    fail(workshop, letters, Position(orders, 0, 0), group=group)
    absent = workshop.unique("gone")
    fail(workshop, letters, Position(orders, 0, 0), group=absent)

    warnings = operator.warnings(letters)
    assert f"the group {group} has no members now: nobody reads what is put back" in warnings
    assert f"there is no group {absent}: nobody reads what is put back" in warnings


def test_a_letter_that_tells_its_topic_and_no_offset_goes_back_there(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop)
    watermill = (("topic_poisoned", orders.encode()), ("reason_poisoned", b"no card"), ("tenant", b"acme"))
    workshop.put(letters, [(b"k", b'{"n":1}', watermill), (b"k", b"{}", (("reason_poisoned", b"no card"),))])

    assert operator.refused(letters, code=0) == ["the topic it came from wasn't recorded: name one with --to"]
    done = operator.execute(letters, "--offset", "0/0")
    assert done["replayed"] == 1
    (back,) = replayed(workshop.committed(orders))
    assert (back.key, back.value, back.header("tenant")) == (b"k", b'{"n":1}', b"acme")
    assert back.header("topic_poisoned") is None


def test_one_event_of_two_groups_is_two_letters_and_one_is_told(workshop: Workshop, operator: Operator) -> None:
    orders, letters = topics(workshop)
    for group in ("billing", "shipping"):
        fail(workshop, letters, Position(orders, 0, 0), group=group)

    assert "1 record failed more than once or in several groups" in operator.warnings(letters)
    assert "several groups" not in operator.warnings(letters, "--group", "billing")
