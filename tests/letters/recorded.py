"""What the real frameworks wrote, as records."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from eventops.events import Position, Record

RECORDED: Final = Path(__file__).parent / "recordings"


@cache
def letters(name: str) -> tuple[Record, ...]:
    """The letters of one framework, by topic and offset."""
    told = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return tuple(
        Record(
            Position.parse(one["at"]),
            datetime.fromisoformat(one["timestamp"]),
            _bytes(one["key"]),
            _bytes(one["value"]),
            tuple((header, _bytes(value)) for header, value in one["headers"]),
        )
        for one in told
    )


def letter(name: str, at: str) -> Record:
    """One of them."""
    return next(record for record in letters(name) if str(record.position) == at)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
