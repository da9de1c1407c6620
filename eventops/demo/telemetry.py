"""Where the demo's spans go: an OTLP endpoint that the environment names, else a Jaeger and a collector found on PATH.

Both run with what is shipped: ``jaeger.yaml`` beside this file, and the project's own ``otel-collector.yaml``. Whatever
is missing or doesn't start costs the spans, never the demo.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eventops.demo.model import Part, PartFailed, Telemetry
from eventops.demo.stage import Stage

Say = Callable[[str], None]
Which = Callable[[str], str | None]
"""A program's path by its name; None: there is none."""

JAEGER: Final = "jaeger"
COLLECTOR: Final = "collector"
READY_SECONDS: Final = 30.0
USUAL_PORTS: Final = (16686, 16685, 14317, 14318, 4317, 4318, 13133, 8889, 8888)
"""Of :class:`Addresses`, in its order."""
ANY_PORTS: Final = (0,) * len(USUAL_PORTS)

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_COLLECTORS: Final = ("otelcol-contrib", "otelcol")
HOW_TO: Final = (
    "put `jaeger` (2.x, jaegertracing.io/download) and, for metrics, `otelcol-contrib` "
    "(opentelemetry.io/docs/collector/install) on PATH, or name a collector: "
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 eventops demo --telemetry"
)


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to work with: an endpoint that was named, or programs by their paths. ``silence``: the variable
    that keeps the services from sending spans to the endpoint."""

    endpoint: str | None = None
    jaeger: str | None = None
    collector: str | None = None
    silence: str | None = None


def means(environ: Mapping[str, str], which: Which = shutil.which) -> Means:
    """What the environment names goes before what PATH holds.

    >>> means({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, which=lambda name: f"/bin/{name}")
    Means(endpoint='http://c:4318', jaeger=None, collector=None, silence=None)
    >>> means({}, which={"jaeger": "/opt/jaeger", "otelcol": "/opt/otelcol"}.get)
    Means(endpoint=None, jaeger='/opt/jaeger', collector='/opt/otelcol', silence=None)
    >>> means({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "console"}).silence
    'OTEL_TRACES_EXPORTER=console'
    """
    endpoint = next((environ[name] for name in _ENDPOINTS if environ.get(name)), None)
    if endpoint:
        return Means(endpoint, silence=_silence(environ))
    return Means(None, which(JAEGER), next((path for name in _COLLECTORS if (path := which(name))), None))


def _silence(environ: Mapping[str, str]) -> str | None:
    disabled, exporters = environ.get("OTEL_SDK_DISABLED", ""), environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if disabled.strip().lower() == "true":
        return f"OTEL_SDK_DISABLED={disabled}"
    return None if "otlp" in exporters else f"OTEL_TRACES_EXPORTER={exporters}"


def start(stage: Stage, bootstrap_servers: str, found: Means, say: Say, at: Addresses | None = None) -> Telemetry:
    """Start what was found; what the services have to be told, where people look, or why there is nothing to see."""
    if found.endpoint:
        if found.silence:
            return _without(f"{found.silence} keeps the services from sending spans", say)
        endpoint = without_credentials(found.endpoint)
        say(f"spans go to {endpoint}; name its Jaeger in the context (eventops.jaeger) and `eventops trace` shows them")
        return Telemetry(endpoint=endpoint)
    if found.jaeger is None:
        return _without(f"there is no Jaeger to keep spans: {HOW_TO}", say)
    addresses = at or Addresses.free()
    jaeger = jaeger_part(found.jaeger, addresses)
    if (failure := _failure(stage, jaeger, f"http://{addresses.page}/api/v3/services")) is not None:
        return _without(f"{failure}; is it a Jaeger 2.x? {HOW_TO}", say)
    page = f"http://{addresses.page}"
    say(f"Jaeger is at {page}/search?service=order-service")
    directly = Telemetry(
        _told(f"http://{addresses.jaeger_http}", metrics=False), f"http://{addresses.jaeger_http}", page
    )
    if found.collector is None:
        say("there is no collector (otelcol-contrib) on PATH: spans go straight to Jaeger, metrics nowhere")
        return directly
    collector = collector_part(found.collector, bootstrap_servers, addresses)
    if (failure := _failure(stage, collector, f"http://{addresses.health}")) is not None:
        say(f"{failure}; is it the contrib distribution, 0.155 or newer? Spans go straight to Jaeger, metrics nowhere")
        return directly
    endpoint, metrics = f"http://{addresses.otlp_http}", f"http://{addresses.prometheus}/metrics"
    say(f"the collector takes spans and metrics at {endpoint}, Prometheus reads {metrics}")
    return Telemetry(_told(endpoint, metrics=True), endpoint, page, metrics)


@dataclass(frozen=True, slots=True)
class Addresses:
    """``host:port`` of everything that listens, all on this machine's loopback."""

    page: str
    query_grpc: str
    jaeger_grpc: str
    jaeger_http: str
    otlp_grpc: str
    otlp_http: str
    health: str
    prometheus: str
    own_metrics: str

    @classmethod
    def free(cls, wanted: Sequence[int] = USUAL_PORTS) -> Addresses:
        """The wanted ports where they are free, any free ones elsewhere."""
        held = [_bound(port) for port in wanted]
        try:
            return cls(*(f"127.0.0.1:{one.getsockname()[1]}" for one in held))
        finally:
            for one in held:
                one.close()


def jaeger_part(program: str, at: Addresses) -> Part:
    """Jaeger with the shipped configuration."""
    environ = {
        "JAEGER_PAGE": at.page,
        "JAEGER_QUERY_GRPC": at.query_grpc,
        "JAEGER_OTLP": at.jaeger_grpc,
        "JAEGER_OTLP_HTTP": at.jaeger_http,
    }
    return Part(JAEGER, (program, "--config", str(_shipped("jaeger.yaml"))), environ, is_vital=False)


def collector_part(program: str, bootstrap_servers: str, at: Addresses) -> Part:
    """The collector with the shipped configuration."""
    environ = {
        "COLLECTOR_HEALTH_PORT": _port(at.health),
        "COLLECTOR_OTLP_GRPC_PORT": _port(at.otlp_grpc),
        "COLLECTOR_OTLP_HTTP_PORT": _port(at.otlp_http),
        "COLLECTOR_PROMETHEUS_PORT": _port(at.prometheus),
        "COLLECTOR_OWN_METRICS_PORT": _port(at.own_metrics),
        "KAFKA_BROKER": bootstrap_servers.split(",")[0],
        "JAEGER_OTLP": at.jaeger_grpc,
    }
    return Part(COLLECTOR, (program, "--config", str(_shipped("otel-collector.yaml"))), environ, is_vital=False)


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _told(endpoint: str, *, metrics: bool) -> dict[str, str]:
    """What the services read, by OpenTelemetry's own variables, whatever the demo inherits of them: it was asked for
    spans. Jaeger takes no metrics. Spans are sent every half second: people look while the demo runs."""
    told = {
        "OTEL_SDK_DISABLED": "false",
        "OTEL_TRACES_SAMPLER": "parentbased_always_on",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
    }
    for signal in ("TRACES", "METRICS"):  # a signal's own variable, which may be inherited, goes before the common one
        told[f"OTEL_{signal}_EXPORTER"] = "otlp"
        told[f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] = f"{endpoint}/v1/{signal.lower()}"
        told[f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"] = "http/protobuf"
    return told if metrics else {**told, "OTEL_METRICS_EXPORTER": "none"}


def without_credentials(endpoint: str) -> str:
    """As it may be shown.

    >>> without_credentials("https://me:secret@collector:4318/v1"), without_credentials("collector:4317")
    ('https://collector:4318/v1', 'collector:4317')
    """
    before, _, rest = endpoint.rpartition("@")
    scheme, slashes, _ = before.partition("://")
    return f"{scheme}{slashes}{rest}" if slashes else rest


def lost_spans(words: str) -> int:
    """By a service's own words as it ended.

    >>> lost_spans('{"message": "1200 spans were dropped: no collector took them in time"}'), lost_spans("stopped")
    (1200, 0)
    """
    return sum(int(count) for count in re.findall(r"(\d+) spans were dropped", words))


def _without(why: str, say: Say) -> Telemetry:
    say(f"the demo runs without telemetry: {why}")
    return Telemetry(note=why)


def _failure(stage: Stage, part: Part, url: str) -> str | None:
    """Why it isn't up; None: it answers."""
    stage.start(part)
    try:
        stage.answering(part.name, url, READY_SECONDS)
    except PartFailed as failed:
        stage.end(part.name)
        return str(failed)
    return None


def _shipped(name: str) -> Path:
    """Beside this file, where a wheel has it; the collector's is at the top of a checkout."""
    here = Path(__file__).with_name(name)
    return here if here.exists() else Path(__file__).parents[2] / name


def _bound(port: int) -> socket.socket:
    """Held until all are chosen, so that no port is chosen twice."""
    for wanted in (port, 0):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", wanted))
        except OSError:
            one.close()
        else:
            return one
    raise OSError("no port of 127.0.0.1 is free")
