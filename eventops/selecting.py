"""Names as operators write them: literal, as a glob (``billing-*``) or a regular expression (``/^billing-\\d+$/``)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from fnmatch import fnmatchcase
from typing import Final

from eventops.errors import EventopsError, UsageError

_GLOB: Final = frozenset("*?[")


class NothingSelected(EventopsError):
    """No group, topic or partition fits what was asked for; the remedy names those that are close. ``why`` is for those
    who have named what was asked for already."""

    def __init__(self, what: str, remedy: str, why: str | None = None) -> None:
        super().__init__(what, remedy)
        self.why = f"{why or what}: {remedy}"


def is_pattern(wanted: str) -> bool:
    """Whether it can fit several names.

    >>> [is_pattern(text) for text in ("billing", "billing-*", "/^bill/", "/")]
    [False, True, True, False]
    """
    return _is_regex(wanted) or bool(_GLOB & set(wanted))


def matcher(wanted: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name fits one of ``wanted``, all of them where there is none. A glob fits the whole name, a regular
    expression any part of it.

    >>> fits = matcher(["billing", "ship*", "/^a.c$/"])
    >>> [name for name in ("billing", "billing-2", "shipping", "abc", "xabc") if fits(name)]
    ['billing', 'shipping', 'abc']
    >>> matcher([])("anything")
    True

    Raises:
        UsageError: a regular expression isn't one.
    """
    tests = [_test(one) for one in wanted]
    return (lambda name: any(test(name) for test in tests)) if tests else (lambda _name: True)


def suggestion(missing: Collection[str], known: Collection[str], nouns: str = "groups") -> str:
    """
    >>> suggestion(["biling"], ["billing", "shipping"])
    'did you mean billing?'
    >>> suggestion(["x"], ["billing", "shipping"])
    'there are billing, shipping'
    """
    close = sorted({name for wanted in missing for name in difflib.get_close_matches(wanted, known)})
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not known:
        return f"this cluster has no {nouns}, or none that this user may see"
    shown = ", ".join(sorted(known)[:10])
    return f"there are {shown}" + (f" and {len(known) - 10} more" if len(known) > 10 else "")


def _is_regex(wanted: str) -> bool:
    return len(wanted) > 2 and wanted.startswith("/") and wanted.endswith("/")


def _test(wanted: str) -> Callable[[str], bool]:
    if _is_regex(wanted):
        try:
            found = re.compile(wanted[1:-1])
        except re.error as error:
            raise UsageError(f"{wanted} is no regular expression ({error})") from error
        return lambda name: name == wanted or found.search(name) is not None
    return lambda name: name == wanted or fnmatchcase(name, wanted)
