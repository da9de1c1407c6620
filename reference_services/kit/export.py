"""Where spans and metrics go: over OTLP where an endpoint is configured, nowhere else. No service ever waits for it.

The standard variables rule (``OTEL_EXPORTER_OTLP_*``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_SDK_DISABLED``, …); what
they ask for and isn't done here is told in a line. A collector that is down, slow or gone costs spans, never events:
the queue is bounded, what is dropped is counted and told at the end, and the end takes :data:`SHUTDOWN_SECONDS` at
most, whatever is set.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Thread
from typing import Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from reference_services import __version__
from reference_services.kit.conventions import SCHEMA_URL, SPANS_DROPPED
from reference_services.kit.ledger import Counted, Ledger, Rejected

log = logging.getLogger(__name__)

EXPORT_SECONDS: Final = 2.0
"""How long one export may take, its retries included, where ``OTEL_EXPORTER_OTLP_*TIMEOUT`` says nothing."""
SHUTDOWN_SECONDS: Final = 1.0
"""How long a service that ends waits for the last spans and figures to be taken."""
LAST_FIGURES_SECONDS: Final = 0.3
"""What of it is kept for the figures."""

QUEUE_SIZE: Final = 2048
BATCH_SIZE: Final = 512
"""OpenTelemetry's defaults, in spans."""

_OTLP: Final = "OTEL_EXPORTER_OTLP_"


class CannotExport(ValueError):
    """The environment asks for an export that can't be; the message says what of it."""


class Export:
    """The two providers of one service."""

    def __init__(self, service: str, environ: Mapping[str, str], readers: Sequence[MetricReader] = ()) -> None:
        """
        Raises:
            CannotExport: OpenTelemetry refuses a variable.
        """
        for line in _not_heeded(environ):
            log.warning(line)
        capacity = _count(environ, "OTEL_BSP_MAX_QUEUE_SIZE", QUEUE_SIZE)
        self._ledger = Ledger(capacity)
        self._exports_spans = _goes_somewhere(environ, "TRACES")
        try:
            resource = _resource(service)
            self.traces = TracerProvider(resource=resource, shutdown_on_exit=False)
            if self._exports_spans:
                self.traces.add_span_processor(self._ledger)
                self.traces.add_span_processor(_batches(environ, self._ledger, capacity))
            if _goes_somewhere(environ, "METRICS"):
                every = None if "OTEL_METRIC_EXPORT_INTERVAL" in environ else 10_000
                readers = [*readers, PeriodicExportingMetricReader(_metric_exporter(environ), every)]
            self.metrics = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        except Exception as error:  # each of its parts refuses in its own way
            raise CannotExport(f"OpenTelemetry refuses its variables ({error}): check OTEL_*") from error
        self.metrics.get_meter("reference_services", schema_url=SCHEMA_URL).create_observable_counter(
            SPANS_DROPPED, [self._ledger.dropped], "{span}", "Spans that no collector took"
        )

    def shutdown(self) -> None:
        """Export what is left, within :data:`SHUTDOWN_SECONDS`; say what was lost. A second call does nothing.

        The spans go first, so that the last figures tell how many of them were lost.
        """
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        _ended_by(deadline - LAST_FIGURES_SECONDS, self.traces.shutdown)
        self._ledger.close()
        _ended_by(deadline, self.metrics.shutdown)
        if self._exports_spans and (lost := self._ledger.missing):
            log.warning("%d spans were dropped: no collector took them in time", lost)


def _ended_by(deadline: float, end: Callable[[], None]) -> None:
    thread = Thread(target=end, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))


def _resource(service: str) -> Resource:
    """Who tells: the service, as ``OTEL_RESOURCE_ATTRIBUTES`` and ``OTEL_SERVICE_NAME`` describe it."""
    identity = {
        "service.name": service,
        "service.namespace": "reference",
        "service.version": __version__,
        "deployment.environment.name": "local",
    }
    told = {name: value for name, value in OTELResourceDetector().detect().attributes.items() if value}
    return Resource.create({**identity, **told})


def _not_heeded(environ: Mapping[str, str]) -> Iterator[str]:
    """What variables ask for and isn't done.

    >>> list(_not_heeded({"OTEL_TRACES_EXPORTER": "otlp,console", "OTEL_PROPAGATORS": "tracecontext,baggage"}))
    ['OTEL_TRACES_EXPORTER: only otlp and none are known here, not console']
    """
    for signal in ("TRACES", "METRICS"):
        if unknown := _exporters(environ, signal) - {"otlp", "none"}:
            yield f"OTEL_{signal}_EXPORTER: only otlp and none are known here, not {', '.join(sorted(unknown))}"
    if environ.get("OTEL_PROPAGATORS", "tracecontext,baggage") not in ("tracecontext,baggage", ""):
        yield "OTEL_PROPAGATORS isn't heeded: events carry W3C trace context and baggage, and nothing else"
    for name in ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"):
        if environ.get(name) and not _count(environ, name, 0):
            yield f"{name} must be a number of at least 1: the default is taken"


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number of at least 1; the default where the variable is none."""
    told = environ.get(name, "").strip()
    return int(told) if told.isdecimal() and int(told) else default


def _exporters(environ: Mapping[str, str], signal: str) -> set[str]:
    return {name.strip() for name in (environ.get(f"OTEL_{signal}_EXPORTER") or "otlp").split(",")}


def _goes_somewhere(environ: Mapping[str, str], signal: str) -> bool:
    return "otlp" in _exporters(environ, signal) and bool(_told(environ, signal, "ENDPOINT"))


def _told(environ: Mapping[str, str], signal: str, what: str) -> str | None:
    """By a signal's own variable, else by the one of all signals."""
    return environ.get(f"{_OTLP}{signal}_{what}") or environ.get(_OTLP + what)


def _timeout(environ: Mapping[str, str], signal: str) -> float:
    """Seconds."""
    return float(_told(environ, signal, "TIMEOUT") or EXPORT_SECONDS)


def _speaks_grpc(environ: Mapping[str, str], signal: str) -> bool:
    return _told(environ, signal, "PROTOCOL") == "grpc"


def _grpc_address(environ: Mapping[str, str], signal: str) -> str:
    """Without user and password: they mean nothing to gRPC, and its exporter writes the address into the log."""
    before, _, rest = (_told(environ, signal, "ENDPOINT") or "").rpartition("@")
    scheme, slashes, _ = before.partition("://")
    return f"{scheme}{slashes}{rest}" if slashes else rest


def _need_a_url(environ: Mapping[str, str], signal: str) -> None:
    """Without its scheme an address can't be reached over HTTP, and each failure would write it into the log."""
    if not (_told(environ, signal, "ENDPOINT") or "").lower().startswith(("http://", "https://")):
        raise CannotExport("an OTLP endpoint begins with http:// or https://")


def _batches(environ: Mapping[str, str], ledger: Ledger, capacity: int) -> BatchSpanProcessor:
    rejected = Rejected()
    counted = Counted(_span_exporter(environ, rejected), ledger, rejected)
    batch = _count(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH_SIZE)
    return BatchSpanProcessor(counted, capacity, max_export_batch_size=min(batch, capacity))


def _span_exporter(environ: Mapping[str, str], rejected: Rejected) -> SpanExporter:
    timeout = _timeout(environ, "TRACES")
    if _speaks_grpc(environ, "TRACES"):
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc(_grpc_address(environ, "TRACES"), timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    _need_a_url(environ, "TRACES")
    if any(name.endswith("_CREDENTIAL_PROVIDER") for name in environ):
        return Http(timeout=timeout)  # that provider brings a session of its own
    import requests

    session = requests.Session()
    session.hooks["response"].append(rejected.read)
    return Http(timeout=timeout, session=session)


def _metric_exporter(environ: Mapping[str, str]) -> MetricExporter:
    timeout = _timeout(environ, "METRICS")
    if _speaks_grpc(environ, "METRICS"):
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

        return Grpc(_grpc_address(environ, "METRICS"), timeout=timeout)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

    _need_a_url(environ, "METRICS")
    return Http(timeout=timeout)
