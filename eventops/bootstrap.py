"""Settings to adapters to the Desk: the one place where real things are chosen."""

from __future__ import annotations
