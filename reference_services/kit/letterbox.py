"""Where dead letters are posted: the offset moves on only after the broker has the letter."""

from __future__ import annotations

import logging
from threading import Event as Flag

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from eventops.events import bytes_as_text
from reference_services.kit.dead_letters import Letter
from reference_services.kit.tracing import Tracing

log = logging.getLogger(__name__)

AGAIN_AFTER_SECONDS = 1.0


class LetterBox:
    """Posts letters, one at a time, for one thread."""

    def __init__(self, producer: Producer, tracing: Tracing) -> None:
        self._producer = producer
        self._tracing = tracing

    def post(self, letter: Letter, stop: Flag) -> bool:
        """Post until the broker has acknowledged it; False when ``stop`` came first and the letter may not be there.

        Raises:
            KafkaException: the producer can't go on (a fatal error).
        """
        while True:
            error = self._post_once(letter, stop)
            if error is None:
                return True
            if error.fatal():
                raise KafkaException(error)
            if stop.is_set():
                return False
            log.error("the dead letter for %s isn't taken, trying on: %s", letter.topic, error)
            stop.wait(AGAIN_AFTER_SECONDS)

    def _post_once(self, letter: Letter, stop: Flag) -> KafkaError | None:
        """The origin's headers go unchanged, but for the trace context: the letter was sent by this handling, so that
        what handles the letter, or its replay, stands below the failure in the same trace."""
        key = bytes_as_text(letter.key) if letter.key is not None else None
        send = self._tracing.start_letter(letter.topic, letter.headers, key)
        outcome: list[KafkaError | None] = []

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            send.delivered(error.name() if error else None, message.partition(), message.offset())
            outcome.append(error)

        try:
            with send:
                self._producer.produce(
                    letter.topic,
                    value=letter.value,
                    key=letter.key,
                    partition=letter.partition,
                    headers=list(send.headers),
                    on_delivery=on_delivery,
                )
        except KafkaException as refused:
            error: KafkaError = refused.args[0]
            return error
        while self._producer.flush(0.2):
            if stop.is_set() and self._producer.flush(5.0):
                self._producer.purge()
        return outcome[0]
