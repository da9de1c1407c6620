"""What the dashboard remembers from one run to the next: where one was, how tables were narrowed and sorted, the theme.

A file that is broken or can't be written is no trouble: then nothing is remembered.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from eventops.tui.widgets.columns import Wish

Value = TypeVar("Value")
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
    _before: Kept | None = field(default=None, init=False, repr=False, compare=False)
    """As it was read, or written last: what differs from it, this run has changed. None: it wasn't yet."""

    def place(self, context: str) -> Place:
        """What is known of a context; the last one asked for is the last one forgotten."""
        found = self.places.pop(context, None) or Place()
        self.places[context] = found
        _forget(self.places)
        return found

    def document(self) -> dict[str, Any]:
        """As JSON."""
        places = {name: asdict(place) for name, place in self.places.items()}
        return {"version": _VERSION, "theme": self.theme, "contexts": places}

    def save(self) -> None:
        """Whole or not at all; what other runs wrote meanwhile stays, but for what this one has changed."""
        if self.path is None:
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path):
                self._write(self.path, self._over(load(self.path)))
                self.note()

    def _write(self, path: Path, whole: Kept) -> None:
        beside = path.with_suffix(f".{os.getpid()}")
        try:
            beside.write_text(json.dumps(whole.document(), indent=1), encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def _over(self, theirs: Kept) -> Kept:
        """What this run has changed, over what is written there now."""
        before = self._before or Kept()
        places = dict(theirs.places)
        for name, ours in self.places.items():
            if (was := before.places.get(name)) != ours:
                places[name] = _place_over(was or Place(), ours, places.pop(name, Place()))
        _forget(places)
        return Kept(None, _changed(before.theme, self.theme, theirs.theme), places)

    def note(self) -> None:
        """What is changed from now on is this run's."""
        self._before = None
        self._before = deepcopy(self)


def _place_over(before: Place, ours: Place, theirs: Place) -> Place:
    """
    >>> _place_over(Place("lag", 2.0), Place("dlq", 2.0), Place("topics", 5.0))
    Place(section='dlq', refresh=5.0, tables={})
    """
    found = {
        name: _changed(before.tables.get(name), ours.tables.get(name), theirs.tables.get(name))
        for name in dict.fromkeys((*theirs.tables, *ours.tables))
    }
    return Place(
        _changed(before.section, ours.section, theirs.section),
        _changed(before.refresh, ours.refresh, theirs.refresh),
        {name: wish for name, wish in found.items() if wish is not None},
    )


def _changed(before: Value, ours: Value, theirs: Value) -> Value:
    """Ours, where it isn't what was before."""
    return theirs if ours == before else ours


def _forget(places: dict[str, Place]) -> None:
    for name in list(places)[:-_MOST_CONTEXTS]:
        del places[name]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Of several runs one reads and writes: those of a terminal that is closed end all at once."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def load(path: Path) -> Kept:
    """What the last run left there."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Kept(path)
    found = read(document, path)
    found.note()
    return found


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
