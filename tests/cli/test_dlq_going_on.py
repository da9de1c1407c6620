"""Runs that are ended early and go on, and what earlier ones leave to later ones, by command."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from eventops.bootstrap import Desk
from eventops.config import BOOTSTRAP, Context
from eventops.dlq.model import Selection
from eventops.dlq.pace import Pace
from eventops.dlq.replay_model import ReplayReport, Wishes
from eventops.events import Position
from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker


@pytest.fixture
def desk(bootstrap_servers: str) -> Iterator[Desk]:
    with Desk(Context("test", {BOOTSTRAP: bootstrap_servers})) as found:
        yield found


def ended_early(desk: Desk, selection: Selection, wishes: Wishes, after: int) -> ReplayReport:
    """A run that is asked to stop when it has put back so many letters, two a transaction."""
    plan = desk.dlq.plan(selection, datetime.now(UTC), f"run-of-{selection.topic}", wishes)
    done = [0]
    for step in desk.dlq.execute(plan, Pace(chunk=2), is_stopped=lambda: done[-1] >= after):
        done.append(step.done)
        if step.report is not None:
            return step.report
    raise AssertionError("the last step has the report")


def copies(workshop: Workshop, topic: str) -> Counter[bytes | None]:
    return Counter(one.value for one in replayed(workshop.committed(topic)))


@pytest.mark.parametrize("limit", [None, 8])
def test_a_second_time_on_purpose_goes_on_where_it_ended(
    workshop: Workshop, operator: Operator, desk: Desk, limit: int | None
) -> None:
    """The command that it prints: each letter is put back twice in the end, and none three times."""
    orders, letters = workshop.orders_with_letters(10)
    operator.execute(letters, "--all")
    report = ended_early(desk, Selection(letters, limit=limit), Wishes(again=True), after=4)
    assert (report.interrupted, len(report.replayed)) == (True, 4)
    assert report.resume_command is not None
    assert f"--run run-of-{letters}" in report.resume_command

    words = shlex.split(report.resume_command)
    done = operator.execute(*words[words.index(letters) :][:-1])
    assert (done["replayed"], done["run_id"]) == ((limit or 10) - 4, f"run-of-{letters}")
    assert sorted(copies(workshop, orders).values()) == sorted([2] * (limit or 10) + [1] * (10 - (limit or 10)))
    if limit is None:
        assert operator(*words[2:]).returncode == 1, "there is nothing left of that run"
        assert set(copies(workshop, orders).values()) == {2}


def test_a_second_time_tells_before_it_begins_how_it_goes_on(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(2)
    operator.execute(letters, "--all")
    run = operator("replay", letters, "--all", "--again", "--execute")
    assert "should it be killed, this goes on with it:" in run.stderr
    (said,) = [line for line in run.stderr.splitlines() if "--run" in line]
    words = shlex.split(said)
    assert operator(*words[words.index("dlq") + 1 :]).returncode == 1, "that run is over"


def test_what_was_put_back_is_not_written_off(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(3)
    operator.execute(letters, "--offset", "0/0-1")
    done = operator.document("discard", letters, "--all", "--reason", "test data", "--execute")
    assert (done["discarded"], done["plan"]["already_replayed"]) == (1, 2)
    assert operator.document("discard", letters, "--offset", "0/0", "--reason", "x", code=1)["plan"]["planned"] == 0
    (cause,) = operator.document("groups", letters, schema="dlq-groups")["causes"]
    assert (cause["open"], cause["replayed"], cause["discarded"]) == (0, 2, 1)


def test_a_rehearsal_elsewhere_is_told_and_leaves_the_way_home(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(3)
    sandbox, other = workshop.topic(workshop.unique("sandbox")), workshop.topic(workshop.unique("other"))
    operator.execute(letters, "--all", "--to", sandbox)

    plan = operator("replay", letters).stdout
    assert f"3 of them to {sandbox}: --again puts them here as well" in plan
    found = operator.document("replay", letters, "--to", other, "--source", "origin")["plan"]
    assert ({one["taken_from"] for one in found["records"]}, found["refused"]) == ({"origin"}, 0)
    operator.execute(letters, "--all", "--again")
    assert set(copies(workshop, orders).values()) == {1}
    assert set(copies(workshop, sandbox).values()) == {1}


def test_what_one_target_refused_may_go_to_another(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(1)
    workshop.put(letters, [(b"k", b"x" * 3_000, spring_headers(Position(orders, 0, 7)))])
    small = workshop.topic(workshop.unique("small"), max_message_bytes="1000")
    assert operator.execute(letters, "--all", "--to", small, code=1)["parked"] == 1

    (reason,) = operator.refused(letters, "--to", small)
    assert reason.startswith(f"parked by {small}: ")
    assert operator.execute(letters, "--all", "--again")["replayed"] == 2
    assert len(copies(workshop, orders)) == 2


def test_a_letter_that_lost_its_value_deletes_no_key_unasked(workshop: Workshop, operator: Operator) -> None:
    """Nothing tells whether the record at its origin is the same event, and that one has a value."""
    orders = workshop.topic(workshop.unique("orders"), cleanup_policy="compact")
    letters = workshop.topic(f"{orders}-dlt")
    workshop.put(orders, [(b"k", b"{}", ())])
    known = [header for header in spring_headers(Position(orders, 0, 0)) if "timestamp" not in header[0]]
    workshop.put(letters, [(b"k", None, tuple(known))])

    (reason,) = operator.refused(letters)
    assert "it holds no value, the record at its origin does" in reason
    for source in ("origin", "letter"):
        (one,) = operator.document("replay", letters, "--source", source)["plan"]["records"]
        assert one["taken_from"] == source
