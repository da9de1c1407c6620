"""What a filter means: pure, so that it is the same on every table."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from eventops.tui.linear import Linear

_MOST_REPEATS: Final = 3
_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_REPEATS: Final = re.compile(r"[*+]|(?<!\()\?|\{\d*,\d*\}")
_LONGEST: Final = (sys.maxsize, 2_000, 300, 300)
"""Characters of a text that Python looks through for an expression, by how often it repeats something."""
_REPEATED_GROUP: Final = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})")
_LAID_OUT: Final = re.compile(r'\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|": ', re.DOTALL)
_PIECE: Final = 8_000
"""Characters in which a place is looked for at once."""


class Finder:
    """What is looked for in texts, in whatever case: a text, or what a regular expression says.

    An expression that repeats something could take minutes in a megabyte, and nothing else would happen meanwhile. So
    Python looks through the beginning of a long text alone, and :class:`Linear` through the rest; for one that could
    take minutes in a line, through all of it."""

    def __init__(self, wanted: str) -> None:
        self._folded = wanted.casefold()
        self._plain = re.compile(_as_laid_out(re.escape(wanted).replace(r":\ ", ": ")), re.IGNORECASE)
        self._is_laid_out = '": ' in wanted
        self._expression = _as_laid_out(wanted)
        self._pattern = _compiled(wanted, self._expression)
        self._is_heavy = self._pattern is None and _is_expression(self._expression)
        self.most = 0 if self._is_heavy else _LONGEST[min(_repeats(wanted), _MOST_REPEATS)]
        """Characters of a text that are looked through where ``holds`` can't tell."""

    def holds(self, text: str) -> bool | None:
        """None: not in the beginning of it, and the rest couldn't be looked through.

        >>> find = Finder("B.?D")
        >>> find.holds("abcd"), find.holds("abd b.?d"), find.holds("ab"), find.holds("a" * 9_999 + "bd")
        (True, True, False, True)
        >>> Finder("b(?=c).*d").holds("a" * 9_999 + "bcd")
        >>> Finder("(bd)+$").holds("abd"), Finder("(bd)+$").holds("abc")
        (True, False)
        >>> Finder("(b(?=d)d)+").holds("abd")
        """
        if self._stands_in(text) is not None:
            return True
        if not self._goes_on_in(text):
            return False
        return self._linear.holds(text) if self._linear is not None else None

    def place(self, text: str) -> range | None:
        """Which characters of a text that holds it; None: they aren't known.

        >>> Finder("B.?D").place("abd b.?d"), Finder("b.?d").place("a" * 9_999 + "bd")
        (range(4, 8), range(9999, 10001))
        >>> Finder("ST").place("Strasse und Straße"), Finder("SS").place("Straße")
        (range(0, 2), range(0, 6))
        >>> Finder("(bd)+").place("a" * 9_999 + "bd" + "a" * 9_999)
        range(9999, 10001)
        """
        found = self._stands_in(text)
        if found is not None or not self._goes_on_in(text) or self._linear is None:
            return found
        piece = self._narrowed(text, range(len(text)), _PIECE)
        if piece is None or self._pattern is None:
            return self._narrowest(text, piece) if piece is not None else None
        window = self._narrowed(text, piece, self.most)
        match = self._pattern.search(text, window.start, window.stop) if window is not None else None
        return range(*match.span()) if match is not None else None

    def _stands_in(self, text: str) -> range | None:
        """As it is, or in the beginning, as an expression."""
        is_there = self._folded in text.casefold()
        if is_there or self._is_laid_out:
            found = self._plain.search(text)
            if found is not None or is_there:
                return range(*found.span()) if found is not None else range(len(text))  # folding made it longer
        match = self._pattern.search(text, 0, self.most) if self._pattern is not None else None
        return range(*match.span()) if match is not None else None

    def _goes_on_in(self, text: str) -> bool:
        """It may stand where Python doesn't look for it."""
        return self._is_heavy or (self._pattern is not None and len(text) > self.most)

    @cached_property
    def _linear(self) -> Linear | None:
        return Linear.of(self._expression)

    def _narrowed(self, text: str, within: range, size: int) -> range | None:
        """So many characters of it, in which it stands."""
        pieces = (range(at, min(at + size, within.stop)) for at in range(within.start, within.stop, size // 2))
        assert self._linear is not None
        return next((one for one in pieces if self._linear.holds(text[one.start : one.stop])), None)

    def _narrowest(self, text: str, within: range) -> range:
        """The first end, and the last beginning before it, between which it stands."""
        linear = self._linear
        assert linear is not None
        ends = range(within.start, within.stop)
        end = within.start + bisect_left(ends, True, key=lambda at: linear.holds(text[within.start : at]) is True)
        starts = range(within.start, end)
        start = within.start + bisect_left(starts, True, key=lambda at: linear.holds(text[at:end]) is not True)
        return range(max(start - 1, within.start), end)


class Matcher:
    r"""Whether a row's texts are wanted: one of them holds the needle or matches it as a regular expression, in
    whatever case; ``!`` in front turns it round. They are looked at one after the other, as far as it takes.

    >>> rows = [("orders-dlt", "12"), ("users-dlt", "7")]
    >>> [row[0] for row in rows if Matcher("ORD")(row)], [row[0] for row in rows if Matcher("!ord")(row)]
    (['orders-dlt'], ['users-dlt'])
    >>> [row[0] for row in rows if Matcher("^(users|notes)-")(row)]
    ['users-dlt']
    >>> [Matcher(text)(("any",)) for text in ("", "!", "(unclosed")]
    [True, True, False]
    """

    def __init__(self, needle: str) -> None:
        wanted = needle.removeprefix("!")
        self._is_inverse = needle.startswith("!")
        self._finder = Finder(wanted) if wanted else None
        self.looked_to: int | None = None
        """Characters of long texts that were looked through; None: all of them, so that what it answered is so."""

    def __call__(self, texts: Iterable[str]) -> bool:
        """Of one row."""
        if self._finder is None:
            return True
        is_whole = True
        for text in texts:
            found = self._finder.holds(text)
            if found:
                return not self._is_inverse
            is_whole = is_whole and found is not None
        if not is_whole:
            self.looked_to = self._finder.most
        return self._is_inverse


def _as_laid_out(expression: str) -> str:
    r"""With what stands between a name and its value in JSON, however its writer wrote that: on a record, which is laid
    out, a blank behind the colon is seen.

    >>> pattern = re.compile(_as_laid_out(r'"total": [": ]?6'))
    >>> [pattern.search(text) is not None for text in ('{"total":6}', '{"total" : 6}', '"total": "6')]
    [True, True, True]
    """
    return _LAID_OUT.sub(lambda found: r'"[ \t\r\n]*:[ \t\r\n]*' if found[0] == '": ' else found[0], expression)


def _is_expression(text: str) -> bool:
    """
    >>> _is_expression("(a+)+$"), _is_expression("***"), _is_expression("C:/a.txt")
    (True, False, True)
    """
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _compiled(text: str, expression: str | None = None) -> re.Pattern[str] | None:
    r"""None: it is no expression, and taken as plain text, or one that could search for minutes.

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
        return re.compile(text if expression is None else expression, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None


def _repeats(text: str) -> int:
    """How often an expression repeats something, or may leave it out, which takes as many ways."""
    return len(_REPEATS.findall(_ESCAPED.sub("", text)))
