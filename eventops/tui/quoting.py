"""The command that prints what a screen shows, so that it can be pasted into a shell."""

from __future__ import annotations

from collections.abc import Iterable

from eventops.config import Context
from eventops.wording import shell_words


def program(context: Context) -> list[str]:
    """How the cluster in front is reached from the command line; properties may be secrets and aren't repeated."""
    servers = context.bootstrap_servers
    if context.name in (servers, "default"):
        return ["eventops", "-b", servers or "HOST:PORT"]
    return ["eventops", "--context", context.name]


def about(name: str, *words: str) -> tuple[str, ...]:
    """A command's words behind its own: the name that it is about before its options, where it isn't taken for one.

    >>> about("orders", "-n", "20"), about("-rf", "-n", "20")
    (('orders', '-n', '20'), ('-n', '20', '--', '-rf'))
    """
    return (*words, "--", name) if name.startswith("-") else (name, *words)


def shell_line(words: Iterable[str]) -> str:
    r"""Words as a shell takes them; names come from anyone, so what doesn't print is escaped and never pasted raw.

    >>> shell_line(["eventops", "lag", "my group"])
    "eventops lag 'my group'"
    >>> print(shell_line(["lag", "a\n\x1b[201~'b\x9b"]))
    lag $'a\x0a\x1b[201~\'b\xc2\x9b'
    """
    return shell_words(words)
