"""Records in the ledger's topic that this program can't read: what they mean to whoever replays, and how they are taken
back. Pure."""

from __future__ import annotations

import shlex
from typing import Final, NamedTuple

from eventops.events import Position

_KEY_CHARACTERS: Final = 60
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
        about = "letters of this topic" if self.topic_id else "any letter"
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
        free = [byte for byte in b"\t|\x1f\x1e\x1d\n" + bytes(range(1, 0x7F)) if byte not in self.key]
        middle = free[0]
        end = "" if b"\n" not in self.key else f" -D {shlex.quote(_escaped(bytes(free[1:2])))}"
        text = shlex.quote(_escaped(self.key + bytes([middle])))
        fields = shlex.quote(_escaped(bytes([middle])))
        topic, partition = shlex.quote(self.position.topic), self.position.partition
        return f"printf '%b' {text} | kcat -P -Z -b BROKER -t {topic} -p {partition} -K {fields}{end}"


def _escaped(content: bytes) -> str:
    return "".join(chr(byte) if byte in _PLAIN else _ESCAPES.get(byte, f"\\x{byte:02x}") for byte in content)


_ESCAPES: Final = {0x09: "\\t", 0x0A: "\\n", 0x5C: "\\\\"}
