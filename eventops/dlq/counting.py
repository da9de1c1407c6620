"""Letters counted as they are read: which are meant, and in which state they are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from eventops.dlq import rules
from eventops.dlq.families import Conventions
from eventops.dlq.model import Brief, Selection, State
from eventops.dlq.skimming import Skimmer, Told, record_of
from eventops.dlq.standing import Standing
from eventops.events import REPLAY_ID, Record
from eventops.ports import Plain


class Teller:
    """What grouping asks of every letter of a selection; ``keep`` is given those that are selected."""

    def __init__(
        self,
        conventions: Conventions,
        selection: Selection,
        standing: Standing,
        keep: Callable[[Record], None] | None = None,
    ) -> None:
        self._conventions = conventions
        self._selection = selection
        self._standing = standing
        self._keep = keep
        self._skim = Skimmer(conventions).tell
        self._means_all = keep is None and replace(selection, limit=None) == Selection(selection.topic)

    def tell(self, letter: Plain) -> tuple[Told, State] | None:
        """Cause, group, event type and state; None for a letter that isn't selected."""
        told = self._skim(letter)
        if not self._means_all:
            record = record_of(letter)
            if not self._is_selected(Brief(record, told[1], told[0], told[2])):
                return None
            if self._keep is not None:
                self._keep(record)
        return told, self._standing.of(letter, has_replay_id=told[3])

    def _is_selected(self, brief: Brief) -> bool:
        where = self._selection.where
        if not rules.is_candidate(brief, self._selection):
            return False
        return where is None or where.holds(self._standing.judge(self._conventions.decode(brief.record)))


def tally(
    letters: Sequence[Plain],
    tallies: Mapping[str, rules.Tally],
    standing: Standing,
    is_meant: Callable[[Plain], bool] | None,
) -> None:
    """Count letters by topic and state."""
    alike: dict[tuple[str, State], list[int | None]] = {}
    for letter in letters:
        if is_meant is None or is_meant(letter):
            state = standing.of(letter, has_replay_id=bool(dict(letter[5]).get(REPLAY_ID)))
            alike.setdefault((letter[0].topic, state), []).append(letter[2])
    for (topic, state), times in alike.items():
        tallies[topic].add(state, times)
