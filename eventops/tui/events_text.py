"""What the events screen says of a search: how to begin one, how far it is, what it couldn't judge."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from eventops.records.model import Seen
from eventops.trace.drawing import coverage_line
from eventops.tui.palette import ACCENT, FAINT, WARN
from eventops.where import Where
from eventops.wording import count, duration, plural, safe

_NAMES: Final = "key, value, headers, topic, partition, offset, timestamp"


def beginning() -> Text:
    """Before the first search."""
    return Text.assemble(
        ("w", f"bold {ACCENT}"), ("  writes a condition in CEL over ", FAINT), _NAMES, ("; Enter searches", FAINT)
    )


def under_way(word: tuple[str, str], seen: Seen | None, took: float, where: Where | None) -> Text:
    """How far it is: ``word`` is its state and how that looks, ``took`` the seconds that it read so far."""
    text = Text()
    text.append(*word)
    if seen is not None and seen.total:
        text.append(f"   {min(100 * seen.passed // seen.total, 100)} %", "bold")
        text.append(f" of {count(seen.total)} offsets", FAINT)
    if seen is not None and seen.coverage is not None:
        text.append(f"   {coverage_line(seen.coverage)}", FAINT)
        text.append(f"   {_speed(seen.coverage.records, took)}", FAINT)
    if where is not None and where.unjudged:
        told = f"{plural(where.unjudged, 'record')} couldn't be judged: {safe(where.reason or '', 100)}"
        text.append(f"\n{told}", WARN)
    return text


def _speed(records: int, seconds: float) -> str:
    return f"in {duration(seconds)}" + (f", {records / seconds:,.0f} a second" if seconds >= 0.5 else "")
