"""A service as a process: what it says when it can't start, and that it ends when asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.processes import ROOT

UNREACHABLE = "127.0.0.1:1"


def run(module: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"reference_services.{module}", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "sqlite://", "KAFKA_BOOTSTRAP_SERVERS": UNREACHABLE, **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"RETRY_ATTEMPTS": "many"}, "RETRY_ATTEMPTS must be a number"),
        ({"DATABASE_URL": "sqlite:////no/such/directory/x.db"}, "check DATABASE_URL"),
        ({"DATABASE_URL": "nonsense"}, "check DATABASE_URL"),
        ({"KAFKA_CLIENT": "no.such.property=1"}, "check KAFKA_CLIENT"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(environ: dict[str, str], words: str) -> None:
    ended = run("orders", **environ)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("order-service: ")
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize("module", ["users", "mailserver"])
def test_a_taken_port_names_the_remedy(module: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(module, HTTP_PORT=str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "HTTP_PORT (0: any free one)" in ended.stderr


def test_traffic_ends_with_its_summary_even_where_nobody_answers(tmp_path: Path) -> None:
    nobody = f"http://{UNREACHABLE}"
    arguments = ["--users", nobody, "--orders", nobody, "--mail", nobody, "--bootstrap-servers", UNREACHABLE]
    with (tmp_path / "errors").open("w") as errors:
        traffic = subprocess.Popen(
            [sys.executable, "-m", "reference_services.traffic", *arguments, "--rate", "50"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    while "mishap" not in (tmp_path / "errors").read_text():
        assert traffic.poll() is None
    traffic.send_signal(signal.SIGTERM)
    output, _ = traffic.communicate(timeout=20)
    summary = json.loads(output)
    assert traffic.returncode == 0
    assert summary["failures"].get("register: ConnectError", 0) == summary["by_kind"].get("register", 0)
    assert summary["example_correlation_ids"] == []
