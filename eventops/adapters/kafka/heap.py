"""How the C library keeps small pieces of memory that the client gave back."""

from __future__ import annotations

import sys
from typing import Final

_FAST_BIN_BYTES: Final = 1
"""glibc's M_MXFAST: pieces up to so many bytes are put aside instead of being merged with their neighbours at once."""
_USUAL: Final = 128 if sys.maxsize > 2**32 else 64
"""What glibc has unless told otherwise."""


def merge_at_once(is_wanted: bool) -> None:
    """Whether pieces are merged when they are given back, for the whole process; elsewhere than with glibc it does
    nothing.

    A message is a dozen small pieces. With what glibc does otherwise, a hundred thousand of them wait to be merged all
    at once, by whoever next asks for a kilobyte: that took a fifth of a replay.
    """
    if sys.platform != "linux":
        return
    import ctypes

    try:
        ctypes.CDLL(None).mallopt(_FAST_BIN_BYTES, 0 if is_wanted else _USUAL)
    except (OSError, AttributeError):  # another C library
        return
