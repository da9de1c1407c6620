"""The command that prints what a screen shows, so that it can be pasted into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from eventops.config import Context


def program(context: Context) -> list[str]:
    """How the cluster in front is reached from the command line; properties may be secrets and aren't repeated."""
    servers = context.bootstrap_servers
    if context.name in (servers, "default"):
        return ["eventops", "-b", servers or "HOST:PORT"]
    return ["eventops", "--context", context.name]


def shell_line(words: Iterable[str]) -> str:
    r"""Words as a shell takes them; names come from anyone, so what doesn't print is escaped and never pasted raw.

    >>> shell_line(["eventops", "lag", "my group"])
    "eventops lag 'my group'"
    >>> print(shell_line(["lag", "a\n\x1b[201~'b"]))
    lag $'a\n\x1b[201~\'b'
    """
    return " ".join(word if word.isprintable() and word == shlex.quote(word) else _quoted(word) for word in words)


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(_escaped(character) for character in word)
    return f"$'{escaped}'"


def _escaped(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode()
