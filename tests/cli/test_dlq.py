"""``eventops dlq`` as a process: what it prints, and the exit code it ends with."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from eventops import config
from eventops.config import Context
from eventops.events import Position
from tests.dlq.workshop import Workshop, replayed, spring_headers
from tests.letters import recorded

pytestmark = pytest.mark.broker

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
Eventops = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def eventops(bootstrap_servers: str, tmp_path: Path) -> Eventops:
    """Runs ``eventops dlq`` with those arguments."""
    environ = {**os.environ, "EVENTOPS_HOME": str(tmp_path), "EVENTOPS_BOOTSTRAP_SERVERS": bootstrap_servers}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "eventops", "dlq", *arguments]
        return subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def document(answer: subprocess.CompletedProcess[str], schema: str) -> dict[str, Any]:
    """The JSON that was printed, which is as its schema says."""
    found: dict[str, Any] = json.loads(answer.stdout)
    described = json.loads((SCHEMAS / f"{schema}.schema.json").read_text())
    jsonschema.validate(found, described, cls=jsonschema.Draft202012Validator)
    return found


def test_from_the_list_to_a_second_replay(workshop: Workshop, eventops: Eventops) -> None:
    orders, letters = workshop.orders_with_letters(5)

    listed = eventops("-o", "json")
    assert listed.returncode == 1, "letters remain"
    line = next(one for one in document(listed, "dlq-list")["topics"] if one["topic"] == letters)
    assert (line["open"], line["remaining"], line["per_hour"]) == (5, 5, 5.0)

    plan = eventops("replay", letters, "--cause", "smtprecipientsrefused", "-o", "json")
    assert plan.returncode == 0
    planned = document(plan, "replay")
    assert (planned["executed"], planned["plan"]["planned"], planned["guarantee"]) == (False, 5, "exactly_once")
    assert replayed(workshop.committed(orders)) == ()

    done = eventops("replay", letters, "--all", "--execute", "-o", "json")
    assert done.returncode == 0, done.stderr
    report = document(done, "replay")
    assert (report["executed"], report["replayed"], len(report["targets"])) == (True, 5, 5)

    again = eventops("replay", letters, "--all", "--execute")
    assert again.returncode == 1
    assert "5 already replayed" in again.stderr
    assert len(replayed(workshop.committed(orders))) == 5


def test_the_plan_is_printed_with_the_command_that_executes_it(
    workshop: Workshop, eventops: Eventops, bootstrap_servers: str
) -> None:
    orders, letters = workshop.orders_with_letters(2)

    plan = eventops("replay", letters, "--limit", "1", "-b", bootstrap_servers)

    assert plan.returncode == 0
    assert f"1 letter to {orders}" in plan.stdout
    assert "exactly once" in plan.stdout
    assert f"eventops -b {bootstrap_servers} dlq replay {letters} --all --limit 1 --execute" in plan.stdout


def test_one_letter_is_shown_and_not_obeyed(workshop: Workshop, eventops: Eventops) -> None:
    letters = workshop.topic(f"{workshop.unique('orders')}-dlt")
    evil = b"\x1b[2J[red]\xc2\x9b31m\xe2\x80\xae"
    headers = spring_headers(Position("orders", 0, 7), message=evil.decode(), cause=evil.decode())
    workshop.put(letters, [(evil, evil, ((evil.decode(), evil), *headers))])

    for arguments in (("show", f"{letters}/0/0"), ("show", letters), ("groups", letters), ("replay", letters)):
        shown = eventops(*arguments)
        assert shown.returncode in (0, 1), shown.stderr
        assert not set("\x1b\x9b\u202e") & set(shown.stdout + shown.stderr)
    assert "orders/0/7" in eventops("show", f"{letters}/0/0").stdout
    letter = document(eventops("show", f"{letters}/0/0", "-o", "json"), "letter")
    assert letter["exception"]["message"] == evil.decode()


def test_letters_of_a_topic_follow_the_letter_schema(workshop: Workshop, eventops: Eventops) -> None:
    _orders, letters = workshop.orders_with_letters(3)
    schema = json.loads((SCHEMAS / "letter.schema.json").read_text())

    shown = eventops("show", letters, "--limit", "2", "-o", "ndjson")

    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(lines) == 2
    assert len(document(eventops("show", letters, "-o", "json"), "dlq-letters")["letters"]) == 3
    assert document(eventops("groups", letters, "-o", "json"), "dlq-groups")["causes"][0]["open"] == 3
    for line in lines:
        jsonschema.validate(line, schema, cls=jsonschema.Draft202012Validator)


def test_causes_are_told_apart_and_chosen_by_their_ids(workshop: Workshop, eventops: Eventops) -> None:
    letters = workshop.topic(f"{workshop.unique('orders')}-dlt")
    messages = ["no stock for 4711", "no stock for 12", "no address"]
    failed = [spring_headers(Position("orders", 0, n), message=said) for n, said in enumerate(messages)]
    workshop.put(letters, [(b"k", b"{}", headers) for headers in failed])

    causes = document(eventops("groups", letters, "-o", "json"), "dlq-groups")["causes"]
    assert [(cause["message_pattern"], cause["total"]) for cause in causes] == [
        ("no stock for <n>", 2),
        ("no address", 1),
    ]

    one = document(eventops("show", letters, "--cause", causes[1]["cause_id"], "-o", "json"), "dlq-letters")
    assert [letter["exception"]["message"] for letter in one["letters"]] == ["no address"]
    before = eventops("groups", letters, "--until", "2026-01-01T00:00:00Z", "-o", "json")
    assert document(before, "dlq-groups")["causes"] == []


def test_a_condition_narrows_every_answer_and_says_what_it_could_not_judge(
    workshop: Workshop, eventops: Eventops
) -> None:
    letters = workshop.topic(f"{workshop.unique('orders')}-dlt")
    totals = (b'{"total":5}', b'{"total":500}', b'{"total":900}', b"no JSON")
    failed = [spring_headers(Position("orders", 0, n), attempts=n % 3 + 1) for n in range(len(totals))]
    workshop.put(letters, [(b"k", value, headers) for value, headers in zip(totals, failed, strict=True)])
    large = ("--where", "value.total > 100 && attempts < 3")

    listed = eventops("list", *large, "-o", "json")
    counts = {one["topic"]: one["open"] for one in document(listed, "dlq-list")["topics"]}
    assert counts[letters] == 1
    grouped = eventops("groups", letters, *large, "-o", "json")
    assert [cause["total"] for cause in document(grouped, "dlq-groups")["causes"]] == [1]
    assert "note: --where: 1 letter couldn't be judged" in grouped.stderr
    shown = eventops("show", letters, *large, "-o", "json")
    assert [one["offset"] for one in document(shown, "dlq-letters")["letters"]] == [1]
    assert [json.loads(line)["offset"] for line in eventops("export", letters, *large).stdout.splitlines()] == [1]
    plan = document(eventops("replay", letters, *large, "-o", "json"), "replay")["plan"]
    assert plan["selected"] == 1

    assert eventops("discard", letters, *large, "--reason", "test", "--execute").returncode == 0
    left = eventops("show", letters, "--where", 'state == "open"', "-o", "json")
    assert [one["offset"] for one in document(left, "dlq-letters")["letters"]] == [0, 2, 3]
    refused = eventops("groups", letters, "--where", "atempts > 3")
    assert (refused.returncode, "there is no 'atempts'" in refused.stderr) == (2, True)


def test_an_export_keeps_every_byte(workshop: Workshop, eventops: Eventops) -> None:
    letters = workshop.topic(f"{workshop.unique('orders')}-dlt")
    value = b"\xff\x00binary"
    workshop.put(letters, [(b"k", value, spring_headers(Position("orders", 0, 7))), (None, None, (("x", None),))])
    schema = json.loads((SCHEMAS / "dlq-export.schema.json").read_text())

    exported = eventops("export", letters)

    assert exported.returncode == 0, exported.stderr
    first, second = (json.loads(line) for line in exported.stdout.splitlines())
    for one in (first, second):
        jsonschema.validate(one, schema, cls=jsonschema.Draft202012Validator)
    assert (base64.b64decode(first["value"]), first["value_encoding"]) == (value, "base64")
    assert (first["key"], first["origin"]) == ("k", "orders/0/7")
    assert (second["value"], second["headers"]) == (None, [{"name": "x", "value": None, "encoding": None}])
    rows = list(csv.DictReader(io.StringIO(eventops("export", letters, "-o", "csv", "--limit", "1").stdout)))
    assert [(row["value_encoding"], row["cause_key"]) for row in rows] == [("base64", "smtplib.SMTPRecipientsRefused")]


def test_a_letter_that_holds_nothing_is_shown_and_replayed_as_its_source(
    workshop: Workshop, eventops: Eventops
) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"dlq.{orders}")
    request = workshop.unique("c")
    body = b'{"eventId":"e-1","eventType":"order.placed","metadata":{"correlationId":"%s"}}' % request.encode()
    workshop.put(orders, [(b"k", body, ())])
    told = {"partition": b"0", "group": b"packing", "delivery.count": b"5", "message": b"Offset rejected by client."}
    for topic, offset in ((orders, b"0"), (orders, b"99"), ("deleted-topic", b"0")):
        headers = (("topic", topic.encode()), ("offset", offset), *told.items())
        workshop.put(letters, [(None, None, tuple((f"__dlq.errors.{name}", raw) for name, raw in headers))])

    shown = eventops("show", f"{letters}/0/0", "--trace")
    assert '"eventType": "order.placed"' in shown.stdout
    assert f"{request}: 1 event" in shown.stdout, shown.stderr
    found = document(eventops("show", letters, "-o", "json"), "dlq-letters")["letters"]
    assert [letter["event"]["event_id"] for letter in found] == ["e-1", None, None]
    assert found[1]["source_record_reason"] == "the record at its origin can no longer be read"

    done = document(eventops("replay", letters, "--all", "--execute", "-o", "json"), "replay")
    assert (done["replayed"], done["plan"]["refused"]) == (1, 2)
    [put_back] = replayed(workshop.committed(orders))
    assert (put_back.key, put_back.value) == (b"k", body)


def test_letters_are_found_by_what_is_in_them_and_those_of_no_family_go_where_one_says(
    workshop: Workshop, eventops: Eventops
) -> None:
    failures, named = workshop.topic(workshop.unique("failures")), workshop.topic(f"{workshop.unique('plain')}.dlq")
    elsewhere = workshop.topic(workshop.unique("orders"))
    real = recorded.letter("connect", "connect-letters/0/4")
    workshop.put(failures, [(real.key, real.value, real.headers)])
    workshop.put(named, [(b"k", b"no family knows it", ())])

    listed = {one["topic"]: one["open"] for one in document(eventops("-o", "json"), "dlq-list")["topics"]}
    assert (listed[failures], listed[named], elsewhere in listed) == (1, 1, False)

    assert document(eventops("show", f"{named}/0/0", "-o", "json"), "letter")["family"] == "unknown"
    assert document(eventops("replay", named, "-o", "json"), "replay")["plan"]["refused"] == 1
    done = document(eventops("replay", named, "--to", elsewhere, "--all", "--execute", "-o", "json"), "replay")
    assert done["replayed"] == 1
    assert [one.value for one in workshop.committed(elsewhere)] == [b"no family knows it"]


def test_a_discard_says_why_and_leaves_nothing_open(workshop: Workshop, eventops: Eventops) -> None:
    _orders, letters = workshop.orders_with_letters(2)

    done = eventops("discard", letters, "--all", "--reason", "test data", "--execute", "-o", "json")

    assert done.returncode == 0, done.stderr
    assert document(done, "replay")["discarded"] == 2
    told = document(eventops("history", letters, "-o", "json"), "dlq-history")["rows"]
    assert [(row["offset"], row["state"], row["reason"]) for row in told] == [
        (1, "discarded", "test data"),
        (0, "discarded", "test data"),
    ]
    line = next(one for one in document(eventops("-o", "json"), "dlq-list")["topics"] if one["topic"] == letters)
    assert (line["discarded"], line["remaining"]) == (2, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("replay", "no-such-topic-dlt"), 2, "there is no topic"),
        (("show", "orders-dlt/0/x"), 2, "TOPIC/PARTITION/OFFSET"),
        (("replay", "orders-dlt", "--since", "yesterday"), 2, "is neither"),
        (("list", "-b", "127.0.0.1:1"), 3, "127.0.0.1:1"),
    ],
)
def test_errors_name_the_remedy(eventops: Eventops, arguments: tuple[str, ...], code: int, words: str) -> None:
    answer = eventops(*arguments)

    assert answer.returncode == code
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_read_only_context_plans_and_does_not_execute(
    workshop: Workshop, eventops: Eventops, tmp_path: Path, bootstrap_servers: str
) -> None:
    _orders, letters = workshop.orders_with_letters(1)
    settings = {"read-only": True}
    path = config.contexts_path({"EVENTOPS_HOME": str(tmp_path)})
    config.save_context(path, Context("prod", {"bootstrap.servers": bootstrap_servers}, settings), use=False)
    read_only = ("--context", "prod")

    planned = eventops("replay", letters, *read_only)
    assert planned.returncode == 0
    assert "To carry it out in a context that isn't read-only, as prod is:\n" in planned.stdout
    refused = eventops("replay", letters, "--all", "--execute", *read_only)
    assert refused.returncode == 4
    assert "read-only" in refused.stderr
