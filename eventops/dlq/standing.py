"""What became of the letters of some topics, by the ledger as it stood when it was asked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection

from eventops.dlq import rules
from eventops.dlq.decoders_kafka import SHARE
from eventops.dlq.encodings import Sheet
from eventops.dlq.families import Conventions
from eventops.dlq.ledger import Ledger
from eventops.dlq.model import Letter, LetterId, State
from eventops.dlq.rows import Row, topic_identity
from eventops.dlq.skimming import record_of
from eventops.events import Position
from eventops.ports import Plain, Topic


class Standing:
    """Judges letters of those topics, whole or skimmed; ``named`` gives a letter that calls its topic by its id the
    topic's name."""

    def __init__(
        self,
        ledger: Ledger,
        cluster_id: str,
        topics: Collection[Topic],
        conventions: Conventions,
        named: Callable[[Letter], Letter],
    ) -> None:
        self._ledger = ledger
        self._cluster_id = cluster_id
        self._ids = {topic.name: topic_identity(topic.name, topic.topic_id) for topic in topics}
        self._told = {name for name, topic_id in self._ids.items() if ledger.is_about(topic_id)}
        self._conventions = conventions
        self._named = named

    def judge(self, letter: Letter) -> Letter:
        """The letter with what became of it, and why."""
        return rules.judge(self._named(letter), self._letter_id(letter.position), self._ledger)

    def of(self, letter: Plain, *, has_replay_id: bool) -> State:
        """What became of a letter that was only skimmed."""
        if letter[0].topic not in self._told:  # most ledgers say nothing about most topics
            return State.FAILED_AGAIN if has_replay_id else State.OPEN
        row = self._row(letter)
        return rules.state_of(has_replay_id or (rules.is_unsettled(row) and self._came_back(letter)), row)

    def _row(self, letter: Plain) -> Row | None:
        """The ledger's last word on it."""
        found = self._letter_id(Position(letter[0].topic, letter[0].partition, letter[1]))
        return None if self._ledger.latest(found) is None else rules.row_about(record_of(letter), found, self._ledger)

    def _came_back(self, letter: Plain) -> bool:
        """It failed where the ledger says that a letter of its topic was put back to."""
        topic_id = self._ids[letter[0].topic]
        if not self._ledger.has_targets(topic_id):
            return False
        sheet = Sheet.of(record_of(letter))
        known = self._conventions.known(sheet)
        if SHARE in known:
            origins = self._named(self._conventions.decode(sheet.record)).origins
        else:
            origins = tuple(hop.position for family in known for hop in family.path(sheet) if hop.position)
        return rules.came_back(sheet.record, origins, topic_id, self._ledger)

    def _letter_id(self, at: Position) -> LetterId:
        topic_id = self._ids.get(at.topic) or topic_identity(at.topic, None)
        return LetterId(self._cluster_id, topic_id, at.partition, at.offset)
