"""What a filter means: pure, so that it is the same on every table."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

_MOST_REPEATS: Final = 3
_REPEATS: Final = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\d*\})")
_REPEATED_GROUP: Final = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})")


def matcher(needle: str) -> Callable[[Sequence[str]], bool]:
    r"""Whether a row's cells are wanted: one of them holds the text or matches it as a regular expression, in whatever
    case; ``!`` in front turns it round.

    >>> rows = [("orders-dlt", "12"), ("users-dlt", "7")]
    >>> [row[0] for row in rows if matcher("ORD")(row)], [row[0] for row in rows if matcher("!ord")(row)]
    (['orders-dlt'], ['users-dlt'])
    >>> [row[0] for row in rows if matcher("^(users|notes)-")(row)]
    ['users-dlt']
    >>> [matcher(text)(("any",)) for text in ("", "!", "(unclosed")]
    [True, True, False]
    """
    is_inverse = needle.startswith("!")
    wanted = needle.removeprefix("!").casefold()
    if not wanted:
        return lambda _cells: True
    pattern = _compiled(needle.removeprefix("!"))

    def holds(cell: str) -> bool:
        return wanted in cell.casefold() or (pattern is not None and pattern.search(cell) is not None)

    return lambda cells: any(map(holds, cells)) is not is_inverse


def _compiled(text: str) -> re.Pattern[str] | None:
    """None: taken as plain text, because it is no expression, or one that could search for minutes.

    >>> _compiled("(a+)+$"), _compiled("a*b*c*d*"), _compiled("[")
    (None, None, None)
    >>> _compiled("^order.*dlt$") is not None
    True
    """
    if _REPEATED_GROUP.search(text) or len(_REPEATS.findall(text)) > _MOST_REPEATS:
        return None
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None
