"""What a reset aims at, as people write it: ``earliest``, ``offset:123``, ``-2h``, ``shift:-10``, ``file:plan.csv``."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from eventops.events import Partition, rfc3339
from eventops.groups import plan_file
from eventops.groups.model import Kind, Scope, Target
from eventops.wording import moment

_LARGEST_FILE: Final = 64 * 1024 * 1024
_DIGITS: Final = 19
"""Of the largest offset."""
_TARGETS: Final = (
    "earliest, latest, offset:123, 2026-01-15T10:00Z, -2h (back from now), shift:-10, shift:+10 or file:plan.csv"
)


def target(text: str, group: str, now: datetime) -> Target:
    """
    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 15, 12, tzinfo=UTC)
    >>> target("shift:-10", "billing", noon).number, target("offset:7", "billing", noon).number
    (-10, 7)
    >>> target("-2h", "billing", noon).text, target("2026-01-15T10:30+01:00", "billing", noon).text
    ('2026-01-15T10:00:00.000000Z', '2026-01-15T09:30:00.000000Z')
    >>> target("10", "billing", noon)
    Traceback (most recent call last):
    ValueError: '10' may be an offset or a shift: write offset:10 or shift:+10

    Raises:
        ValueError: it is none of these, or the file can't be read or doesn't fit; the message says which.
    """
    what, _, rest = text.partition(":")
    if text in (Kind.EARLIEST, Kind.LATEST):
        return Target(Kind(text), text)
    if what == "offset" and rest.isascii() and rest.isdecimal() and len(rest) <= _DIGITS and int(rest) < 2**63:
        return Target(Kind.OFFSET, text, number=int(rest))
    if what == "shift" and re.fullmatch(r"[+-]?\d{1,18}", rest, re.ASCII):
        return Target(Kind.SHIFT, text, number=int(rest))
    if what == "file" and rest:
        return Target(Kind.FILE, text, offsets=_of_file(Path(rest), group))
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        shift = text if text[0] in "+-" else f"+{text}"
        raise ValueError(f"{text!r} may be an offset or a shift: write offset:{text.lstrip('+-')} or shift:{shift}")
    return _of_time(text, now)


def scope(topics: tuple[str, ...], *, all_topics: bool) -> Scope:
    """``orders`` or ``orders:0,2``, several times, as Kafka's own tool takes them.

    >>> scope(("orders:0,2", "refunds"), all_topics=False).topics
    {'orders': (0, 2), 'refunds': None}

    Raises:
        ValueError: partitions that are no numbers.
    """
    found: dict[str, tuple[int, ...] | None] = {}
    for text in topics:
        name, colon, numbers = text.partition(":")
        if not name or (colon and not re.fullmatch(r"\d{1,9}(,\d{1,9})*", numbers, re.ASCII)):
            raise ValueError(f"{text!r} is neither TOPIC nor TOPIC:PARTITION,PARTITION")
        listed = tuple(map(int, numbers.split(","))) if colon else None
        before = found.get(name, ())
        found[name] = None if listed is None or before is None else (*before, *listed)
    return Scope(found, all_topics)


def _of_file(path: Path, group: str) -> dict[Partition, int]:
    try:
        path = path.expanduser()
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"{path} is larger than 64 MB: that is no plan")
        return plan_file.read(path.read_text(encoding="utf-8"), group)
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror})") from error
    except RuntimeError as error:
        raise ValueError(f"{path} can't be read ({error})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _of_time(text: str, now: datetime) -> Target:
    is_ago = re.fullmatch(r"-\d+(\.\d+)?[smhdw]", text, re.ASCII)
    if is_ago or re.match(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        try:
            found = moment(text.removeprefix("-"), now)
        except (ValueError, OverflowError):
            pass
        else:
            return Target(Kind.MOMENT, rfc3339(found), moment=found)
    raise ValueError(f"{text!r} is none of {_TARGETS}")
