"""Letters whose headers name what no topic can be called: one among many doesn't stop the others."""

from __future__ import annotations

import pytest

from eventops.dlq.families import decode
from eventops.events import Headers
from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop, record


def nservicebus(queue: bytes) -> Headers:
    return (("NServiceBus.FailedQ", queue), ("NServiceBus.ExceptionInfo.ExceptionType", b"Acme.NoStock"))


def masstransit(address: bytes) -> Headers:
    return (("MT-Fault-ExceptionType", b"Acme.NoStock"), ("MT-Fault-InputAddress", address))


def watermill(topic: bytes) -> Headers:
    return (("reason_poisoned", b"no stock"), ("topic_poisoned", topic))


@pytest.mark.parametrize(
    ("headers", "topic"),
    [
        (nservicebus(b"orders@host"), "orders"),
        (nservicebus(b"orders"), "orders"),
        (nservicebus(b"sales orders@host"), None),
        (nservicebus(b"@host"), None),
        (masstransit(b"rabbitmq://h/orders?durable=true"), "orders"),
        (masstransit(b"sb://h/orders/?path=a/b"), "orders"),
        (masstransit(b"rabbitmq://h/q%20x?durable=true"), None),
        (masstransit(b"\xff"), None),
        (watermill(b"orders.v1"), "orders.v1"),
        (watermill(b"amqp://x y"), None),
        (watermill(b""), None),
    ],
)
def test_what_can_be_no_topic_is_none(headers: Headers, topic: str | None) -> None:
    assert decode(record(headers, at="errors-dlq/0/0")).came_from == topic


@pytest.mark.broker
def test_a_letter_of_an_impossible_topic_stops_no_other(workshop: Workshop, operator: Operator) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    odd = (watermill(b"amqp://x y"), masstransit(b"rabbitmq://h/q%20x?durable=true"), nservicebus(b"a b@host"))
    good = nservicebus(orders.encode() + b"@host")
    workshop.put(letters, [(b"k", b"%d" % number, headers) for number, headers in enumerate((*odd, good))])

    assert operator.planned(letters, "--all") == [3]
    assert operator.refused(letters, "--all", code=0) == [
        "the topic it came from wasn't recorded: name one with --to"
    ] * len(odd)
    assert operator.document("show", f"{letters}/0/0", schema="letter")["origin"] is None
    done = operator.execute(letters, "--all", "--to", orders)
    assert (done["replayed"], len(workshop.committed(orders))) == (4, 4)


@pytest.mark.broker
@pytest.mark.parametrize("name", ["a b/c", "", ".", "a" * 250])
def test_a_target_that_can_be_no_topic_is_a_mistake(workshop: Workshop, operator: Operator, name: str) -> None:
    _orders, letters = workshop.orders_with_letters(1)

    run = operator("replay", letters, "--all", "--to", name)

    assert (run.returncode, run.stdout) == (2, "")
    assert "can't be a topic's name: 1 to 249 letters, digits" in run.stderr
    assert operator("replay", "a b/c d", "--all").returncode == 2
