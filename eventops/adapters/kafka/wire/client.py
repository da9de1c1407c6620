"""The connection of the second client: every broker is asked for itself, at the same time as the others, and one that
doesn't answer costs nobody else's figures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Final

from kafka.errors import IncompatibleBrokerVersion, KafkaError, KafkaTimeoutError, RequestTimedOutError
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.admin import ListGroupsRequest
from kafka.protocol.consumer import OffsetFetchRequest
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest

_GRACE: Final = 0.2
"""Seconds that a broker which was silent the last time is waited for, while it is asked whether it is back."""

_ITS_TIME: Final = 0.5
"""Seconds that a broker is waited for before another is asked what any of them knows."""

_NEEDED: Final = ((OffsetFetchRequest, 8), (FindCoordinatorRequest, 4), (ListGroupsRequest, 4), (MetadataRequest, 10))
"""What many groups a request take: Apache Kafka 3.0."""

_LARGEST_ANSWER: Final = 1 << 30
_UNLIMITED: Final = 1 << 30
"""Questions to one broker that wait for answers: beyond the client's own limit it would refuse them."""

_LOG: Final = logging.getLogger("kafka")
_LOG.addHandler(logging.NullHandler())  # the client's own log never reaches stderr by itself
_LOG.propagate = False


class NoWire(Exception):
    """This cluster can't be asked this way; the text says why."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Why one broker's answer is missing. ``unsupported``: it answers, and doesn't know the question."""

    reason: str
    unsupported: bool = False


@dataclass(slots=True)
class _Silent:
    """A broker that didn't answer, and the question whether it is back."""

    reason: str
    probe: Future[Any] | None = None


Node = int
Answers = tuple[dict[Any, Any], dict[Any, Silence]]


class Wire:
    """One cluster, asked over kafka-python. Used from several threads; ``close`` ends its own.

    ``answer_within``: seconds a broker has to answer one question before it is taken for silent.
    """

    def __init__(self, settings: Mapping[str, Any], answer_within: float) -> None:
        self.answer_within = answer_within
        self._net = NetworkSelector(client_id=settings["client_id"])
        self._net.start()
        self._lock = threading.Lock()
        self._silent: dict[Node, _Silent] = {}
        try:
            self._manager = self._first_to_answer(settings)
            self._require_what_is_needed()
        except NoWire:
            self._net.stop(timeout_ms=1000)
            self._net.close()
            raise

    def nodes(self) -> tuple[Node, ...]:
        """Ids of the brokers that the cluster named last."""
        return tuple(sorted(broker.node_id for broker in self._manager.cluster.brokers()))

    def is_silent(self) -> bool:
        """Whether no broker answered when it was asked last."""
        return set(self.nodes()) <= set(self._silent)

    def address(self, node: Node) -> str | None:
        """Its ``host:port``; None for one that the cluster doesn't name any more."""
        told = self._manager.cluster.broker_metadata(node)
        return None if told is None else f"{told.host}:{told.port}"

    def name(self, node: Node) -> str:
        """How people know a broker."""
        address = self.address(node)
        return f"broker {node}" if address is None else f"broker {node} ({address})"

    def ask(self, questions: Mapping[Any, tuple[Node, Any]]) -> Answers:
        """Put every question to its broker at once; answers and silences by the questions' keys.

        Takes at most ``answer_within`` seconds, and no longer than the answers when a broker is known to be silent.
        """
        silent = self._still_silent({node for node, _ in questions.values()})
        asked = {key: self._sent(*question) for key, question in questions.items() if question[0] not in silent}
        answers: dict[Any, Any] = {}
        failures = {key: Silence(silent[node]) for key, (node, _) in questions.items() if node in silent}
        for key, future in asked.items():
            try:
                answers[key] = future.result(self.answer_within + 1)
            except (KafkaError, TimeoutError, OSError) as error:
                failures[key] = self._failed(questions[key][0], error)
        return answers, failures

    def ask_any(self, question: Callable[[], Any]) -> Any:
        """The first answer of any broker, those that aren't known to be silent first; while one takes its time, the
        next is asked too.

        Raises:
            NoWire: nobody answered.
        """
        asked: dict[Future[Any], Node] = {}
        nodes = sorted(self.nodes(), key=lambda node: node in self._silent)
        deadline = time.monotonic() + self.answer_within + 1
        reasons: list[str] = []
        while nodes or asked:
            if nodes:
                node = nodes.pop(0)
                asked[self._sent(node, question())] = node
            done, _ = wait(asked, _ITS_TIME if nodes else deadline - time.monotonic(), FIRST_COMPLETED)
            for future in done:
                node = asked.pop(future)
                if (error := future.exception()) is None:
                    return future.result()
                reasons.append(self._failed(node, error).reason)
            if not nodes and not done:
                reasons += [self._silenced(node, TimeoutError()) for node in asked.values()]
                break
        raise NoWire(reasons[0] if reasons else "no broker is known")

    def close(self) -> None:
        """Let go of every connection and end the thread."""
        self._manager.call_soon(self._manager.close)
        self._net.stop(timeout_ms=1000)
        self._net.close()

    def _first_to_answer(self, settings: Mapping[str, Any]) -> Any:
        """Every server of the list is tried at once: one that accepts and says nothing holds nobody up."""
        milliseconds = int(self.answer_within * 1000)
        common = {
            **settings,
            "receive_message_max_bytes": _LARGEST_ANSWER,
            "request_timeout_ms": milliseconds,
            "socket_connection_setup_timeout_ms": milliseconds,
            "socket_connection_setup_timeout_max_ms": milliseconds,
            "reconnect_backoff_max_ms": 1000,
            "max_in_flight_requests_per_connection": _UNLIMITED,
            "metadata_max_age_ms": 15_000,
        }
        managers: dict[Future[Any], Any] = {}
        for server in settings["bootstrap_servers"]:
            manager = KafkaConnectionManager(self._net, **{**common, "bootstrap_servers": [server]})
            managers[_future(manager.bootstrap_async(timeout_ms=milliseconds))] = manager
        waiting = set(managers)
        reasons: list[str] = []
        found: Any = None
        while waiting and found is None:
            done, waiting = wait(waiting, self.answer_within + 1, return_when=FIRST_COMPLETED)
            found = next((managers[future] for future in done if future.exception() is None), None)
            reasons += [str(future.exception()) for future in done]
            waiting = waiting if done else set()
        for manager in managers.values():
            if manager is not found:
                manager.call_soon(manager.close)
        if found is None:
            raise NoWire(f"kafka-python can't connect ({reasons[0] if reasons else 'no answer in time'})")
        return found

    def _require_what_is_needed(self) -> None:
        told = self._manager.broker_version_data.api_versions
        for question, version in _NEEDED:
            if told.get(question.API_KEY, (0, -1))[1] < version:
                raise NoWire("the brokers are older than Apache Kafka 3.0")

    def _sent(self, node: Node, question: Any) -> Future[Any]:
        return _future(self._manager.call_soon(self._manager.send, question, node))

    def _failed(self, node: Node, error: BaseException) -> Silence:
        if isinstance(error, IncompatibleBrokerVersion):
            return Silence(str(error), unsupported=True)
        return Silence(self._silenced(node, error))

    def _silenced(self, node: Node, error: BaseException) -> str:
        if isinstance(error, TimeoutError | RequestTimedOutError | KafkaTimeoutError):
            reason = f"{self.name(node)} didn't answer within {self.answer_within:g} s"
        else:
            reason = f"{self.name(node)} can't be reached ({error})"
        with self._lock:
            self._silent[node] = _Silent(reason)
        return reason

    def _still_silent(self, nodes: Collection[Node]) -> dict[Node, str]:
        """Those that were silent before and still are; each is asked again, and waited for a moment."""
        with self._lock:
            known = {node: self._silent[node] for node in nodes if node in self._silent}
            for node, silent in known.items():
                if silent.probe is None or silent.probe.done():
                    silent.probe = self._sent(node, MetadataRequest(topics=[], allow_auto_topic_creation=False))
        wait([silent.probe for silent in known.values() if silent.probe], _GRACE)
        with self._lock:
            for node, silent in list(known.items()):
                if silent.probe and silent.probe.done() and silent.probe.exception() is None:
                    del known[node]
                    self._silent.pop(node, None)
        return {node: silent.reason for node, silent in known.items()}


def _future(told: Any) -> Future[Any]:
    """kafka-python's future as one that threads can wait for."""
    done: Future[Any] = Future()
    told.add_callback(done.set_result)
    told.add_errback(done.set_exception)
    return done
