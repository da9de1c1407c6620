"""Letters that came back in another dead-letter topic, on the real broker, as far as they are looked for."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, TopicPartition

from eventops.dlq import elsewhere
from eventops.dlq.following import Outcome
from eventops.dlq.service import DeadLetterService
from tests.dlq.test_replay import finished, planned
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker


def outcomes(service: DeadLetterService, letters: str) -> list[tuple[Outcome, str]]:
    """The oldest first."""
    found, gaps = service.fates(service.history(letters)[0])
    assert gaps == ()
    return [(one.outcome, one.evidence) for one in found if one is not None][::-1]


def test_a_letter_in_another_topic_is_known_by_its_replays_id(
    workshop: Workshop, service: DeadLetterService, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, letters = workshop.orders_with_letters(2)
    group = workshop.unique("billing")
    workshop.drop(letters)
    workshop.topic(letters)
    events = workshop.committed(orders)
    workshop.put(letters, [(one.key, one.value, spring_headers(one.position, group=group)) for one in events])
    finished(service.execute(planned(service, letters)))
    consumer = Consumer({"bootstrap.servers": workshop.bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(orders, 0, 1_000)], asynchronous=False)
    consumer.close()
    assert [outcome for outcome, _evidence in outcomes(service, letters)] == [Outcome.PASSED] * 2

    back = replayed(workshop.committed(orders))[1]
    other = workshop.topic(workshop.unique("other-dlq"))
    workshop.put(other, [(b"k", b"of somebody else", ())] * 3)
    workshop.put(other, [(back.key, back.value, (*back.headers, *spring_headers(back.position, group=group)))])
    assert outcomes(service, letters) == [
        (Outcome.PASSED, f"{group} has committed 1000"),
        (Outcome.FAILED_AGAIN, f"letter {other}/0/3"),
    ]

    monkeypatch.setattr(elsewhere, "MOST_SEARCHED", 2)
    said = "more than 2 records came into other dead-letter topics since: whether it is among them wasn't looked up"
    assert outcomes(service, letters) == [(Outcome.UNKNOWN, f"{group} has committed 1000, but {said}")] * 2
