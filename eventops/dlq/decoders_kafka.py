"""Letters that Apache Kafka itself writes: Connect's sinks, Streams (KIP-1034), share groups (KIP-1191). Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from eventops.dlq.encodings import MESSAGE_CHARACTERS as MESSAGE
from eventops.dlq.encodings import MOST_HOPS, Sheet, decimal, nth, places, positive, text
from eventops.dlq.encodings import NAME_CHARACTERS as NAME
from eventops.dlq.failure import Hop
from eventops.dlq.family import Family, Telling

_CONNECT: Final = "__connect.errors."
_STREAMS: Final = "__streams.errors."
_SHARE: Final = "__dlq.errors."


def connect_telling(_names: Collection[str]) -> Telling:
    """Newest last. The exception is Connect's wrapper: the root cause is only in the stack trace."""
    return Telling(
        exception=_CONNECT + "exception.class.name",
        message=_CONNECT + "exception.message",
        stack=_CONNECT + "exception.stacktrace",
        part=_CONNECT + "stage",
    )


def connect_group(sheet: Sheet) -> str | None:
    """A sink's consumer group is its connector's name after ``connect-``."""
    name = sheet.name(_CONNECT + "connector.name")
    return f"connect-{name}" if name else None


def connect_path(sheet: Sheet) -> tuple[Hop, ...]:
    """A null message is a null header, so the n-th of each header belong together."""
    names = sheet.all(_CONNECT + "connector.name")[-MOST_HOPS:]
    groups = [f"connect-{name}" if (name := text(raw, NAME)) else None for raw in names]
    return _hops(sheet, _CONNECT, "exception.class.name", "exception.message", groups)


def streams_telling(_names: Collection[str]) -> Telling:
    """Newest last."""
    return Telling(exception=_STREAMS + "exception", message=_STREAMS + "message", stack=_STREAMS + "stacktrace")


def streams_path(sheet: Sheet) -> tuple[Hop, ...]:
    """A punctuator has no record: topic and partition are null, the offset is -1."""
    return _hops(sheet, _STREAMS, "exception", "message", ())


def share_telling(_names: Collection[str]) -> Telling:
    """No exception: the broker knows only that the client rejected it, or how often it was delivered."""
    return Telling(message=_SHARE + "message")


def share_group(sheet: Sheet) -> str | None:
    """The share group."""
    return sheet.name(_SHARE + "group")


def share_path(sheet: Sheet) -> tuple[Hop, ...]:
    """The source's own headers are never copied, so there is one hop. The topic may be a topic id."""
    topic, at = (places(sheet, _SHARE, decimal, decimal) or [(None, None)])[-1]
    return (Hop(topic=topic, position=at, group=share_group(sheet), attempts=share_attempts(sheet)),)


def share_attempts(sheet: Sheet) -> int | None:
    """How often the broker delivered it."""
    return positive(decimal(sheet.last.get(_SHARE + "delivery.count")))


def _hops(sheet: Sheet, prefix: str, kind: str, message: str, groups: Sequence[str | None]) -> tuple[Hop, ...]:
    kinds = sheet.all(prefix + kind)[-MOST_HOPS:]
    messages = sheet.all(prefix + message)[-MOST_HOPS:]
    found = places(sheet, prefix, decimal, decimal)
    found += [(None, None)] * (max(len(kinds), len(messages), 1) - len(found))
    return tuple(
        Hop(
            topic=topic,
            position=at,
            group=groups[index] if index < len(groups) else None,
            exception_class=text(nth(kinds, index), NAME),
            message=text(nth(messages, index), MESSAGE),
        )
        for index, (topic, at) in enumerate(found)
    )


CONNECT: Final = Family(
    "kafka-connect",
    marks=frozenset(_CONNECT + name for name in ("topic", "connector.name", "stage", "exception.class.name")),
    telling=connect_telling,
    path=connect_path,
    group=connect_group,
    group_header=_CONNECT + "connector.name",
    writes=(_CONNECT + "*",),
)
STREAMS: Final = Family(
    "kafka-streams",
    marks=frozenset(_STREAMS + name for name in ("exception", "topic", "message", "stacktrace")),
    telling=streams_telling,
    path=streams_path,
    may_be_bare=True,
    writes=(_STREAMS + "*",),
)
SHARE: Final = Family(
    "share-group",
    marks=frozenset(_SHARE + name for name in ("topic", "group", "delivery.count", "message")),
    telling=share_telling,
    path=share_path,
    group=share_group,
    group_header=_SHARE + "group",
    attempts=share_attempts,
    may_be_bare=True,
    writes=(_SHARE + "*",),
)
