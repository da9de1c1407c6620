"""Header names of the field: one truth for writers and readers."""

from __future__ import annotations

from typing import Final

# CloudEvents 1.0 Kafka protocol binding, binary mode, with the correlation extension.
CE_SPECVERSION: Final = "ce_specversion"
CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_TIME: Final = "ce_time"
CE_CORRELATION_ID: Final = "ce_correlationid"
CE_CAUSATION_ID: Final = "ce_causationid"
CONTENT_TYPE: Final = "content-type"
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
BAGGAGE: Final = "baggage"
TRACE_HEADERS: Final = (TRACEPARENT, "ce_traceparent")
REPLAY_ID: Final = "eventops-replay-id"
REPLAY_LINK: Final = "eventops-replay-of"

EVENT_ID_HEADERS: Final = (CE_ID, "eventId", "event_id", "x-event-id", "NServiceBus.MessageId", "MessageId")
EVENT_TYPE_HEADERS: Final = (CE_TYPE, "eventType", "event_type", "x-event-type", "NServiceBus.EnclosedMessageTypes")
SOURCE_HEADERS: Final = (CE_SOURCE, "source", "x-source")
CORRELATION_HEADERS: Final = (
    CE_CORRELATION_ID,
    "x-correlation-id",
    "correlationId",
    "correlation_id",
    "correlation-id",
    "kafka_correlationId",
    "NServiceBus.ConversationId",
    "ConversationId",
    "$correlationId",
)
CAUSATION_HEADERS: Final = (
    CE_CAUSATION_ID,
    "x-causation-id",
    "causationId",
    "causation_id",
    "causation-id",
    "NServiceBus.RelatedTo",
    "MT-InitiatorId",
    "$causationId",
)
