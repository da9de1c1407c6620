"""The command line after ``:``: names, their short forms, and what completes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """Where to go (or what to do), and with which name; None: its top."""

    name: str
    argument: str | None = None


NAMES: Final[Mapping[str, str]] = {
    "overview": "everything at once",
    "lag": "lag, or one group's partitions",
    "trace": "the chain of a request",
    "dlq": "dead letters, or any topic's as such",
    "topics": "topics, or one topic's partitions and readers",
    "tail": "what comes to a topic, live",
    "events": "search records by a condition (CEL)",
    "writing": "what writes now, or wrote last: a replay, a reset",
    "context": "another cluster, or a choice of them",
    "theme": "other colours",
    "help": "keys and commands",
    "quit": "leave",
}
ALIASES: Final[Mapping[str, str]] = {
    "o": "overview",
    "ov": "overview",
    "l": "lag",
    "group": "lag",
    "groups": "lag",
    "t": "trace",
    "tr": "trace",
    "d": "dlq",
    "dl": "dlq",
    "letters": "dlq",
    "topic": "topics",
    "to": "topics",
    "live": "tail",
    "e": "events",
    "ev": "events",
    "where": "events",
    "ctx": "context",
    "contexts": "context",
    "replay": "writing",
    "themes": "theme",
    "h": "help",
    "q": "quit",
    "q!": "quit",
    "exit": "quit",
}
_TAKES_NONE: Final = ("overview", "writing", "help", "quit")


def parse(text: str) -> Command | None:
    """None: there is no such command, or it takes no such words.

    >>> parse("lag billing"), parse("q")
    (Command(name='lag', argument='billing'), Command(name='quit', argument=None))
    >>> parse("overview now"), parse("unheard of"), parse("")
    (None, None, None)
    """
    word, _, rest = text.strip().partition(" ")
    name = ALIASES.get(word, word)
    argument = rest.strip() or None
    if name not in NAMES or (argument is not None and name in _TAKES_NONE):
        return None
    return Command(name, argument)


def completion(text: str, known: Mapping[str, Sequence[str]]) -> str | None:
    """The whole line that Tab or → would make of it; ``known`` are the arguments there are, by command.

    >>> completion("la", {}), completion("lag b", {"lag": ["audit", "billing"]})
    ('lag', 'lag billing')
    >>> completion("wh", {})  # an alias
    'where'
    >>> completion("", {}) is None and completion("lag nobody", {"lag": ["billing"]}) is None
    True
    """
    word, space, begun = text.partition(" ")
    if not space:
        return next((name for name in (*NAMES, *ALIASES) if word and name.startswith(word)), None)
    names = known.get(ALIASES.get(word, word), ())
    found = next((name for name in names if begun and name.startswith(begun)), None)
    return None if found is None else f"{word} {found}"
