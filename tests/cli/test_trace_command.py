"""``eventops trace`` as a shell sees it: bytes and exit codes, on a real Apache Kafka."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from eventops.cli.trace_search import exit_code
from eventops.ports import Coverage, Gap
from eventops.trace.model import TraceReport
from tests.brokers.lab import KafkaLab
from tests.cli.running import ROOT, Shell
from tests.trace.requests import Request, envelope, request_on

SCHEMA = json.loads((ROOT / "docs/reference/schemas/trace.schema.json").read_text())


@pytest.fixture(scope="module")
def request_(bootstrap_servers: str) -> Iterator[Request]:
    """One request for all of these tests: none of them adds to it."""
    run = f"{datetime.now(UTC):%H%M%S%f}"
    lab = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    with request_on(lab) as found:
        hostile = envelope("order.\x1b[31m\u202eplaced", lab.name("hostile"))
        found.put("hostile", found.orders, hostile, headers=(("note", b"\xff\x00"),))
        yield found
    lab.close()


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def eventops(request_: Request, bootstrap_servers: str, tmp_path: Path) -> Run:
    """Run the command on the topics of the request."""

    def run(*arguments: str, servers: str = bootstrap_servers) -> subprocess.CompletedProcess[str]:
        where = [part for topic in request_.topics for part in ("--topic", topic)]
        return Shell(tmp_path, servers)("trace", *arguments, *where)

    return run


@pytest.mark.broker
def test_the_tree_is_data_and_the_coverage_speech(request_: Request, eventops: Run) -> None:
    run = eventops(request_.correlation)
    mailer, mail = request_.name("mailer"), request_.places["mail"]
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"{request_.correlation}: 3 events, 3 hops deep, 700 ms, 2 services, 1 dead letter\n")
    assert f"✗ {mailer}  dead-lettered  letter {request_.letters}/0/0: SMTPRecipientsRefused\n" in run.stdout
    assert f"      └─ mail.requested  {request_.events['mail'].event_id[:8]}  user-service  +580 ms\n" in run.stdout
    assert f"{mail}  2026-01-15T10:30:00.700Z\n" in run.stdout
    assert "\x1b" not in run.stdout
    assert (
        run.stderr.splitlines()[0] == "looked at 5 records (0.0 MB) in 5 of 5 partitions" or "partitions" in run.stderr
    )


@pytest.mark.broker
def test_the_json_keeps_its_schema(request_: Request, eventops: Run) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for identifier in (request_.correlation, request_.name("hostile"), "nowhere-to-be-found"):
        document = json.loads(eventops(identifier, "-o", "json").stdout)
        Draft202012Validator(SCHEMA).validate(document)
    document = json.loads(eventops(request_.events["order"].event_id, "-o", "json").stdout)
    assert document["correlation_id"] == request_.correlation
    assert [len(event["dead_letters"]) for event in document["events"]] == [0, 0, 1]
    assert document["events"][0]["children"] == [request_.events["points"].event_id]
    assert document["coverage"]["complete"] is True


@pytest.mark.broker
def test_every_format_tells_the_same_events(request_: Request, eventops: Run) -> None:
    expected = [request_.events[name].event_id for name in ("order", "points", "mail")]
    told = {output: eventops(request_.correlation, "-o", output).stdout for output in ("ndjson", "csv", "yaml")}
    assert [json.loads(line)["event_id"] for line in told["ndjson"].splitlines()] == expected
    assert [row["event_id"] for row in csv.DictReader(io.StringIO(told["csv"]))] == expected
    assert [event["event_id"] for event in yaml.safe_load(told["yaml"])["events"]] == expected
    assert eventops(request_.correlation, "-o", "mermaid").stdout.startswith("flowchart TD\n    e0[")
    begins = {"dot": "digraph trace {", "svg": "<svg ", "html": "<!DOCTYPE html>", "timeline": request_.correlation}
    for output, start in begins.items():
        drawn = eventops(request_.correlation, "-o", output).stdout
        assert drawn.startswith(start)
        assert "mail.requested" in drawn
    assert "    mail.requested" in eventops(request_.correlation, "-o", "table").stdout


@pytest.mark.broker
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere-to-be-found"], 1, "no event has the correlation id or event id 'nowhere-to-be-found'"),
        (["nowhere-to-be-found", "--since", "1h"], 1, "try: a wider --since and --until; no --topic"),
        (["qz0"], 1, "'qz0' is so short that much of the log holds it"),
        (["x", "--since", "yesterday"], 2, "'yesterday' is neither; write a time as 2026-01-15T10:30:00Z"),
        (["x", "--follow", "-o", "json"], 2, "--follow goes with -o tree or ndjson"),
        (["x", "--follow", "--quiet", "nan"], 2, "nan is no number that something lasts or counts"),
        (["nowhere-to-be-found", "--exclude", "no-*"], 1, "no --exclude; the id as another"),
        (["x", "--expect", "no-such-file"], 2, "no-such-file can't be read"),
        (["x", "--since", "2999-01-01"], 2, "lies in the future"),
        (["  "], 2, "there is no id to look for"),
        (["x", "--topic", "no-such-topic"], 2, "there is no topic 'no-such-topic': `eventops topics` lists them"),
    ],
)
def test_exit_codes_and_what_is_said(eventops: Run, arguments: list[str], code: int, says: str) -> None:
    run = eventops(*arguments)
    assert run.returncode == code
    assert says in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr


@pytest.mark.broker
@pytest.mark.parametrize(
    ("file", "code", "says"),
    [
        ("events: [order.placed, user.pointsAwarded]\ndead_letters: any", 0, "as expected"),
        ("events: [order.placed]", 1, "not as expected: 1 dead letter: SMTPRecipientsRefused"),
        ("events: [order.shipped]\nwithin: 200ms\ndead_letters: any", 1, "not as expected: order.shipped: 0 of 1"),
        ("events: [", 2, "docs/reference/expect.md says how it is written"),
        ("event: []", 2, "the file has no 'event'"),
    ],
)
def test_a_smoke_test_is_an_exit_code(
    request_: Request, eventops: Run, tmp_path: Path, file: str, code: int, says: str
) -> None:
    path = tmp_path / "expect.yaml"
    path.write_text(file)
    run = eventops(request_.correlation, "--expect", str(path))
    assert (run.returncode, says in " ".join(run.stderr.split())) == (code, True), run.stderr


@pytest.mark.broker
def test_a_live_tree_ends_when_it_is_quiet(request_: Request, eventops: Run) -> None:
    run = eventops(request_.correlation, "--follow", "--quiet", "0.1")
    assert run.returncode == 0
    assert run.stdout.count("mail.requested") == 1, "drawn whole, once"
    assert "or 100 ms without news" in run.stderr


@pytest.mark.broker
@pytest.mark.parametrize("output", ["tree", "table", "json", "html"])
def test_a_reader_that_went_away_changes_no_exit_code(
    request_: Request, bootstrap_servers: str, tmp_path: Path, output: str
) -> None:
    command = [sys.executable, "-m", "eventops", "-b", bootstrap_servers, "trace", request_.correlation, "-o", output]
    command += [part for topic in request_.topics for part in ("--topic", topic)]
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        command, env=Shell(tmp_path).environ, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)
    assert (run.returncode, b"Traceback" in run.stderr, b"Exception" in run.stderr) == (0, False, False), run.stderr


@pytest.mark.broker
def test_nobody_answers(eventops: Run) -> None:
    run = eventops("x", servers="127.0.0.1:1")
    assert (run.returncode, run.stdout) == (3, "")


@pytest.mark.broker
def test_what_a_producer_wrote_is_shown_and_not_obeyed(request_: Request, eventops: Run) -> None:
    hostile = request_.name("hostile")
    assert "order.\\x1b[31m\\u202eplaced" in eventops(hostile).stdout
    for output in ("json", "ndjson", "csv", "yaml", "table", "mermaid"):
        shown = eventops(hostile, "-o", output).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown or output in ("csv", "yaml"), output


@pytest.mark.broker
@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_of_eighty_columns_gets_a_tree_that_fits(
    request_: Request, bootstrap_servers: str, no_color: str, tmp_path: Path
) -> None:
    shown = _on_terminal(request_, bootstrap_servers, no_color, tmp_path)
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in shown.replace("\r", "").split("\n")]
    assert max(len(line) for line in lines[1:]) <= 80
    (goes_on,) = (line for line in lines if "SMTPRecipientsRefused" in line)
    assert goes_on.startswith(" " * 14 + request_.letters), "what didn't fit goes on inside its branch"
    assert ("\x1b[32m" in shown) is not bool(no_color)


@pytest.mark.broker
def test_what_comes_later_is_printed_until_ctrl_c(request_: Request, bootstrap_servers: str, tmp_path: Path) -> None:
    correlation = request_.name("later")
    command = [sys.executable, "-m", "eventops", "-b", bootstrap_servers, "trace", correlation, "-f", "-o", "ndjson"]
    command += ["--topic", request_.orders]
    environment, pipe = Shell(tmp_path).environ, subprocess.PIPE
    process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        assert process.stderr is not None
        assert any("following" in line for line in process.stderr)
        event = envelope("order.placed", correlation)
        request_.append(request_.orders, event.to_json())
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event_id"] == event.event_id
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("coverage", "code", "why"),
    [
        (Coverage(2, 2), 1, "nothing was found, and all was read"),
        (Coverage(2, 1, gaps=(Gap("orders", 0, "no leader"),)), 5, "it may stand in what couldn't be read"),
    ],
)
def test_nothing_found_is_certain_only_where_all_was_read(coverage: Coverage, code: int, why: str) -> None:
    assert exit_code(TraceReport("x", (), (), (), (), coverage)) == code, why


def _on_terminal(request: Request, servers: str, no_color: str, home: Path) -> str:
    """What a terminal of 80 columns is sent, stdout only."""
    leader, follower = pty.openpty()
    environment = {**Shell(home).environ, "COLUMNS": "80", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    if no_color:
        environment["NO_COLOR"] = no_color
    command = [sys.executable, "-m", "eventops", "-b", servers, "trace", request.correlation, "--topic", request.users]
    command += ["--topic", request.orders, "--topic", request.letters]
    process = subprocess.Popen(command, env=environment, stdout=follower, stderr=subprocess.DEVNULL)
    os.close(follower)
    shown = b""
    try:
        while part := _read(leader):
            shown += part
        assert process.wait(30) == 0
    finally:
        os.close(leader)
        if process.poll() is None:
            process.kill()
            process.wait()
    return shown.decode()


def _read(terminal: int) -> bytes:
    """The next piece; nothing once the other side is closed (Linux says EIO)."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
