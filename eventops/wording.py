"""Counts, durations and untrusted text in human words. Standard library only."""

from __future__ import annotations

import re
import shlex
import string
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

UNKNOWN = "?"
NONE_SEEN: Final = "this cluster has no consumer groups, or none that this user may see"
"""Kafka leaves out of its list what may not be described, and doesn't say so."""

_HEX: Final = frozenset(string.hexdigits)
_ENDS_IN_ESCAPE: Final = re.compile(r"\\x[0-9a-f]{2}\Z").search
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def count(number: int | None) -> str:
    """Group thousands; unknown is a question mark, never 0.

    >>> count(1234567), count(0), count(None)
    ('1,234,567', '0', '?')
    """
    return UNKNOWN if number is None else f"{number:,}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """
    >>> plural(1, "letter"), plural(2, "letter"), plural(2, "query", "queries")
    ('1 letter', '2 letters', '2 queries')
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def few(names: Sequence[str], most: int = 5) -> str:
    """The first names and how many more there are.

    >>> few(["a", "b"]), few(["a", "b", "c", "d"], most=2), few([])
    ('a, b', 'a, b and 2 more', '')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def duration(seconds: float | None) -> str:
    """At most two units, the larger first; a clock that ran backwards keeps its sign.

    >>> [duration(s) for s in (None, 0.0123, 0.5, 42, 247, 7260, 200000, -3)]
    ['?', '12 ms', '500 ms', '42.0 s', '4 m 7 s', '2 h 1 m', '2 d 7 h', '-3.0 s']
    """
    if seconds is None:
        return UNKNOWN
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // small} {small_unit}"
    raise AssertionError(seconds)


def waited(seconds: float) -> str:
    """As somebody who waits counts: in whole seconds.

    >>> [waited(s) for s in (0, 0.4, 8.7, 247)]
    ['0 s', '0 s', '8 s', '4 m 7 s']
    """
    return f"{int(seconds)} s" if seconds < 60 else duration(seconds)


def instant(moment: datetime | None) -> str:
    """RFC 3339 in UTC with milliseconds, as every report prints it.

    >>> instant(datetime(2026, 1, 15, 10, 30, tzinfo=UTC))
    '2026-01-15T10:30:00.000Z'
    """
    if moment is None:
        return UNKNOWN
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str, now: datetime) -> datetime:
    """``90s``, ``15m``, ``1h``, ``2d`` and ``1w`` count back from ``now``; a time without a zone is UTC.

    >>> noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    >>> str(moment("1h", noon)), str(moment("2026-01-15T10:30:00+01:00", noon))
    ('2026-01-15 11:00:00+00:00', '2026-01-15 09:30:00+00:00')

    Raises:
        ValueError: it is neither.
        OverflowError: it is out of the calendar.
    """
    if ago := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip(), re.ASCII):
        return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    found = datetime.fromisoformat(text.strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def safe(text: str, width: int | None = None) -> str:
    r"""One line that a terminal shows and does not obey: controls, escapes and direction overrides become visible.

    >>> safe("a\x1b[2Jb\nc\u202ed")
    'a\\x1b[2Jb\\nc\\u202ed'
    >>> safe("a long text", width=6)
    'a lon…'
    """
    if width is not None and len(text) > width:
        text = text[: max(width - 1, 0)] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == "…" or _is_shown(c) else c.encode("unicode_escape").decode() for c in text)


def shell_words(words: Iterable[str]) -> str:
    r"""The words as a shell reads them back, byte by byte; what a terminal would obey is written as ``$'…'``, which
    bash, zsh and ksh understand (POSIX 2024).

    >>> print(shell_words(["reset", "a b", "g\x1b[31m"]))
    reset 'a b' $'g\x1b[31m'
    >>> print(shell_words(["it's\n\u202e"]))
    $'it\'s\x0a\xe2\x80\xae'

    A word that no command line carries (:func:`is_shell_word`) is written so that it means nothing that is there: a
    shell would leave out the NUL, and take the rest for another name.

    >>> print(shell_words(["lag", "a\0b", "\ud800"]))
    lag 'a\x00b' '\ud800'
    """
    return " ".join(map(_shell_word, words))


def is_shell_word(word: str) -> bool:
    r"""Whether a command line can carry it: no NUL, and nothing that isn't text in any encoding.

    >>> is_shell_word("a b\n"), is_shell_word("a\0b"), is_shell_word("\ud800")
    (True, False, False)
    """
    try:
        return b"\0" not in word.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False


def _shell_word(word: str) -> str:
    if safe(word) == word or not is_shell_word(word):
        return shlex.quote(safe(word))
    return _in_escapes(word)


def _in_escapes(word: str) -> str:
    """An escape of two digits is followed by a quote that ends and begins anew where a digit comes next: shells differ
    in how many they take."""
    told = ""
    for character in word:
        if character in "'\\":
            told += "\\" + character
        elif _is_shown(character):
            told += f"'$'{character}" if _ENDS_IN_ESCAPE(told) and character in _HEX else character
        else:
            told += "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
    return f"$'{told}'"


def _is_shown(character: str) -> bool:
    """Cc, Cf, Cs, Co, Cn: controls, formats (direction overrides), surrogates and the unassigned are not."""
    return unicodedata.category(character)[0] != "C" and character not in "\u2028\u2029"


def safe_block(text: str) -> str:
    r"""Like :func:`safe`, but line feeds and tabs stay: for payloads and stack traces.

    >>> safe_block("a\n\tb\x07")
    'a\n\tb\\x07'
    """
    return "\n".join("\t".join(safe(part) for part in line.split("\t")) for line in text.split("\n"))
