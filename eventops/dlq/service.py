"""Dead letters: find, read, judge, plan, execute. Only :meth:`DeadLetterService.execute` writes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from eventops.dlq import following, gathering, planning, revising, rules
from eventops.dlq.conditions import LetterCondition
from eventops.dlq.counting import Teller, tally
from eventops.dlq.encodings import TOPIC_NAMES, is_topic_name
from eventops.dlq.families import BUILT_IN, Conventions
from eventops.dlq.following import Fate, Follower
from eventops.dlq.grouping import Grouping, Kept
from eventops.dlq.ledger_log import LedgerLog, is_illegible
from eventops.dlq.letter_log import Reading, Tell, TopicFinder, TopicNames
from eventops.dlq.model import Letter, LettersReport, ListReport, Piece, Selection
from eventops.dlq.pace import Pace
from eventops.dlq.recognising import Recognition, recognised
from eventops.dlq.replay import Replay
from eventops.dlq.replay_model import Action, Plan, Step, Wishes
from eventops.dlq.request import Request
from eventops.dlq.revising import Edited
from eventops.dlq.rows import Row
from eventops.dlq.skimming import record_of
from eventops.dlq.standing import Standing
from eventops.dlq.transforming import by_jq
from eventops.errors import EventopsError, UsageError
from eventops.events import Headers, Position, Record
from eventops.ports import Broker, Gap, Topic
from eventops.ports.missing import refusal

_BATCH = 500
"""Letters of an export that are handed on together."""
_MOST_SOURCES = 500
"""Source records that are looked up for one answer."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DeadLetterService:
    """What failed, why, and can it be put back?"""

    def __init__(self, broker: Broker, operator: str, conventions: Conventions = BUILT_IN) -> None:
        self._broker = broker
        self._operator = operator
        self._conventions = conventions
        self._log = LedgerLog(broker)
        self._finder = TopicFinder(broker, conventions)
        self._tell: Tell | None = None

    def telling(self, tell: Tell) -> DeadLetterService:
        """The same service, which tells how far it is while it reads letters."""
        other = copy.copy(self)
        other._tell = tell  # noqa: SLF001 - one of its own kind
        return other

    @property
    def own_code(self) -> tuple[str, ...]:
        """What the context says is our own code: prefixes of classes, parts of paths."""
        return self._conventions.causes.own

    def strip(self, headers: Headers) -> Headers:
        """Headers without what any family adds."""
        return self._conventions.strip(headers)

    def list(self, now: datetime, where: LetterCondition | None = None) -> ListReport:
        """Every dead-letter topic, with counts by what became of its letters, or of those for which ``where`` holds."""
        topics, unseen = self._finder.find()
        reading = self._reading()
        tallies = {topic.name: rules.Tally(topic.name, now) for topic in topics}
        (standing, _gaps), decode = self._standing(topics, reading), self._conventions.decode
        is_meant = None if where is None else lambda letter: where.holds(standing.judge(decode(record_of(letter))))
        for letters in reading.skimmed(topics):
            tally(letters, tallies, standing, is_meant)
        gone = reading.forget_deleted()
        unread = reading.unread()
        reading.add_gaps(unseen)
        counts = tuple(line.counts(unread.get(name)) for name, line in tallies.items() if name not in gone)
        return ListReport(now, counts, reading.coverage)

    def letters(self, selection: Selection, now: datetime, after: Letter | None = None) -> LettersReport:
        """The selected letters in the order they came, and what all that were selected group to. A topic named here is
        always taken for a dead-letter topic.

        A selection with a limit takes the memory of so many letters, whatever the topic holds: the first ones, or those
        that come ``after`` the last one of the page before.

        Raises:
            UsageError: there is no such topic.
        """
        kept = Kept(selection.limit, now, None if after is None else (after.timestamp, after.position))
        report = self._grouped(selection, now, kept.add)
        letters = self._judged(kept.records(), report.topic)
        return replace(report, letters=self._sourced(letters))

    def causes(self, selection: Selection, now: datetime) -> LettersReport:
        """What the selected letters group to, without the letters: a million take no more memory than their causes.

        Raises:
            UsageError: there is no such topic.
        """
        return self._grouped(selection, now)

    def export(self, selection: Selection) -> Iterator[Piece]:
        """The selected letters, judged, in log order as they are read; the last piece tells what the answer rests on.

        Raises:
            UsageError: there is no such topic.
        """
        topic = self._topic(selection.topic)
        reading = self._reading(selection.since)
        judge = self._judge([topic], reading)
        chosen = (letter for letter in map(judge, reading.letters([topic])) if rules.is_selected(letter, selection))
        limited = islice(chosen, selection.limit)
        number = 0
        while batch := tuple(islice(limited, _BATCH)):
            number += len(batch)
            yield Piece(self._sourced(batch))
        is_cut = selection.limit is not None and number >= selection.limit
        yield Piece((), None if is_cut else reading.coverage)

    def recognition(self, topic: str, limit: int) -> Recognition:
        """Which family knows how many of a topic's first letters, and which of their headers nobody knows.

        Raises:
            UsageError: there is no such topic.
        """
        reading = Reading(self._broker, self._conventions)
        letters = islice(reading.letters([self._topic(topic)]), limit)
        families = recognised(letters, self._conventions)
        return Recognition(topic, families, reading.coverage)

    def letter(self, position: Position) -> tuple[Letter, tuple[Gap, ...]]:
        """One letter, and what of the ledger couldn't be read, which its ``state_reason`` says then.

        Raises:
            EventopsError: there is no record at that position, or it may not be read.
        """
        self._topic(position.topic)
        record = self._broker.read([position]).get(position)
        if record is None:
            remedy = f"`eventops dlq show {position.topic}` lists what is there"
            raise refusal(self._broker, position) or EventopsError(f"there is no record at {position}", remedy)
        letters, gaps = self.judged([self._conventions.decode(record)])
        (letter,) = self._sourced(letters)
        return letter, gaps

    def letter_of(self, record: Record) -> Letter | None:
        """The record as a letter, not judged yet; None where it is none. Asks nobody."""
        return rules.letter_of(record, self._conventions)

    def origins_of(self, record: Record) -> tuple[Position, ...]:
        """Where a letter's record stood, hop by hop; empty where no family says. Asks nobody."""
        return self._conventions.origins(record)

    def holds_letters(self, topic: str) -> bool:
        """Whether a topic is named for letters. Asks nobody."""
        return rules.may_hold_letters(topic, self._conventions)

    def judged(self, letters: Sequence[Letter]) -> tuple[tuple[Letter, ...], tuple[Gap, ...]]:
        """Letters with what became of them by now, and what of the ledger couldn't be read for it."""
        topics = self._broker.topics({letter.position.topic for letter in letters}) if letters else ()
        reading = Reading(self._broker, self._conventions)
        judge = self._judge(topics, reading)
        return tuple(judge(letter) for letter in letters), reading.coverage.gaps

    def history(self, topic: str | None = None) -> tuple[tuple[Row, ...], tuple[Gap, ...]]:
        """The ledger's rows, newest first, about one dead-letter topic (also one that is gone) or all; and what of the
        ledger couldn't be read.

        Raises:
            UsageError: there is no such topic, and the ledger knows of none.
        """
        rows, gaps = self._log.rows()
        found = rows.history(topic)
        if topic is not None and not found and not gaps:
            self._topic(topic)
        return found, gaps

    def doubts(self) -> tuple[tuple[str, str | None], ...]:
        """Why the ledger can't be relied on, each with its remedy: what of it can't be read, and what makes it forget.
        None where there is no ledger yet."""
        rows, gaps = self._log.rows()
        distrust, illegible = self._log.distrust(), rows.unreadable.values()
        return (
            *([(distrust.what, distrust.remedy)] if distrust else ()),
            *((one.what, one.remedy) for one in illegible),
            *((f"{gap.place}: {gap.reason}", None) for gap in gaps if not is_illegible(gap)),
        )

    def fates(self, rows: Sequence[Row]) -> tuple[tuple[Fate | None, ...], tuple[Gap, ...]]:
        """What became of what those rows put back, in their order, and what couldn't be read for it."""
        return following.fates(rows, self._broker, self._conventions, lambda: self._finder.find()[0])

    def plan(
        self,
        selection: Selection,
        now: datetime,
        run_id: str,
        wishes: Wishes = Wishes(),  # noqa: B008 - frozen
        *,
        reason: str | None = None,
        edited: Mapping[Position, Edited] | None = None,
    ) -> Plan:
        """What a replay of the selected letters would do, as ``wishes`` has it; ``edited``: as an editor left them.

        Raises:
            UsageError: there is no such topic, or the wishes make no sense.
        """
        if wishes.to is not None and not is_topic_name(wishes.to):
            raise UsageError(f"--to {wishes.to!r} can't be a topic's name", remedy=TOPIC_NAMES)
        with nullcontext() if wishes.transform is None else by_jq(wishes.transform) as transform:
            revise = revising.all_of(
                transform,
                revising.by_documents(edited) if edited is not None else None,
                revising.new_id if wishes.new_ids else None,
                wipe=self._conventions.strip,
            )
            return self._plan(Request(selection, now, run_id, Action.REPLAY, wishes, reason, revise))

    def plan_bookkeeping(
        self, action: Action, selection: Selection, now: datetime, run_id: str, reason: str | None
    ) -> Plan:
        """What it would be to write the selected letters off (the log keeps them, the ledger says why), or to take that
        back.

        Raises:
            UsageError: there is no such topic.
        """
        return self._plan(Request(selection, now, run_id, action, reason=reason))

    def execute(
        self,
        plan: Plan,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        *,
        is_stopped: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime] = _utc_now,
        program: str = "eventops",
    ) -> Iterator[Step]:
        """Carry out a plan, a step a transaction; the last step has the report. ``is_stopped`` is asked between
        transactions, and several times a second by whatever waits; ``program`` is how this program is called, for the
        command that resumes.

        Raises:
            NotPermitted: the transactional id, the ledger or the target may not be used.
            EventopsError: somebody else is at it, or the ledger can't be trusted or read; nothing was done that it
                doesn't tell.
        """
        watch = None
        if pace.ramp is not None and plan.is_replay:
            watch = Follower(self._broker, self._conventions, lambda: self._taking(plan.selection.topic))
        return Replay(self._broker, self._log, plan, self._operator, pace, watch).steps(now, is_stopped, program)

    def _plan(self, request: Request) -> Plan:
        topic = self._topic(request.selection.topic)
        reading = self._reading()
        with gathering.uncollected():
            judge = self._judge([topic], reading)
            rows, _gaps = self._log.rows()
            letters = [judge(letter) for letter in reading.letters([topic])]
            chosen = [letter for letter in letters if rules.is_selected(letter, request.selection)]
            known = gathering.known(self._broker, self._conventions, rows, topic, letters, chosen, request, reading)
            plan = planning.plan(request, letters, known, chosen)
        distrust = self._log.distrust()
        return plan if distrust is None else replace(plan, warnings=(str(distrust), *plan.warnings))

    def _taking(self, topic: str) -> Mapping[str, Topic]:
        """The topics that letters may come back in, by name: that one, and every dead-letter topic."""
        return {one.name: one for one in (*self._broker.topics([topic]), *self._finder.find()[0])}

    def _grouped(
        self, selection: Selection, now: datetime, keep: Callable[[Record], None] | None = None
    ) -> LettersReport:
        topic = self._topic(selection.topic)
        reading = self._reading(selection.since)
        grouping = Grouping(topic.name, now)
        standing, _gaps = self._standing([topic], reading)
        teller = Teller(self._conventions, selection, standing, keep)
        for letters in reading.skimmed([topic]):
            grouping.take(letters, teller.tell)
        judge = self._judge([topic])
        causes = grouping.groups(lambda letter: judge(self._conventions.decode(record_of(letter))))
        return LettersReport(now, topic.name, (), causes, reading.coverage)

    def _reading(self, since: datetime | None = None) -> Reading:
        return Reading(self._broker, self._conventions, since, self._tell)

    def _judged(self, records: Sequence[Record], topic: str) -> tuple[Letter, ...]:
        judge = self._judge(self._broker.topics([topic]))
        return tuple(judge(self._conventions.decode(record)) for record in records)

    def _sourced(self, letters: Sequence[Letter]) -> tuple[Letter, ...]:
        """Letters that hold neither key nor value with the record they were made of, where it can still be read;
        at most some hundred are looked up."""
        bare = [letter for letter in letters if letter.is_bare and letter.origin][:_MOST_SOURCES]
        found = gathering.origins(self._broker, {letter.origin.position for letter in bare if letter.origin})
        return tuple(rules.with_source(letter, found) if letter.is_bare else letter for letter in letters)

    def _topic(self, name: str) -> Topic:
        found = self._broker.topics([name]) if is_topic_name(name) else ()
        if not found:
            raise UsageError(f"there is no topic {name}", remedy="`eventops dlq list` shows the dead-letter topics")
        return found[0]

    def _judge(self, topics: Collection[Topic], reading: Reading | None = None) -> Callable[[Letter], Letter]:
        """Judges letters of those topics by the ledger as it stands now; where some of it couldn't be read, a letter
        that seems open says so."""
        standing, gaps = self._standing(topics, reading)
        if not gaps:
            return standing.judge
        return lambda letter: rules.unjudged(standing.judge(letter), gaps[0].reason)

    def _standing(self, topics: Collection[Topic], reading: Reading | None) -> tuple[Standing, tuple[Gap, ...]]:
        """What the ledger says of letters of those topics, and what of it couldn't be read; a reading is told that."""
        rows, gaps = self._log.rows()
        if reading is not None:
            reading.add_gaps(gaps)
        named = TopicNames(self._broker).named
        return Standing(rows, self._broker.cluster().cluster_id, topics, self._conventions, named), gaps
