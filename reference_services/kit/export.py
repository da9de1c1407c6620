"""Where spans and metrics go: over OTLP where an endpoint is configured, nowhere else. No service ever waits for it.

The standard variables rule (``OTEL_EXPORTER_OTLP_*``, ``OTEL_SERVICE_NAME``, ``OTEL_SDK_DISABLED``, …). A collector
that is down, slow or gone costs spans, never events: the queue is bounded, what is dropped is counted and told at the
end, and the end takes :data:`SHUTDOWN_SECONDS` at most.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from threading import Lock, Thread
from typing import Final

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from reference_services import __version__
from reference_services.kit.conventions import SCHEMA_URL, SPANS_DROPPED

log = logging.getLogger(__name__)

EXPORT_SECONDS: Final = 2.0
"""How long one export may take, its retries included."""
SHUTDOWN_SECONDS: Final = 1.0
"""How long a service that ends waits for the last spans and figures to be taken."""

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Ledger(SpanProcessor):
    """Counts the spans that ended and those that were taken: the difference was dropped."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ended = 0
        self._taken = 0
        self._refused = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Another span that should arrive; a span that isn't sampled never does."""
        if span.context is not None and span.context.trace_flags.sampled:
            with self._lock:
                self._ended += 1

    def settle(self, spans: int, taken: bool) -> None:
        """What became of an export."""
        with self._lock:
            if taken:
                self._taken += spans
            else:
                self._refused += spans

    @property
    def missing(self) -> int:
        """Spans that ended and that nobody has taken: dropped, once the export has ended."""
        with self._lock:
            return self._ended - self._taken

    def dropped(self, _options: CallbackOptions) -> list[Observation]:
        """Spans whose export failed so far; what a full queue lost is known at the end."""
        with self._lock:
            return [Observation(self._refused)]


class _Counted(SpanExporter):
    """An exporter that tells the ledger what became of each batch."""

    def __init__(self, exporter: SpanExporter, ledger: Ledger) -> None:
        self._exporter = exporter
        self._ledger = ledger

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand on, and count."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._ledger.settle(len(spans), result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()


class Export:
    """The two providers of one service."""

    def __init__(self, service: str, environ: Mapping[str, str], readers: Sequence[MetricReader] = ()) -> None:
        identity = {
            "service.name": environ.get("OTEL_SERVICE_NAME", service),
            "service.namespace": "reference",
            "service.version": __version__,
            "deployment.environment.name": environ.get("DEPLOYMENT_ENVIRONMENT", "local"),
        }
        resource = Resource.create(identity)
        self._ledger = Ledger()
        self._exports_spans = _goes_somewhere(environ, "TRACES")
        self.traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if self._exports_spans:
            self.traces.add_span_processor(self._ledger)
            self.traces.add_span_processor(BatchSpanProcessor(_Counted(_span_exporter(environ), self._ledger)))
        if _goes_somewhere(environ, "METRICS"):
            every = None if "OTEL_METRIC_EXPORT_INTERVAL" in environ else 10_000
            readers = [
                *readers,
                PeriodicExportingMetricReader(_metric_exporter(environ), export_interval_millis=every),
            ]
        self.metrics = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        self.metrics.get_meter("reference_services", schema_url=SCHEMA_URL).create_observable_counter(
            SPANS_DROPPED, [self._ledger.dropped], "{span}", "Spans that no collector took"
        )

    def shutdown(self) -> None:
        """Export what is left, within :data:`SHUTDOWN_SECONDS`; say what was lost. A second call does nothing."""
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        work = [Thread(target=end, daemon=True) for end in (self.traces.shutdown, self.metrics.shutdown)]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._exports_spans and (lost := self._ledger.missing):
            log.warning("%d spans were dropped: no collector took them in time", lost)


def _goes_somewhere(environ: Mapping[str, str], signal: str) -> bool:
    if environ.get(f"OTEL_{signal}_EXPORTER", "otlp") != "otlp":
        return False
    return bool(environ.get(_ENDPOINT) or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))


def _speaks_grpc(environ: Mapping[str, str], signal: str) -> bool:
    general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    return environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", general) == "grpc"


def _timeout(environ: Mapping[str, str]) -> float | None:
    return None if "OTEL_EXPORTER_OTLP_TIMEOUT" in environ else EXPORT_SECONDS


def _span_exporter(environ: Mapping[str, str]) -> SpanExporter:
    if _speaks_grpc(environ, "TRACES"):
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc(timeout=_timeout(environ))
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    return Http(timeout=_timeout(environ))


def _metric_exporter(environ: Mapping[str, str]) -> MetricExporter:
    if _speaks_grpc(environ, "METRICS"):
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

        return Grpc(timeout=_timeout(environ))
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

    return Http(timeout=_timeout(environ))
