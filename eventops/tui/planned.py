"""One letter of a plan: where it would go, how that differs from what failed, and what exactly would be appended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget

from eventops.dlq import comparing
from eventops.dlq.replay_model import Planned
from eventops.tui import record_text
from eventops.tui.dlq import about
from eventops.tui.page import Page
from eventops.tui.palette import BAD, FAINT, GOOD
from eventops.tui.target import Target
from eventops.tui.widgets.lines import Freshness, Said
from eventops.wording import safe


class PlannedPage(Page):
    """It is what the plan says, and asks nobody. ``words``: the command that prints the plan."""

    section = "dlq"
    keys: ClassVar = (("t", "trace"), ("Esc", "back to the plan"))

    def __init__(self, planned: Planned, words: Sequence[str]) -> None:
        super().__init__()
        self._planned = planned
        self._words = tuple(words)

    @property
    def words(self) -> tuple[str, ...]:
        """The plan's command: it tells of each letter."""
        return self._words

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The letter, in a plan."""
        at = self._planned.letter.position
        return (at.topic, "replay", f"{at.partition}/{at.offset}")

    @property
    def freshness(self) -> Freshness | None:
        """It never changes."""
        return None

    def body(self) -> Iterator[Widget]:
        """Where it would go and how it differs; beside it (or below) the whole record."""
        yield VerticalScroll(Said(id="letter"), Said(id="contents"), id="whole")

    def paint(self) -> None:
        """All that is known of it."""
        diff = comparing.diff(self._planned, self.desk.dlq.strip)
        self.query_one("#letter", Said).update(facts(self._planned, diff))
        self.query_one("#contents", Said).update(contents(self._planned))

    def target(self) -> Target | None:
        """The letter's request."""
        return about(self._planned.letter)


def facts(one: Planned, diff: str | None) -> Text:
    """Where it would go and as what; ``diff`` None: it is put back as it was."""
    text = Text()
    where = one.target_topic if one.target_partition is None else f"{one.target_topic}/{one.target_partition}"
    record_text.fact(text, "letter", str(one.letter.position))
    record_text.fact(text, "becomes in", where)
    record_text.fact(text, "taken from", f"the {one.taken_from}")
    record_text.fact(text, "attempt", str(one.attempt))
    record_text.fact(text, "replay id", one.replay_id)
    for name, told in (("changed", one.change), ("differs", one.difference)):
        if told:
            record_text.fact(text, name, told)
    record_text.heading(text, "how it differs")
    if diff is None:
        text.append("  not at all: key, payload and the event's own headers are put back as they were\n", FAINT)
    for line in diff.split("\n") if diff else ():
        text.append(f"  {safe(line)}\n", {"+": GOOD, "-": BAD, "@": FAINT}.get(line[:1], ""))
    return text


def contents(one: Planned) -> Text:
    """What would be appended: payload and headers."""
    text = Text()
    record_text.block(text, "payload, as it would be appended", record_text.pretty(one.value))
    record_text.headers(text, one.headers)
    return text[1:]  # the first heading's own blank line
