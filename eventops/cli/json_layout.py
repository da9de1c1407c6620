"""JSON as it is printed: fast, readable in any script, and nothing that a terminal obeys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

OBEYED: Final = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal would obey or show as something else, beside what JSON escapes by itself."""

_TIGHT: Final = (",", ":")
_BOUNDARY: Final = b"}, {"
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def json_line(document: Mapping[str, Any]) -> str:
    """A document on one line, as NDJSON has it."""
    return json_text(document, tight=True)


def json_text(document: Any, *, tight: bool = False) -> str:
    """JSON that reads well in any script and that a terminal doesn't obey: C1 controls, direction overrides and lone
    surrogates stay escaped, which is the same JSON. A figure that isn't a number is null: JSON knows no NaN."""
    import msgspec

    try:
        data = msgspec.json.encode(document)
        text = (data if tight else msgspec.json.format(data, indent=0)).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 can't hold
        text = json.dumps(msgspec.to_builtins(document), ensure_ascii=False, separators=_TIGHT if tight else None)
    return _shown(text)


def _shown(text: str) -> str:
    if text.isascii() and "\x7f" not in text:
        return text
    return OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def laid_out(value: Any, margin: str = "") -> Iterator[str]:
    """JSON in pieces: what holds lists or objects takes a line for each of its parts, what doesn't takes one line. A
    callable stands for what is known only when it is its turn.

    >>> print("".join(laid_out({"a": [{"b": 1, "c": None}, {"b": 2, "c": []}], "d": lambda: 3})))
    {
      "a": [
        {"b": 1, "c": null},
        {"b": 2, "c": []}
      ],
      "d": 3
    }
    """
    if callable(value):
        value = value()
    if isinstance(value, Mapping):
        yield from _object(value, margin) if _has_parts(value.values()) else (json_text(value),)
    elif isinstance(value, Iterable) and not isinstance(value, str) and (not isinstance(value, Sized) or value):
        yield from _array(value, margin)
    else:
        yield json_text(value)


def _object(value: Mapping[str, Any], margin: str) -> Iterator[str]:
    inner, before = f"{margin}  ", "{\n"
    for is_plain, items in groupby(value.items(), lambda item: type(item[1]) in _PLAIN):
        if is_plain:
            yield before + _lines(dict(items), inner)
            before = ",\n"
            continue
        for key, item in items:
            yield f"{before}{inner}{_key(key)}"
            yield from laid_out(item, inner)
            before = ",\n"
    yield f"\n{margin}}}"


def _array(value: Iterable[Any], margin: str) -> Iterator[str]:
    inner, before = f"{margin}  ", "[\n"
    if isinstance(value, list) and (rows := _one_line_each(value, f",\n{inner}")) is not None:
        yield f"[\n{inner}{rows}\n{margin}]"
        return
    for item in value:
        yield before + inner
        yield from laid_out(item, inner)
        before = ",\n"
    yield f"\n{margin}]" if before[0] == "," else "[]"


def _lines(plain: Mapping[str, Any], margin: str) -> str:
    """Keys and plain values, a line each.

    >>> _lines({"a": 1, "b": "{"}, "  ")
    '  "a": 1,\\n  "b": "{"'
    """
    import msgspec

    try:
        return _shown(msgspec.json.format(msgspec.json.encode(plain), indent=len(margin)).decode()[2:-2])
    except UnicodeEncodeError:
        return ",\n".join(f"{margin}{_key(key)}{json_text(value)}" for key, value in plain.items())


@lru_cache(1024)
def _key(name: str) -> str:
    return f"{json_text(name)}: "


def _one_line_each(items: Sequence[Any], between: str) -> str | None:
    """The items' JSON where each is an object that takes one line, which is what a report has thousands of; None where
    one isn't.

    >>> _one_line_each([{"a": 1}, {"b": "{"}], "; "), _one_line_each([{"a": {"b": 1}}], ""), _one_line_each([1], "")
    ('{"a": 1}; {"b": "{"}', None, None)
    """
    import msgspec

    kind = type(items[0])
    if not issubclass(kind, dict | msgspec.Struct) or set(map(type, items)) != {kind}:
        return None
    try:
        together = msgspec.json.format(msgspec.json.encode(items), indent=0)
    except UnicodeEncodeError:
        return None if _nested(items) else between.join(map(json_text, items))
    rows = together[1:-1].split(_BOUNDARY)
    if len(rows) == len(items) and (kind is not dict or (together.count(b"{"), together.count(b"[")) == (len(rows), 1)):
        return _shown((b"}" + between.encode() + b"{").join(rows).decode())
    return None if _nested(items) else between.join(map(json_text, items))


def _nested(items: Sequence[Any]) -> bool:
    """Whether one takes several lines; a struct is a row of plain values."""
    return any(_has_parts(item.values()) for item in items if isinstance(item, dict))


def _has_parts(values: Iterable[Any]) -> bool:
    """Whether one of them is laid out over several lines: whatever is neither a plain value nor empty.

    >>> _has_parts([1, None, "a", []]), _has_parts([{"a": 1}])
    (False, True)
    """
    return not {type(value) for value in values} <= _PLAIN and any(type(v) not in _PLAIN and v for v in values)
