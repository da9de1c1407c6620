"""Letters counted as they are read: which are meant, and in which state they are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from eventops.dlq import rules
from eventops.dlq.conditions import LetterCondition
from eventops.dlq.families import Conventions
from eventops.dlq.model import Brief, Selection, State
from eventops.dlq.rows import Row
from eventops.dlq.skimming import Skimmer, Told, record_of
from eventops.events import REPLAY_ID, Record
from eventops.ports import Plain

RowAbout = Callable[[Plain], Row | None]
"""The ledger's last word on a letter."""


class Teller:
    """What grouping asks of every letter of a selection. ``row_about`` None: the ledger says nothing about any;
    ``keep`` is given those that are selected."""

    def __init__(
        self,
        conventions: Conventions,
        selection: Selection,
        row_about: RowAbout | None,
        keep: Callable[[Record], None] | None = None,
    ) -> None:
        self._conventions = conventions
        self._selection = selection
        self._row_about = row_about
        self._keep = keep
        self._skim = Skimmer(conventions).tell
        self._means_all = keep is None and replace(selection, limit=None) == Selection(selection.topic)

    def tell(self, letter: Plain) -> tuple[Told, State] | None:
        """Cause, group, event type and state; None for a letter that isn't selected."""
        told = self._skim(letter)
        row = self._row_about(letter) if self._row_about else None
        if not self._means_all:
            record = record_of(letter)
            if not self._is_selected(Brief(record, told[1], told[0], told[2]), row):
                return None
            if self._keep is not None:
                self._keep(record)
        return told, rules.state_of(told[3], row)

    def _is_selected(self, brief: Brief, row: Row | None) -> bool:
        if not rules.is_candidate(brief, self._selection):
            return False
        return holds(self._selection.where, self._conventions, brief.record, row)


def tally(
    letters: Sequence[Plain],
    tallies: Mapping[str, rules.Tally],
    row_about: RowAbout | None,
    is_meant: Callable[[Plain, Row | None], bool] | None,
) -> None:
    """Count letters by topic and state."""
    alike: dict[tuple[str, State], list[int | None]] = {}
    for letter in letters:
        row = row_about(letter) if row_about else None
        if is_meant is None or is_meant(letter, row):
            state = rules.state_of(dict(letter[5]).get(REPLAY_ID), row)
            alike.setdefault((letter[0].topic, state), []).append(letter[2])
    for (topic, state), times in alike.items():
        tallies[topic].add(state, times)


def holds(where: LetterCondition | None, conventions: Conventions, record: Record, row: Row | None) -> bool:
    """Whether a condition holds for a letter about which the ledger says that."""
    return where is None or where.holds(rules.told(conventions.decode(record), row))
