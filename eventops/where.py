"""Conditions on records, in CEL (cel.dev): a language without side effects, loops or an end that doesn't come.

A condition may use ``key``, ``value`` (JSON objects and arrays as such, else text, else bytes; null: none), ``headers``
(the last of a name), ``topic``, ``partition``, ``offset`` and ``timestamp``; a room may add what it knows of a record.

The library ends texts and ``bytes`` at a zero (0.1.3): zeros in texts are handed over as U+2400, bytes as
``bytearray``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Self

from eventops.errors import UsageError
from eventops.events import Record, header_text, json_body

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ZERO: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class Where:
    """One condition. ``unjudged`` counts records that it couldn't be applied to (a field that isn't there, …)."""

    def __init__(self, text: str, program: Any) -> None:
        self.text = text
        self.unjudged = 0
        self.reason: str | None = None
        """Why the last of them couldn't."""
        self._program = program

    @classmethod
    def of(cls, text: str, fields: Mapping[str, str] = _NOTHING) -> Self:
        """``fields`` are names that may be used besides, each with its CEL type: ``STRING``, ``INT``, or ``DYN`` for
        what may be null or of any type.

        >>> from eventops.events import Position
        >>> record = Record(Position("orders", 0, 7), None, None, b'{"total": 250.5}')
        >>> Where.of('value.total > 100 && topic == "orders"').matches(record)
        True

        Raises:
            UsageError: it isn't CEL, names what isn't there, or its answer is no truth value.
        """
        from cel_expr_python import cel

        try:
            program = _environment(cel, fields).compile(text)
        except (RuntimeError, ValueError) as error:
            raise UsageError(f"--where isn't a condition in CEL: {_pointed(_told(error), text)}", _EXAMPLE) from error
        if program.return_type().name() not in ("BOOL", "DYN"):
            raise UsageError(f"--where {text!r} isn't true or false, it is a value", remedy=_EXAMPLE)
        return cls(text, program)

    def matches(self, record: Record, facts: Mapping[str, Any] = _NOTHING) -> bool:
        """Whether it holds for the record, ``facts`` being the values of the added fields; it doesn't where it can't be
        applied."""
        at = record.position
        known = {
            "key": _value(record.key),
            "value": _value(record.value),
            "headers": {_text(name): _text(header_text(value)) for name, value in record.headers},
            "topic": at.topic,
            "partition": at.partition,
            "offset": at.offset,
            **{name: _text(fact) if isinstance(fact, str) else fact for name, fact in facts.items()},
        }
        if record.timestamp is not None:
            known["timestamp"] = record.timestamp
        try:
            answer = self._program.eval(data=known).value()
        except (RuntimeError, ValueError, OverflowError) as error:
            answer = str(error)
        if isinstance(answer, bool):
            return answer
        self.unjudged += 1
        self.reason = _told(answer)
        return False


_FAULT: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_REST: Final = 30
"""Characters of the text that are quoted from a fault on."""
_FAULTS: Final = (
    (re.compile(r"^Syntax error: "), ""),
    (re.compile(r" expecting (?:\{.*\}|'\S+'|<EOF>|[A-Z]\w*)$"), ""),
    (re.compile(r"^(?:mismatched input|no viable alternative at input) '.*<EOF>'$"), "it ends too early"),
    (re.compile(r"^no viable alternative at input '.*'$"), "it can't go on like this"),
    (re.compile(r"^(missing .*) at '<EOF>'$"), r"\1"),
    (re.compile(r"^(?:mismatched|extraneous) input ('.*')$"), r"\1 isn't expected here"),
    (re.compile(r"^token recognition error at: ('.*')$"), r"\1 can't be read"),
    (re.compile(r"^undeclared reference to ('.*') \(in container ''\)$"), r"there is no \1"),
)
"""What the library says of a fault, and in which words it is told."""
_NO_FIELDS: Final = "Applying SELECT to non-message type"
_EXAMPLE: Final = """write it as in 'value.total > 100 && headers["ce_type"].startsWith("order.")'"""


def _told(answer: object) -> str:
    """What the library says, without the names of its codes.

    >>> _told("INVALID_ARGUMENT: Applying SELECT to non-message type")
    'a field is asked of a value that has no fields'
    """
    said = str(answer).strip().removeprefix("INVALID_ARGUMENT: ").removesuffix("[INVALID_ARGUMENT]").strip()
    return "a field is asked of a value that has no fields" if said.startswith(_NO_FIELDS) else said


def _pointed(said: str, text: str) -> str:
    """The first fault, in a line, with its place in the text that was typed: columns count characters from 1 on.

    >>> _pointed("ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')", "true && nope")
    "column 5, at '&& nope': there is no 'nope'"
    """
    found = _FAULT.search(said)
    if found is None:
        return said
    line, column, fault = int(found[1]), int(found[2]), found[3]
    for pattern, words in _FAULTS:
        fault = pattern.sub(words, fault)
    lines = text.split("\n")
    rest = lines[line - 1][column - 1 :].strip() if line <= len(lines) else ""
    place = f"column {column}" if len(lines) == 1 else f"line {line}, column {column}"
    at = f", at {rest if len(rest) <= _REST else rest[:_REST] + '…'!r}" if rest else ""
    return f"{place}{at}: {fault}"


def _environment(cel: Any, fields: Mapping[str, str]) -> Any:
    kinds = cel.Type
    return cel.NewEnv(
        variables={
            "key": kinds.DYN,
            "value": kinds.DYN,
            "headers": kinds.Map(kinds.STRING, kinds.DYN),
            "topic": kinds.STRING,
            "partition": kinds.INT,
            "offset": kinds.INT,
            "timestamp": kinds.TIMESTAMP,
            **{name: getattr(kinds, kind) for name, kind in fields.items()},
        }
    )


def _value(raw: bytes | None) -> Any:
    if raw is None:
        return None
    body = json_body(raw)
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            document = json.loads(_ZERO.sub(rb"\1\\u2400", body))
            return _whole(document) if _HALF.search(body) else document
        except (ValueError, RecursionError):
            pass
    try:
        return _text(raw.decode())
    except UnicodeDecodeError:
        return bytearray(raw)


def _whole(value: Any) -> Any:
    """The same without halves of surrogate pairs, which JSON may escape and CEL has no place for."""
    match value:
        case str():
            return _text(value)
        case list():
            return [_whole(one) for one in value]
        case dict():
            return {_text(name): _whole(one) for name, one in value.items()}
    return value


def _text(text: str | None) -> str | None:
    """Lone surrogates have no place in CEL's strings, zeros none in the library's."""
    return None if text is None else text.encode("utf-8", "replace").decode().replace("\0", "\u2400")
