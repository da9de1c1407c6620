"""The consumer loop: at least once, one record at a time, committed after it was handled.

A record that fails is tried again in place, so that the order a key is kept; the waits are bounded far below Kafka's
poll interval (the settings see to that), while the client's own thread keeps the group membership alive. When retries
are over, or none would help, it becomes a dead letter, and once the broker has that, the offset moves on.

A rebalance can only happen inside ``poll``, between two records: what was handled is committed by then, what was
fetched but not handled is dropped by the client and goes to the new owner.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from random import uniform
from threading import Event as Flag

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from eventops.events import Envelope, Record
from reference_services.kit import clients
from reference_services.kit.dead_letters import class_name, root_cause, write_letter
from reference_services.kit.letterbox import LetterBox
from reference_services.kit.logs import about
from reference_services.kit.records import record_of, timestamp_type_of
from reference_services.kit.retry import GiveUp, RetryPolicy, decide
from reference_services.kit.settings import Settings
from reference_services.kit.tracing import Handling, Tracing

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2

Handler = Callable[[Envelope], None]
"""Handles one event and is idempotent by event id; raises where it couldn't."""


class Runner:
    """One consumer of one group: ``handlers`` by event type, every other type is logged and passed over."""

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        handlers: Mapping[str, Handler],
        tracing: Tracing,
        policy: RetryPolicy | None = None,
        jitter: Callable[[float, float], float] = uniform,
    ) -> None:
        self._settings = settings
        self.group = group
        self.topics = topics
        self._handlers = handlers
        self._letters = LetterBox(clients.producer(settings), tracing)
        self._tracing = tracing
        self._policy = policy or settings.retry
        self._delay = settings.handling_delay(group)
        self._jitter = jitter

    def run(self, stop: Flag) -> None:
        """Consume until ``stop``: finish the record in hand, commit it, leave the group.

        Raises:
            KafkaException: the client can't go on (a fatal error).
        """
        consumer = clients.consumer(self._settings, self.group)
        try:
            consumer.subscribe(
                [self._settings.topic(name) for name in self.topics],
                on_assign=self._assigned,
                on_revoke=self._revoked,
                on_lost=self._lost,
            )
            while not stop.is_set():
                began = time.time_ns()
                message = consumer.poll(POLL_SECONDS)
                if message is not None and self._took(message):
                    self._deal_with(consumer, message, began, stop)
        finally:
            consumer.close()
            log.info("%s left its group", self.group)

    def _took(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal():
            raise KafkaException(error)
        log.warning("%s: %s", self.group, error)
        return False

    def _deal_with(self, consumer: Consumer, message: Message, began: int, stop: Flag) -> None:
        """Handle a record or bury it, then commit; what ``stop`` interrupted is delivered again later."""
        record = record_of(message)
        group = self._settings.group(self.group)
        self._tracing.polled(record, group, began)
        with self._tracing.processing(record, group) as handling, about(handling.correlation_id):
            attempts, error = self._attempt(record, handling, stop)
            if error is not None:
                handling.failed(error)
                kind = timestamp_type_of(message)
                letter = write_letter(record, kind, group=group, error=error, attempts=attempts)
                if not self._letters.post(letter, stop):
                    return
                handling.buried()
            elif not attempts:
                handling.failed("interrupted")
                return
            self._commit(consumer, message, record, group)

    def _attempt(self, record: Record, handling: Handling, stop: Flag) -> tuple[int, Exception | None]:
        """Attempts made and the last one's error; (0, None) when ``stop`` came while waiting for the next."""
        attempt = 0
        while True:
            attempt += 1
            try:
                self._handle(record, stop)
            except Exception as error:  # noqa: BLE001 -- whatever a handler raises, the policy judges it
                decision = decide(attempt, error, self._policy)
                if isinstance(decision, GiveUp):
                    log.error("%s gives up on %s, %s: %s", self.group, record.position, decision.reason, _words(error))
                    return attempt, error
                wait = self._jitter(0, decision.ceiling_seconds)
                log.warning("%s tries %s again in %.2f s: %s", self.group, record.position, wait, _words(error))
                handling.retried(error, wait)
                if stop.wait(wait):
                    return 0, None
            else:
                return attempt, None

    def _handle(self, record: Record, stop: Flag) -> None:
        if self._delay:
            stop.wait(self._delay)
        event = Envelope.parse(record.value)
        handler = self._handlers.get(event.event_type)
        if handler is None:
            log.info("%s passes over %s %s", self.group, event.event_type, event.event_id)
            return
        began = time.monotonic()
        handler(event)
        spent = (time.monotonic() - began) * 1000
        log.info("%s handled %s %s in %.0f ms", self.group, event.event_type, event.event_id, spent)

    def _commit(self, consumer: Consumer, message: Message, record: Record, group: str) -> None:
        """A commit that fails costs a second delivery, which the handlers' idempotency makes harmless."""
        try:
            with self._tracing.committing(record, group):
                consumer.commit(message=message, asynchronous=False)
        except KafkaException as error:
            if error.args[0].fatal():
                raise
            log.warning("%s couldn't commit %s: %s", self.group, record.position, error.args[0])

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("%s got %s", self.group, _listed(partitions))

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("%s gives back %s", self.group, _listed(partitions))

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("%s lost %s", self.group, _listed(partitions))


def _words(error: Exception) -> str:
    return f"{class_name(root_cause(error))}: {error}"


def _listed(partitions: list[TopicPartition]) -> str:
    return ", ".join(f"{p.topic}/{p.partition}" for p in partitions) or "nothing"
