"""What the dashboard remembers from one run to the next: where one was, how tables were narrowed and sorted, the theme.

A file that is broken or can't be written is no trouble: then nothing is remembered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from eventops.tui.widgets.columns import Wish

_VERSION: Final = 1
_MOST_CONTEXTS: Final = 50
_LONGEST: Final = 200
"""Characters of one remembered word: what is read back may have been written by anything."""


@dataclass
class Place:
    """One context's: the section in front, seconds between two questions, what was asked of tables by their names."""

    section: str | None = None
    refresh: float | None = None
    tables: dict[str, Wish] = field(default_factory=dict)


@dataclass
class Kept:
    """All of it; ``path`` None: nothing outlasts the run."""

    path: Path | None = None
    theme: str | None = None
    places: dict[str, Place] = field(default_factory=dict)

    def place(self, context: str) -> Place:
        """What is known of a context; the last one asked for is the last one forgotten."""
        found = self.places.pop(context, None) or Place()
        self.places[context] = found
        for name in list(self.places)[:-_MOST_CONTEXTS]:
            del self.places[name]
        return found

    def document(self) -> dict[str, Any]:
        """As JSON."""
        places = {name: asdict(place) for name, place in self.places.items()}
        return {"version": _VERSION, "theme": self.theme, "contexts": places}

    def save(self) -> None:
        """Whole or not at all."""
        if self.path is None:
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside = self.path.with_suffix(f".{os.getpid()}")
            try:
                beside.write_text(json.dumps(self.document(), indent=1), encoding="utf-8")
                beside.replace(self.path)
            finally:
                beside.unlink(missing_ok=True)


def load(path: Path) -> Kept:
    """What the last run left there."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Kept(path)
    return read(document, path)


def read(document: object, path: Path | None = None) -> Kept:
    """Whatever of it makes sense.

    >>> read({"version": 1, "theme": "nord", "contexts": {"prod": {"section": "lag", "tables": {"groups": 7}}}}).places
    {'prod': Place(section='lag', refresh=None, tables={})}
    >>> read("anything at all"), read({"version": 99}).theme
    (Kept(path=None, theme=None, places={}), None)
    """
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        return Kept(path)
    return Kept(path, _word(document.get("theme")), {name: _place(one) for name, one in _items(document, "contexts")})


def _items(document: Mapping[str, object], name: str) -> Iterable[tuple[str, Mapping[str, object]]]:
    found = document.get(name)
    items = found.items() if isinstance(found, dict) else ()
    return [(key, value) for key, value in items if isinstance(value, dict) and len(key) <= _LONGEST]


def _place(document: Mapping[str, object]) -> Place:
    refresh = document.get("refresh")
    is_number = isinstance(refresh, int | float) and not isinstance(refresh, bool) and 0 < refresh < 1e6
    tables = {name: _wish(one) for name, one in _items(document, "tables")}
    return Place(_word(document.get("section")), float(refresh) if is_number else None, tables)  # type: ignore[arg-type]


def _wish(document: Mapping[str, object]) -> Wish:
    is_reversed = document.get("is_reversed") is True
    return Wish(_word(document.get("needle")) or "", _word(document.get("sorted_by")), is_reversed)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST else None
