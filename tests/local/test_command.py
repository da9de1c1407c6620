"""``eventops local`` as a user runs it: what is said where, and how it ends."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from eventops.local.service import LocalKafka
from tests.local.conftest import Eventually

LOCAL = [sys.executable, "-m", "eventops", "local"]


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LOCAL, *arguments], env=environ, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.broker
def test_from_up_to_down(kafka: LocalKafka, environ: dict[str, str], port: int) -> None:
    up = run(environ, "up", "--port", str(port), "--output", "json")
    assert (up.returncode, up.stderr) == (0, "")
    report = json.loads(up.stdout)
    assert report["status"] == "running"
    assert report["already"] is False
    assert report["bootstrap_servers"] == f"127.0.0.1:{port}"
    assert psutil.pid_exists(report["brokers"][0]["pid"])

    status = run(environ, "status", "-o", "json")
    assert status.returncode == 0
    assert {**json.loads(status.stdout), "already": False, "notes": []} == report
    assert "broker 1  127.0.0.1" in run(environ, "status").stdout
    assert run(environ, "up").stdout == (f"Kafka 4.4.0 was already up at 127.0.0.1:{port} (1 broker), context local\n")
    assert len(run(environ, "logs", "-n", "3").stdout.splitlines()) == 3

    assert run(environ, "down").stdout == "Kafka has ended\n"
    assert run(environ, "status").returncode == 1
    assert run(environ, "down", "--delete-data").stdout == "Kafka was not up\nits data are deleted\n"


@pytest.mark.broker
def test_ctrl_c_leaves_no_broker(kafka: LocalKafka, environ: dict[str, str], port: int, eventually: Eventually) -> None:
    log = kafka.state_home / "node-1" / "kafka.log"
    with subprocess.Popen([*LOCAL, "up", "--port", str(port)], env=environ, stderr=subprocess.PIPE, text=True) as up:
        eventually(lambda: log.exists() and log.stat().st_size > 0)
        up.send_signal(signal.SIGINT)
        assert up.wait(30) == 130
        assert up.stderr is not None
        assert up.stderr.read().strip() == "interrupted"
    assert [status.pid for status in kafka.status().nodes] == [None]


def test_status_where_there_never_was_one(environ: dict[str, str]) -> None:
    told = run(environ, "status")
    assert told.returncode == 1
    assert told.stdout == "Kafka 4.4.0: absent\n  start it with `eventops local up`\n"
    assert json.loads(run(environ, "status", "-o", "json").stdout)["bootstrap_servers"] is None


def test_install_says_what_it_found_or_nothing(environ: dict[str, str], home: Path) -> None:
    quiet = run(environ, "install", "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert "Kafka 4.4.0 was already installed" in run(environ, "install").stdout


def test_an_error_is_one_sentence_on_stderr(environ: dict[str, str]) -> None:
    told = run(environ, "logs")
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr == "eventops: there is no log of a local broker 1: start it with `eventops local up`\n"


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "install"])
def test_help_shows_an_example(environ: dict[str, str], command: str) -> None:
    assert f"Example: eventops local {command}" in run(environ, command, "--help").stdout
