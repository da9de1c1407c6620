"""Whether a lag grows, told from a handful of figures that also jump: pure.

Figures are put in pairs, as H. B. Mann (Econometrica 13, 1945) and M. G. Kendall (Rank Correlation Methods) do: a pair
is *in order* where the later figure is the larger one. Of a lag that only comes and goes half of the pairs are; of one
that grows with an occasional dip, nearly all. Only the order counts: neither how large a lag is nor one wild figure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

FEWEST: Final = 7
"""Figures that a trend takes: seven in order come about by chance once in 5,040 times, five once in 120."""


def grows(lags: Sequence[int]) -> bool:
    """Whether a lag grows: at least :data:`FEWEST` figures, no more pairs out of order than there are figures beyond
    those, and not falling now. By chance that is so once in 5,000 times at most, however many figures there are.

    >>> grows([3, 9, 7, 20, 18, 31, 40, 38, 55, 88])      # a dip now and then
    True
    >>> grows([40, 90, 60, 85, 45, 95, 50, 80, 55, 99])   # to and fro
    False
    >>> grows([10, 11, 12, 13, 14, 300, 900, 880, 860])   # a burst that is being worked off
    False
    >>> grows([60, 60, 60, 60, 60, 60, 60])               # it stands still
    False
    """
    beyond = len(lags) - FEWEST
    return beyond >= 0 and not falls_now(lags) and out_of_order(lags) <= beyond


def out_of_order(lags: Sequence[int]) -> float:
    """Pairs whose later figure isn't the larger one; of two that are alike nobody can tell, they count half.

    >>> out_of_order([1, 2, 3]), out_of_order([3, 2, 1]), out_of_order([5, 5])
    (0.0, 3.0, 0.5)
    """
    found, before = 0.0, list[int]()
    for lag in lags:
        smaller, behind = bisect_left(before, lag), bisect_right(before, lag)
        found += len(before) - behind + (behind - smaller) / 2
        before.insert(behind, lag)
    return found


def falls_now(lags: Sequence[int]) -> bool:
    """Whether the last two figures were each less than the one before: one is a dip, two are a fall.

    >>> falls_now([9, 7]), falls_now([3, 9, 7]), falls_now([9, 7, 5])
    (False, False, True)
    """
    return len(lags) > 2 and lags[-3] > lags[-2] > lags[-1]


def dips(lags: Sequence[int]) -> int:
    """How often a figure is less than the one before.

    >>> dips([3, 9, 7, 20, 18])
    2
    """
    return sum(later < earlier for earlier, later in pairwise(lags))
