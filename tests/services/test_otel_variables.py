"""OpenTelemetry's standard variables: they rule, or one line says why not; none of them keeps a service from ending."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reference_services.kit.export import CannotExport
from reference_services.kit.propagation import received
from reference_services.kit.tracing import Tracing
from tests.services.collectors import hostile, silent, spans_of, taking
from tests.services.processes import ROOT

SERVICE = "user-service"
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@contextmanager
def telling(endpoint: str, **environ: str) -> Iterator[Tracing]:
    """A service's telemetry under these variables; it has ended when the block has."""
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_METRICS_EXPORTER": "none", **environ}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in told.items():
            patched.setenv(name, value)
        made = Tracing(SERVICE, told)
    try:
        yield made
    finally:
        made.shutdown()


def arrived(**environ: str) -> list[dict[str, str]]:
    """The resource of each span that came to a collector, of a service that sent twice."""
    with taking() as (collector, bodies):
        with telling(collector, **environ) as tracing:
            for number in range(2):
                tracing.start_send("t", [], None).delivered(None, 0, number)
        found = spans_of(bodies["/v1/traces"])
    return [{a.key: a.value.string_value for a in resource.resource.attributes} for resource, _ in found]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {"service.name": SERVICE, "service.namespace": "reference"}),
        ({"OTEL_SERVICE_NAME": ""}, {"service.name": SERVICE}),
        ({"OTEL_SERVICE_NAME": "shop"}, {"service.name": "shop"}),
        (
            {
                "OTEL_RESOURCE_ATTRIBUTES": "service.name=a,service.namespace=b,service.version=c,"
                "deployment.environment.name=d,team=e"
            },
            {
                "service.name": "a",
                "service.namespace": "b",
                "service.version": "c",
                "deployment.environment.name": "d",
                "team": "e",
            },
        ),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=a", "OTEL_SERVICE_NAME": "b"}, {"service.name": "b"}),
        ({"OTEL_TRACES_EXPORTER": "console,otlp"}, {"service.name": SERVICE}),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "100"}, {"service.name": SERVICE}),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "0", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "x"}, {"service.name": SERVICE}),
    ],
    ids=str,
)
def test_what_variables_say_of_the_service_is_told(environ: dict[str, str], expected: dict[str, str]) -> None:
    told = arrived(**environ)
    assert len(told) == 2
    for resource in told:
        assert expected.items() <= resource.items()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_TRACES_EXPORTER", "console", "OTEL_TRACES_EXPORTER: only otlp and none are known here, not console"),
        ("OTEL_METRICS_EXPORTER", "prometheus", "only otlp and none are known here, not prometheus"),
        ("OTEL_PROPAGATORS", "none", "OTEL_PROPAGATORS isn't heeded: events carry W3C trace context"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "OTEL_BSP_MAX_QUEUE_SIZE must be a number of at least 1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE must be a number of at least 1"),
    ],
)
def test_what_is_not_done_is_said_in_one_line(
    caplog: pytest.LogCaptureFixture, name: str, value: str, said: str
) -> None:
    with caplog.at_level(logging.WARNING), taking() as (collector, _), telling(collector, **{name: value}):
        pass
    (line,) = caplog.messages
    assert said in line


@pytest.mark.parametrize("spoken", ["b3", "none"])
def test_propagators_that_are_not_ours_stop_nobody(spoken: str) -> None:
    """They are read when OpenTelemetry is imported, by FastAPI, too: in a process of its own."""
    program = (
        "import reference_services.users.__main__;"
        "from reference_services.kit.propagation import received;"
        f"found = received([('traceparent', {PARENT!r})]); print(found.faults, found.sent_by is not None)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OTEL_PROPAGATORS": spoken},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "() True\n"), run.stderr
    assert received([("traceparent", PARENT)]).sent_by is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "me:hunter2@127.0.0.1:1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
    ],
)
def test_what_opentelemetry_refuses_is_a_wrong_configuration(name: str, value: str) -> None:
    refusal = pytest.raises(CannotExport, match=r"OpenTelemetry refuses its variables .*: check OTEL_")
    with refusal as refused, telling("http://127.0.0.1:1", **{name: value}):
        pass
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"])
def test_a_shorter_timeout_is_heeded(variable: str, caplog: pytest.LogCaptureFixture) -> None:
    environ = {variable: "0.1", "OTEL_BSP_SCHEDULE_DELAY": "10"}
    with caplog.at_level(logging.ERROR), hostile("slow") as (slow, _), telling(slow, **environ) as tracing:
        began = time.monotonic()
        tracing.start_send("t", [], None).delivered(None, 0, 1)
        assert tracing.export.traces.force_flush(1500)
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_the_end_is_soon_whatever_the_timeout(protocol: str) -> None:
    """The whole process: threads that wait for a collector don't hold it."""
    program = (
        "import os; from reference_services.kit.tracing import Tracing; t = Tracing('user-service', os.environ);"
        "t.start_send('t', [], None).delivered(None, 0, 1); print('now', flush=True); t.shutdown()"
    )
    long = {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "60", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "60"}
    with silent() as (endpoint, _):
        environ = {
            **os.environ,
            **long,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
        with subprocess.Popen(
            [sys.executable, "-c", program], env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"now\n"
            began = time.monotonic()
            assert process.wait(30) == 0
            assert time.monotonic() - began < 3


@pytest.mark.parametrize("endpoint", ["http://me:hunter2@127.0.0.1:1", "me:hunter2@127.0.0.1:1"])
def test_a_password_in_the_endpoint_is_in_no_log(caplog: pytest.LogCaptureFixture, endpoint: str) -> None:
    with caplog.at_level(logging.DEBUG), telling(endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc") as tracing:
        tracing.start_send("t", [], None).delivered(None, 0, 1)
        tracing.export.traces.force_flush(3000)
    assert "dropped" in caplog.text
    assert "127.0.0.1:1" in caplog.text, "the exporter has complained"
    assert "hunter2" not in caplog.text
