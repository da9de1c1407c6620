"""The whole path as a person walks it: a broker, events, failures, their cause, and back they go, once."""

from __future__ import annotations

import email
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from eventops.bootstrap import local_kafka
from eventops.config import data_home
from tests.cli.running import ROOT, Shell
from tests.contracts import keeps_its_contract
from tests.demo import evening, tmux
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

REFUSED = "smtplib.SMTPRecipientsRefused"


def fresh(directory: Path) -> Path:
    """A data home where nothing ever ran, but whose jars need no second download."""
    local_kafka().install()
    (directory / "kafka").symlink_to(data_home() / "kafka")
    return directory


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One test's own."""
    return fresh(tmp_path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the local Kafka and of what the demo left there."""
    return fresh(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def shell(place: Path) -> Iterator[Shell]:
    """A shell on a machine with a local Kafka; no command needs an option."""
    words = Shell(place)
    up = words("local", "up")
    assert up.returncode == 0, up.stderr
    try:
        yield words
    finally:
        assert words("local", "down").returncode == 0


@pytest.fixture(scope="module")
def demo(shell: Shell) -> Any:
    """What a demo with failures tells in its end: letters are open, and a slow group has left records unread."""
    return answer(shell, "demo", "--headless", "--duration", "30", "--rate", "6")


def answer(shell: Shell, *words: str, timeout: float = 120) -> Any:
    """What a command prints as JSON."""
    run = shell(*words, "-o", "json", timeout=timeout)
    assert run.returncode in (0, 1), run.stderr
    return json.loads(run.stdout)


@pytest.mark.skipif(not tmux.IS_THERE, reason="tmux isn't installed: nobody plays the evening on call")
@pytest.mark.usefixtures("demo")
def test_an_evening_on_call_from_the_alarm_to_the_cure(shell: Shell, place: Path) -> None:
    """It comes first: later ones work off the lag."""
    with tmux.in_tmux(
        [sys.executable, "-m", "eventops", "dashboard"], {"EVENTOPS_HOME": str(place), "PYTHONPATH": str(ROOT)}
    ) as screen:
        evening.from_the_alarm_to_the_record_that_waits(screen)
        letter = evening.to_a_letter_and_its_chain(screen, "order-events-dlt", "SMTPRecipientsRefused")
        evening.put_back(screen)
        the_mail_server_is_mended(shell)
        evening.until_solved(screen)
        evening.leave(screen)
        wait_until(screen.has_ended, "the dashboard is left")
    solved = answer(shell, "dlq", "show", letter)
    assert solved["state"] == "replayed"
    assert [_caused_by(path) for path in _mails(place)].count(solved["event"]["event_id"]) == 1


def the_mail_server_is_mended(shell: Shell) -> None:
    """The services are up for a while, and whatever was put back is read."""
    answer(shell, "demo", "--headless", "--duration", "1", "--rate", "0", "--no-failures")


def test_from_nothing_to_every_mail_delivered_once(shell: Shell, place: Path, demo: Any) -> None:
    keeps_its_contract(demo, "demo")
    keeps_its_contract(answer(shell, "local", "status"), "local-status")
    keeps_its_contract(answer(shell, "local", "up"), "local-up")
    keeps_its_contract(answer(shell, "context", "list"), "contexts")
    assert {"user.registered", "order.paid", "loyalty.pointsEarned", "notification.emailSent"} <= {
        row["event_type"] for row in demo["events"]
    }
    assert len({row["cause"] for row in demo["letters"]}) >= 3
    assert demo["mails"]["accepted"] == demo["mails"]["distinct"] > 0
    assert next(row["lag"] for row in demo["lag"] if row["group"] == "loyalty-group") > 0, "the slow consumer"

    _the_chain_is_whole(answer(shell, "trace", demo["example_correlation_id"]))

    topics = {row["topic"] for row in demo["letters"] if row["cause"] == REFUSED}
    refused = {event_id for topic in topics for event_id in _letters(shell, topic)}
    assert refused
    for topic in topics:
        _replay_brings_it_to_zero_and_once_only(shell, topic)

    _the_readme_speaks_the_truth(shell, demo["example_correlation_id"])
    the_mail_server_is_mended(shell)
    delivered = [_caused_by(path) for path in _mails(place)]
    assert {event_id for event_id in refused if delivered.count(event_id) == 1} == refused, "each mail arrived, once"


def test_telemetry_without_jaeger_costs_spans_alone(home: Path) -> None:
    tools = ("jaeger", "otelcol", "otelcol-contrib")
    path = [at for at in os.get_exec_path() if not any((Path(at) / name).exists() for name in tools)]
    words = Shell(home)
    nothing_named = {name: "" for name in os.environ if name.startswith("OTEL_")}
    run = words(
        *("demo", "--headless", "--telemetry", "--duration", "8", "-o", "json"),
        environ={**nothing_named, "PATH": os.pathsep.join(path)},
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    demo = json.loads(run.stdout)
    keeps_its_contract(demo, "demo")
    assert sum(row["count"] for row in demo["events"]) > 0, "the demo runs as well"
    told = demo["telemetry"]
    assert (told["endpoint"], told["jaeger"], told["metrics"]) == (None, None, None)
    said = " ".join(run.stderr.split())
    assert "the demo runs without telemetry: there is no Jaeger to keep spans" in said
    for remedy in ("jaegertracing.io/download", "otelcol-contrib", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"):
        assert remedy in said
        assert remedy in told["note"]


def test_the_demo_runs_on_the_cluster_that_is_named(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    """From a machine where no Kafka is up, and none is started."""
    servers = answer(shell, "local", "status")["bootstrap_servers"]
    away = tmp_path_factory.mktemp("away")
    demo = answer(Shell(away), "-b", servers, "demo", "--headless", "--duration", "10", "--rate", "6")
    assert demo["bootstrap_servers"] == servers
    assert sum(row["count"] for row in demo["events"]) > 0
    assert not (away / "contexts.toml").exists()
    assert not (away / "kafka").exists()


def _the_readme_speaks_the_truth(shell: Shell, correlation_id: str) -> None:
    """Every command of the README works; those that start something or would change this machine are only parsed."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [shlex.split(line)[1:] for line in re.findall(r"^\$ (eventops .*)$", readme, re.MULTILINE)]
    assert len(commands) > 10
    for words in commands:
        told = [correlation_id if word.startswith("req-") else word for word in words]
        only_parsed = told[0] in {"local", "demo", "dashboard"} or told[:2] == ["context", "add"]
        run = shell(*told, *(["--help"] if only_parsed else []))
        assert run.returncode in (0, 1), f"{words}: {run.stderr}"


def _the_chain_is_whole(trace: Any) -> None:
    events = {event["event_id"]: event for event in trace["events"]}
    assert trace["coverage"]["complete"]
    assert max(_depth(events, event_id) for event_id in events) >= 3
    groups = {
        "user-events": {"notification-group", "order-group"},
        "order-events": {"notification-group", "loyalty-group"},
    }
    for event in events.values():
        assert {delivery["group"] for delivery in event["deliveries"]} == groups.get(event["topic"], set())
        assert all(delivery["status"] != "unknown" for delivery in event["deliveries"])


def _depth(events: dict[str, Any], event_id: str) -> int:
    cause = events[event_id]["causation_id"]
    return 1 + (_depth(events, cause) if cause in events else 0)


def _replay_brings_it_to_zero_and_once_only(shell: Shell, topic: str) -> None:
    words = ("dlq", "replay", topic, "--cause", REFUSED)
    before = _states(shell, topic)
    planned = answer(shell, *words)
    assert planned["executed"] is False
    assert _states(shell, topic) == before, "a plan writes nothing"
    assert "open" in before
    done = answer(shell, *words, "--execute", "--yes")
    left = planned["plan"]["selected"] - planned["plan"]["already_replayed"]
    assert (done["guarantee"], len(done["targets"])) == ("exactly_once", left)
    assert _states(shell, topic) == {"replayed"}
    again = shell(*words, "--execute", "--yes")
    assert again.returncode == 1
    assert "already replayed" in again.stdout + again.stderr


def _states(shell: Shell, topic: str) -> set[str]:
    return {letter["state"] for letter in _of_cause(shell, topic)}


def _letters(shell: Shell, topic: str) -> list[str]:
    return [letter["event"]["event_id"] for letter in _of_cause(shell, topic)]


def _of_cause(shell: Shell, topic: str) -> list[Any]:
    letters = answer(shell, "dlq", "show", topic)["letters"]
    return [letter for letter in letters if letter["exception"]["cause_class"] == REFUSED]


def _mails(home: Path) -> list[Path]:
    return sorted(home.glob("demo/*/mails/*.eml"))


def _caused_by(path: Path) -> str:
    return str(email.message_from_bytes(path.read_bytes())["X-Event-Id"])


def _start_demo(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "eventops", "demo", "--headless", "--duration", "120"],
        env={**os.environ, "EVENTOPS_HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _all_parts_are_up(home: Path) -> bool:
    return any("requests" in path.read_text() for path in home.glob("demo/**/traffic.log"))


@pytest.mark.faults
@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "a part crashes"])
def test_however_a_demo_ends_nothing_of_it_is_left(home: Path, end: str) -> None:
    with _start_demo(home) as demo:
        try:
            wait_until(lambda: _all_parts_are_up(home), "all parts of the demo are up", seconds=90)
            parts = _descendants(demo)
            assert any("kafka.Kafka" in " ".join(part.cmdline()) for part in parts), "a broker of its own"
            if end == "a part crashes":
                next(part for part in parts if part.cmdline()[-1] == "reference_services.users").kill()
            else:
                demo.send_signal(signal.Signals[end])
            said = demo.communicate(timeout=60)[1].decode()
        finally:
            demo.kill()
        wait_until(lambda: not psutil.wait_procs(parts, timeout=0)[1], "every part has ended", seconds=30)
    if end == "a part crashes":
        assert "user-service ended" in said
    if end != "SIGKILL":
        assert "local" not in (home / "contexts.toml").read_text(), "the context goes with the broker"
