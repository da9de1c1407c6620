"""JSON whose numbers keep the form they were written in: ``1.50``, ``1E2`` and ``-0`` are given back as they stood,
however large or exact they are. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any, Final

MOST_LEVELS: Final = 100
"""How deeply a document may be nested that is taken apart."""
_LOOKAHEAD: Final = 100
"""Elements of a list that are looked through for one that moved to the front because others are gone."""


class Number(Decimal):
    """A number with the text that stood for it."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Number:
        """
        Raises:
            ValueError: no decimal is so large or so small.
        """
        try:
            made = super().__new__(cls, text)
        except InvalidOperation as error:
            raise ValueError(f"{text} can't be kept") from error
        made.text = text
        return made

    def __repr__(self) -> str:
        return self.text

    @property
    def is_a_double(self) -> bool:
        """Whether those who count in doubles give back the same number.

        >>> [Number(text).is_a_double for text in ("1.50", "1E2", "9007199254740993", "0.12345678901234567", "1e999")]
        [True, True, False, False, False]
        """
        if self.text.lstrip("-").isdigit():
            return abs(self) <= 2**53
        return self == Decimal(repr(float(self)))


def loads(text: str | bytes, number: Callable[[str], object] = Number) -> Any:
    """A document with :class:`Number` for its numbers.

    >>> loads('{"a": 1E2, "b": [-0, 1.50]}')
    {'a': 1E2, 'b': [-0, 1.50]}

    Raises:
        ValueError: it isn't JSON, a name stands twice in an object, or it is nested too deeply.
    """
    try:
        found = json.loads(
            text, parse_int=number, parse_float=number, parse_constant=_refuse, object_pairs_hook=_distinct
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if is_too_deep(found):
        raise ValueError("it is nested too deeply")
    return found


def dumps(told: object, indent: int | None = None) -> str:
    """The document as text, in one line or indented.

    >>> dumps(loads('{"a": 1E2, "b": [-0, null], "c": {}}'))
    '{"a":1E2,"b":[-0,null],"c":{}}'
    >>> print(dumps(loads('{"a": [1.50], "b": []}'), indent=2))
    {
      "a": [
        1.50
      ],
      "b": []
    }

    Raises:
        ValueError: there is something in it that isn't JSON, or it is nested too deeply.
    """
    if is_too_deep(told):
        raise ValueError("it is nested too deeply")
    return "".join(_written(told, "" if indent is None else "\n", indent or 0))


def same(one: object, other: object) -> bool:
    """Equality as JSON has it: 1.0 is 1, and true is neither.

    >>> same(loads('[1E2, -0]'), loads('[100, 0.0]')), same(True, Number("1")), same({"a": 1}, {"a": 1, "b": 2})
    (True, False, False)
    """
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def as_before(after: object, before: object) -> object:
    """The document ``after`` a change, with numbers that are still the same, at the same place, as they stood.

    >>> as_before(loads('{"e": 100000000000000000, "n": 0, "x": 2}'), loads('{"n": -0, "e": 1e17, "x": 1E2}'))
    {'e': 1e17, 'n': -0, 'x': 2}
    >>> as_before(loads("[1, 3, 5]"), loads("[1.0, 2.0, 3.0]"))
    [1.0, 3, 5]
    >>> as_before(loads("[1, 3]"), loads("[1.0, 2.0, 3.0]"))
    [1.0, 3.0]
    """
    match after, before:
        case dict(), dict():
            return {name: as_before(value, before[name]) if name in before else value for name, value in after.items()}
        case list(), list() if len(after) == len(before):
            return list(map(as_before, after, before))
        case list(), list():
            return _left_of(after, before)
    return before if isinstance(before, Number) and same(after, before) else after


def is_too_deep(told: object) -> bool:
    """Whether it is nested deeper than what is taken apart here; asked without recursion."""
    level = [told]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _left_of(after: list[Any], before: list[Any]) -> list[object]:
    """Elements that were there already, in their order, where others were put in or taken out."""
    found: list[object] = []
    at = 0
    for one in after:
        index = next(
            (index for index in range(at, min(at + _LOOKAHEAD, len(before))) if same(one, before[index])), None
        )
        found.append(one if index is None else before[index])
        at = at if index is None else index + 1
    return found


def _written(told: object, line: str, indent: int) -> Iterator[str]:
    """``line`` begins a line at this depth; empty: all in one."""
    inner = line + " " * indent
    separator = ": " if line else ":"
    match told:
        case str():
            yield encode_basestring(told)
        case Number():
            yield told.text
        case dict() if told:
            for index, (name, value) in enumerate(told.items()):
                yield ("," if index else "{") + inner + encode_basestring(name) + separator
                yield from _written(value, inner, indent)
            yield line + "}"
        case list() if told:
            for index, value in enumerate(told):
                yield ("," if index else "[") + inner
                yield from _written(value, inner, indent)
            yield line + "]"
        case _:
            yield json.dumps(told, allow_nan=False)


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found
