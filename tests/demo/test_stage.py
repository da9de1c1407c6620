"""Parts that end: without a vital one the demo ends, without another it goes on and says what was lost."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventops.demo.model import Part, PartFailed
from eventops.demo.service import _tell_losses
from eventops.demo.stage import Stage
from eventops.demo.telemetry import ANY_PORTS, Addresses, Means, means, start
from tests.waiting import wait_until

SERVES = """
import http.server, sys
class Once(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        if self.path == "/end":
            print("2026 ERROR out\\tof memory", flush=True)
            import os; os._exit(3)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Once).serve_forever()
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as found:
        yield found


def serving(name: str, port: str, *, is_vital: bool) -> Part:
    """Answers 200 and ends, with its last words, when ``/end`` is asked for."""
    return Part(name, (sys.executable, "-c", SERVES, port), is_vital=is_vital)


def ended(port: str) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{port}/end", timeout=5).read()


@pytest.fixture
def port() -> str:
    return Addresses.free(ANY_PORTS).page.rpartition(":")[2]


def test_a_spare_part_that_ends_is_a_loss_and_the_demo_goes_on(stage: Stage, port: str) -> None:
    stage.start(serving("collector", port, is_vital=False))
    stage.answering("collector", f"http://127.0.0.1:{port}/")
    ended(port)
    wait_until(lambda: bool(stage.losses), "the loss is noticed")
    assert stage.losses == ['collector ended (exit code 3) with "2026 ERROR out of memory"']
    assert (stage.ended.is_set(), stage.failure) == (False, None)


def test_a_loss_is_told_in_the_end(stage: Stage) -> None:
    stage.losses.append("collector ended (exit code -9)")
    said: list[str] = []
    _tell_losses(stage, said.append)
    assert said == ["collector ended (exit code -9): from then on spans went nowhere"]


@pytest.mark.parametrize("variable", ["OTEL_SDK_DISABLED=true", "OTEL_TRACES_EXPORTER=console"])
def test_services_that_are_told_to_send_nothing_are_no_telemetry(stage: Stage, variable: str) -> None:
    name, _, value = variable.partition("=")
    found = means({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", name: value})
    said: list[str] = []
    assert start(stage, "127.0.0.1:1", found, said.append).endpoint is None
    assert said == [f"the demo runs without telemetry: {variable} keeps the services from sending spans"]


def test_a_vital_part_that_ends_ends_the_demo(stage: Stage, port: str) -> None:
    stage.start(serving("user-service", port, is_vital=True))
    stage.answering("user-service", f"http://127.0.0.1:{port}/")
    ended(port)
    assert stage.ended.wait(10)
    assert stage.failure is not None
    assert "user-service ended (exit code 3)" in stage.failure.what
    assert stage.losses == []


def test_a_part_that_never_answers_is_told_within_its_time(stage: Stage) -> None:
    stage.start(Part("jaeger", (sys.executable, "-c", "import time; time.sleep(60)"), is_vital=False))
    began = time.monotonic()
    with pytest.raises(PartFailed, match="jaeger didn't answer within 1 s"):
        stage.answering("jaeger", "http://127.0.0.1:1/", 1)
    assert time.monotonic() - began < 5


def program(directory: Path, name: str, words: str) -> str:
    """One on PATH that isn't what its name says."""
    path = directory / name
    path.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    path.chmod(0o755)
    return str(path)


def test_a_jaeger_that_does_not_start_costs_the_spans_and_says_how_to_get_one(stage: Stage, tmp_path: Path) -> None:
    said: list[str] = []
    found = Means(None, program(tmp_path, "jaeger", "unknown flag: --config"), None)
    told = start(stage, "127.0.0.1:1", found, said.append, Addresses.free(ANY_PORTS))
    assert (told.environ, told.endpoint, told.jaeger) == ({}, None, None)
    assert 'jaeger ended (exit code 1) with "unknown flag: --config"' in str(told.note)
    assert "is it a Jaeger 2.x?" in said[-1]
    assert "jaegertracing.io/download" in said[-1]
    assert stage.losses == [], "it never was there"
