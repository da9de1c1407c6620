"""What the services count and time, by the messaging conventions, and four figures these have no name for.

No id is ever an attribute: topics, groups and error types are few, ids are not.
"""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

from reference_services.kit.conventions import (
    BOUNDARIES,
    CONSUMED_MESSAGES,
    DEAD_LETTERS,
    DESTINATION,
    ERROR_TYPE,
    GROUP,
    OPERATION_DURATION,
    OPERATION_NAME,
    OPERATION_TYPE,
    OUTBOX_DEPTH,
    PROCESS_DURATION,
    PROPAGATION_FAULTS,
    RETRIES,
    SCHEMA_URL,
    SENT_MESSAGES,
    SYSTEM,
)

Attributes = dict[str, str]


class Metrics:
    """The instruments of one service."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter("reference_services", schema_url=SCHEMA_URL)
        self._meter: Meter = meter
        bounds = list(BOUNDARIES)
        self._operations = meter.create_histogram(
            OPERATION_DURATION, "s", "How long the broker's client took", explicit_bucket_boundaries_advisory=bounds
        )
        self._processes = meter.create_histogram(
            PROCESS_DURATION, "s", "How long an event was handled", explicit_bucket_boundaries_advisory=bounds
        )
        self._sent = meter.create_counter(SENT_MESSAGES, "{message}", "Messages that were tried to be sent")
        self._consumed = meter.create_counter(CONSUMED_MESSAGES, "{message}", "Messages delivered to the service")
        self._retries = meter.create_counter(RETRIES, "{attempt}", "Attempts after the first")
        self._letters = meter.create_counter(DEAD_LETTERS, "{message}", "Events that became dead letters")
        self._faults = meter.create_counter(PROPAGATION_FAULTS, "{header}", "Trace headers that couldn't be used")

    def sent(self, topic: str, seconds: float, error: str | None) -> None:
        """A message was acknowledged, or failed as ``error``."""
        attributes = _of("send", topic, error=error)
        self._sent.add(1, _without_type(attributes))
        self._operations.record(seconds, attributes)

    def received(self, topic: str, group: str, seconds: float) -> None:
        """A poll brought a message; its time is mostly that of waiting for one."""
        attributes = _of("poll", topic, group, kind="receive")
        self._consumed.add(1, _without_type(attributes))
        self._operations.record(seconds, attributes)

    def settled(self, topic: str, group: str, seconds: float, error: str | None) -> None:
        """An offset was committed, or not."""
        self._operations.record(seconds, _of("commit", topic, group, error, kind="settle"))

    def processed(self, topic: str, group: str, seconds: float, error: str | None) -> None:
        """An event was handled, its retries included, or given up on."""
        self._processes.record(seconds, _without_type(_of("process", topic, group, error)))

    def retried(self, topic: str, group: str, error: str) -> None:
        """One more attempt became necessary."""
        self._retries.add(1, {DESTINATION: topic, GROUP: group, ERROR_TYPE: error})

    def buried(self, topic: str, group: str, error: str) -> None:
        """A dead letter was taken by the broker."""
        self._letters.add(1, {DESTINATION: topic, GROUP: group, ERROR_TYPE: error})

    def fault(self, header: str) -> None:
        """A trace header that couldn't be used."""
        self._faults.add(1, {"header": header})

    def watch_outbox(self, depth: Callable[[], int]) -> None:
        """Ask ``depth`` whenever figures are exported: events saved and not yet published."""

        def observe(_options: CallbackOptions) -> list[Observation]:
            return [Observation(depth())]

        self._meter.create_observable_gauge(OUTBOX_DEPTH, [observe], "{event}", "Events that wait in the outbox")


def _of(
    operation: str, topic: str, group: str | None = None, error: str | None = None, kind: str | None = None
) -> Attributes:
    optional = {GROUP: group, ERROR_TYPE: error}
    return {
        SYSTEM: "kafka",
        OPERATION_NAME: operation,
        OPERATION_TYPE: kind or operation,
        DESTINATION: topic,
    } | {name: value for name, value in optional.items() if value is not None}


def _without_type(attributes: Attributes) -> Attributes:
    """The counters and the process duration name the operation only."""
    return {name: value for name, value in attributes.items() if name != OPERATION_TYPE}
