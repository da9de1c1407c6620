"""JSON laid out for people, without reading anything into it."""

from __future__ import annotations

import json
import re
from typing import Final

_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def indented(document: str) -> str:
    """Valid JSON on many lines, each number, name and text as its writer wrote it: ``1.10`` is no ``1.1``, ``1e400`` no
    infinity, and a name that stands twice stays twice.

    >>> print(indented('{"price":1.10,"none":[],"of":[1e400]}'))
    {
      "price": 1.10,
      "none": [],
      "of": [
        1e400
      ]
    }

    Raises:
        ValueError: it is no JSON, or more deeply nested than Python reads.
    """
    try:
        json.loads(document)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    depth, before = 0, ""
    parts: list[str] = []
    for part in _PART.findall(document):
        is_end = part in ("}", "]")
        depth -= is_end
        opened = before in ("{", "[")
        is_on_a_new_line = not opened if is_end else opened or before == ","
        parts.append(("\n" + "  " * depth if is_on_a_new_line else "") + part + (" " if part == ":" else ""))
        depth += part in ("{", "[")
        before = part
    return "".join(parts)
