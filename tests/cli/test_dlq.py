"""``eventops dlq`` as a process: what it prints, and the exit code it ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from eventops import config
from eventops.config import Context
from eventops.events import Position
from tests.dlq.workshop import Workshop, replayed, spring_headers

pytestmark = pytest.mark.broker

SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
Eventops = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def workshop(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[Workshop]:
    found = Workshop(bootstrap_servers, unique)
    try:
        yield found
    finally:
        found.close()


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

    done = eventops("replay", letters, "--execute", "-o", "json")
    assert done.returncode == 0, done.stderr
    report = document(done, "replay")
    assert (report["executed"], report["replayed"], len(report["targets"])) == (True, 5, 5)

    again = eventops("replay", letters, "--execute")
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
    assert f"eventops -b {bootstrap_servers} dlq replay {letters} --limit 1 --execute" in plan.stdout


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


def test_a_discard_says_why_and_leaves_nothing_open(workshop: Workshop, eventops: Eventops) -> None:
    _orders, letters = workshop.orders_with_letters(2)

    done = eventops("discard", letters, "--reason", "test data", "--execute", "-o", "json")

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
        (("replay", "orders-dlt", "--since", "yesterday"), 2, "neither a time"),
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

    assert eventops("replay", letters, *read_only).returncode == 0
    refused = eventops("replay", letters, "--execute", *read_only)
    assert refused.returncode == 4
    assert "read-only" in refused.stderr
