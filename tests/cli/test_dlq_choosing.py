"""Which letters a replay means, by command: by offset, range, key, correlation id, group, time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from eventops.events import Position
from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker


def test_letters_are_chosen_by_what_they_are(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(8, keys=3)

    for options, offsets in (
        (("--offset", "0/3"), [3]),
        (("--offset", f"{letters}/0/3"), [3]),
        (("--offset", "0/2-4"), [2, 3, 4]),
        (("--offset", "0/2-4", "--offset", "0/0", "--offset", "0/6-"), [0, 2, 3, 4, 6, 7]),
        (("--key", "key-1"), [1, 4, 7]),
        (("--key", "key-1", "--key", "key-2", "--limit", "3"), [1, 2, 4]),
        (("--correlation-id", f"{orders}-c-5"), [5]),
        (("--group", "billing", "--limit", "2"), [0, 1]),
    ):
        assert operator.planned(letters, *options) == offsets, options
    for options in (("--offset", "1/0"), ("--offset", "0/99-"), ("--key", "key-9"), ("--group", "shipping")):
        assert operator.document("replay", letters, *options, code=1)["plan"]["selected"] == 0, options


@pytest.mark.parametrize(
    ("offset", "why"),
    [
        ("0/9-3", "ends before it begins"),
        ("other/0/1", "isn't of orders-dlt"),
        ("0", "neither PARTITION/OFFSET nor PARTITION/FIRST-LAST"),
        ("0/-5", "neither PARTITION/OFFSET nor PARTITION/FIRST-LAST"),
        ("0/x-y", "neither PARTITION/OFFSET nor PARTITION/FIRST-LAST"),
    ],
)
def test_offsets_that_mean_nothing_are_told(operator: Operator, offset: str, why: str) -> None:
    run = operator("replay", "orders-dlt", "--offset", offset)

    assert (run.returncode, run.stdout) == (2, "")
    assert why in run.stderr


def test_letters_are_chosen_by_time(workshop: Workshop, operator: Operator) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    noon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    for number in range(4):
        failed = spring_headers(Position(orders, 0, number))
        workshop.put(letters, [(b"k", b"%d" % number, failed)], at=noon + timedelta(hours=number))

    def told(hours: int) -> str:
        return (noon + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert operator.planned(letters, "--since", told(2)) == [2, 3]
    assert operator.planned(letters, "--until", told(2)) == [0, 1]
    assert operator.planned(letters, "--since", told(1), "--until", told(3)) == [1, 2]
    assert operator.planned(letters, "--since", "20000h") == [0, 1, 2, 3]


def test_a_range_is_carried_out_and_the_printed_command_repeats_it(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(6)

    plan = operator("replay", letters, "--offset", "0/1-3", "--offset", "0/5-")
    assert f"dlq replay {letters} --offset 0/1-3 --offset 0/5- --execute" in plan.stdout
    done = operator.execute(letters, "--offset", "0/1-3", "--offset", "0/5-")

    assert done["replayed"] == 4
    values = {one.value for one in replayed(workshop.committed(orders))}
    assert values == {one.value for one in workshop.committed(letters)[1:4] + workshop.committed(letters)[5:]}


def test_executing_takes_a_choice_in_so_many_words(operator: Operator) -> None:
    run = operator("replay", "orders-dlt", "--execute")
    assert (run.returncode, "--all of them" in run.stderr) == (2, True)
    run = operator("replay", "orders-dlt", "--all", "--key", "k")
    assert (run.returncode, "--all means every letter" in run.stderr) == (2, True)
