"""Records in the ledger's topic that this program can't read: what they mean to whoever replays, and how they are taken
back. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import count
from typing import Final, NamedTuple

from eventops.events import Position

_KEY_CHARACTERS: Final = 60
_LONG: Final = 200
"""Bytes of a key that nobody wants to see on a command line."""
_PLAIN: Final = frozenset(range(0x20, 0x7F)) - frozenset(b"\\")


class Illegible(NamedTuple):
    """One of them. ``version`` is a later program's, None where it is no record of the ledger at all; ``topic_id`` says
    which letters it is about, empty where nobody knows."""

    position: Position
    key: bytes
    version: int | None = None
    topic_id: str = ""

    @property
    def what(self) -> str:
        """What it is, where it stands, and whom it concerns."""
        key = repr(self.key.decode("ascii", "backslashreplace"))[1:-1]
        key = key if len(key) <= _KEY_CHARACTERS else f"{key[:_KEY_CHARACTERS]}…"
        kind = "no record of the ledger" if self.version is None else f"of a later version ({self.version}) of eventops"
        about = f"letters of the topic {self.topic_id}" if self.topic_id else "any letter"
        return f"the record at {self.position} (key {key}) is {kind} and may be about {about}, so none is put back"

    @property
    def remedy(self) -> str:
        """How it is read after all, or taken back."""
        if self.version is None:
            return f"if eventops didn't write it, take it back with a record without value: {self.tombstone}"
        return f"upgrade, or if eventops didn't write it, take it back with a record without value: {self.tombstone}"

    @property
    def tombstone(self) -> str:
        """A command that takes it back, for bash; the broker and its credentials are to be filled in.

        >>> print(Illegible(Position("eventops-ledger", 3, 17), b"a b").tombstone)
        printf '%b' 'a b\\t' | kcat -P -Z -b BROKER -t eventops-ledger -p 3 -K '\\t'
        """
        apart = (one for one in _delimiters() if one not in self.key)
        after = next(apart)
        end = "" if b"\n" not in self.key else f" -D {_quoted(next(apart))}"
        place = f"-b BROKER -t {shlex.quote(self.position.topic)} -p {self.position.partition}"
        told = f"printf '%b' {_quoted(self.key + after)}"
        if len(self.key) > _LONG:
            told = f"kcat -C -q -e {place} -o {self.position.offset} -c 1 -f {_quoted(b'%k' + after)}"
        return f"{told} | kcat -P -Z {place} -K {_quoted(after)}{end}"


def _delimiters() -> Iterator[bytes]:
    """Ever longer ones: a key may hold any bytes. None of them ends as it begins."""
    yield from (b"\t", b"|")
    yield from (b"<%d>" % number for number in count())


def _quoted(content: bytes) -> str:
    return shlex.quote(_escaped(content))


def _escaped(content: bytes) -> str:
    return "".join(chr(byte) if byte in _PLAIN else _ESCAPES.get(byte, f"\\x{byte:02x}") for byte in content)


_ESCAPES: Final = {0x09: "\\t", 0x0A: "\\n", 0x5C: "\\\\"}
