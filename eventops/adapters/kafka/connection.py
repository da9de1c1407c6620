"""librdkafka clients for one cluster: how they are configured, waited for, and how their failures are told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from typing import Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from eventops.adapters.kafka.failures import (
    Hearsay,
    as_eventops_error,
    error_of,
    is_forbidden,
    is_silence,
    named,
    unreachable,
)
from eventops.errors import EventopsError, UsageError
from eventops.ports import Isolation

Key = TypeVar("Key")
Answer = TypeVar("Answer")
Client = TypeVar("Client")

BOOTSTRAP: Final = "bootstrap.servers"
REFUSED_PATIENCE: Final = 3.0
"""Seconds after which a refused connection is taken for a broker that isn't there; it may be just starting."""

_GRACE: Final = 1.0
"""Seconds the client gets beyond its own request timeout to report it."""

_ROUND: Final = 0.25
_LOG: Final = logging.getLogger("eventops.kafka")
_LOG.addHandler(logging.NullHandler())  # librdkafka's own log never reaches stderr by itself

_READER: Final = {
    "group.id": "eventops-reads-without-a-group",  # the client demands a name; nothing is ever joined or committed
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",  # a cut log becomes a gap instead of a silent jump
    "fetch.queue.backoff.ms": 5,  # the default second of rest whenever the queue is full would halve a scan
    "queued.max.messages.kbytes": 65_536,
}


class Connection:
    """Makes clients on first use. ``timeout`` (seconds) bounds every question."""

    def __init__(self, properties: Mapping[str, str], timeout: float) -> None:
        if not properties.get(BOOTSTRAP):
            raise UsageError("no bootstrap servers are given", "name them with -b or choose a --context")
        self.properties = dict(properties)
        self._lock = threading.Lock()
        self._admin: AdminClient | None = None
        self.timeout = timeout
        self.servers = properties[BOOTSTRAP]
        self.heard = Hearsay()

    def admin(self) -> AdminClient:
        """The one admin client, after somebody answered.

        Raises:
            BrokerUnreachable, NotPermitted: nobody answers in time, or the credentials are refused.
        """
        with self._lock:
            if self._admin is None:
                admin = self._made(AdminClient)
                self._reach(admin)
                self._admin = admin
            return self._admin

    def consumer(self, isolation: Isolation, **tuning: object) -> Consumer:
        """A consumer to be assigned; ``tuning`` spells dots as underscores. The caller closes it."""
        named = {name.replace("_", "."): value for name, value in tuning.items()}
        return self._made(Consumer, {**_READER, **named, "isolation.level": isolation.value})

    def producer(self, settings: Mapping[str, object]) -> Producer:
        """A producer of its own; the caller closes it."""
        return self._made(Producer, settings)

    def close(self) -> None:
        """Let go of the admin client; a later question would connect anew. Waits for nobody: another thread may try
        to reach a broker that keeps silent, and holds the lock meanwhile."""
        self._admin = None

    def answer(self, future: Future[Answer]) -> Answer:
        """Wait for one answer.

        Raises:
            EventopsError: of the kind that fits.
        """
        answers, failures = self.answers({"": future})
        if failures:
            raise self.failure(failures[""])
        return answers[""]

    def answers(
        self, futures: Mapping[Key, Future[Answer]], timeout: float | None = None
    ) -> tuple[dict[Key, Answer], dict[Key, KafkaError]]:
        """Wait for all; what failed is told apart, so that it can become a gap."""
        wait(futures.values(), timeout=(self.timeout if timeout is None else timeout) + _GRACE)
        answers: dict[Key, Answer] = {}
        failures: dict[Key, KafkaError] = {}
        for key, future in futures.items():
            if not future.done():
                failures[key] = KafkaError(KafkaError._TIMED_OUT)
            elif (exception := future.exception()) is not None:
                failures[key] = error_of(exception)
            else:
                answers[key] = future.result()
        return answers, failures

    def failure(self, error: KafkaError, about: str = "") -> EventopsError:
        """One failed question as an error for people, ``about`` these topics or groups. After silence the next question
        connects anew: a client that lost every broker doesn't find them again when they come back."""
        admin = self._admin
        if admin is not None:
            admin.poll(0)  # lets error_cb tell what it heard
        if is_silence(error):
            self._admin = None
        return as_eventops_error(error, self.servers, self.timeout, self.heard, about)

    def raise_if_nobody_answered(self, answered: int, errors: Iterable[KafkaError], about: Iterable[str]) -> None:
        """Some failures among answers are gaps; nothing but silence, or nothing but refusals, is an error, ``about``
        these topics or groups."""
        failures = list(errors)
        if answered or not failures:
            return
        if all(map(is_silence, failures)) or all(map(is_forbidden, failures)):
            raise self.failure(failures[0], named(about))

    def _made(self, kind: Callable[..., Client], settings: Mapping[str, object] | None = None) -> Client:
        properties = {**self.properties, "allow.auto.create.topics": "false", **(settings or {})}
        try:
            return kind({**properties, "error_cb": self.heard.tell}, logger=_LOG)
        except KafkaException as exception:
            raise UsageError(
                f"the client refuses its configuration ({error_of(exception).str()})", "correct the context or -X"
            ) from exception

    def _reach(self, admin: AdminClient) -> None:
        started = time.monotonic()
        for spent in _rounds(started, self.timeout):
            try:
                admin.cluster_id(timeout=_ROUND)
            except KafkaException as exception:
                admin.poll(0)
                if self.heard.credentials is not None:
                    raise as_eventops_error(error_of(exception), self.servers, self.timeout, self.heard) from exception
                if self.heard.is_refused and spent > REFUSED_PATIENCE:
                    break
            else:
                self.heard.credentials = None  # another broker of the list may have refused them
                return
        raise unreachable(self.servers, round(time.monotonic() - started), self.heard)


def _rounds(started: float, timeout: float) -> Iterator[float]:
    """Seconds spent so far, until ``timeout`` of them have passed; at least once."""
    spent = 0.0
    while spent < timeout:
        yield spent
        spent = time.monotonic() - started
