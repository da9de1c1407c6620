"""What became of each span: taken by a collector, or lost."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from requests import Response

log = logging.getLogger(__name__)


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


class Rejected:
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


class Counted(SpanExporter):
    """An exporter that tells the ledger what became of each batch. ``rejected`` are the spans of the latest export that
    the collector said it didn't keep, though it took the request."""

    def __init__(self, exporter: SpanExporter, ledger: Ledger, rejected: Rejected) -> None:
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
