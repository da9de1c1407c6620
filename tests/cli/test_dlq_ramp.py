"""What a ramp promises, by command: every stage is watched, wherever letters come back."""

from __future__ import annotations

import pytest

from eventops.events import Position
from tests.cli.operator import Operator
from tests.cli.test_dlq_following import consuming, letters_of, outcomes
from tests.dlq.workshop import Workshop, spring_headers

pytestmark = pytest.mark.broker

_SMALLRYE = (("dead-letter-reason", b"no stock"), ("dead-letter-exception-class-name", b"com.acme.NoStock"))


def test_the_last_stage_is_watched_too(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 11)

    with consuming(workshop, group, orders, letters, fails=lambda message: message.key() != b"key-0"):
        done = operator.execute(letters, "--all", "--ramp", "--ramp-settle", "2", code=1)

    assert (done["replayed"], done["failed"]) == (11, 0)
    assert set(done["failed_again"]) <= {f"{letters}/0/{offset}" for offset in range(11, 21)}
    assert done["failed_again"]
    assert "failed again" in done["stopped"]
    assert done["resume_command"] is None


def test_a_single_letter_is_watched(workshop: Workshop, operator: Operator) -> None:
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 1)

    with consuming(workshop, group, orders, letters, fails=lambda _message: True):
        done = operator.execute(letters, "--all", "--ramp", "--ramp-settle", "5", code=1)

    assert (done["replayed"], done["failed_again"]) == (1, [f"{letters}/0/1"])


def test_letters_that_come_back_elsewhere_are_seen(workshop: Workshop, operator: Operator) -> None:
    """In a dead-letter topic that wasn't there when the ramp began."""
    group = workshop.unique("billing")
    orders, letters = letters_of(workshop, group, 3)
    elsewhere = workshop.unique("mended-dlq")

    with consuming(workshop, group, orders, elsewhere, fails=lambda _message: bool(workshop.topic(elsewhere))):
        done = operator.execute(letters, "--all", "--ramp", "--ramp-settle", "25", code=1)

    assert (done["replayed"], done["failed_again"]) == (1, [f"{elsewhere}/0/0"]), done["stopped"]
    assert outcomes(operator, letters) == ["failed_again"], "and the history says the same"
    row = operator.history(letters)[0]
    assert row["evidence"] == f"letter {elsewhere}/0/0"


def test_what_was_put_into_a_topic_named_for_letters_did_not_fail(workshop: Workshop, operator: Operator) -> None:
    orders, nobody = workshop.topic(workshop.unique("orders")), workshop.unique("nobody")
    letters, parked = workshop.topic(f"{orders}-dlt"), workshop.topic(workshop.unique("parked-dlq"))
    workshop.put(letters, [(b"k", b"{}", spring_headers(Position(orders, 0, 0), group=nobody))])

    done = operator.execute(letters, "--offset", "0/0", "--to", parked, "--ramp", "--ramp-settle", "0.5", code=1)

    assert (done["replayed"], done["failed_again"]) == (1, [])
    assert done["stopped"] == f"there is no group {nobody}: nobody reads what was put back"
    assert outcomes(operator, letters) == ["unknown"]


def test_a_ramp_that_cannot_ask_anybody_says_so(workshop: Workshop, operator: Operator) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    at = Position(orders, 0, 0)
    told = (("dead-letter-topic", at.topic.encode()), ("dead-letter-partition", b"0"), ("dead-letter-offset", b"0"))
    workshop.put(letters, [(b"k", b"%d" % number, (*told, *_SMALLRYE)) for number in range(2)])
    ramp = ("--ramp", "--ramp-settle", "0.2")

    assert "2 letters don't tell which group had failed" in operator.warnings(letters, "--all", *ramp)
    assert "which group" not in operator.warnings(letters, "--all")
    run = operator("replay", letters, "--all", *ramp, "--execute")

    assert (run.returncode, run.stdout) == (0, "2 letters replayed\n")
    assert "1 letter of this stage doesn't tell which group had failed" in run.stderr
