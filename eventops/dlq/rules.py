"""What is a dead-letter topic, which letters are meant, what became of them, and how they group. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from eventops.dlq import families
from eventops.dlq.ledger import Ledger, Row, content_hash
from eventops.dlq.model import CauseGroup, Letter, LetterId, Selection, State, TopicCounts
from eventops.events import REPLAY_ID, Record

_DEAD_LETTER_NAME: Final = re.compile(r"(^|[-._])(dlt|dlq|dead[-._]?letters?)([-._]|$)", re.IGNORECASE)
_LAST_SEGMENT: Final = re.compile(r"[.$:/\\]")
UNSETTLED: Final = (State.OPEN, State.FAILED_AGAIN)
"""Nobody dealt with it yet."""
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


def is_dead_letter_name(topic: str) -> bool:
    """A topic that its name gives away.

    >>> [is_dead_letter_name(t) for t in ("orders-dlt", "orders.DLT", "dlq.billing", "dead-letter-topic-in", "a_dlq")]
    [True, True, True, True, True]
    >>> [is_dead_letter_name(t) for t in ("orders", "idler", "deadline-events", "eventops-ledger")]
    [False, False, False, False]
    """
    return _DEAD_LETTER_NAME.search(topic) is not None


def is_letter(record: Record) -> bool:
    """It stands in a topic named for letters, or a family wrote it to another topic than it came from.

    A record that somebody put back with its error headers on is no letter any more: it stands where it failed.
    """
    if is_dead_letter_name(record.position.topic):
        return True
    known = families.recognise(record)
    return known is not None and bool(known[1].origins) and known[1].origins[-1].topic != record.position.topic


def row_about(record: Record, letter_id: LetterId, ledger: Ledger) -> Row | None:
    """The ledger's last word on a letter. A row about another content isn't about this letter."""
    row = ledger.latest(letter_id)
    return row if row is not None and row.content == content_hash(record) else None


def state_of(record: Record, row: Row | None) -> State:
    """What became of a letter, from its record and the ledger's row about it."""
    if row is not None:
        return row.state
    return State.FAILED_AGAIN if record.header(REPLAY_ID) else State.OPEN


def judge(letter: Letter, letter_id: LetterId, ledger: Ledger) -> Letter:
    """The letter with what became of it, and why."""
    record = letter.event.record
    row = row_about(record, letter_id, ledger)
    reason = f"{row.reason} ({row.operator})" if row is not None and row.reason else None
    return replace(letter, state=state_of(record, row), state_reason=reason)


def matches_cause(cause_key: str, wanted: str) -> bool:
    """
    >>> matches_cause("smtplib.SMTPRecipientsRefused", "smtprecipientsrefused")
    True
    >>> matches_cause("com.acme.Orders$NoStock", "NoStock"), matches_cause("a.NoStock", "b.NoStock")
    (True, False)
    """
    return cause_key == wanted or _LAST_SEGMENT.split(cause_key)[-1].casefold() == wanted.casefold()


def is_selected(letter: Letter, selection: Selection) -> bool:
    """Every condition that was given holds; a letter without a time meets no condition on time."""
    if selection.causes and not any(matches_cause(letter.cause_key, cause) for cause in selection.causes):
        return False
    if selection.groups and letter.group not in selection.groups:
        return False
    if selection.positions and letter.position not in selection.positions:
        return False
    if selection.since is not None and (letter.timestamp is None or letter.timestamp < selection.since):
        return False
    return selection.until is None or (letter.timestamp is not None and letter.timestamp < selection.until)


def group_by_cause(topic: str, letters: Iterable[Letter]) -> tuple[CauseGroup, ...]:
    """Letters of one cause and one consumer group together; most unsettled letters first, then most letters."""
    groups: dict[tuple[str, str | None], list[Letter]] = {}
    for letter in letters:
        groups.setdefault((letter.cause_key, letter.group), []).append(letter)
    causes = [_cause_group(topic, members) for members in groups.values()]
    return tuple(sorted(causes, key=_most_unsettled_first))


def _cause_group(topic: str, letters: Sequence[Letter]) -> CauseGroup:
    times = [letter.timestamp for letter in letters if letter.timestamp is not None]
    return CauseGroup(
        topic=topic,
        cause_key=letters[0].cause_key,
        group=letters[0].group,
        counts=dict(Counter(letter.state for letter in letters)),
        oldest=min(times, default=None),
        newest=max(times, default=None),
        distinct_keys=len({letter.event.record.key for letter in letters}),
        example=max(letters, key=lambda letter: (letter.timestamp or _EARLIEST, letter.position)),
    )


def _most_unsettled_first(cause: CauseGroup) -> tuple[int, int, str, str]:
    return -cause.open, -sum(cause.counts.values()), cause.cause_key, cause.group or ""


class Tally:
    """Counts the letters of one topic as they are read, so that a large topic needs no memory."""

    def __init__(self, topic: str, now: datetime) -> None:
        self._topic = topic
        self._hour_ago = now - timedelta(hours=1)
        self._states: Counter[State] = Counter()
        self._times: tuple[datetime, datetime] | None = None
        self._last_hour = 0

    def add(self, state: State, at: datetime | None) -> None:
        """Count a letter of that state that was written ``at``."""
        self._states[state] += 1
        if at is None:
            return
        self._times = (min(self._times[0], at), max(self._times[1], at)) if self._times else (at, at)
        self._last_hour += at > self._hour_ago

    def counts(self) -> TopicCounts:
        """The topic's line; a rate is unknown where there are letters and none of them has a time."""
        oldest, newest = self._times or (None, None)
        rate = None if self._states and self._times is None else float(self._last_hour)
        return TopicCounts(self._topic, dict(self._states), oldest, newest, rate)
