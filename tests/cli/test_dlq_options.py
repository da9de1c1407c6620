"""Every option of ``eventops dlq replay``, by command, and the bytes it leaves in the log."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from eventops.dlq.partitioners import murmur2
from eventops.events import REPLAY_ID, REPLAY_LINK, Position, Record
from tests.cli.operator import Operator
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker


def editor(home: Path, script: str) -> dict[str, str]:
    """An editor that runs Python over ``records``, which are then written back."""
    program = home / "editor.py"
    program.write_text(
        "import json, pathlib, sys\n"
        "file = pathlib.Path(sys.argv[1])\n"
        "records = json.loads(file.read_text())\n"
        f"{script}\n"
        "file.write_text(json.dumps(records))\n"
    )
    return {"EDITOR": f"{sys.executable} {program}", "VISUAL": ""}


def reserialised(workshop: Workshop) -> tuple[str, str]:
    """An event of two fields whose letter lost one, as Spring's do."""
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    workshop.put(orders, [(b"k", b'{"eventId":"e-1","total":1.50,"note":"kept"}', (("tenant", b"acme"),))])
    failed = (("tenant", b"acme"), *spring_headers(Position(orders, 0, 0)))
    workshop.put(letters, [(b"k", b'{"eventId":"e-1","total":1.5}', failed)])
    return orders, letters


@pytest.mark.parametrize(
    ("source", "taken_from", "value"),
    [
        ("auto", "origin", b'{"eventId":"e-1","total":1.50,"note":"kept"}'),
        ("origin", "origin", b'{"eventId":"e-1","total":1.50,"note":"kept"}'),
        ("letter", "letter", b'{"eventId":"e-1","total":1.5}'),
    ],
)
def test_the_origin_or_the_letter_is_put_back_and_the_plan_says_which(
    workshop: Workshop, operator: Operator, source: str, taken_from: str, value: bytes
) -> None:
    orders, letters = reserialised(workshop)

    page = operator("replay", letters, "--source", source).stdout
    assert ("as the origin record" in page) is (taken_from == "origin")
    assert ('+    "note": "kept"' in page) is (taken_from == "origin"), page
    [planned] = operator.document("replay", letters, "--source", source)["plan"]["records"]
    assert planned["taken_from"] == taken_from
    operator.execute(letters, "--all", "--source", source)

    [back] = replayed(workshop.committed(orders))
    assert (back.key, back.value, back.header("tenant")) == (b"k", value, b"acme")


def test_an_origin_that_is_gone_is_refused_where_it_is_insisted_on(workshop: Workshop, operator: Operator) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    workshop.put(letters, [(b"k", b"{}", spring_headers(Position(orders, 0, 7)))])

    [why] = operator.refused(letters, "--source", "origin")
    assert "can no longer be read" in why
    assert operator.planned(letters) == [0]


def test_one_record_is_edited_and_the_diff_is_shown(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(2)
    mend = editor(operator.home, 'records[0]["value"]["eventType"] = "order.mended"')

    plan = operator("replay", letters, "--offset", "0/1", "--edit", environ=mend)
    assert plan.returncode == 0, plan.stderr
    assert '-    "eventType": "order.placed"' in plan.stdout
    assert '+    "eventType": "order.mended"' in plan.stdout
    (command,) = [line.split() for line in plan.stdout.splitlines() if "--edited" in line]
    file = command[command.index("--edited") + 1]
    assert Path(file).stat().st_mode & 0o077 == 0, "payloads are nobody else's business"

    done = operator.execute(letters, "--offset", "0/1", "--edited", file)
    assert (done["replayed"], done["plan"]["records"][0]["change"]) == (1, "edited")
    [back] = replayed(workshop.committed(orders))
    told = json.loads(back.value or b"")
    assert (told["eventType"], told["eventId"]) == ("order.mended", f"{orders}-e-0-1")
    assert operator.history(letters)[0]["change"] == "edited"
    Path(file).unlink()


def test_many_are_edited_at_once_and_one_that_is_taken_out_stays(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(4)
    mend = editor(
        operator.home,
        'del records[1]\nfor one in records: one["headers"]["mended"] = "yes"\nrecords[0]["key"] = "another"',
    )

    done = operator.execute(letters, "--all", "--edit", environ=mend, code=1)

    assert (done["replayed"], [one["reason"] for one in done["refusals"]]) == (3, ["it isn't among what was edited"])
    back = replayed(workshop.committed(orders))
    assert [one.key for one in back] == [b"another", b"key-2", b"key-3"]
    assert {one.header("mended") for one in back} == {b"yes"}
    originals = workshop.committed(letters)
    assert [one.value for one in back] == [originals[number].value for number in (0, 2, 3)], "untouched bytes stay"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ('file.write_text("{not json"); sys.exit()', "isn't JSON"),
        ('records = {"letter": 1}', "must stay an array"),
        ('records[0].pop("letter")', "record 1 of what was edited has lost its letter"),
        ('records[0]["letter"] = "elsewhere-dlt/0/0"', "which wasn't among them"),
        ("sys.exit(3)", "the editor failed"),
    ],
)
def test_what_an_editor_breaks_is_named_and_nothing_is_written(
    workshop: Workshop, operator: Operator, script: str, why: str
) -> None:
    orders, letters = workshop.orders_with_letters(1)

    run = operator("replay", letters, "--all", "--edit", "--execute", environ=editor(operator.home, script))

    assert (run.returncode, run.stdout) == (2, "")
    assert why in run.stderr
    assert replayed(workshop.committed(orders)) == ()


def test_a_record_that_the_editor_made_unwritable_is_left_out(workshop: Workshop, operator: Operator) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    done = operator.document(
        "replay", letters, "--edit", environ=editor(operator.home, 'records[0]["key"] = 7'), code=1
    )
    assert "the key must be text" in done["refusals"][0]["reason"]


def test_a_jq_expression_changes_every_record(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(3)
    mend = '.value.eventType |= ascii_upcase | .headers.mended = "1" | select(.value.eventId | endswith("-1") | not)'

    page = operator("replay", letters, "--transform", mend).stdout
    assert '+    "eventType": "ORDER.PLACED"' in page
    done = operator.execute(letters, "--all", "--transform", mend, code=1)

    assert [one["reason"] for one in done["refusals"]] == ["the transformation leaves it out"]
    back = replayed(workshop.committed(orders))
    assert [json.loads(one.value or b"")["eventType"] for one in back] == ["ORDER.PLACED"] * 2
    assert [one.header("mended") for one in back] == [b"1", b"1"]
    assert {row["change"] for row in operator.history(letters)} == {"transformed"}


def test_what_jq_would_spoil_is_refused(workshop: Workshop, operator: Operator) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    for number, value in enumerate((b'{"id":9007199254740993}', b"plain text", b'{"a":{"b":1}}')):
        workshop.put(letters, [(b"k", value, spring_headers(Position(orders, 0, number)))])

    found = operator.document("replay", letters, "--transform", ".value.a.b = 2", code=0)
    assert {one["source"][-1]: one["reason"][:36] for one in found["refusals"]} == {
        "0": "it holds a number of more digits tha",
        "1": "the transformation fails on it (Cann",
    }
    run = operator("replay", letters, "--transform", ".value |")
    assert (run.returncode, "isn't an expression in jq" in run.stderr) == (2, True)
    assert "::" not in run.stderr


def test_a_new_event_id_is_caused_by_the_old_one(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(1)

    first, second = (operator.document("replay", letters, "--new-id")["plan"]["records"][0] for _ in range(2))
    assert first["diff"] == second["diff"], "the plan that is read is the plan that is carried out"
    operator.execute(letters, "--all", "--new-id")

    [back] = replayed(workshop.committed(orders))
    told = json.loads(back.value or b"")
    assert told["eventId"] != f"{orders}-e-0-0"
    assert told["metadata"] == {"correlationId": f"{orders}-c-0", "causationId": f"{orders}-e-0-0"}


def test_the_key_chooses_the_partition_only_when_asked(workshop: Workshop, operator: Operator) -> None:
    orders = workshop.topic(workshop.unique("orders"), partitions=3)
    letters = workshop.topic(f"{orders}-dlt")
    astray = [(number, (murmur2(b"key-%d" % number) + 1) % 3) for number in range(4)]
    for number, partition in astray:
        workshop.put(letters, [(b"key-%d" % number, b"{}", spring_headers(Position(orders, partition, number)))])

    operator.execute(letters, "--offset", "0/0-1")
    operator.execute(letters, "--offset", "0/2-3", "--by-key")

    where = {one.key: one.position.partition for one in replayed(workshop.committed(orders))}
    chosen = [murmur2(b"key-%d" % number) % 3 for number in range(4)]
    assert [where[b"key-%d" % number] for number in range(4)] == [astray[0][1], astray[1][1], chosen[2], chosen[3]]


def test_headers_are_left_out_when_named(workshop: Workshop, operator: Operator) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"{orders}-dlt")
    own = (("x-retries", b"3"), ("X-Retries", b"4"), ("tenant", b"acme"))
    workshop.put(letters, [(b"k", b"{}", (*own, *spring_headers(Position(orders, 0, 7))))])

    assert "--drop-header x-retries" in operator.warnings(letters)
    assert "x-retries" not in operator.warnings(letters, "--drop-header", "x-retries").casefold()
    operator.execute(letters, "--all", "--drop-header", "x-retries")

    [back] = replayed(workshop.committed(orders))
    assert [name for name, _ in back.headers] == ["tenant", REPLAY_ID, REPLAY_LINK, "eventops-original-timestamp"]


def test_a_deliberate_second_time_is_another_attempt(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(2)
    operator.execute(letters, "--all")
    assert operator.document("replay", letters, "--all", "--execute", code=1)["plan"]["already_replayed"] == 2

    again = operator.execute(letters, "--offset", "0/1", "--again", "--reason", "the projection was rebuilt")

    assert [one["attempt"] for one in again["plan"]["records"]] == [2]
    back = replayed(workshop.committed(orders))
    assert Counter(one.header(REPLAY_LINK) for one in back) == {
        f"{letters}/0/0".encode(): 1,
        f"{letters}/0/1".encode(): 2,
    }
    assert len({one.header(REPLAY_ID) for one in back}) == 3
    assert [(row["offset"], row["attempt"], row["reason"]) for row in operator.history(letters)] == [
        (0, 1, None),
        (1, 1, None),
        (1, 2, "the projection was rebuilt"),
    ]


def test_what_failed_too_often_is_left_alone(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(1)
    for _ in range(3):
        operator.execute(letters, "--all")
        back = replayed(workshop.committed(orders))[-1]
        workshop.put(letters, [(back.key, back.value, back.headers + spring_headers(back.position))])

    [why] = operator.refused(letters)
    assert why == "replayed 3 times already, and failed again; --max-attempts 4 allows one more"
    assert operator.execute(letters, "--all", "--max-attempts", "4")["replayed"] == 1
    assert len(replayed(workshop.committed(orders))) == 4


def test_another_topic_is_named(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(3)
    elsewhere = workshop.topic(workshop.unique("quarantine"), partitions=2)

    done = operator.execute(letters, "--all", "--to", elsewhere)

    assert {target["topic"] for target in done["targets"]} == {elsewhere}
    assert replayed(workshop.committed(orders)) == ()
    back = replayed(workshop.committed(elsewhere))
    assert {one.key: one.position.partition for one in back} == {one.key: murmur2(one.key or b"") % 2 for one in back}
    assert operator.execute(letters, "--all", "--to", orders)["replayed"] == 3, "to another target it is another deed"
    [why] = set(operator.refused(letters, "--to", letters))
    assert "the dead-letter topic itself" in why
    [why] = set(operator.refused(letters, "--to", "no-such-topic-anywhere"))
    assert "doesn't exist" in why


def test_a_rate_is_kept(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(90)

    started = time.monotonic()
    operator.execute(letters, "--all", "--rate", "30")
    assert time.monotonic() - started > 2

    times = sorted(one.timestamp.timestamp() for one in replayed(workshop.committed(orders)) if one.timestamp)
    assert len(times) == 90
    assert times[-1] - times[0] > 1.8, "30, then a second, 30, then a second, 30"
    densest = max(sum(start <= other < start + 0.8 for other in times) for start in times)
    assert densest <= 30, "at no time more than the rate allows"


def test_at_least_once_is_said_and_works_without_transactions(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(5)
    page = operator("replay", letters, "--at-least-once").stdout
    assert "guarantee: at_least_once: what is in hand when it is killed may be appended twice" in page

    done = operator.execute(letters, "--all", "--at-least-once")

    assert (done["guarantee"], done["replayed"]) == ("at_least_once", 5)
    assert [one.position.offset for one in replayed(workshop.committed(orders))] == [5, 6, 7, 8, 9], "no markers"
    assert operator.document("replay", letters, "--all", "--execute", code=1)["plan"]["already_replayed"] == 5


_MANY = 300
"""Letters that one in four seconds takes longer for than any machine for the rest of the test; nor does whoever is
overtaken notice it before the other is done."""


def test_nobody_takes_over_by_accident(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(_MANY)
    slowly = ("dlq", "replay", letters, "--all", "--chunk", "1", "--rate", "0.25")
    slow = subprocess.Popen(
        [sys.executable, "-m", "eventops", "-b", workshop.bootstrap, *slowly, "--execute"],
        env=operator.shell.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: bool(replayed(workshop.committed(orders))))
        run = operator("replay", letters, "--all", "--execute")
        assert (run.returncode, run.stdout) == (1, "")
        assert f"has been replaying {letters} for" in run.stderr
        assert "--take-over" in run.stderr

        done = operator.execute(letters, "--all", "--take-over", code=0)
        page, _speech = slow.communicate(timeout=30)
    finally:
        slow.kill()
        slow.communicate()
    assert slow.returncode == 0, "all of it is done, whoever did it"
    assert "had been dealt with by another operator meanwhile" in page
    back = Counter(one.header(REPLAY_LINK) for one in replayed(workshop.committed(orders)))
    assert back == {f"{letters}/0/{offset}".encode(): 1 for offset in range(_MANY)}
    assert 0 < done["replayed"] <= _MANY


def test_a_limit_is_kept_and_the_rest_can_follow(workshop: Workshop, operator: Operator) -> None:
    orders, letters = workshop.orders_with_letters(5)

    assert operator.execute(letters, "--all", "--limit", "2")["replayed"] == 2
    assert operator.execute(letters, "--all", "--limit", "2")["replayed"] == 2
    assert operator.execute(letters, "--all", "--limit", "2")["replayed"] == 1
    assert [linked(one) for one in replayed(workshop.committed(orders))] == [0, 1, 2, 3, 4]


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it didn't come true in time"
        time.sleep(0.05)


def linked(one: Record) -> int:
    """The offset of the letter that this record was."""
    return int((one.header(REPLAY_LINK) or b"").rpartition(b"/")[2])
