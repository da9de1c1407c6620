"""Events, where they stand in the log, and the ids that tie them together: one truth for writers and readers.

The envelope is the reference services' own; :func:`read_event` also reads CloudEvents (binary and structured), header
aliases of the field, and whatever places a context names. The body is authoritative, headers are the fallback.
Nothing here raises on anyone's bytes.
"""

from eventops.events.envelope import Envelope, MalformedEvent
from eventops.events.event import Event, Ids
from eventops.events.layout import indented
from eventops.events.names import (
    BAGGAGE,
    CAUSATION_HEADERS,
    CE_CAUSATION_ID,
    CE_CORRELATION_ID,
    CE_ID,
    CE_SOURCE,
    CE_SPECVERSION,
    CE_TIME,
    CE_TYPE,
    CONTENT_TYPE,
    CORRELATION_HEADERS,
    EVENT_ID_HEADERS,
    EVENT_TYPE_HEADERS,
    REPLAY_ID,
    REPLAY_LINK,
    SOURCE_HEADERS,
    TRACEPARENT,
    TRACESTATE,
)
from eventops.events.reading import Places, Reader, read_event, trace_id_of
from eventops.events.record import Headers, Partition, Position, Record, header_pairs
from eventops.events.text import bytes_as_text, canonical_id, header_text, json_body, moment_of, parse_time, rfc3339

__all__ = [
    "BAGGAGE",
    "CAUSATION_HEADERS",
    "CE_CAUSATION_ID",
    "CE_CORRELATION_ID",
    "CE_ID",
    "CE_SOURCE",
    "CE_SPECVERSION",
    "CE_TIME",
    "CE_TYPE",
    "CONTENT_TYPE",
    "CORRELATION_HEADERS",
    "EVENT_ID_HEADERS",
    "EVENT_TYPE_HEADERS",
    "REPLAY_ID",
    "REPLAY_LINK",
    "SOURCE_HEADERS",
    "TRACEPARENT",
    "TRACESTATE",
    "Envelope",
    "Event",
    "Headers",
    "Ids",
    "MalformedEvent",
    "Partition",
    "Places",
    "Position",
    "Reader",
    "Record",
    "bytes_as_text",
    "canonical_id",
    "header_pairs",
    "header_text",
    "indented",
    "json_body",
    "moment_of",
    "parse_time",
    "read_event",
    "rfc3339",
    "trace_id_of",
]
