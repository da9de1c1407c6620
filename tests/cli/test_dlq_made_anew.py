"""Topics that are deleted and made anew under their name, by command: offsets mean other records then."""

from __future__ import annotations

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq.letter_log import still_there
from eventops.events import Position
from eventops.ports import Gap
from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker


def make_anew(workshop: Workshop, topic: str) -> None:
    workshop.drop(topic)
    workshop.topic(topic)


def states(operator: Operator, letters: str) -> list[str]:
    found = operator.document("show", letters, schema="dlq-letters")["letters"]
    return [one["state"] for one in found]


def test_a_letter_that_was_there_before_is_no_failure_of_what_took_its_origins_offset(
    workshop: Workshop, operator: Operator
) -> None:
    """Its origin's offset is where another letter was put back to."""
    orders, letters = workshop.orders_with_letters(5)
    make_anew(workshop, orders)
    (target,) = operator.execute(letters, "--offset", "0/4")["targets"]
    assert target["offset"] == 0

    assert states(operator, letters) == ["open"] * 4 + ["replayed"]
    assert [row["outcome"] for row in operator.history(letters)] == ["unknown"], "no letter came back"
    line = next(
        one for one in operator.document("list", schema="dlq-list", code=1)["topics"] if one["topic"] == letters
    )
    assert (line["open"], line["failed_again"], line["replayed"]) == (4, 0, 1)
    for offset in range(2):  # their origins' offsets are taken by now
        assert operator.refused(letters, "--max-attempts", "1", code=0) == []
        operator.execute(letters, "--max-attempts", "1", "--offset", f"0/{offset}")
    (back,) = [one for one in replayed(workshop.committed(orders)) if one.position.offset == 0]
    workshop.put(letters, [(back.key, back.value, spring_headers(back.position))])
    assert states(operator, letters)[-1] == "failed_again", "this one came after it"
    assert operator.history(letters)[0]["evidence"] == f"letter {letters}/0/5"
    assert operator.refused(letters, "--max-attempts", "1", code=0) == [
        "replayed 1 time already, and failed again; --max-attempts 2 allows one more"
    ]


def test_what_became_of_a_record_in_a_topic_that_was_made_anew_is_not_known(
    workshop: Workshop, operator: Operator
) -> None:
    orders, letters = workshop.orders_with_letters(2)
    operator.execute(letters, "--all")
    make_anew(workshop, orders)
    workshop.put(letters, [(b"k", b"{}", spring_headers(Position(orders, 0, 2)))])

    row, other = operator.history(letters)
    assert (row["outcome"], other["outcome"]) == ("unknown", "unknown")
    assert row["evidence"] == f"{orders} was made anew since: its offsets are about other records"
    workshop.drop(orders)
    assert operator.history(letters)[1]["evidence"] == f"{orders} is gone, or hidden from you"


def test_the_history_of_a_topic_that_nobody_knows_is_refused(workshop: Workshop, operator: Operator) -> None:
    nowhere = workshop.unique("nowhere")
    run = operator("history", nowhere)
    assert (run.returncode, run.stdout) == (2, "")
    assert f"there is no topic {nowhere}" in run.stderr

    _orders, letters = workshop.orders_with_letters(1)
    assert operator("history", letters).returncode == 1, "it is there, and nothing was done"
    operator("discard", letters, "--all", "--reason", "gone", "--execute")
    workshop.drop(letters)
    assert operator("history", letters).returncode == 0, "the ledger knows it"


def test_what_went_away_meanwhile_is_no_gap_in_all_topics(workshop: Workshop, broker: KafkaBroker) -> None:
    there = workshop.topic(workshop.unique("there"))
    gaps = [Gap(workshop.unique("gone"), 0, "no such topic or partition"), Gap(there, 0, "no leader")]
    assert still_there(gaps, broker) == (gaps[1],)
    assert still_there([], broker) == ()
