"""What a filter means: pure, so that it is the same on every table."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Final

_MOST_REPEATS: Final = 3
_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_REPEATS: Final = re.compile(r"[*+]|(?<!\()\?|\{\d*,\d*\}")
_LONGEST: Final = (sys.maxsize, 2_000, 300, 300)
"""Characters of a text that an expression is looked for in, by how often it repeats something."""
_REPEATED_GROUP: Final = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})")


def matcher(needle: str) -> Callable[[Iterable[str]], bool]:
    r"""Whether a row's texts are wanted: one of them holds the needle or matches it as a regular expression, in
    whatever case; ``!`` in front turns it round. They are looked at one after the other, as far as it takes.

    >>> rows = [("orders-dlt", "12"), ("users-dlt", "7")]
    >>> [row[0] for row in rows if matcher("ORD")(row)], [row[0] for row in rows if matcher("!ord")(row)]
    (['orders-dlt'], ['users-dlt'])
    >>> [row[0] for row in rows if matcher("^(users|notes)-")(row)]
    ['users-dlt']
    >>> [matcher(text)(("any",)) for text in ("", "!", "(unclosed")]
    [True, True, False]
    """
    if not needle.removeprefix("!"):
        return lambda _texts: True
    find, is_inverse = finder(needle), needle.startswith("!")
    return lambda texts: any(find(text) is not None for text in texts) is not is_inverse


def finder(needle: str) -> Callable[[str], range | None]:
    """Where a text holds what is wanted (or, after ``!``, what isn't): which characters. An expression that repeats
    something is looked for in the beginning of long texts alone: it could take minutes in a megabyte.

    >>> find = finder("B.?D")
    >>> find("abcd"), find("abd b.?d"), find("ab")
    (range(1, 4), range(4, 8), None)
    >>> finder("ST")("Strasse und Straße"), finder("SS")("Straße")
    (range(0, 2), range(0, 6))
    """
    wanted = needle.removeprefix("!")
    folded, plain = wanted.casefold(), re.compile(re.escape(wanted), re.IGNORECASE)
    pattern = _compiled(wanted)
    most = _LONGEST[min(_repeats(wanted), _MOST_REPEATS)]

    def find(text: str) -> range | None:
        if folded in text.casefold():
            found = plain.search(text)
            return range(*found.span()) if found is not None else range(len(text))  # folding made it longer
        found = pattern.search(text, 0, most) if pattern is not None else None
        return range(*found.span()) if found is not None else None

    return find


def _compiled(text: str) -> re.Pattern[str] | None:
    r"""None: taken as plain text, because it is no expression, or one that could search for minutes.

    >>> _compiled("(a+)+$"), _compiled("a*b*c*d*"), _compiled("[")
    (None, None, None)
    >>> _compiled("a?" * 28 + "a" * 37), _compiled(r"\\*\\*\\*\\*z")
    (None, None)
    >>> _compiled("^order.*dlt$") is not None, _compiled(r"(?:a|b)[?]\*") is not None
    (True, True)
    """
    if _REPEATED_GROUP.search(text) or _repeats(text) > _MOST_REPEATS:
        return None
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None


def _repeats(text: str) -> int:
    """How often an expression repeats something, or may leave it out, which takes as many ways."""
    return len(_REPEATS.findall(_ESCAPED.sub("", text)))
