"""Letters of SmallRye, Karafka, Watermill, MassTransit and NServiceBus. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from eventops.dlq.encodings import MOST_HOPS, Sheet, decimal, iso_moment, nth, places, positive, text, topic_name
from eventops.dlq.encodings import NAME_CHARACTERS as NAME
from eventops.dlq.failure import Failure, Hop
from eventops.dlq.family import Family, Telling
from eventops.events import moment_of

_DEAD: Final = "dead-letter-"
_DELAYED: Final = "delayed-retry-"
_UNREADABLE: Final = "deserialization-failure-"
_TOLD: Final = ("topic", "partition", "offset", "reason", "cause", "exception-class-name", "cause-class-name")
_TOLD_OF_UNREADABLE: Final = (
    *("topic", "reason", "cause", "deserializer", "dlq"),
    *("key", "data", "key-data", "value-data"),
)
_NSB: Final = "NServiceBus."
_FAULT: Final = "MT-Fault-"
_TOLD_OF_FAULTS: Final = (
    *("ExceptionType", "Message", "StackTrace", "Timestamp", "InputAddress"),
    *("MessageType", "ConsumerType", "RetryCount", "RedeliveryCount"),
)
"""Not ``Address``: that is where the sender wants to be told of faults, and belongs to the event."""


def _first(sheet: Sheet, header: str, limit: int = 8 * NAME) -> str | None:
    return text(sheet.record.first_header(header), limit)


def _smallrye_failure(sheet: Sheet, prefix: str) -> Failure:
    """Written *before* the copied headers: the newest is the first. ``*-cause*`` is absent where there is no
    cause, so a cause that stands after the second failure's class belongs to an older hop. A cause without a message
    has its class instead: then the reason says more, the failed method where it was called by reflection."""
    names = [name for name, _value in sheet.headers]
    marks = [index for index, name in enumerate(names) if name == prefix + "reason"]
    newest = dict(reversed(sheet.headers[: marks[1]] if len(marks) > 1 else sheet.headers))
    cause = text(newest.get(prefix + "cause-class-name"), NAME)
    message = text(newest.get(prefix + "cause"), 8 * NAME) if cause else None
    return Failure(
        exception_class=text(newest.get(prefix + "exception-class-name"), NAME),
        cause_class=cause,
        message=(message if message != cause else None) or text(newest.get(prefix + "reason"), 8 * NAME),
    )


def dead_letter_failure(sheet: Sheet) -> Failure:
    """SmallRye's dead-letter topic."""
    return _smallrye_failure(sheet, _DEAD)


def dead_letter_path(sheet: Sheet) -> tuple[Hop, ...]:
    """Newest first in the record, oldest first here."""
    return _smallrye_path(sheet, _DEAD)


def retry_failure(sheet: Sheet) -> Failure:
    """SmallRye's retry topics; their last failure has only these headers."""
    return _smallrye_failure(sheet, _DELAYED)


def retry_path(sheet: Sheet) -> tuple[Hop, ...]:
    """The same order, under its own names."""
    *older, latest = _smallrye_path(sheet, _DELAYED)
    when = moment_of(decimal(sheet.record.first_header(_DELAYED + "original-timestamp")))
    first = older[0] if older else latest
    dated = Hop(first.topic, first.position, when, first.group, first.attempts, first.exception_class, first.message)
    return (dated, *older[1:], *((latest,) if older else ()))


def retry_attempts(sheet: Sheet) -> int | None:
    """``count`` are the retries: one delivery more."""
    retries = decimal(sheet.record.first_header(_DELAYED + "count"))
    return positive(retries + 1) if retries is not None and retries >= 0 else None


def _smallrye_path(sheet: Sheet, prefix: str) -> tuple[Hop, ...]:
    found = places(sheet, prefix, decimal, decimal) or [(None, None)]
    classes = sheet.all(prefix + "exception-class-name")[-MOST_HOPS:]
    reasons = sheet.all(prefix + "reason")[-MOST_HOPS:]
    hops = [
        Hop(
            topic=topic,
            position=at,
            exception_class=text(nth(classes, index), NAME) if len(classes) == len(found) else None,
            message=text(nth(reasons, index), 8 * NAME) if len(reasons) == len(found) else None,
        )
        for index, (topic, at) in enumerate(found)
    ]
    return tuple(reversed(hops))


def karafka_path(sheet: Sheet) -> tuple[Hop, ...]:
    """Newest last, where there are several."""
    found = places(sheet, "source_", decimal, decimal) or [(None, None)]
    return tuple(Hop(topic=topic, position=at, group=karafka_group(sheet)) for topic, at in found)


def karafka_group(sheet: Sheet) -> str | None:
    """The consumer group."""
    return sheet.name("source_consumer_group")


def karafka_attempts(sheet: Sheet) -> int | None:
    """How often it was tried."""
    return positive(decimal(sheet.last.get("source_attempts")))


def watermill_telling(_names: Collection[str]) -> Telling:
    """Go has no exception classes: the text is all there is."""
    return Telling(message="reason_poisoned", part="handler_poisoned")


def watermill_path(sheet: Sheet) -> tuple[Hop, ...]:
    """The topic alone: partition and offset aren't recorded."""
    return (Hop(topic=topic_name(sheet.last.get("topic_poisoned"))),)


def masstransit_failure(sheet: Sheet) -> Failure:
    """The exception's short name; a skipped message has only a reason."""
    return Failure(
        exception_class=sheet.name(_FAULT + "ExceptionType"),
        message=sheet.message(_FAULT + "Message") or sheet.message("MT-Reason"),
        stack=sheet.stack(_FAULT + "StackTrace"),
        part=sheet.name(_FAULT + "ConsumerType"),
    )


def masstransit_path(sheet: Sheet) -> tuple[Hop, ...]:
    """The queue that it came to, as the last part of its address; of another broker's it may be no topic."""
    address = (sheet.last.get(_FAULT + "InputAddress") or b"").partition(b"?")[0]
    queue = topic_name(address.rstrip(b"/").rpartition(b"/")[2])
    return (Hop(topic=queue, failed_at=iso_moment(sheet.last.get(_FAULT + "Timestamp"))),)


def masstransit_attempts(sheet: Sheet) -> int | None:
    """Retries, and one delivery more; unknown where none was counted."""
    retries = decimal(sheet.last.get(_FAULT + "RetryCount"))
    return positive(retries + 1) if retries is not None and retries >= 0 else None


def nservicebus_telling(_names: Collection[str]) -> Telling:
    """The inner exception is the cause."""
    info = _NSB + "ExceptionInfo."
    return Telling(
        info + "ExceptionType", info + "InnerExceptionType", info + "Message", info + "StackTrace", info + "Source"
    )


def nservicebus_path(sheet: Sheet) -> tuple[Hop, ...]:
    """The queue it failed in; some transports add ``@`` and the machine, which no topic's name has."""
    queue = topic_name((sheet.last.get(_NSB + "FailedQ") or b"").partition(b"@")[0])
    return (Hop(topic=queue, failed_at=iso_moment(sheet.last.get(_NSB + "TimeOfFailure"))),)


SMALLRYE: Final = Family(
    "smallrye",
    marks=frozenset(_DEAD + name for name in ("reason", "exception-class-name", "topic")),
    reads=dead_letter_failure,
    path=dead_letter_path,
    newest_first=True,
    writes=(*(_DEAD + name for name in _TOLD), *(_UNREADABLE + name for name in _TOLD_OF_UNREADABLE)),
    has_common_names=True,
)
SMALLRYE_RETRY: Final = Family(
    "smallrye-retry",
    marks=frozenset(_DELAYED + name for name in ("count", "reason", "exception-class-name", "topic")),
    reads=retry_failure,
    path=retry_path,
    attempts=retry_attempts,
    newest_first=True,
    writes=(
        *(_DELAYED + name for name in (*_TOLD, "count", "original-timestamp", "first-processing-timestamp")),
        *(_UNREADABLE + name for name in _TOLD_OF_UNREADABLE),
    ),
    has_common_names=True,
)
KARAFKA: Final = Family(
    "karafka",
    marks=frozenset(("source_consumer_group", "source_attempts")),
    telling=lambda _names: Telling(),
    path=karafka_path,
    group=karafka_group,
    group_header="source_consumer_group",
    attempts=karafka_attempts,
    writes=tuple(
        f"source_{name}" for name in ("topic", "partition", "offset", "consumer_group", "attempts", "trace_id")
    ),
    has_common_names=True,
)
WATERMILL: Final = Family(
    "watermill",
    marks=frozenset(("reason_poisoned", "topic_poisoned")),
    telling=watermill_telling,
    path=watermill_path,
    writes=tuple(f"{name}_poisoned" for name in ("reason", "topic", "handler", "subscriber")),
    has_common_names=True,
)
MASSTRANSIT: Final = Family(
    "masstransit",
    marks=frozenset((_FAULT + "ExceptionType", _FAULT + "Message", "MT-Reason")),
    reads=masstransit_failure,
    path=masstransit_path,
    attempts=masstransit_attempts,
    writes=("MT-Reason", "MT-Redelivery-Count", *(_FAULT + name for name in _TOLD_OF_FAULTS)),
)
NSERVICEBUS: Final = Family(
    "nservicebus",
    marks=frozenset((_NSB + "FailedQ", _NSB + "ExceptionInfo.ExceptionType")),
    telling=nservicebus_telling,
    path=nservicebus_path,
    writes=(
        _NSB + "ExceptionInfo.*",
        *(_NSB + name for name in ("FailedQ", "TimeOfFailure", "Retries", "Retries.Timestamp", "FLRetries")),
    ),
)
