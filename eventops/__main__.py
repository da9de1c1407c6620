"""The door: ``eventops`` and ``python -m eventops``."""

from __future__ import annotations
