"""What a row is about: where ``t`` and ``d`` lead from it."""

from __future__ import annotations

from dataclasses import dataclass

from eventops.events import Position
from eventops.ports import Range


@dataclass(frozen=True)
class Target:
    """What is under the cursor. ``identifier``: a request's or event's; ``at``: which event of its chain; ``waiting``:
    from the oldest waiting record on, to be read for one; ``topics`` and ``letter``: where its dead letters are."""

    identifier: str | None = None
    at: Position | None = None
    waiting: Range | None = None
    topics: tuple[str, ...] = ()
    letter: Position | None = None
