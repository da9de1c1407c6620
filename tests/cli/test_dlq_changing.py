"""What ``--edit`` and ``--transform`` change, by command, and what they leave alone: other letters' bytes, a terminal
that wants to go on, memory."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eventops.events import Position
from tests.cli.operator import Operator
from tests.cli.test_dlq_options import editor
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker

ODD = b'{"n":-0, "e":1e17,"g":1E2,"p":1.50,"big":1e300,"list":[{"q":1.0},{"q":2.0},{"q":3.0}],"name":"a"}'


def letters_with(workshop: Workshop, *values: bytes | None, name: str = "orders") -> tuple[str, str]:
    orders = workshop.topic(workshop.unique(name))
    letters = workshop.topic(f"{orders}-dlt")
    for number, value in enumerate(values):
        workshop.put(letters, [(b"k", value, spring_headers(Position(orders, 0, number)))])
    return orders, letters


def put_back(workshop: Workshop, orders: str) -> list[bytes | None]:
    return [one.value for one in replayed(workshop.committed(orders))]


def edits_kept(operator: Operator) -> list[Path]:
    return list(operator.home.glob("eventops-edit-*"))


def test_letters_that_no_editor_can_take_apart_are_texts_among_the_others(
    workshop: Workshop, operator: Operator
) -> None:
    odd = (b'{"eventId":"s1","a":"\\ud800"}', b"[" * 900 + b"]" * 900, b'{"a":1e99999999999999999999}', b"\xff\x00")
    orders, letters = letters_with(workshop, *odd, b'{"eventId":"e"}')
    mend = editor(operator.home, 'records[4]["value"]["eventType"] = "order.mended"')

    done = operator.execute(letters, "--all", "--edit", environ=mend)

    assert [one["change"] for one in done["plan"]["records"]] == [None] * 4 + ["edited"]
    assert put_back(workshop, orders) == [*odd, b'{"eventId":"e","eventType":"order.mended"}']


def test_what_an_editor_makes_too_deep_is_left_out(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = letters_with(workshop, b'{"a":1}', b'{"a":2}')
    deep = editor(operator.home, "for _ in range(500): records[0]['value'] = [records[0]['value']]")

    run = operator("replay", letters, "--all", "--edit", environ=deep)

    assert (run.returncode, "what was edited isn't JSON: it is nested too deeply" in run.stderr) == (2, True)


def test_numbers_that_nobody_touched_keep_their_form(workshop: Workshop, operator: Operator) -> None:
    orders, letters = letters_with(workshop, ODD)
    mend = '.value.name = "b" | .value.list |= map(select(.q != 2))'

    plan = operator.document("replay", letters, "--transform", mend)["plan"]["records"][0]
    operator.execute(letters, "--all", "--transform", mend)

    kept = b'{"n":-0,"e":1e17,"g":1E2,"p":1.50,"big":1e300,"list":[{"q":1.0},{"q":3.0}],"name":"b"}'
    assert put_back(workshop, orders) == [kept]
    told = [line for line in plan["diff"].splitlines()[2:] if line[0] in "+-"]
    assert {line.strip("+- ,") for line in told} == {"{", '"q": 2.0', "}", '"name": "a"', '"name": "b"'}


def test_an_editor_that_writes_numbers_its_own_way_changes_none(workshop: Workshop, operator: Operator) -> None:
    orders, letters = letters_with(workshop, ODD)
    mend = editor(operator.home, 'records[0]["value"]["name"] = "b"')

    operator.execute(letters, "--all", "--edit", environ=mend)

    assert put_back(workshop, orders) == [ODD.replace(b'"a"}', b'"b"}').replace(b", ", b",")]


@pytest.mark.parametrize(
    "nothing",
    [
        ".",
        ".value |= tojson",
        '.headers["kafka_dlt-exception-message"] = "x"',
        '.headers["eventops-replay-id"] = "x"',
        ".value.p = 1.5",
    ],
)
def test_what_changes_nothing_is_no_change(workshop: Workshop, operator: Operator, nothing: str) -> None:
    orders, letters = letters_with(workshop, ODD)

    done = operator.execute(letters, "--all", "--transform", nothing)

    assert done["plan"]["records"][0]["change"] is None
    assert put_back(workshop, orders) == [ODD]


def test_a_transformation_of_many_results_stops_at_the_second(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = letters_with(workshop, b'{"a":1}', b'{"a":2}')

    assert (
        operator.refused(letters, "--all", "--transform", "repeat(.)")
        == ["the transformation makes more than one record of it, and one is wanted"] * 2
    )


def test_a_transformation_that_takes_all_memory_spares_the_others(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = letters_with(workshop, b'{"a":1}', b'{"a":2}')
    greedy = 'if .value.a == 1 then .value.a = reduce range(40) as $_ ("x"; . + .) else . end'

    refused = operator.refused(letters, "--all", "--transform", greedy, code=0)

    assert refused == ["the transformation takes too much memory on it"]
    assert operator.planned(letters, "--all", "--transform", greedy) == [1]


def test_a_transformation_without_an_end_is_given_up(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = letters_with(workshop, *[b'{"a":1}'] * 4)

    run = operator("replay", letters, "--all", "--transform", "def f: f; f")

    assert (run.returncode, run.stdout) == (2, "")
    assert "--transform was given up after 3 letters: the transformation takes more than 5 s on it" in run.stderr


def test_a_transformation_without_an_end_is_interrupted(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = letters_with(workshop, b'{"a":1}')
    words = ["dlq", "replay", letters, "--all", "--transform", "def f: f; f"]
    run = subprocess.Popen(
        [sys.executable, "-m", "eventops", "-b", workshop.bootstrap, *words],
        env=operator.shell.environ,
        cwd=operator.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    child = wait_for_child(run)
    run.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _out, said = run.communicate(timeout=20)

    assert time.monotonic() - asked < 2
    assert run.returncode == 130
    assert "nothing was written" in said
    assert not Path(f"/proc/{child}").exists()


def wait_for_child(run: subprocess.Popen[str]) -> str:
    """The process that applies jq, once it is busy."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for child in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split():
            busy = int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[11])
            if "jq_child" in Path(f"/proc/{child}/cmdline").read_text() and busy > 50:
                return child
        time.sleep(0.02)
    raise AssertionError("jq was never busy")


def test_a_file_of_other_letters_is_not_applied(workshop: Workshop, operator: Operator) -> None:
    orders, letters = letters_with(workshop, b'{"a":1}', b'{"a":2}')
    mend = editor(operator.home, 'for one in records: one["value"]["mended"] = True')
    operator("replay", letters, "--all", "--edit", environ=mend)
    (file,) = edits_kept(operator)

    _others, elsewhere = letters_with(workshop, b'{"a":1}', name="others")
    run = operator("replay", elsewhere, "--all", "--edited", str(file))
    assert run.returncode == 2
    assert f"are letters of {letters}, and none of {elsewhere}" in run.stderr

    workshop.drop(letters)
    workshop.topic(letters)
    at = [spring_headers(Position(orders, 0, number)) for number in range(3)]
    workshop.put(letters, [(b"k", b'{"b":1}', at[0]), (b"k", b'{"a":2}', at[1]), (b"k", b'{"b":3}', at[2])])
    assert operator.refused(letters, "--all", "--edited", str(file), code=0) == [
        "what was edited was another letter at this position: the topic was made anew",
        "it isn't among what was edited",
    ]
    assert operator.planned(letters, "--all", "--edited", str(file)) == [1]

    told = json.loads(file.read_text())
    del told[0]["content"]
    file.write_text(json.dumps(told))
    run = operator("replay", letters, "--all", "--edited", str(file))
    assert (run.returncode, "record 1 of what was edited has lost its letter or content" in run.stderr) == (2, True)


def test_a_file_in_which_nothing_was_changed_is_removed(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = letters_with(workshop, b'{"a":1}')

    run = operator("replay", letters, "--all", "--edit", environ={"EDITOR": "true", "VISUAL": ""})
    assert (run.returncode, "nothing was changed in the editor" in run.stderr) == (0, True)
    assert "--edited" not in run.stdout
    assert operator("replay", letters, "--all", "--edit", environ={"EDITOR": "false", "VISUAL": ""}).returncode == 2

    assert edits_kept(operator) == []
