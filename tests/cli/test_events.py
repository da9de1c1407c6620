"""``eventops events`` as a shell sees it, on a real Apache Kafka."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka import KafkaProducer

from tests.brokers.lab import KafkaLab
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.trace.requests import Request, envelope, request_on

pytestmark = pytest.mark.broker
UNHEARD = 40
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def request_(bootstrap_servers: str) -> Iterator[Request]:
    """One request for all of these tests."""
    run = f"{datetime.now(UTC):%H%M%S%f}"
    lab = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    with request_on(lab) as found:
        found.append(found.orders, b"\xff\x00", (("note", b"\x1b[2J"),))
        yield found
    lab.close()


@pytest.fixture
def eventops(bootstrap_servers: str, tmp_path: Path) -> Run:
    shell = Shell(tmp_path, bootstrap_servers)
    return lambda *words: shell("events", *words)


def test_one_record_is_shown_decoded(request_: Request, eventops: Run) -> None:
    run = eventops("show", str(request_.places["order"]))
    assert run.returncode == 0, run.stderr
    assert f"correlation id  {request_.correlation}\n" in run.stdout
    assert '    "eventType": "order.placed",' in run.stdout
    document = json.loads(eventops("show", str(request_.places["order"]), "-o", "json").stdout)
    keeps_its_contract(document, "event")
    assert document["event_id"] == request_.events["order"].event_id


def test_bytes_and_escapes_are_shown_and_not_obeyed(request_: Request, eventops: Run) -> None:
    run = eventops("show", f"{request_.orders}/0/0")
    assert "header          note: \\x1b[2J\nvalue           2 bytes\n  0xff00\n" in run.stdout
    assert "\x1b" not in run.stdout


class _NoText(str):
    """A header's name as Kafka lets any client write it."""

    def encode(self, *_: object) -> bytes:
        """Not UTF-8."""
        return b"\xff\xfe"


@pytest.fixture
def unheard(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[str]:
    """A dead-letter topic whose records have headers that the client can't tell: enough for CPython to specialise."""
    lab = KafkaLab(bootstrap_servers, unique)
    topic = lab.topic("orders-dlt")
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers)
    for _ in range(UNHEARD):
        producer.send(topic, b"{}", headers=[(_NoText("x"), b"v"), ("kafka_dlt-original-topic", b"orders")])
    producer.flush(10)
    producer.close()
    yield topic
    lab.close()


def test_headers_that_the_client_cannot_tell_are_unknown_not_none(
    unheard: str, eventops: Run, bootstrap_servers: str, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    run = eventops("show", f"{unheard}/0/0")
    assert run.returncode == 0, run.stderr
    assert "headers         unknown: the name of a header isn't UTF-8" in run.stdout
    document = json.loads(eventops("show", f"{unheard}/0/0", "-o", "json").stdout)
    keeps_its_contract(document, "event")
    assert (document["headers"], "isn't UTF-8" in document["headers_reason"]) == ([], True)

    dlq = Shell(tmp_path, bootstrap_servers)
    counted = dlq("dlq", "groups", unheard, "-o", "json")
    assert counted.returncode == 1, counted.stderr
    lab = KafkaLab(bootstrap_servers, unique)
    target = lab.topic()
    report = json.loads(dlq("dlq", "replay", unheard, "--all", "--to", target, "-o", "json").stdout)
    lab.close()
    assert (report["plan"]["planned"], report["plan"]["refused"]) == (0, UNHEARD), (
        "a replay would drop them without a word"
    )
    assert "its headers can't be put back" in report["refusals"][0]["reason"]


@pytest.mark.parametrize(
    ("position", "code", "says"),
    [
        ("orders", 2, "'orders' is not TOPIC/PARTITION/OFFSET"),
        ("no-such-topic/0/0", 2, "there is no partition no-such-topic/0"),
        ("{orders}/9/0", 2, "/9: `eventops topics` lists"),
        ("{orders}/1/77", 1, "it holds offsets 0 to 0"),
    ],
)
def test_what_is_not_there_is_said(request_: Request, eventops: Run, position: str, code: int, says: str) -> None:
    run = eventops("show", position.format(orders=request_.orders))
    assert (run.returncode, run.stdout) == (code, "")
    assert says in " ".join(run.stderr.split())


def test_a_tail_to_the_end_keeps_to_its_condition(request_: Request, eventops: Run) -> None:
    glob = request_.orders.replace("orders", "*s")
    words = ["tail", "--topic", glob, "--topic", request_.users, "--from", "beginning", "-e", "-o", "ndjson"]
    run = eventops(*words, "--where", 'value.eventType == "mail.requested"')
    assert run.returncode == 0, run.stderr
    (line,) = run.stdout.splitlines()
    keeps_its_contract(json.loads(line), "event")
    assert json.loads(line)["event_id"] == request_.events["mail"].event_id
    assert "1 record couldn't be judged" in run.stderr
    assert len(eventops(*words).stdout.splitlines()) == 4
    assert len(eventops(*words, "-n", "2").stdout.splitlines()) == 2
    assert eventops(*words, "--where", "false").returncode == 1


def test_a_tail_for_people_has_a_line_an_event(request_: Request, eventops: Run) -> None:
    run = eventops("tail", "--topic", request_.users, "--from", "1h", "-e", "--values")
    lines = [line for line in run.stdout.splitlines() if not line.startswith("    ")]
    assert [line.split("  ")[1] for line in lines] == [str(request_.places[name]) for name in ("points", "mail")]
    assert '      "eventType": "mail.requested",' in run.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--where", "value."], "--where isn't a condition in CEL"),
        (["--topic", "no-such-*"], "there is no topic 'no-such-*'"),
        (["--from", "yesterday"], "--from 'yesterday' is no time"),
        (["--from", "2999-01-01"], "lies in the future"),
    ],
)
def test_what_makes_no_sense_is_refused(request_: Request, eventops: Run, words: list[str], says: str) -> None:
    run = eventops("tail", "-e", *words)
    assert (run.returncode, run.stdout) == (2, "")
    assert says in " ".join(run.stderr.split())


def test_what_comes_is_printed_until_ctrl_c(request_: Request, bootstrap_servers: str, tmp_path: Path) -> None:
    topic = request_.lab.topic("live")
    command = [sys.executable, "-m", "eventops", "-b", bootstrap_servers, "events", "tail", "--topic", topic]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, "-o", "ndjson"], env=Shell(tmp_path).environ, stdout=pipe, stderr=pipe, text=True
    )
    try:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "Ctrl-C ends it" in process.stderr.readline()
        event = envelope("order.placed", request_.name("later"))
        request_.append(topic, event.to_json())
        assert json.loads(process.stdout.readline())["event_id"] == event.event_id
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()
