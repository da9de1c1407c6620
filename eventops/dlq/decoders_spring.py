"""Letters of the Spring family: the recoverer, retryable topics, and Spring Cloud Stream's binder. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from eventops.dlq.encodings import MOST_HOPS, Sheet, big_integer, i32, i64, nth, places, positive, text
from eventops.dlq.encodings import NAME_CHARACTERS as NAME
from eventops.dlq.failure import Hop
from eventops.dlq.family import Family, Telling
from eventops.events import moment_of

_GROUP: Final = "kafka_dlt-original-consumer-group"
_LISTENER: Final = ("Listener method '", "Listener failed")


def _telling(names: Collection[str], prefix: str) -> Telling:
    """A failed key has ``key-exception-*`` and no ``exception-fqcn``, but ``exception-cause-fqcn`` without ``key-``."""
    usual = prefix + "exception-"
    of_key = prefix + "key-exception-"
    is_key = of_key + "fqcn" in names or (of_key + "message" in names and usual + "message" not in names)
    named = of_key if is_key else usual
    return Telling(
        exception=named + "fqcn",
        cause=usual + "cause-fqcn",
        message=named + "message",
        stack=named + "stacktrace",
        failed_part="key" if is_key else None,
        inner=_cause_message,
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


def recoverer_telling(names: Collection[str]) -> Telling:
    """``exception-*`` is replaced at each hop: it tells of the latest."""
    return _telling(names, "kafka_dlt-")


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


def retryable_telling(names: Collection[str]) -> Telling:
    """The same as the recoverer's, under ``kafka_exception-``."""
    return _telling(names, "kafka_")


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


def binder_telling(_names: Collection[str]) -> Telling:
    """``x-exception-*``; the binder names no cause, the stack trace does."""
    return Telling("x-exception-fqcn", "", "x-exception-message", "x-exception-stacktrace", inner=_cause_message)


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
    telling=recoverer_telling,
    path=recoverer_path,
    group=spring_group,
    group_header=_GROUP,
    attempts=recoverer_attempts,
    writes=("kafka_dlt-*", "kafka_deliveryAttempt", "springDeserializerException*"),
)
RETRYABLE: Final = Family(
    "spring-retry",
    marks=frozenset(("kafka_original-topic", "kafka_exception-fqcn", "retry_topic-attempts")),
    telling=retryable_telling,
    path=retryable_path,
    group=spring_group,
    group_header=_GROUP,
    attempts=retryable_attempts,
    writes=("retry_topic-*", "kafka_original-*", "kafka_exception-*", "kafka_key-exception-*"),
)
BINDER: Final = Family(
    "spring-cloud-stream",
    marks=frozenset(("x-original-topic", "x-exception-fqcn", "x-exception-message")),
    telling=binder_telling,
    path=binder_path,
    group=binder_group,
    group_header="x-original-topic",
    writes=(
        *(f"x-original-{name}" for name in ("topic", "partition", "offset", "timestamp", "timestamp-type")),
        *(f"x-exception-{name}" for name in ("fqcn", "message", "stacktrace")),
    ),
    has_common_names=True,
)
