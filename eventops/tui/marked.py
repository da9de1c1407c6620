"""Marks that nobody sees: a deed is about marked rows, and is refused where they can't be looked at."""

from __future__ import annotations

from typing import Any

from eventops.tui.widgets.table import Table
from eventops.wording import plural


def why_unseen(table: Table[Any], one: str) -> str | None:
    """Why rows are marked that aren't shown; None: all that are marked are shown. ``one``: what a row is."""
    unseen = len(table.marked) - len(table.marked_rows)
    if not unseen:
        return None
    told = plural(unseen, f"marked {one}")
    if table.needle:
        return f"{told} can't be seen for the filter: Esc shows all"
    return f"{told} can't be seen any more: Esc takes the marks away"
