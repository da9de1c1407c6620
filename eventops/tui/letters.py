"""The letters of one cause, page by page; and one letter in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from eventops.bootstrap import Desk
from eventops.dlq.model import CauseGroup, Letter, Selection, State
from eventops.events import Position
from eventops.ports import Gap
from eventops.tui import letter_text, quoting
from eventops.tui.choosing import LettersOf, Marking
from eventops.tui.clipboard import copy
from eventops.tui.dlq import about
from eventops.tui.dlq_columns import last_segment, letter_columns
from eventops.tui.leaves import PAGE, Leaves
from eventops.tui.ledger import LedgerPage
from eventops.tui.marked import why_unseen
from eventops.tui.target import Target
from eventops.tui.watch import Watch
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import count

WRITTEN_OFF: Final = (State.DISCARDED, State.PARKED)
"""What ``U`` takes back."""
_EVERY: Final = 5.0
"""Seconds at least between two readings."""


class LettersPage(Marking[Letter]):
    """The letters of one cause and group as the log has them, a page at a time; marks outlast the pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "turn(1)", "the next page of letters"),
        Binding("b", "turn(-1)", "the page before"),
    ]

    def __init__(self, cause: CauseGroup) -> None:
        super().__init__()
        self._cause = cause
        self._leaves: Leaves | None = None
        self._at = 0
        self._watches: dict[int, Watch[tuple[Letter, ...]]] = {}

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The page that is shown: read once, then judged anew, for the letters themselves never change."""
        if self._leaves is None:
            self._leaves = Leaves(self.desk, self._cause)
        if self._at not in self._watches:
            leaves, at = self._leaves, self._at
            self._watches[at] = Watch("letters", lambda: leaves.page(at), _EVERY)
        return (self._watches[self._at],)

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """What ``R`` and ``D`` are about, and which pages there are."""
        row = self._table.current if self.is_mounted else None
        pages = [("U", "restore")] if row is not None and row.state in WRITTEN_OFF and not self.chosen_marks else []
        pages += [("n", "next page")] if self._has_next else []
        pages += [("b", "page before")] if self._at else []
        return (
            ("Enter", "letter"), ("Space", "mark"), *self.deeds("letter"), *pages, ("t", "trace"), ("Esc", "back"),
        )  # fmt: skip

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        group = ("--group", self._cause.group) if self._cause.group else ()
        return ("dlq", "show", *quoting.about(self._cause.topic, "--cause", self._cause.cause_id, *group))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Topic and cause."""
        return (self._cause.topic, last_segment(self._cause.cause_key))

    def body(self) -> Iterator[Widget]:
        """The page, and the letter under the cursor where there is room."""
        yield Table(
            "Letters",
            letter_columns(self.now),
            lambda row: str(row.position),
            empty="No letters of this cause any more. Esc goes back.",
            name="letters",
        )
        yield VerticalScroll(Said(id="detail"), id="about", can_focus=False)

    def paint(self) -> None:
        """One page, and which."""
        found: tuple[Letter, ...] | None = self.watches[0].value
        self._table.show(found, note="" if found is None else self._which(found))
        self._detail()

    def gaps(self) -> Sequence[Gap]:
        """What of the log or the ledger couldn't be read."""
        return self._leaves.gaps if self._leaves is not None else ()

    def on_table_moved(self, _message: Table.Moved) -> None:
        """Another letter is under the cursor."""
        self._detail()
        self.tell_keys()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """It alone."""
        self.shell.push_screen(LetterPage(message.row.position, message.row, self.watches[0].answered_at))

    def action_turn(self, by: int) -> None:
        """Another page."""
        if (by > 0 and not self._has_next) or self._at + by < 0:
            self.notify("no page after this one is known" if by > 0 else "this is the first page")
            return
        self.leave()
        self._at += by
        self._table.go_to(0)
        self.shell.ask_due()
        self.refresh_all()

    def ask_again(self) -> None:
        """From the first letter on: others may have come."""
        self.leave()
        self._at, self._leaves, self._watches = 0, None, {}
        super().ask_again()
        self.refresh_all()

    def target(self) -> Target | None:
        """The letter under the cursor."""
        row = self._table.current
        return None if row is None else about(row)

    def action_history(self) -> None:
        """Of the topic, whatever is shown of it."""
        self.shell.push_screen(LedgerPage(self._cause.topic))

    def selection(self) -> Selection | None:
        """The marked ones, on whichever page, none of them hidden by a filter; else the one under the cursor."""
        row = self._table.current
        if self._why_hidden is not None:
            return None
        chosen = sorted(map(Position.parse, self._table.marked)) or ([] if row is None else [row.position])
        return Selection(self._cause.topic, positions=tuple(chosen)) if chosen else None

    @property
    def unchosen(self) -> str:
        """Or not what can be seen."""
        return self._why_hidden or super().unchosen

    @property
    def _why_hidden(self) -> str | None:
        """Other pages are a key away, and don't count as long as all rows of this one are shown."""
        return why_unseen(self._table, "letter") if self._table.needle else None

    @property
    def _table(self) -> Table[Letter]:
        return self.query_one("#letters", Table)

    @property
    def _total(self) -> int:
        return sum(self._cause.counts.values())

    @property
    def _has_next(self) -> bool:
        found: tuple[Letter, ...] | None = self.watches[0].value
        return bool(found) and self._at * PAGE + len(found or ()) < self._total

    def _which(self, found: tuple[Letter, ...]) -> str:
        """Where everything fits on one page, nothing has to be said; else a filter is told to see no other page."""
        if not found or self._total <= len(found):
            return ""
        first = self._at * PAGE
        which = f"{count(first + 1)} to {count(first + len(found))} of {count(self._total)}"
        return f"in this page alone: {which}" if self._table.needle else which

    def _filter(self, text: str) -> None:
        super()._filter(text)
        self.refresh_all()  # which rows it sees is told beside it

    def _detail(self) -> None:
        row = self._table.current
        self.query_one("#about").set_class(row is None, "-none")
        text = Text() if row is None else letter_text.brief(row)
        self.query_one("#detail", Static).update(text)


class LetterPage(LettersOf):
    """One letter: what it is, why it failed, where it has been, what was done about it, its payload and stack."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "trace_it", "trace", show=False),
        Binding("f", "fold", "the stack trace whole, or without the frames of frameworks"),
        Binding("C", "copy_payload", "copy the payload, what a terminal would obey escaped"),
    ]

    def __init__(self, position: Position, known: Letter | None = None, known_at: datetime | None = None) -> None:
        """``known``: what a list told of it, and when."""
        super().__init__()
        self.position = position
        self._known = known, known_at
        self._is_folded = True
        self._letter: Watch[Letter] | None = None
        self._deeds: Watch[letter_text.Deeds] | None = None

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """What ``f`` would do."""
        found: Letter | None = self.watches[0].value
        back = (("U", "restore"),) if found is not None and found.state in WRITTEN_OFF else ()
        return (
            ("t", "trace"), ("R", "replay letter"), *(back or (("D", "discard"),)),
            ("f", "whole stack" if self._is_folded else "fold"), ("C", "copy payload"), ("Esc", "back"),
        )  # fmt: skip

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The letter, for its state may change; and what the ledger tells of it."""
        if self._letter is None or self._deeds is None:
            desk = self.desk
            self._letter = Watch("letter", lambda: desk.dlq.letter(self.position)[0], _EVERY, *self._known)
            self._deeds = Watch("ledger", lambda: deeds(desk, self.position), 2 * _EVERY)
        return (self._letter, self._deeds)

    @property
    def words(self) -> tuple[str, ...]:
        """Its command."""
        return ("dlq", "show", *quoting.about(str(self.position), *(() if self._is_folded else ("--full",))))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Where it stands."""
        return (str(self.position),)

    def body(self) -> Iterator[Widget]:
        """Facts, and beside them (or below) what it holds."""
        yield VerticalScroll(Said(id="letter"), Said(id="contents"), id="whole")

    def paint(self) -> None:
        """The whole letter."""
        found: Letter | None = self.watches[0].value
        facts, contents = self.query_one("#letter", Static), self.query_one("#contents", Static)
        if found is None:
            facts.update(Text(self._why_empty(self.trouble())))
            return
        facts.update(letter_text.facts(found, self.watches[1].value))
        own = self.desk.dlq.own_code
        contents.update(letter_text.contents(found, own, is_folded=self._is_folded))

    def gaps(self) -> Sequence[Gap]:
        """What of the ledger, or of what came of a replay, couldn't be read: the state may be another one."""
        found: letter_text.Deeds | None = self.watches[1].value
        return found.gaps if found is not None else ()

    def action_fold(self) -> None:
        """The other way of reading a stack trace."""
        self._is_folded = not self._is_folded
        self.refresh_all()

    def action_copy_payload(self) -> None:
        """As it is shown, whole."""
        found: Letter | None = self.watches[0].value
        if found is None:
            self.notify(f"no payload: {self._why_empty(self.trouble())}", markup=False)
        else:
            copy(self, letter_text.payload(found), "the payload")

    def target(self) -> Target | None:
        """This one."""
        found: Letter | None = self.watches[0].value
        return None if found is None else about(found)

    def selection(self) -> Selection | None:
        """This one."""
        return Selection(self.position.topic, positions=(self.position,))


def deeds(desk: Desk, position: Position) -> letter_text.Deeds:
    """What was done about a letter, and what came of it. Asks the cluster."""
    from eventops.dlq.planning import letter_id

    [topic] = desk.broker.topics([position.topic]) or [None]
    rows, gaps = desk.dlq.history(position.topic)
    this = letter_id(position, desk.broker.cluster().cluster_id, topic.topic_id if topic else None)
    about_it = [row for row in rows if row.letter == this]
    fates, unread = desk.dlq.fates(about_it)
    return letter_text.Deeds(tuple(zip(about_it, fates, strict=True)), (*gaps, *unread))
