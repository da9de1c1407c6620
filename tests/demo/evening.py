"""An evening on call at the dashboard, by keys alone: from the alarm to its cause, from a dead letter to its cure."""

from __future__ import annotations

from typing import Final

from tests.demo.tmux import Tmux

_NEVER_READ: Final = r"loyalty-group +✗ inactive +[1-9]"


def from_the_alarm_to_the_record_that_waits(screen: Tmux) -> None:
    """A group that lags, its partitions, the request of its oldest waiting record."""
    screen.until(_NEVER_READ, "the lag alarm on the overview", 30)
    screen.press("2", "/", "C-u")
    screen.type("loyalty")
    screen.until(r"1 of 3 for “loyalty”", "only the group")
    screen.press("Enter")
    screen.until(r"order-events +\d .*nobody", "its partitions, which nobody reads")
    screen.press("Escape")
    screen.until(r"1 of 3 for “loyalty”", "back to the group")
    screen.press("t")
    screen.until(r"loyalty-group +pending +committed", "the record in its chain, and why it waits")


def to_a_letter_and_its_chain(screen: Tmux, topic: str, cause: str) -> str:
    """Topic, cause, letters, one letter, its chain, and back; returns where the letter stands."""
    screen.press("4")
    screen.until(rf"{topic} +[1-9]", "the topics of dead letters")
    screen.press("/", "C-u")
    screen.type(topic)
    screen.until(rf"1 of \d+ for “{topic}”", "only that topic")
    screen.press("Enter")
    screen.until(rf"{cause} +\S", "its causes")
    screen.press("/")
    screen.type(cause)
    screen.until(rf"1 of \d+ for “{cause}”", "only that cause")
    screen.press("Enter")
    screen.until(r"✗ open", "its letters")
    screen.press("Enter")
    letter = screen.until(rf"/ ({topic}/\d+/\d+)", "one letter").group(1)
    screen.press("t")
    screen.until(rf"dead-lettered +letter\s[^✗]*{letter}", "the same failure in its chain")
    screen.press("d")
    screen.until(rf"/ {letter}(?s:.*)✗ open", "the letter again")
    return letter


def put_back(screen: Tmux) -> None:
    """The plan, a yes in so many letters, the deed."""
    screen.press("R")
    screen.until(r"nothing was written yet(?s:.*)1  selected", "the plan")
    screen.press("x")
    screen.until(r"type yes to put 1 letter of \S+ back", "the question")
    screen.type("yes")
    screen.until(r"\b1 +letter replayed", "what was done")


def until_solved(screen: Tmux) -> None:
    """The ledger tells that the group got past the letter; nothing waits any more."""
    screen.press("h")
    screen.until(r"↻ replayed +✓ passed", "what came of it")
    screen.press("1")
    screen.until(r"loyalty-group +✓ caught up +0", "the alarm is off", 30)


def leave(screen: Tmux) -> None:
    """By its key."""
    screen.press("q")
