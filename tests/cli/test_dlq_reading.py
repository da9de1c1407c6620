"""``eventops dlq`` on letters of anyone: hostile ones, very many, and what their headers call by other names."""

from __future__ import annotations

import base64
import json
import os
import signal
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eventops.adapters.kafka.broker import KafkaBroker
from eventops.dlq.model import Selection
from eventops.dlq.service import DeadLetterService
from eventops.events import Headers, Position
from tests.dlq.workshop import Workshop, spring_headers

pytestmark = pytest.mark.broker

Eventops = Callable[..., subprocess.CompletedProcess[str]]
JAVA = bytes.fromhex("aced0005") + b"sr\x00\x04Evil"


@pytest.fixture
def environ(bootstrap_servers: str, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "EVENTOPS_HOME": str(tmp_path), "EVENTOPS_BOOTSTRAP_SERVERS": bootstrap_servers}


@pytest.fixture
def eventops(environ: dict[str, str]) -> Eventops:
    """Runs ``eventops dlq`` with those arguments."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "eventops", "dlq", *arguments]
        return subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def without(headers: Headers, *names: str) -> Headers:
    return tuple(header for header in headers if not header[0].endswith(names))


ORIGIN = Position("a-topic-that-was-deleted", 0, 7)
USUAL = spring_headers(ORIGIN)
HOSTILE: tuple[tuple[str, Headers], ...] = (
    (
        "corrupt encodings",
        (
            *without(USUAL, "partition", "offset", "group", "message"),
            ("kafka_dlt-original-partition", b"\x00"),
            ("kafka_dlt-original-offset", b"\xff\xff\xff"),
            ("kafka_dlt-original-consumer-group", b"\xff\xfe"),
            ("kafka_dlt-exception-message", b"\xc3\x28\x00"),
        ),
    ),
    (
        "negative offset",
        (*without(USUAL, "offset"), ("kafka_dlt-original-offset", struct.pack(">q", -(2**62)))),
    ),
    (
        "absurd partition",
        (("__connect.errors.topic", b"orders"), ("__connect.errors.partition", b"9" * 400),
         ("__connect.errors.offset", b"1e999"), ("__connect.errors.stage", b"TASK_PUT")),
    ),
    ("Java object", (*USUAL, ("springDeserializerExceptionValue", JAVA))),
    (
        "megabyte of stack trace",
        (
            *without(USUAL, "stacktrace", "cause-fqcn"),
            (
                "kafka_dlt-exception-stacktrace",
                b"a.W: m\n" + b"\tat java.X.y(Z)\n" * 60_000 + b"Caused by: com.acme.Huge: 1\n\tat com.acme.A.b(C)",
            ),
        ),
    ),
    ("illegal topic", (*without(USUAL, "topic"), ("kafka_dlt-original-topic", b"../etc\x1b[2J"))),
    ("letter of letters", USUAL * 300),
    ("nothing known", (("", None), ("x" * 3_000, b""))),
)  # fmt: skip


def test_hostile_letters_are_listed_grouped_shown_and_exported(workshop: Workshop, eventops: Eventops) -> None:
    letters = workshop.topic(f"{workshop.unique('orders')}-dlt")
    workshop.put(letters, [(b"\xff", b"\xff\x00" + b"{" * 1_000, headers) for _name, headers in HOSTILE])

    listed = json.loads(eventops("list", "-o", "json").stdout)["topics"]
    assert next(one["open"] for one in listed if one["topic"] == letters) == len(HOSTILE)
    causes = json.loads(eventops("groups", letters, "-o", "json").stdout)["causes"]
    assert sum(cause["total"] for cause in causes) == len(HOSTILE)
    assert ("com.acme.Huge", "com.acme.A.b") in {(cause["cause_key"], cause["frame"]) for cause in causes}
    exported = [json.loads(line) for line in eventops("export", letters).stdout.splitlines()]
    told = {name: one for (name, _headers), one in zip(HOSTILE, exported, strict=True)}
    assert told["Java object"]["origin"] == str(ORIGIN)
    for name in ("corrupt encodings", "negative offset", "absurd partition", "illegal topic", "nothing known"):
        assert told[name]["origin"] is None, name
    for number, (name, _headers) in enumerate(HOSTILE):
        shown = eventops("show", f"{letters}/0/{number}")
        assert (shown.returncode, "Traceback" in shown.stderr, "\x1b" in shown.stdout) == (0, False, False), name
        assert len(shown.stdout) < 200_000, name
    assert f"a Java object of {len(JAVA)} bytes, not opened" in eventops("show", f"{letters}/0/3").stdout


def test_letters_of_deleted_topics_are_refused_by_a_plan(workshop: Workshop, eventops: Eventops) -> None:
    letters = workshop.topic(f"{workshop.unique('orders')}-dlt")
    gone = Position(workshop.unique("gone"), 0, 0)
    workshop.put(letters, [(b"k", b"{}", spring_headers(gone))])

    plan = json.loads(eventops("replay", letters, "-o", "json").stdout)

    assert (plan["plan"]["planned"], plan["plan"]["refused"]) == (0, 1)
    assert gone.topic in plan["refusals"][0]["reason"]
    assert not workshop.exists(gone.topic)


@pytest.mark.parametrize("topic", ["eventops-ledger", "__consumer_offsets"])
def test_no_letter_leads_a_replay_into_the_ledger_or_kafkas_own_topics(
    workshop: Workshop, eventops: Eventops, topic: str
) -> None:
    orders, done = workshop.orders_with_letters(1)
    assert eventops("replay", done, "--all", "--execute").returncode == 0, "now there is a ledger"
    letters = workshop.topic(f"{workshop.unique('evil')}-dlt")
    workshop.put(letters, [(b"k", b"{}", spring_headers(Position(topic, 0, 0)))])

    for more in ((), ("--to", "eventops-ledger")):
        plan = json.loads(eventops("replay", letters, "--all", *more, "-o", "json").stdout)
        assert plan["plan"]["planned"] == 0
        [refusal] = plan["refusals"]
        assert "no topic for events" in refusal["reason"] or "doesn't exist" in refusal["reason"]
    assert len(workshop.committed(orders)) == 2


def test_a_share_groups_letter_that_calls_its_topic_by_id(
    workshop: Workshop, eventops: Eventops, bootstrap_servers: str
) -> None:
    orders = workshop.topic(workshop.unique("orders"))
    letters = workshop.topic(f"dlq.{orders}")
    broker = KafkaBroker({"bootstrap.servers": bootstrap_servers})
    [topic] = broker.topics([orders])
    broker.close()
    assert topic.topic_id
    workshop.put(orders, [(b"k", b'{"eventId":"by-id","eventType":"order.placed"}', ())])
    in_base_64 = base64.urlsafe_b64encode(uuid.UUID(topic.topic_id).bytes).rstrip(b"=")
    told = {"topic": in_base_64, "partition": b"0", "offset": b"0", "group": b"packing"}
    told_by_broker = tuple((f"__dlq.errors.{name}", raw) for name, raw in told.items())
    workshop.put(letters, [(None, None, told_by_broker)])

    letter = json.loads(eventops("show", f"{letters}/0/0", "-o", "json").stdout)

    assert (letter["origin"]["topic"], letter["path"][0]["topic"]) == (orders, orders)
    assert letter["source_record"]["event_id"] == "by-id"
    assert json.loads(eventops("export", letters).stdout)["origin"] == f"{orders}/0/0"
    where = ("--where", f'origin.topic == "{orders}"', "-o", "json")
    assert json.loads(eventops("groups", letters, *where).stdout)["causes"][0]["total"] == 1
    (line,) = [one for one in json.loads(eventops("list", *where).stdout)["topics"] if one["topic"] == letters]
    assert line["open"] == 1

    assert eventops("replay", letters, "--all", "--execute").returncode == 0
    again = tuple((name, b"1" if name.endswith("offset") else raw) for name, raw in told_by_broker)
    workshop.put(letters, [(None, None, again)])
    for command in (("list",), ("groups", letters)):
        found = json.loads(eventops(*command, "-o", "json").stdout)
        (line,) = [one for one in found.get("topics", found.get("causes")) if one["topic"] == letters]
        assert (line["open"], line["replayed"], line["failed_again"]) == (0, 1, 1), command
    rows = json.loads(eventops("history", letters, "-o", "json").stdout)["rows"]
    assert [row["outcome"] for row in rows] == ["failed_again"]


def test_two_failures_of_one_class_are_told_apart_everywhere(workshop: Workshop, eventops: Eventops) -> None:
    letters = workshop.topic(f"{workshop.unique('orders')}-dlt")
    failed = [spring_headers(Position("orders", 0, n), message=said) for n, said in enumerate(("no stock", "no card"))]
    workshop.put(letters, [(b"k", b"{}", headers) for headers in failed])

    for command in ("show", "groups", "export"):
        lines = [json.loads(one) for one in eventops(command, letters, "-o", "ndjson").stdout.splitlines()]
        assert len({line["cause_id"] for line in lines}) == 2, command
        assert len({line["cause_key"] for line in lines}) == 1, command
    table = eventops("groups", letters).stdout
    assert all(said in table for said in ("no stock", "no card"))
    shown = eventops("show", letters).stdout
    assert all(said in shown for said in ("no stock", "no card"))
    ids = {line.split("cause  ")[1] for line in _first_lines(eventops, letters, "cause ")}
    assert len(ids) == 2


def _first_lines(eventops: Eventops, letters: str, start: str) -> list[str]:
    pages = [eventops("show", f"{letters}/0/{number}").stdout.splitlines() for number in range(2)]
    return [next(line for line in page if line.startswith(start)) for page in pages]


def test_a_page_of_letters_follows_another(workshop: Workshop, eventops: Eventops, bootstrap_servers: str) -> None:
    _orders, letters = workshop.orders_with_letters(520)
    broker = KafkaBroker({"bootstrap.servers": bootstrap_servers})
    service = DeadLetterService(broker, "ada@test")
    seen: list[Position] = []
    page = service.letters(Selection(letters, limit=200), datetime.now(UTC))
    while page.letters:
        seen += [letter.position for letter in page.letters]
        assert sum(sum(cause.counts.values()) for cause in page.causes) == 520
        page = service.letters(Selection(letters, limit=200), datetime.now(UTC), after=page.letters[-1])
    broker.close()
    assert seen == [Position(letters, 0, number) for number in range(520)]

    shown = eventops("show", letters, "-o", "ndjson")
    assert len(shown.stdout.splitlines()) == 500
    assert "the first 500 of 520 letters" in shown.stderr
    assert len(eventops("show", letters, "-o", "ndjson", "--limit", "600").stdout.splitlines()) == 520


def test_one_letter_is_not_chosen_twice(eventops: Eventops) -> None:
    refused = eventops("show", "orders-dlt/0/41", "--cause", "NoStock")
    assert (refused.returncode, "not with one letter" in refused.stderr) == (2, True)


def test_an_interrupted_export_ends_at_once_and_says_so(workshop: Workshop, environ: dict[str, str]) -> None:
    """It is in the midst of it: what it printed fills the pipe, and nobody reads on."""
    _orders, letters = workshop.orders_with_letters(2_000)
    command = [sys.executable, "-m", "eventops", "dlq", "export", letters]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - asked < 2
