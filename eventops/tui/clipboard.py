"""What is copied goes through the terminal (OSC 52), which says nothing of what it does with it."""

from __future__ import annotations

from typing import Final

from textual.screen import Screen

from eventops.wording import safe

MOST: Final = 500_000
"""Bytes that are copied: of more than a million in their base64, tmux and others take nothing, and keep what was copied
before."""


def copy(screen: Screen[None], text: str, what: str, otherwise: str | None = "the command has all of it") -> bool:
    """Copy it and say so; where it is more than terminals take, say that, and what has it ``otherwise``: False.
    ``text`` obeys no terminal."""
    size = len(text.encode())
    if size > MOST:
        instead = "" if otherwise is None else f"; {otherwise}"
        screen.notify(
            f"not copied: {safe(what, 60)} has {size:,} bytes, more than terminals take{instead}",
            severity="warning",
            markup=False,
        )
        return False
    screen.app.copy_to_clipboard(text)
    screen.notify(f"copied: {safe(what, 200)}", markup=False)
    return True
