"""What a letter's state and a cause's verdict look like: a mark and a word, so that nothing is told by colour alone."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from eventops.dlq.failure import Kind
from eventops.dlq.model import CauseGroup, State
from eventops.tui.palette import BAD, FAINT, GOOD, ODD, WARN

STATES: Final[dict[State, tuple[str, str]]] = {
    State.OPEN: ("✗", WARN),
    State.FAILED_AGAIN: ("✗", BAD),
    State.REPLAYED: ("↻", GOOD),
    State.DISCARDED: ("-", FAINT),
    State.PARKED: ("▲", ODD),
}
_KINDS: Final = {Kind.POISON_PILL: ("poison pill", BAD), Kind.OUTAGE: ("outage", WARN), Kind.UNDECIDED: ("", FAINT)}


def state(found: State) -> Text:
    """The mark and the word."""
    mark, style = STATES[found]
    return Text(f"{mark} {found.value.replace('_', ' ')}", style)


def verdict(cause: CauseGroup) -> Text:
    """What sort of failure it is; nothing where that can't be told."""
    word, style = _KINDS[cause.verdict.kind]
    return Text(word or "-", style)
