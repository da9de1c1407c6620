"""What a context adds to the dead-letter conventions, read and checked. Pure. In ``contexts.toml``::

[contexts.prod."eventops.dlq"]
topics = ["failed-*"]                  # more topics that hold letters
hidden = ["deadline-dlq-test"]         # topics that never do
own-code = ["com.acme.", "acme/"]      # prefixes of classes, parts of paths: the frames that are ours
groups = { "dead-letter-topic-*" = "billing" }    # who fails into it, where letters don't say

[[contexts.prod."eventops.dlq".messages]]         # before the built-in rules: what differs from letter to letter
pattern = 'tenant \\w+'
replace = "tenant <tenant>"

[[contexts.prod."eventops.dlq".families]]         # a convention of your own: which header says what; when a letter
name = "acme"                                     # is put back, all of these headers are taken off
topics = ["*-errors"]                  # optional: every record of these is such a letter
order = "newest-last"                  # or "newest-first", where headers are repeated
numbers = "text"                       # or "binary": big endian, 4 or 8 bytes
topic = "x-source-topic"
partition = "x-source-partition"
offset = "x-source-offset"
timestamp = "x-source-time"            # milliseconds since 1970
group = "x-group"
exception = "x-error-class"
cause = "x-error-root-class"
message = "x-error"
stack = "x-error-stack"
attempts = "x-attempts"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eventops.config import ConfigurationError
from eventops.dlq.causes import Causes
from eventops.dlq.encodings import MOST_HOPS, Sheet, decimal, i32, i64, nth, position, positive, topic_name
from eventops.dlq.failure import Failure, Hop
from eventops.dlq.families import Conventions
from eventops.dlq.family import Family, Telling
from eventops.events import Reader, moment_of, read_event

KEY: Final = "dlq"
"""The setting's name, after ``eventops.``."""
_NAMES: Final = frozenset(("topics", "hidden", "own-code", "groups", "messages", "families"))
ROLES: Final = (
    "topic",
    "partition",
    "offset",
    "timestamp",
    "group",
    "exception",
    "cause",
    "message",
    "stack",
    "attempts",
)
"""What a header of a declared family may say."""
_ORDERS: Final = ("newest-last", "newest-first")
_NUMBERS: Final = ("text", "binary")


def conventions(settings: Mapping[str, Any], read: Reader = read_event) -> Conventions:
    """The conventions of a context with those settings; ``read`` reads its events.

    Raises:
        ConfigurationError: a name that isn't known, a value of another kind, or a pattern that isn't one.
    """
    told = settings.get(KEY, {})
    if not isinstance(told, Mapping):
        raise _wrong("it must be a table")
    if unknown := sorted(set(told) - _NAMES):
        raise _wrong(f"{unknown[0]} isn't known; known are {', '.join(sorted(_NAMES))}")
    return Conventions(
        declared=[_family(table) for table in _tables(told, "families")],
        causes=Causes(_texts(told, "own-code"), tuple(map(_message_rule, _tables(told, "messages")))),
        groups=_groups(told.get("groups", {})),
        topics=_texts(told, "topics"),
        hidden=_texts(told, "hidden"),
        read=read,
    )


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(f"eventops.{KEY}: {why}")


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise _wrong(f'{name} must be a list of texts, as in ["failed-*"]')
    return tuple(found)


def _tables(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise _wrong(f"{name} must be tables, as in [[...{name}]]")
    return found


def _groups(table: object) -> list[tuple[str, str]]:
    if not isinstance(table, Mapping) or not all(isinstance(group, str) for group in table.values()):
        raise _wrong('groups must be a table, as in { "orders-dlt" = "billing" }')
    return list(table.items())


def _message_rule(table: Mapping[str, Any]) -> tuple[re.Pattern[str], str]:
    looks, word = table.get("pattern"), table.get("replace", "<it>")
    if set(table) - {"pattern", "replace"} or not isinstance(looks, str) or not isinstance(word, str):
        raise _wrong("a message rule has a pattern and what replaces it")
    try:
        pattern = re.compile(looks)
        re.sub(pattern, word, "")
        stays = pattern.sub(word, word) if pattern.groups == 0 else word
    except (re.error, IndexError) as error:
        raise _wrong(f"the pattern {looks!r} isn't a regular expression ({error})") from error
    if stays != word or pattern.search(""):
        raise _wrong(f"the pattern {looks!r} also fits what replaces it, or nothing: every message would change again")
    return pattern, word


def _family(table: Mapping[str, Any]) -> Family:
    name = table.get("name")
    if not isinstance(name, str) or not name:
        raise _wrong("a family needs a name")
    if unknown := sorted(set(table) - {"name", "topics", "order", "numbers", *ROLES}):
        raise _wrong(f"family {name}: {unknown[0]} isn't known; known are {', '.join(ROLES)}, topics, order, numbers")
    headers = {role: table[role] for role in ROLES if role in table}
    topics = _texts(table, "topics")
    order, numbers = table.get("order", _ORDERS[0]), table.get("numbers", _NUMBERS[0])
    if order not in _ORDERS or numbers not in _NUMBERS or not all(isinstance(one, str) for one in headers.values()):
        raise _wrong(f"family {name}: headers are named by texts, order is {_ORDERS}, numbers are {_NUMBERS}")
    marks = frozenset(headers[role] for role in ("topic", "exception", "cause", "message", "stack") if role in headers)
    if not marks and not topics:
        raise _wrong(f"family {name}: it needs a header for topic, exception, cause, message or stack, or topics")
    reads = _Declared(headers, order == _ORDERS[1], _binary if numbers == _NUMBERS[1] else decimal)
    return Family(
        name,
        marks,
        telling=None if reads.newest_first else lambda _names: reads.telling,
        reads=reads.failure,
        path=reads.path,
        group=reads.group,
        group_header=headers.get("group", ""),
        attempts=reads.attempts,
        newest_first=reads.newest_first,
        topics=topics,
        writes=tuple(headers.values()),
    )


@dataclass(frozen=True, slots=True)
class _Declared:
    """Reads what the context says of a family's headers; where they are repeated, the n-th of each belong together."""

    headers: Mapping[str, str]
    newest_first: bool
    number: Callable[[bytes | None], int | None]

    @property
    def telling(self) -> Telling:
        """The headers that say why."""
        exception, cause, message, stack = map(self._header, ("exception", "cause", "message", "stack"))
        return Telling(exception, cause, message, stack)

    def failure(self, sheet: Sheet) -> Failure:
        """The newest of each."""
        return self.telling.failure(self._latest(sheet))

    def path(self, sheet: Sheet) -> tuple[Hop, ...]:
        """Oldest first."""
        hops = _path(sheet, self.headers, self.number)
        return tuple(reversed(hops)) if self.newest_first else tuple(hops)

    def group(self, sheet: Sheet) -> str | None:
        """The newest."""
        return self._latest(sheet).name(self._header("group"))

    def attempts(self, sheet: Sheet) -> int | None:
        """The newest."""
        return positive(self.number(self._latest(sheet).last.get(self._header("attempts"))))

    def _header(self, role: str) -> str:
        return self.headers.get(role, "")

    def _latest(self, sheet: Sheet) -> Sheet:
        if not self.newest_first:
            return sheet
        return Sheet(sheet.record, {name: sheet.record.first_header(name) for name in self.headers.values()})


def _path(sheet: Sheet, headers: Mapping[str, str], number: Callable[[bytes | None], int | None]) -> list[Hop]:
    roles = ("topic", "partition", "offset", "timestamp")
    values = {role: sheet.all(headers[role])[-MOST_HOPS:] if role in headers else [] for role in roles}
    hops = []
    for index in range(max(1, *(len(found) for found in values.values()))):
        topic, partition, offset, when = (nth(values[role], index) for role in roles)
        name = topic_name(topic)
        hops.append(Hop(name, position(name, number(partition), number(offset)), moment_of(number(when))))
    return hops


def _binary(raw: bytes | None) -> int | None:
    return i32(raw) if raw is not None and len(raw) == 4 else i64(raw)
