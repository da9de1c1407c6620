"""Numbers as people give them on a command line."""

from __future__ import annotations

import math
from typing import Any, Final

import click

_SMALLEST: Final = 0.001
_LARGEST: Final = 1e9
"""Seconds: thirty years."""


class Finite(click.FloatRange):
    """A number within a range; neither ``nan``, which no comparison refuses, nor ``inf``, nor one that nobody means."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """
        Raises:
            click.BadParameter: it is no number, or none within the range.
        """
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found) or 0 < abs(found) < _SMALLEST or abs(found) > _LARGEST:
            self.fail(f"{value} is no number that something lasts or counts.", param, ctx)
        return found
