"""What a screen knows of a question: how old, how slow, how long without an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from eventops.tui.watch import Watch


def test_before_it_was_asked_nobody_was_silent() -> None:
    """A screen that one comes back to after an hour."""
    watch = Watch("lag", lambda: 0, 2.0)
    asked = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
    watch.put(asked - timedelta(hours=1))
    watch.take(0, asked - timedelta(hours=1))
    watch.put(asked)
    assert watch.trouble(asked + timedelta(seconds=1)) is None
    watch.miss("nobody answers")
    watch.put(asked + timedelta(seconds=5))
    watch.miss("nobody answers")
    assert watch.trouble(asked + timedelta(seconds=8)) == "no answer for 8 s, retrying: nobody answers"
