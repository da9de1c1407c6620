"""Numbers as people give them on a command line."""

from __future__ import annotations

import math
from typing import Any

import click


class Finite(click.FloatRange):
    """A number within a range; neither ``nan``, which no comparison refuses, nor ``inf``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """
        Raises:
            click.BadParameter: it is no number, or none within the range.
        """
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value} is no number that something lasts or counts.", param, ctx)
        return found
