"""The names of OpenTelemetry's messaging conventions (1.44) that the services use: one place for strings that move.

Source: semantic conventions 1.44.0, messaging spans, messaging metrics and Kafka.
"""

from __future__ import annotations

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"

SYSTEM: Final = "messaging.system"
OPERATION_NAME: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
DESTINATION: Final = "messaging.destination.name"
PARTITION_ID: Final = "messaging.destination.partition.id"
GROUP: Final = "messaging.consumer.group.name"
CLIENT_ID: Final = "messaging.client.id"
MESSAGE_ID: Final = "messaging.message.id"
CONVERSATION_ID: Final = "messaging.message.conversation_id"
KAFKA_KEY: Final = "messaging.kafka.message.key"
KAFKA_OFFSET: Final = "messaging.kafka.offset"
KAFKA_TOMBSTONE: Final = "messaging.kafka.message.tombstone"
CLUSTER_ID: Final = "messaging.kafka.cluster.id"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"

CAUSATION_ID: Final = "eventops.causation.id"
REPLAY_ID: Final = "eventops.replay.id"

OPERATION_DURATION: Final = "messaging.client.operation.duration"
PROCESS_DURATION: Final = "messaging.process.duration"
SENT_MESSAGES: Final = "messaging.client.sent.messages"
CONSUMED_MESSAGES: Final = "messaging.client.consumed.messages"
BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Of both durations, in seconds; a histogram has to be advised of them by hand."""

RETRIES: Final = "reference.retries"
DEAD_LETTERS: Final = "reference.dead_letters"
OUTBOX_DEPTH: Final = "reference.outbox.depth"
PROPAGATION_FAULTS: Final = "reference.propagation.faults"
SPANS_DROPPED: Final = "reference.spans.dropped"
"""What the conventions have no name for."""
