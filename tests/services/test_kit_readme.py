"""The example that people copy runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from confluent_kafka.admin import AdminClient

from reference_services.kit.topics import create_missing
from tests.services.collectors import spans_of, taking
from tests.services.processes import ROOT


@pytest.mark.broker
def test_the_example_gives_one_trace_of_three_spans(bootstrap_servers: str, prefix: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "reference_services/kit/README.md").read_text(), re.DOTALL)
    create_missing(AdminClient({"bootstrap.servers": bootstrap_servers}), [f"{prefix}orders"])
    with taking() as (endpoint, bodies):
        told = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers, "TOPIC": f"{prefix}orders", "GROUP": f"{prefix}billing"}
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", example],
            env={**os.environ, **told, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (run.returncode, run.stdout, run.stderr) == (0, "handling req-1\n", "")
    spans = {span.name.split()[0]: span for _, span in spans_of(bodies["/v1/traces"])}
    assert set(spans) == {"send", "process", "commit"}
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["process"].parent_span_id == spans["send"].span_id
    assert spans["commit"].parent_span_id == spans["process"].span_id


def test_the_files_that_it_names_are_all_there_is() -> None:
    """Of the kit; beside ``eventops.events`` and the names' own package."""
    readme = (ROOT / "reference_services/kit/README.md").read_text()
    (sentence,) = re.findall(r"(`tracing\.py` with .*?) is all there\s+is\.", readme, re.DOTALL)
    program = "import sys, reference_services.kit.records, reference_services.kit.tracing; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = re.findall(r"reference_services\.kit\.(\w+)", loaded.stdout)
    assert {f"{name}.py" for name in modules} == set(re.findall(r"`(\w+\.py)`", sentence))
