"""The few colours there are, and the mark beside each, so that nothing is told by colour alone."""

from __future__ import annotations

from typing import Final

from rich.color import Color, ColorParseError
from textual.theme import Theme

from eventops.lag.model import Standing, Verdict

GOOD: Final = "#8fb996"
WARN: Final = "#e0b15e"
BAD: Final = "bold #ef6f6c"
ODD: Final = "#b79ce0"
FAINT: Final = "#7d8590"
ACCENT: Final = "#7fb4ca"
STRONG: Final = "bold"

THEME: Final = Theme(
    name="eventops",
    primary="#7fb4ca",
    secondary="#7d8590",
    accent="#7fb4ca",
    warning=WARN,
    error="#ef6f6c",
    success=GOOD,
    foreground="#d5d9de",
    background="#0f1317",
    surface="#0f1317",
    panel="#1a2027",
    dark=True,
    variables={"row-chosen": "#26404d", "row-marked": "#2b2a1d", "row-head": FAINT},
)

LIGHT: Final = Theme(
    name="eventops-light",
    primary="#1f6f8b",
    secondary="#6b7280",
    accent="#6b4fa0",
    warning="#9a6700",
    error="#b3261e",
    success="#2f6f3a",
    foreground="#1d2329",
    background="#fafbfc",
    surface="#fafbfc",
    panel="#e8ecf0",
    dark=False,
)

VERDICTS: Final[dict[Verdict | Standing, tuple[str, str]]] = {
    Verdict.LOST_RECORDS: ("✗", BAD),
    Verdict.TOPIC_RECREATED: ("✗", BAD),
    Verdict.AHEAD_OF_LOG: ("✗", BAD),
    Verdict.STOP: ("✗", BAD),
    Verdict.STALL: ("✗", BAD),
    Verdict.REWIND: ("✗", BAD),
    Verdict.INACTIVE: ("✗", BAD),
    Verdict.WARN: ("▲", WARN),
    Verdict.BEHIND: ("▲", WARN),
    Verdict.NEVER_COMMITTED: ("▲", WARN),
    Verdict.TOPIC_DELETED: ("?", ODD),
    Verdict.UNKNOWN: ("?", ODD),
    Verdict.UNSUPPORTED: ("?", ODD),
    Verdict.NOT_ENOUGH_HISTORY: ("?", FAINT),
    Verdict.OK: ("✓", GOOD),
    Verdict.CAUGHT_UP: ("✓", GOOD),
    Standing.LOST_RECORDS: ("✗", BAD),
    Standing.TOPIC_RECREATED: ("✗", BAD),
    Standing.AHEAD_OF_LOG: ("✗", BAD),
    Standing.BEHIND: ("▲", WARN),
    Standing.NEVER_COMMITTED: ("▲", WARN),
    Standing.TOPIC_DELETED: ("?", ODD),
    Standing.UNKNOWN: ("?", ODD),
    Standing.CAUGHT_UP: ("✓", GOOD),
}


def badge(colour: str | None) -> str:
    """The style of a context's name on the colour it was given; one that isn't a colour is shown in reverse.

    >>> badge("red"), badge("no colour at all"), badge(None)
    ('bold white on red', 'bold reverse', 'bold reverse')
    """
    try:
        if colour and Color.parse(colour):
            return f"bold {_ink(colour)} on {colour}"
    except ColorParseError:
        pass
    return "bold reverse"


def _ink(colour: str) -> str:
    red, green, blue = Color.parse(colour).get_truecolor()
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "white"
