"""The pictures in README and docs are those of the suite: ``python -m tests.tui.docs`` copies them after an update."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PLACE: Final = Path(__file__).parents[2] / "docs"
PICTURES: Final[Mapping[str, str]] = {
    "overview": "test_terminal[overview-wide]",
    "lag": "test_terminal[group-wide]",
    "trace": "test_terminal[trace-wide]",
    "causes": "test_terminal[causes-wide]",
    "letter": "test_terminal[letter-wide]",
    "tail": "test_terminal[tail-wide]",
    "events": "test_terminal[events-wide]",
}
"""The name under ``docs/`` and the test that draws it."""
_DRAWN: Final = Path(__file__).parent / "__snapshots__" / "test_pictures"


def picture(name: str) -> str:
    """Without the fonts that a browser would fetch: it asks nobody for anything."""
    drawn = (_DRAWN / f"{PICTURES[name]}.svg").read_text(encoding="utf-8")
    return re.sub(r"\n *@font-face \{.*?\n    \}", "", drawn, flags=re.DOTALL)


def main() -> None:
    """Copy them all."""
    for name in PICTURES:
        (PLACE / f"{name}.svg").write_text(picture(name), encoding="utf-8")


if __name__ == "__main__":
    main()
