"""What counting needs of a letter, for a fraction of the time that decoding it takes: of many letters most differ in
ids alone, so that what follows from headers' names, from a stack trace's frames or from a message's shape is found out
once. Pure; :meth:`Skimmer.tell` says the same as :meth:`~eventops.dlq.families.Conventions.brief`.

Everything that is remembered is bounded; what doesn't fit what is remembered is read in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from json.decoder import JSONDecoder
from typing import Final, TypeVar

from eventops.dlq.causes import CAUSED_BY, DOTNET_INNER, ONE_DIGIT, READ_CHARACTERS, class_and_message, root_of
from eventops.dlq.encodings import MESSAGE_CHARACTERS, NAME_CHARACTERS, STACK_CHARACTERS, Sheet, stack_text, text
from eventops.dlq.failure import UNKNOWN_CAUSE, Cause, Failure
from eventops.dlq.families import Conventions
from eventops.dlq.family import Family, Telling
from eventops.events import CE_TYPE, REPLAY_ID, Position, Record, header_pairs, header_text, moment_of
from eventops.ports import Plain

Told = tuple[Cause, str | None, str | None, bool]
"""Cause, consumer group, event type, and whether it comes from a replay."""

_Said = tuple[Callable[[str | None], str | None], bytes, bytes | None, str | None, bytes | None]
"""How the message is taken out of its header, classes, frame, and the header with all digits alike."""

_MOST: Final = 4_096
_MOST_SHAPES: Final = 128
_MOST_SECTIONS: Final = 8
"""Stack traces' last sections that are tried, of letters with the same headers."""

_ONE_DIGIT: Final = bytes.maketrans(b"123456789", b"000000000")
_CAUSED_BY: Final = CAUSED_BY.encode()
_DOTNET_INNER: Final = DOTNET_INNER.encode()

Key = TypeVar("Key")
Value = TypeVar("Value")


def record_of(letter: Plain) -> Record:
    """The record in full."""
    home, offset, milliseconds, key, value, headers = letter
    at = Position(home.topic, home.partition, offset)
    return Record(at, moment_of(milliseconds), key, value, header_pairs(headers))


@dataclass(slots=True)
class _Section:
    """The end of stack traces: what follows the last exception's line, and its first frame of our own code."""

    raw: bytes
    frame: str | None
    is_whole: bool
    """There is no ``Caused by``: it follows the first line."""


@dataclass(slots=True)
class _Shape:
    """What follows from a topic and the names of a record's headers. Numbers are those of headers, -1: there is none.
    ``telling`` None: the letter has to be read in full."""

    telling: Telling | None
    exception: int
    cause: int
    message: int
    stack: int
    group: int
    replay: int
    event_type: int
    has_types: bool
    known: tuple[Family, ...]
    groups: dict[bytes | None, str | None] = field(default_factory=dict)
    sections: list[_Section] = field(default_factory=list)


class Skimmer:
    """Reads letters of one reading, one after another; not for several threads."""

    def __init__(self, conventions: Conventions) -> None:
        self._conventions = conventions
        self._shapes: dict[tuple[str, tuple[str, ...]], _Shape] = {}
        self._names: dict[bytes | None, str | None] = {None: None}
        self._patterns: dict[str, str] = {}
        self._lines: dict[tuple[bytes, bytes | None, str | None, bytes], Cause] = {}
        self._messages: dict[_Said, Cause] = {}
        self._causes: dict[tuple[str | None, str | None, str | None], Cause] = {}
        self._by_digits = not conventions.causes.more

    def tell(self, letter: Plain) -> Told:
        """What counting needs of it."""
        headers = letter[5]
        names, values = zip(*headers, strict=True) if headers else ((), ())
        topic = letter[0].topic
        shape = self._shapes.get((topic, names)) or self._new_shape(letter, topic, names)
        is_again = shape.replay >= 0 and bool(values[shape.replay])
        if shape.telling is None:
            brief = self._conventions.brief(record_of(letter))
            return brief.cause, brief.group, brief.event_type, is_again
        cause = self._cause(shape, shape.telling, values)
        return cause, self._group(shape, letter, values), self._event_type(shape, letter, values), is_again

    def _group(self, shape: _Shape, letter: Plain, values: Sequence[bytes | None]) -> str | None:
        raw = values[shape.group] if shape.group >= 0 else None
        if raw in shape.groups:
            return shape.groups[raw]
        group = self._conventions.group_of(Sheet.of(record_of(letter)), shape.known)
        return _remember(shape.groups, raw, group) if raw is None or len(raw) <= NAME_CHARACTERS else group

    def _new_shape(self, letter: Plain, topic: str, names: tuple[str, ...]) -> _Shape:
        known = self._conventions.known(Sheet.of(record_of(letter)))
        last = {name: number for number, name in enumerate(names)}
        telling = Telling() if not known else known[0].telling(last) if known[0].telling else None
        told = telling or Telling()
        shape = _Shape(
            telling=telling,
            exception=last.get(told.exception, -1) if told.exception else -1,
            cause=last.get(told.cause, -1) if told.cause else -1,
            message=last.get(told.message, -1) if told.message else -1,
            stack=last.get(told.stack, -1) if told.stack else -1,
            group=last.get(known[0].group_header, -1) if known and known[0].group_header else -1,
            replay=last.get(REPLAY_ID, -1),
            event_type=last.get(CE_TYPE, -1),
            has_types=self._conventions.may_have_type(last),
            known=known,
        )
        return _remember(self._shapes, (topic, names), shape, _MOST_SHAPES)

    def _cause(self, shape: _Shape, telling: Telling, values: Sequence[bytes | None]) -> Cause:
        raw = values[shape.stack] if shape.stack >= 0 else None
        if not raw:
            return self._known_cause(shape, telling, values, None, None, None)
        for section in shape.sections:
            if not raw.endswith(section.raw):
                continue
            end = len(raw) - len(section.raw)
            start = raw.rfind(_CAUSED_BY, 0, end)
            if section.is_whole == (start >= 0) or end <= 0 or len(raw) > STACK_CHARACTERS:
                continue
            line = raw[start + len(_CAUSED_BY) : end] if start >= 0 else raw[:end]
            if b"\n" in line or not raw[:end].isascii():
                continue
            if start < 0:
                if _DOTNET_INNER in line:
                    continue
                return self._known_cause(shape, telling, values, None, None, section.frame)
            return self._cause_of_line(shape, telling, values, line, section.frame)
        return self._read_cause(shape, telling, values, raw)

    def _cause_of_line(
        self, shape: _Shape, telling: Telling, values: Sequence[bytes | None], line: bytes, frame: str | None
    ) -> Cause:
        """By what follows ``Caused by``, which differs from letter to letter in the message, and there in ids."""
        named = values[shape.cause] if shape.cause >= 0 else None
        kind, _, said = line.partition(b": ")
        key = (kind, named, frame, said.translate(_ONE_DIGIT))
        if (found := self._lines.get(key)) is not None:
            return found
        told = values[shape.message] if shape.message >= 0 else None
        other = (telling.inner, kind, named, frame, told.translate(_ONE_DIGIT) if told else told)
        if (found := self._messages.get(other)) is not None:
            return found
        known = class_and_message(line.decode("ascii"))
        cause = self._known_cause(shape, telling, values, *known, frame)
        if self._by_digits and self._is_none_of_it(known[0], named, told):
            return _remember(self._messages, other, cause)
        is_short = len(said) < READ_CHARACTERS and len(named or b"") <= NAME_CHARACTERS
        if self._by_digits and is_short and self._is_all_of_it(kind, named, said):
            _remember(self._lines, key, cause)
        return cause

    def _is_none_of_it(self, known: str | None, named: bytes | None, told: bytes | None) -> bool:
        """Whether class and message come from the headers alone: they name another class than the line does."""
        if (name := self._name(named)) is None or len(named or b"") > NAME_CHARACTERS:
            return False
        is_another = known is None or name.rpartition(".")[2] != known.rpartition(".")[2]
        return is_another and (told is None or (len(told) < READ_CHARACTERS and told.isascii()))

    def _is_all_of_it(self, kind: bytes, named: bytes | None, said: bytes) -> bool:
        """Whether class and message come from the line alone: the framework names none, or the same class."""
        known, told = class_and_message(f"{kind.decode('ascii')}: {said.decode('ascii')}")
        if known is None or told is None:
            return False
        name = self._name(named)
        return name is None or name.rpartition(".")[2] == known.rpartition(".")[2]

    def _known_cause(
        self,
        shape: _Shape,
        telling: Telling,
        values: Sequence[bytes | None],
        kind: str | None,
        said: str | None,
        frame: str | None,
    ) -> Cause:
        """By class and message of the innermost exception, which the stack trace told, and by the headers."""
        kind, said = root_of(self._failure(shape, telling, values), kind, said)
        pattern = self._pattern(said) if said else None
        found = self._causes.get((kind, frame, pattern))
        if found is None:
            cause = Cause(kind or pattern or UNKNOWN_CAUSE, frame, pattern)
            found = _remember(self._causes, (kind, frame, pattern), cause)
        return found

    def _read_cause(self, shape: _Shape, telling: Telling, values: Sequence[bytes | None], raw: bytes) -> Cause:
        """By the whole stack trace; its end is remembered where that has a frame of our own code."""
        failure = replace(self._failure(shape, telling, values), stack=stack_text(raw))
        if len(raw) <= STACK_CHARACTERS and raw.isascii() and (section := self._section(raw)) is not None:
            shape.sections.insert(0, section)
            del shape.sections[_MOST_SECTIONS:]
        return self._conventions.causes.cause(failure)

    def _failure(self, shape: _Shape, telling: Telling, values: Sequence[bytes | None]) -> Failure:
        said = text(values[shape.message], MESSAGE_CHARACTERS) if shape.message >= 0 else None
        return Failure(
            self._name(values[shape.exception]) if shape.exception >= 0 else None,
            self._name(values[shape.cause]) if shape.cause >= 0 else None,
            telling.inner(said) if said is not None else None,
        )

    def _section(self, raw: bytes) -> _Section | None:
        start = raw.rfind(_CAUSED_BY)
        first = raw.find(b"\n", max(start, 0) + 1)
        if first < 0 or (start < 0 and _DOTNET_INNER in raw):
            return None
        end = raw[first:]
        frame = self._conventions.causes.first_own(end.decode("ascii"))
        return _Section(end, frame, start < 0) if frame else None

    def _pattern(self, said: str) -> str:
        if not self._by_digits:
            return self._conventions.causes.normalised(said)
        shape = said[:READ_CHARACTERS].translate(ONE_DIGIT)
        found = self._patterns.get(shape)
        return _remember(self._patterns, shape, self._conventions.causes.normalised(said)) if found is None else found

    def _name(self, raw: bytes | None) -> str | None:
        if raw in self._names:
            return self._names[raw]
        name = text(raw, NAME_CHARACTERS)
        return _remember(self._names, raw, name) if raw is None or len(raw) <= NAME_CHARACTERS else name

    def _event_type(self, shape: _Shape, letter: Plain, values: Sequence[bytes | None]) -> str | None:
        """See :meth:`~eventops.dlq.families.Conventions.event_type`."""
        value = letter[4]
        if not self._conventions.reads_plainly:
            pass
        elif value:
            if value[:1] == b"{" and (found := _own_type(value)):
                return found
        elif raw := values[shape.event_type] if shape.event_type >= 0 else None:
            return header_text(raw)
        elif not shape.has_types:
            return None
        return self._conventions.event_type(Sheet.of(record_of(letter)))


def _own_type(value: bytes) -> str | None:
    """What a JSON object's own field says, None where that isn't plain."""
    try:
        body = value.decode()
        document, end = _PARSE(body)
    except (ValueError, RecursionError):
        return None
    found = document.get("eventType")
    return found if isinstance(found, str) and "specversion" not in document and end == len(body) else None


_PARSE: Final = JSONDecoder().raw_decode


def _remember(known: dict[Key, Value], key: Key, value: Value, most: int = _MOST) -> Value:
    if len(known) >= most:
        known.clear()
    known[key] = value
    return value
