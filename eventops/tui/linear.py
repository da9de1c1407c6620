"""Regular expressions that take no longer than their text: those of RE2, which CEL has as ``matches``. They tell that a
text holds something and not where; and they hold the interpreter, 4 ms a megabyte."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, Self

_CLASSES: Final = re.compile(r"\\[wWdDsSbB]")
_NOT_THE_SAME: Final = re.compile(r"\{,|\[\[|\\[0-9]")
"""What RE2 takes too, and for something else: ``x{,3}``, ``[[:alpha:]]``, ``\\0``."""


class Linear:
    """An expression in the syntax of :mod:`re`, case folded, in texts of any length."""

    def __init__(self, expression: str) -> None:
        self._expression = f"(?i){expression}"
        self._is_narrow = _CLASSES.search(expression) is not None
        self._has_end = "$" in expression

    @classmethod
    def of(cls, expression: str) -> Self | None:
        r"""None: RE2 doesn't know it, or reads something else in it.

        >>> Linear.of("^order.*dlt") is None, Linear.of("a.*(?=b)") is None, Linear.of("x{,3}y+") is None
        (False, True, True)
        """
        found = cls(expression)
        if _NOT_THE_SAME.search(expression):
            return None
        try:
            found._ask("")
        except ValueError:
            return None
        return found

    def holds(self, text: str) -> bool | None:
        r"""None: it can't tell, since ``re`` may answer otherwise: beside letters that aren't ASCII ``\w``, ``\b`` and
        others are more there, and ``$`` stands before a last line break.

        >>> found = Linear.of(r"\w+@.*zz$")
        >>> found.holds("a@" + "b" * 9 + "ZZ"), found.holds("a"), found.holds("é@zz"), found.holds("a@zz\n")
        (True, False, None, None)
        """
        if (self._is_narrow and not text.isascii()) or (self._has_end and text.endswith("\n")):
            return None
        try:
            return self._ask(text)
        except ValueError:
            return None

    def _ask(self, text: str) -> bool:
        asked = {"text": text.replace("\0", "\u2400"), "expression": self._expression}  # it ends texts at a zero
        answer = _program().eval(data=asked).value()
        if not isinstance(answer, bool):
            raise ValueError(str(answer))
        return answer


@cache
def _program() -> Any:
    from cel_expr_python import cel

    kind = cel.Type.STRING
    return cel.NewEnv(variables={"text": kind, "expression": kind}).compile("text.matches(expression)")
