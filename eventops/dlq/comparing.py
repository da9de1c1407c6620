"""What a replay changes, as a diff that people read. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Final

from eventops.dlq import editing
from eventops.dlq.families import ORIGINAL_TIMESTAMP, strip
from eventops.dlq.literals import dumps
from eventops.dlq.replay_model import Content, Planned
from eventops.events import REPLAY_ID, REPLAY_LINK, Headers

_OURS: Final = frozenset({REPLAY_ID, REPLAY_LINK, ORIGINAL_TIMESTAMP})
_MOST_LINES: Final = 400


def diff(one: Planned, wipe: Callable[[Headers], Headers] = strip) -> str | None:
    """What is put back against the letter, or against what was there before it was changed; None where it doesn't
    differ."""
    if one.compared is None:
        return None
    before = Content(one.compared.key, one.compared.value, wipe(one.compared.headers))
    after = Content(one.key, one.value, tuple(header for header in one.headers if header[0] not in _OURS))
    was, put = ("origin", "changed") if one.change else ("letter", "origin")
    if one.change and one.taken_from == "letter":
        was = "letter"
    found = list(_compared(before, after, was, put))
    if len(found) > _MOST_LINES:
        found[_MOST_LINES:] = [f"… {len(found) - _MOST_LINES:,} more lines"]
    return "\n".join(found) or None


def _compared(before: Content, after: Content, was: str, put: str) -> Iterator[str]:
    return difflib.unified_diff(_lines(before), _lines(after), was, put, n=2, lineterm="")


def _lines(content: Content) -> list[str]:
    return dumps(editing.document(content), indent=2).split("\n")
