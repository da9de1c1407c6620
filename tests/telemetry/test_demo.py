"""``eventops demo --telemetry`` as it is typed: with what stands on PATH, and with an endpoint that is named.

Where there is neither: ``tests/demo/test_end_to_end.py``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eventops.bootstrap import local_kafka
from eventops.config import data_home
from tests.cli.running import Shell
from tests.contracts import keeps_its_contract
from tests.telemetry.flow import SERVICES
from tests.telemetry.observatory import Observatory, programs

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell where nothing ever ran, but whose jars need no second download."""
    local_kafka().install()
    (tmp_path / "kafka").symlink_to(data_home() / "kafka")
    return Shell(tmp_path)


def demo(shell: Shell, **environ: str) -> tuple[Any, str]:
    """Its report, and what it said meanwhile, on one line."""
    nothing_named = {name: "" for name in os.environ if name.startswith("OTEL_")}
    words = ("demo", "--headless", "--telemetry", "--duration", "20", "--rate", "6", "-o", "json")
    run: subprocess.CompletedProcess[str] = shell(*words, environ={**nothing_named, **environ}, timeout=200)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    keeps_its_contract(report, "demo")
    assert sum(row["count"] for row in report["events"]) > 0
    return report, " ".join(run.stderr.split())


def test_what_stands_on_path_is_started_used_and_ended(shell: Shell, tmp_path: Path) -> None:
    found, tools = programs(), tmp_path / "tools"
    tools.mkdir()
    (tools / "jaeger").symlink_to(str(found.jaeger))
    (tools / "otelcol-contrib").symlink_to(str(found.collector))
    report, said = demo(shell, PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")
    told = report["telemetry"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["jaeger"])
    assert told["endpoint"] != told["jaeger"]
    assert told["metrics"].endswith("/metrics")
    assert told["note"] is None, "neither ended before it should"
    assert f"Jaeger is at {told['jaeger']}/search?service=order-service" in said
    assert f"the collector takes spans and metrics at {told['endpoint']}, Prometheus reads {told['metrics']}" in said
    assert report["example_url"].startswith(f"{told['jaeger']}/trace/")
    assert re.search(r"request \S+, from one of its HTTP requests, to its mails: http://\S+/trace/\w{32}", said)
    for name in SERVICES:
        assert "spans were dropped" not in Path(report["logs"][name]).read_text()
    assert not _listens(told["jaeger"]), "it ends with the demo"
    assert not _listens(told["endpoint"])


def test_without_a_collector_spans_go_straight_to_jaeger(shell: Shell, tmp_path: Path) -> None:
    found, tools = programs(), tmp_path / "tools"
    tools.mkdir()
    (tools / "jaeger").symlink_to(str(found.jaeger))
    collectors = ("otelcol", "otelcol-contrib")
    others = [at for at in os.get_exec_path() if not any((Path(at) / name).exists() for name in collectors)]
    adverse = {
        "OTEL_SDK_DISABLED": "true",
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
        "OTEL_TRACES_SAMPLER": "always_off",
    }
    report, said = demo(shell, PATH=os.pathsep.join([str(tools), *others]), **adverse)
    assert report["telemetry"]["metrics"] is None
    assert "there is no collector (otelcol-contrib) on PATH: spans go straight to Jaeger, metrics nowhere" in said
    assert report["example_url"].startswith(f"{report['telemetry']['jaeger']}/trace/")


def test_an_endpoint_that_the_standard_variables_name_is_used(shell: Shell, sky: Observatory) -> None:
    before = Counter(span.service for span in sky.spans(SERVICES))
    endpoint = sky.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    report, said = demo(shell, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="200")
    assert (report["telemetry"]["endpoint"], report["telemetry"]["jaeger"]) == (endpoint, None)
    assert f"spans go to {endpoint}" in said
    spans = [span for span in sky.spans(SERVICES) if span.conversation_id == report["example_correlation_id"]]
    assert {span.service for span in spans} == set(SERVICES)
    after = Counter(span.service for span in sky.spans(SERVICES))
    assert all(after[name] > before[name] for name in SERVICES)
    assert any(span.name == "smtp send" for span in spans)


def test_what_the_services_lost_is_told_at_the_end(shell: Shell) -> None:
    report, said = demo(shell, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_METRICS_EXPORTER="none")
    for name in SERVICES:
        words = re.search(r"(\d+) spans were dropped", Path(report["logs"][name]).read_text())
        assert words, name
        assert f"{name} lost {int(words[1]):,} spans: no collector took them in time" in said
    assert said.index("ending the demo") < said.index(" lost ")


def _listens(url: str) -> bool:
    import httpx

    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True
