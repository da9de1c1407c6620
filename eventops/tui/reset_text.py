"""What a reset says of itself: each partition's way, what that comes to, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rich.text import Text

from eventops.groups.model import Move, ResetPlan
from eventops.groups.moving import effect
from eventops.tui.palette import ACCENT, FAINT, WARN
from eventops.tui.record_text import content
from eventops.tui.widgets.columns import Column
from eventops.wording import UNKNOWN, count, plural, safe, waited

_SLIM: Final = 60
_ROOMY: Final = 100
"""Columns from which on a sign is told in more words."""
_SILENT: Final = 2.0
"""Seconds without an answer that are told: as a rule it takes a tenth of one."""


def move_columns(read_back: Callable[[Move], Text]) -> Sequence[Column[Move]]:
    """Each partition's way."""
    return (
        Column("partition", lambda row: str(row.partition), is_flexible=True, order=lambda row: row.partition),
        Column("from", lambda row: "never" if row.before is None else count(row.before), right=True),
        Column("to", lambda row: Text(count(row.after), "bold"), right=True),
        Column("skipped", lambda row: _amount(_effect(row)[0]), right=True, order=lambda row: _effect(row)[0]),
        Column("read again", lambda row: _amount(_effect(row)[1]), right=True, order=lambda row: _effect(row)[1]),
        Column("", read_back, is_flexible=True, at_most=110),
        Column("next record", _next, is_flexible=True, from_width=100, at_most=100),
        Column("", lambda row: Text(safe(row.note or "", 120), WARN), is_flexible=True, from_width=120, at_most=120),
    )


def _effect(move: Move) -> tuple[int | None, int | None, str | None]:
    return effect(move.before, move.after, move.bounds)


def _amount(number: int | None) -> Text:
    return Text(UNKNOWN if number is None else count(number), WARN if number else FAINT)


def _next(move: Move) -> Text:
    if move.record is None:
        return Text(safe(move.record_reason or "", 100), FAINT)
    return Text(safe(content(move.record.value), 100))


def sums(moves: Iterable[Move]) -> tuple[int, int]:
    """What is known of them: offsets skipped, offsets read again."""
    effects = [_effect(move) for move in moves]
    return sum(one[0] or 0 for one in effects), sum(one[1] or 0 for one in effects)


def touched(plan: ResetPlan) -> int:
    """Offsets that are skipped or read again; where that isn't known, the log's length counts."""
    sizes = (move.bounds.high_watermark - move.bounds.start for move in plan.moves if _effect(move)[2])
    return sum(sums(plan.moves)) + sum(sizes)


def sign(group: str, seconds: float, width: int) -> Text:
    """That it is on, in the head of other screens that are so many columns wide; ``seconds``: since it began.

    >>> [sign("billing", 0.5, width).plain for width in (120, 80, 40)]
    ['▸ resetting billing', '▸ resetting', '▸ reset']
    >>> sign("billing", 8.7, 120).plain, sign("billing", 8.7, 40).plain
    ('▸ resetting billing, no answer for 8 s', '▸ reset 8 s')
    """
    is_late, for_so_long = seconds >= _SILENT, waited(seconds)
    if width < _SLIM:
        told = f"reset {for_so_long}" if is_late else "reset"
    else:
        told = f"resetting {safe(group, 30)}" if width >= _ROOMY else "resetting"
        told += f", no answer for {for_so_long}" if is_late else ""
    return Text(f"▸ {told}", f"bold {WARN if is_late else ACCENT}")


def under_way(seconds: float) -> str:
    """What is known of it so long after it began.

    >>> under_way(0.5), under_way(8.7)
    ('the broker is asked to set them', 'the broker is asked to set them: no answer for 8 s')
    """
    late = f": no answer for {waited(seconds)}" if seconds >= _SILENT else ""
    return f"the broker is asked to set them{late}"


def in_a_line(done: int, moves: int) -> str:
    """What was done, where there is no screen for it.

    >>> in_a_line(2, 2), in_a_line(1, 2)
    ('2 partitions set and read back', '1 of 2 partitions set and read back')
    """
    what = plural(moves, "partition")
    return f"{what} set and read back" if done == moves else f"{count(done)} of {what} set and read back"
