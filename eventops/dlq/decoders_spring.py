"""Letters of the Spring family: the recoverer, retryable topics, and Spring Cloud Stream's binder. Pure."""

from __future__ import annotations

from typing import Final

from eventops.dlq.encodings import MOST_HOPS, Sheet, big_integer, i32, i64, nth, places, positive, text
from eventops.dlq.encodings import NAME_CHARACTERS as NAME
from eventops.dlq.failure import Failure, Hop
from eventops.dlq.family import Family
from eventops.events import moment_of

_GROUP: Final = "kafka_dlt-original-consumer-group"
_LISTENER: Final = ("Listener method '", "Listener failed")


def _failure(sheet: Sheet, prefix: str) -> Failure:
    """A failed key has ``key-exception-*`` and no ``exception-fqcn``, but ``exception-cause-fqcn`` without ``key-``."""
    last = sheet.last
    usual = prefix + "exception-"
    of_key = prefix + "key-exception-"
    is_key = of_key + "fqcn" in last or (of_key + "message" in last and usual + "message" not in last)
    named = of_key if is_key else usual
    return Failure(
        exception_class=sheet.name(named + "fqcn"),
        cause_class=sheet.name(usual + "cause-fqcn"),
        message=_cause_message(sheet.message(named + "message")),
        stack=sheet.stack(named + "stacktrace"),
        part="key" if is_key else None,
    )


def _cause_message(message: str | None) -> str | None:
    """What follows the listener's wrapper; a cause without a message leaves a trailing ``; ``.

    >>> _cause_message("Listener method 'public void a.B.c(java.lang.String)' threw exception; no stock")
    'no stock'
    >>> _cause_message("Listener failed; no stock"), _cause_message("Listener failed; "), _cause_message("plain; text")
    ('no stock', 'Listener failed; ', 'plain; text')
    """
    if message is None or not message.startswith(_LISTENER):
        return message
    _wrapper, separator, cause = message.partition(" threw exception; ")
    if not separator:
        cause = message.partition("; ")[2]
    return cause.strip() or message


def recoverer_failure(sheet: Sheet) -> Failure:
    """``exception-*`` is replaced at each hop: it tells of the latest."""
    return _failure(sheet, "kafka_dlt-")


def spring_group(sheet: Sheet) -> str | None:
    """The last one; retryable topics use the recoverer's header, and it names the main group."""
    return sheet.name(_GROUP)


def recoverer_path(sheet: Sheet) -> tuple[Hop, ...]:
    """``original-*`` is appended at each hop: the first is the origin, the last the latest hop. Groups and attempts are
    appended where they are written at all."""
    found = places(sheet, "kafka_dlt-original-", i32, i64)
    times = sheet.all("kafka_dlt-original-timestamp")[-MOST_HOPS:]
    groups = sheet.all(_GROUP)[-MOST_HOPS:]
    attempts = sheet.all("kafka_deliveryAttempt")[-MOST_HOPS:]
    whole = len(found)
    return tuple(
        Hop(
            topic=topic,
            position=at,
            timestamp=moment_of(i64(nth(times, index))),
            group=text(nth(groups, index), NAME) if len(groups) == whole else None,
            attempts=positive(i32(nth(attempts, index))) if len(attempts) == whole else None,
        )
        for index, (topic, at) in enumerate(found)
    ) or (Hop(),)


def recoverer_attempts(sheet: Sheet) -> int | None:
    """``kafka_deliveryAttempt`` is off by default: then the attempts are unknown."""
    return positive(i32(sheet.last.get("kafka_deliveryAttempt")))


def retryable_failure(sheet: Sheet) -> Failure:
    """The same as the recoverer's, under ``kafka_exception-``."""
    return _failure(sheet, "kafka_")


def retryable_path(sheet: Sheet) -> tuple[Hop, ...]:
    """The first origin is kept; the hops between are known by the time of their next try alone, which is
    appended at each."""
    topic, at = next(iter(places(sheet, "kafka_original-", i32, i64)), (None, None))
    first = moment_of(i64(nth(sheet.all("kafka_original-timestamp"), 0)))
    if first is None:
        first = moment_of(big_integer(nth(sheet.all("retry_topic-original-timestamp"), 0)))
    tries = [moment_of(big_integer(raw)) for raw in sheet.all("retry_topic-backoff-timestamp")[-MOST_HOPS:]]
    origin = Hop(topic=topic, position=at, timestamp=first, group=spring_group(sheet), due=tries[0] if tries else None)
    return (origin, *(Hop(due=due) for due in tries[1:]))


def retryable_attempts(sheet: Sheet) -> int | None:
    """``retry_topic-attempts`` counts the delivery to come; one byte in old versions."""
    raw = sheet.last.get("retry_topic-attempts")
    coming = raw[0] if raw is not None and len(raw) == 1 else i32(raw)
    return positive(coming - 1) if coming is not None else None


def binder_failure(sheet: Sheet) -> Failure:
    """``x-exception-*``; the binder names no cause, the stack trace does."""
    return Failure(
        exception_class=sheet.name("x-exception-fqcn"),
        message=_cause_message(sheet.message("x-exception-message")),
        stack=sheet.stack("x-exception-stacktrace"),
    )


def binder_group(sheet: Sheet) -> str | None:
    """Out of the topic's name, ``error.<destination>.<group>``: the destination is in the letter."""
    destination = sheet.name("x-original-topic")
    rest = sheet.topic.removeprefix("error.")
    if rest == sheet.topic:
        return None
    if destination and rest.startswith(destination + "."):
        return rest[len(destination) + 1 :] or None
    return rest.rpartition(".")[2] or None


def binder_path(sheet: Sheet) -> tuple[Hop, ...]:
    """Partition and offset are binary, or text where headers are mapped so."""
    found = places(sheet, "x-original-", i32, i64)
    times = sheet.all("x-original-timestamp")[-MOST_HOPS:]
    return tuple(
        Hop(topic=t, position=at, timestamp=moment_of(i64(nth(times, n)))) for n, (t, at) in enumerate(found)
    ) or (Hop(),)


SPRING: Final = Family(
    "spring",
    marks=frozenset(
        "kafka_dlt-" + name
        for name in (
            "original-topic",
            "original-partition",
            "original-offset",
            "exception-fqcn",
            "exception-cause-fqcn",
            "exception-message",
            "key-exception-fqcn",
            "key-exception-message",
        )
    ),
    failure=recoverer_failure,
    path=recoverer_path,
    group=spring_group,
    attempts=recoverer_attempts,
)
RETRYABLE: Final = Family(
    "spring-retry",
    marks=frozenset(("kafka_original-topic", "kafka_exception-fqcn", "retry_topic-attempts")),
    failure=retryable_failure,
    path=retryable_path,
    group=spring_group,
    attempts=retryable_attempts,
)
BINDER: Final = Family(
    "spring-cloud-stream",
    marks=frozenset(("x-original-topic", "x-exception-fqcn", "x-exception-message")),
    failure=binder_failure,
    path=binder_path,
    group=binder_group,
)
