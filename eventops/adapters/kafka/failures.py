"""librdkafka's error codes in the words of :mod:`eventops.errors`: who is missing, what is forbidden, what is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from eventops.errors import BrokerUnreachable, EventopsError, NotPermitted, Unsupported
from eventops.ports import NOT_PERMITTED

GONE: Final = "no such topic or partition"

_GONE: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._NOENT,  # list_offsets where none of the partitions it was asked for exists
    }
)
_SILENT: Final = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._SSL,
        KafkaError._WAIT_COORD,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.BROKER_NOT_AVAILABLE,
    }
)
_CREDENTIALS: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)
_MISSING_RIGHTS: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "DESCRIBE and READ (to write: WRITE) on the topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "DESCRIBE on the group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "the cluster operation (DESCRIBE, CREATE or IDEMPOTENT_WRITE)",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "DESCRIBE and WRITE on the transactional id",
}
_UNSUPPORTED: Final = frozenset({KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE})
PASSING: Final = frozenset(
    {KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR}
)
"""What a broker answers while it takes over groups, for seconds at most."""


class Hearsay:
    """What the client's background threads last said: it explains a timeout better than the timeout does."""

    def __init__(self) -> None:
        self.credentials: str | None = None
        self.last: str | None = None

    def tell(self, error: KafkaError) -> None:
        """librdkafka's ``error_cb``; "all brokers are down" only repeats what was said before."""
        if error.code() in _CREDENTIALS:
            self.credentials = error.str()
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self.last = error.str()

    @property
    def is_refused(self) -> bool:
        """Whether nothing listens at the address, which waiting seldom changes."""
        return self.last is not None and "Connection refused" in self.last


def error_of(exception: BaseException | KafkaError) -> KafkaError:
    """The error an exception carries; librdkafka's fatal errors may come wrapped in a SystemError, and what a single
    broker answered to a list of groups comes as a bare KafkaError, which is no exception."""
    if isinstance(exception, KafkaError):
        return exception
    if isinstance(exception, SystemError) and exception.__cause__ is not None:
        exception = exception.__cause__
    if isinstance(exception, KafkaError):  # what list_consumer_groups hands over beside its answers
        return exception
    if isinstance(exception, KafkaException) and isinstance(exception.args[0], KafkaError):
        return exception.args[0]
    raise exception


def is_silence(error: KafkaError) -> bool:
    """Whether nobody answered, or not in time."""
    return error.code() in _SILENT


def is_gone(error: KafkaError) -> bool:
    """Whether the topic or partition doesn't exist (any more)."""
    return error.code() in _GONE


def is_forbidden(error: KafkaError) -> bool:
    """Whether rights or credentials are missing."""
    return error.code() in _CREDENTIALS or error.code() in _MISSING_RIGHTS


def reason(error: KafkaError) -> str:
    """Why one topic, partition or group of many wasn't read: the text of a gap."""
    if is_gone(error):
        return GONE
    if error.code() in _MISSING_RIGHTS:
        return f"{NOT_PERMITTED}{_MISSING_RIGHTS[error.code()]}"
    return error.str().removeprefix("Broker: ").removeprefix("Local: ")


def named(names: Iterable[str]) -> str:
    """What a question was about, in a sentence of any length.

    >>> named(["orders", "audit"]), named(["orders"]), named([])
    ('audit and 1 more', 'orders', '')
    """
    first, *more = sorted(set(names)) or [""]
    return f"{first} and {len(more)} more" if more else first


def as_eventops_error(
    error: KafkaError, servers: str, seconds: float, heard: Hearsay, about: str = ""
) -> EventopsError:
    """The error for people, with its remedy. ``about``: the topics or groups that were asked for."""
    if error.code() in _CREDENTIALS or (is_silence(error) and heard.credentials):
        said = heard.credentials or error.str()
        return NotPermitted(
            f"{servers} refuses these credentials ({said})", "check security.protocol and the sasl.* properties"
        )
    if error.code() in _MISSING_RIGHTS:
        said = f"{servers} forbids it{f' for {about}' if about else ''} ({error.str()})"
        return NotPermitted(said, f"it takes {_MISSING_RIGHTS[error.code()]}")
    if is_silence(error):
        return unreachable(servers, seconds, heard)
    if error.code() in _UNSUPPORTED:
        return Unsupported(f"{servers} can't do it ({error.str()})", "it takes a newer broker")
    return EventopsError(f"{servers} answered {error.name()}", error.str())


def hidden_topic(servers: str, name: str) -> NotPermitted:
    """Kafka says so of topics that aren't there as well, to who may not describe them."""
    return NotPermitted(f"{servers} doesn't tell about the topic {name}", "it takes DESCRIBE on it")


def unreachable(servers: str, seconds: float, heard: Hearsay) -> BrokerUnreachable:
    """Nobody answers; the client's last words hint at why (refused, TLS against plain, unknown host)."""
    said = f" ({heard.last})" if heard.last else ""
    return BrokerUnreachable(
        f"nobody answers at {servers} within {seconds:g} s{said}",
        "start the broker, or name another with -b or --context",
    )
