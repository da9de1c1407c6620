"""Times as logs have them, milliseconds since 1970, which cost less to compare than ``datetime`` does. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """
    >>> milliseconds(datetime(2023, 11, 14, 22, 13, 20, 123_999, tzinfo=UTC))
    1700000000123
    """
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_LAST: Final = milliseconds(datetime.max.replace(tzinfo=UTC))


def is_time(time: int | None) -> TypeGuard[int]:
    """Whether a calendar holds it: producers may write anything.

    >>> [is_time(time) for time in (0, 1_700_000_000_000, -1, 2**62, None)]
    [True, True, False, False, False]
    """
    return time is not None and 0 <= time <= _LAST
