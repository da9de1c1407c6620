"""What was done about letters, by whom and why, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.widget import Widget

from eventops.bootstrap import Desk
from eventops.dlq.following import Outcome
from eventops.dlq.model import State
from eventops.events import Position
from eventops.ports import Gap
from eventops.tui import quoting
from eventops.tui.letter_marks import state
from eventops.tui.letter_text import Deed, Deeds, outcome
from eventops.tui.page import Page
from eventops.tui.palette import FAINT
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.columns import Column
from eventops.tui.widgets.table import Table
from eventops.wording import count, instant, safe

_EVERY: Final = 5.0
_MOST: Final = 1_000
"""Rows that are shown, the newest."""


def letter_of(deed: Deed) -> Position:
    """Where the letter stands (or stood) that it was done about."""
    row = deed[0]
    return Position(row.topic, row.letter.partition, row.letter.offset)


def _when(deed: Deed) -> Text:
    return Text(instant(deed[0].at)[:19] + "Z", FAINT)


def _done(deed: Deed) -> Text:
    found = deed[0].state
    return Text("restored") if found is State.OPEN else state(found)


def _reason(deed: Deed) -> Text:
    row = deed[0]
    told = " · ".join(one for one in (row.reason, row.change) if one)
    return Text(safe(told, 120)) if told else Text("-", FAINT)


DEEDS: Final = (
    Column[Deed]("when", _when, order=lambda deed: deed[0].at, from_width=52),
    Column[Deed]("letter", lambda deed: f"{deed[0].letter.partition}/{deed[0].letter.offset}", order=letter_of),
    Column[Deed]("done", _done),
    Column[Deed]("became", lambda deed: outcome(deed[1])),
    Column[Deed]("by", lambda deed: deed[0].operator, is_flexible=True, from_width=70),
    Column[Deed]("why", _reason, is_flexible=True, from_width=60, at_most=120),
    Column[Deed]("put to", lambda deed: str(deed[0].target or "-"), is_flexible=True, from_width=110),
    Column[Deed](
        "evidence", lambda deed: deed[1].evidence if deed[1] else "-", is_flexible=True, from_width=140, at_most=80
    ),
)


def came_of(deeds: Sequence[Deed]) -> str:
    """How many of those that were put back passed, and so on, and how many were refused; nothing where none was."""
    found = Counter(fate.outcome for _, fate in deeds if fate is not None)
    told = [f"{count(found[one])} {one.value.replace('_', ' ')}" for one in Outcome if found[one]]
    if parked := sum(row.state is State.PARKED for row, _ in deeds):
        told.append(f"{count(parked)} parked")
    return " · ".join(told)


class LedgerPage(Page):
    """The ledger's rows about one dead-letter topic, the newest first."""

    section = "dlq"
    keys: ClassVar = (("Enter", "letter"), ("Esc", "back"))

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.topic = topic
        self._watch: Watch[Deeds] | None = None

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The rows, and what came of them."""
        if self._watch is None:
            desk = self.desk
            self._watch = Watch("history", lambda: history(desk, self.topic), _EVERY)
        return (self._watch,)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("dlq", "history", *quoting.about(self.topic))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The topic."""
        return (self.topic, "history")

    def body(self) -> Iterator[Widget]:
        """One table."""
        yield Table(
            "What was done",
            DEEDS,
            lambda deed: f"{deed[0].key.hex()} {deed[0].at.timestamp()} {letter_of(deed)}",
            empty="Nothing was done about these letters yet: no replay, no discard. Esc goes back.",
            name="deeds",
        )

    def paint(self) -> None:
        """The newest first, up to a bound that is told."""
        found: Deeds | None = self.watches[0].value
        if found is None:
            self.query_one("#deeds", Table).show(None)
            return
        total, rows = len(found.done) + found.older, found.done
        bound = f"the newest of {count(total)}; the command below prints all   " if found.older else ""
        self.query_one("#deeds", Table).show(rows, note=bound + came_of(rows))

    def gaps(self) -> Sequence[Gap]:
        """What of the ledger, or of what came of replays, couldn't be read."""
        found: Deeds | None = self.watches[0].value
        return found.gaps if found is not None else ()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """The letter."""
        from eventops.tui.letters import LetterPage

        self.shell.push_screen(LetterPage(letter_of(message.row)))

    def target(self) -> Target | None:
        """The letter under the cursor."""
        row = self.query_one("#deeds", Table).current
        return None if row is None else Target(letter=letter_of(row))


def history(desk: Desk, topic: str) -> Deeds:
    """What was done about a topic's letters. Asks the cluster."""
    rows, gaps = desk.dlq.history(topic)
    fates, unread = desk.dlq.fates(rows[:_MOST])
    return Deeds(tuple(zip(rows[:_MOST], fates, strict=True)), (*gaps, *unread), max(len(rows) - _MOST, 0))
