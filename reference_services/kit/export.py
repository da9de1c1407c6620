"""Where spans and metrics go: over OTLP where an endpoint is configured, nowhere else. No service ever waits for it.

The standard variables rule (``OTEL_EXPORTER_OTLP_*``, ``OTEL_SERVICE_NAME``, ``OTEL_SDK_DISABLED``, …). A collector
that is down, slow or gone costs spans, never events: the queue is bounded, what is dropped is counted and told at the
end, and the end takes :data:`SHUTDOWN_SECONDS` at most.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from reference_services import __version__
from reference_services.kit.conventions import SCHEMA_URL, SPANS_DROPPED

if TYPE_CHECKING:
    from requests import Response

log = logging.getLogger(__name__)

EXPORT_SECONDS: Final = 2.0
"""How long one export may take, its retries included."""
SHUTDOWN_SECONDS: Final = 1.0
"""How long a service that ends waits for the last spans and figures to be taken."""
LAST_FIGURES_SECONDS: Final = 0.3
"""What of it is kept for the figures."""

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Ledger(SpanProcessor):
    """Counts the spans that ended and those that were taken: the difference was dropped.

    A full queue drops silently, the oldest span for each new one. So what has ended and wasn't handed to an exporter
    either waits, ``capacity`` spans at most, or is lost.
    """

    def __init__(self, capacity: int) -> None:
        self._lock = Lock()
        self._capacity = capacity
        self._ended = 0
        self._handed = 0
        self._taken = 0
        self._refused = 0
        self._overflowed = 0
        self._told = 0
        self._is_closed = False

    def on_end(self, span: ReadableSpan) -> None:
        """Another span that should arrive; a span that isn't sampled never does."""
        if span.context is not None and span.context.trace_flags.sampled:
            with self._lock:
                self._ended += 1
                self._overflowed = max(self._overflowed, self._ended - self._handed - self._capacity)

    def handed(self, spans: int) -> None:
        """So many left the queue for an export."""
        with self._lock:
            self._handed += spans

    def settle(self, spans: int, taken: int) -> None:
        """What became of an export: so many of its spans were taken."""
        with self._lock:
            self._taken += taken
            self._refused += spans - taken

    def close(self) -> None:
        """Nothing is exported any more: what nobody took by now is lost."""
        with self._lock:
            self._is_closed = True

    @property
    def missing(self) -> int:
        """Spans that ended and that nobody has taken: dropped, once the export has ended."""
        with self._lock:
            return self._ended - self._taken

    def dropped(self, _options: CallbackOptions) -> list[Observation]:
        """Spans lost so far, to a full queue or in an export that failed; at the end all that nobody took."""
        with self._lock:
            missing = self._ended - self._taken
            lost = missing if self._is_closed else min(missing, self._refused + self._overflowed)
            self._told = max(self._told, lost)
            return [Observation(self._told)]


class _Rejected:
    """What a collector says that it didn't keep of an export that it took (OTLP, partial success). Over HTTP only:
    the exporter over gRPC keeps the answer to itself."""

    def __init__(self) -> None:
        self.spans = 0

    def read(self, response: Response, *_: object, **__: object) -> None:
        """A hook of the HTTP client: another answer came."""
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        try:
            told = ExportTraceServiceResponse.FromString(response.content if response.ok else b"").partial_success
        except DecodeError:
            return
        self.spans = max(0, told.rejected_spans)
        if self.spans:
            log.warning("the collector rejected %d spans: %.200s", self.spans, told.error_message)


class _Counted(SpanExporter):
    """An exporter that tells the ledger what became of each batch. ``rejected`` are the spans of the latest export that
    the collector said it didn't keep, though it took the request."""

    def __init__(self, exporter: SpanExporter, ledger: Ledger, rejected: _Rejected) -> None:
        self._exporter = exporter
        self._ledger = ledger
        self._rejected = rejected

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand on, and count."""
        self._ledger.handed(len(spans))
        self._rejected.spans = 0
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            is_taken = result is SpanExportResult.SUCCESS
            self._ledger.settle(len(spans), len(spans) - min(self._rejected.spans, len(spans)) if is_taken else 0)
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
        capacity = _queue_size(environ)
        self._ledger = Ledger(capacity)
        self._exports_spans = _goes_somewhere(environ, "TRACES")
        self.traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if self._exports_spans:
            self.traces.add_span_processor(self._ledger)
            rejected = _Rejected()
            counted = _Counted(_span_exporter(environ, rejected), self._ledger, rejected)
            self.traces.add_span_processor(BatchSpanProcessor(counted, capacity))
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


def _queue_size(environ: Mapping[str, str]) -> int:
    """Of the spans' queue; the standard's default where the variable is no number."""
    size = environ.get("OTEL_BSP_MAX_QUEUE_SIZE", "")
    return int(size) if size.isdecimal() else 2048


def _goes_somewhere(environ: Mapping[str, str], signal: str) -> bool:
    if environ.get(f"OTEL_{signal}_EXPORTER", "otlp") != "otlp":
        return False
    return bool(environ.get(_ENDPOINT) or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))


def _speaks_grpc(environ: Mapping[str, str], signal: str) -> bool:
    general = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    return environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", general) == "grpc"


def _timeout(environ: Mapping[str, str]) -> float | None:
    return None if "OTEL_EXPORTER_OTLP_TIMEOUT" in environ else EXPORT_SECONDS


def _span_exporter(environ: Mapping[str, str], rejected: _Rejected) -> SpanExporter:
    if _speaks_grpc(environ, "TRACES"):
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc(timeout=_timeout(environ))
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    if any(name.endswith("_CREDENTIAL_PROVIDER") for name in environ):
        return Http(timeout=_timeout(environ))  # that provider brings a session of its own
    import requests

    session = requests.Session()
    session.hooks["response"].append(rejected.read)
    return Http(timeout=_timeout(environ), session=session)


def _metric_exporter(environ: Mapping[str, str]) -> MetricExporter:
    if _speaks_grpc(environ, "METRICS"):
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

        return Grpc(timeout=_timeout(environ))
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

    return Http(timeout=_timeout(environ))
