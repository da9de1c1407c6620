"""Logs: one line an entry on stderr, text or JSON, each with the correlation id of what is being worked on."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from opentelemetry import trace

_correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)


@contextmanager
def about(correlation_id: str | None) -> Iterator[None]:
    """Within this block, log lines carry ``correlation_id``."""
    token = _correlation_id.set(correlation_id)
    try:
        yield
    finally:
        _correlation_id.reset(token)


def set_up_logs(service: str, form: str) -> None:
    """Send everything from INFO up to stderr; ``form`` is ``text`` or ``json``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine(service) if form == "json" else TextLine(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("httpx", "httpx2", "uvicorn", "mail.log"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def client_log() -> logging.Logger:
    """Where librdkafka's own lines go."""
    return logging.getLogger("kafka")


class TextLine(logging.Formatter):
    """``time level service [correlation id] message``, whatever the message holds on one printable line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """One line; a stack trace follows on the same line, its line feeds escaped."""
        entry = _entry(self._service, record)
        words = [
            entry["time"],
            entry["level"],
            entry["service"],
            f"[{entry['correlationId'] or '-'}]",
            entry["message"],
        ]
        return _printable(" ".join([*(str(word) for word in words), entry.get("exception") or ""]).rstrip())


class JsonLine(logging.Formatter):
    """The same as one JSON object, with trace and span ids."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        return json.dumps(_entry(self._service, record))


def _entry(service: str, record: logging.LogRecord) -> dict[str, str | None]:
    span = trace.get_current_span().get_span_context()
    entry = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "service": service,
        "correlationId": _correlation_id.get(),
        "message": record.getMessage(),
    }
    if span.is_valid:
        entry |= {"traceId": trace.format_trace_id(span.trace_id), "spanId": trace.format_span_id(span.span_id)}
    if record.exc_info:
        entry["exception"] = logging.Formatter().formatException(record.exc_info)
    return entry


def _printable(text: str) -> str:
    r"""Ids and payloads come from anyone: controls and escapes are shown, not obeyed.

    >>> _printable("a\x1b[2J\nb")
    'a\\x1b[2J\\nb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
