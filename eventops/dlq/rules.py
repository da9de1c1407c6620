"""What is a dead-letter topic, which letters are meant, and what became of them. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from eventops.dlq.causes import cause_id
from eventops.dlq.encodings import Sheet
from eventops.dlq.failure import Cause
from eventops.dlq.families import BUILT_IN, Conventions
from eventops.dlq.ledger import Ledger
from eventops.dlq.model import Brief, Letter, LetterId, Selection, State, TopicCounts
from eventops.dlq.moments import is_time, milliseconds
from eventops.dlq.rows import Row, content_hash
from eventops.events import REPLAY_ID, Event, Position, Record, moment_of, read_event

_DEAD_LETTER_NAME: Final = re.compile(
    r"(^|[-._])(dlt|dlq|dead[-._]?letters?|poison[-._]?queue)([-._]|$)", re.IGNORECASE
)
_RETRY_NAME: Final = re.compile(r"(^|[-._])retry([-._]\d+(ms)?)?([-._]|$)", re.IGNORECASE)
_CAUSE_ID: Final = re.compile(r"[0-9a-f]{10}")
_LAST_SEGMENT: Final = re.compile(r"[.$:/\\]")
UNSETTLED: Final = (State.OPEN, State.FAILED_AGAIN)
"""Nobody dealt with it yet."""


def is_dead_letter_name(topic: str) -> bool:
    """A topic that its name gives away.

    >>> [is_dead_letter_name(t) for t in ("orders-dlt", "orders.DLT", "dlq.billing", "dead-letter-topic-in", "a_dlq")]
    [True, True, True, True, True]
    >>> [is_dead_letter_name(t) for t in ("orders", "idler", "deadline-events", "eventops-ledger")]
    [False, False, False, False]
    """
    return _DEAD_LETTER_NAME.search(topic) is not None


def is_named_for_letters(topic: str, conventions: Conventions) -> bool:
    """By its name, and by what the context says of names."""
    if any(fnmatchcase(topic, pattern) for pattern in conventions.hidden):
        return False
    return is_dead_letter_name(topic) or any(fnmatchcase(topic, pattern) for pattern in conventions.topics)


def may_hold_letters(topic: str, conventions: Conventions) -> bool:
    """Named for letters, or as Spring Cloud Stream's binder names them (``error.DESTINATION.GROUP``), where only
    headers tell letters from others."""
    return is_named_for_letters(topic, conventions) or topic.startswith("error.")


def is_letter(record: Record, conventions: Conventions = BUILT_IN) -> bool:
    """It stands in a topic named for letters, or a family wrote it to another topic than it came from.

    A record that somebody put back with its error headers on is no letter any more: it stands where it failed. Nor
    is one in a retry topic: it will be tried again.
    """
    topic = record.position.topic
    if is_named_for_letters(topic, conventions):
        return True
    if _RETRY_NAME.search(topic) or any(fnmatchcase(topic, pattern) for pattern in conventions.hidden):
        return False
    sheet = Sheet.of(record)
    known = conventions.known(sheet)
    if not known:
        return False
    latest = next((hop.topic for hop in reversed(known[0].path(sheet)) if hop.topic), None)
    return latest != topic


def letter_of(record: Record, conventions: Conventions) -> Letter | None:
    """The record as a letter, not judged yet; None where it is none."""
    return conventions.decode(record) if is_letter(record, conventions) else None


def row_about(record: Record, letter_id: LetterId, ledger: Ledger) -> Row | None:
    """The ledger's last word on a letter. A row about another content isn't about this letter."""
    row = ledger.latest(letter_id)
    return row if row is not None and row.content == content_hash(record) else None


def is_unsettled(row: Row | None) -> bool:
    """The ledger says nothing about a letter, or that it is open again."""
    return row is None or row.state is State.OPEN


def state_of(is_again: bool, row: Row | None) -> State:
    """What became of a letter: by the ledger's row about it, else by whether it failed after a replay (``is_again``).

    >>> [state_of(is_again, None).value for is_again in (False, True)]
    ['open', 'failed_again']
    """
    if row is not None and not is_unsettled(row):
        return row.state
    return State.FAILED_AGAIN if is_again else State.OPEN


def judge(letter: Letter, letter_id: LetterId, ledger: Ledger) -> Letter:
    """The letter with what became of it, and why."""
    row = row_about(letter.event.record, letter_id, ledger)
    record = letter.event.record
    is_again = bool(record.header(REPLAY_ID)) or came_back(record, letter.origins, letter_id.topic_id, ledger)
    reason = f"{row.reason} ({row.operator})" if row is not None and row.reason else None
    state = state_of(is_again, row)
    target = row.target if row is not None and row.state is State.REPLAYED else None
    if (state, reason, target) == (letter.state, letter.state_reason, letter.replayed_as):
        return letter
    return replace(letter, state=state, state_reason=reason, replayed_as=target)


def unjudged(letter: Letter, why: str) -> Letter:
    """The letter, where not all of the ledger could be read: something may have become of it that isn't known."""
    if letter.state is not State.OPEN:
        return letter
    return replace(letter, state_reason=f"as far as is known: the ledger couldn't be read ({why})")


def came_back(record: Record, origins: Iterable[Position], topic_id: str, ledger: Ledger) -> bool:
    """Whether the letter's record had been put back to where it failed: for frameworks that copy no headers."""
    if not ledger.has_targets(topic_id):
        return False
    return any(ledger.put_to(topic_id, at, record.position, record.timestamp) is not None for at in origins)


def with_topic(letter: Letter, topic: str) -> Letter:
    """A letter of one hop whose origin stood in that topic."""
    if letter.origin is None or letter.origin.position.topic == topic:
        return letter
    at = letter.origin.position._replace(topic=topic)
    path = tuple(replace(hop, topic=topic, position=at) for hop in letter.path)
    return replace(letter, origin=replace(letter.origin, position=at), origins=(at,), path=path)


def with_source(letter: Letter, records: Mapping[Position, Record]) -> Letter:
    """A letter that holds neither key nor value, with the record it was made of and the ids that stand in it."""
    record = records.get(letter.origin.position) if letter.origin else None
    if record is None:
        return letter
    source = read_event(record)
    return replace(letter, source=source, event=Event(letter.event.record, source.ids))


def matches_cause(cause_key: str, wanted: str) -> bool:
    """
    >>> matches_cause("smtplib.SMTPRecipientsRefused", "smtprecipientsrefused")
    True
    >>> matches_cause("com.acme.Orders$NoStock", "NoStock"), matches_cause("a.NoStock", "b.NoStock")
    (True, False)
    """
    return cause_key == wanted or _LAST_SEGMENT.split(cause_key)[-1].casefold() == wanted.casefold()


def is_of_cause(cause: Cause, wanted: Iterable[str]) -> bool:
    """A cause is named by its id, its class, or its class's last segment; where causes were too many to be told
    apart, an id stands for a class."""
    named = tuple(wanted)
    return any(matches_cause(cause.kind, one) for one in named) or (
        any(_CAUSE_ID.fullmatch(one) for one in named)
        and (cause_id(cause) in named or cause_id(Cause(cause.kind)) in named)
    )


def is_selected(letter: Letter, selection: Selection) -> bool:
    """Every condition that was given holds, of a letter that was judged."""
    return is_candidate(letter, selection) and (selection.where is None or selection.where.holds(letter))


def is_candidate(letter: Letter | Brief, selection: Selection) -> bool:
    """Every condition but ``where`` holds; a letter without a time meets no condition on time."""
    if selection.causes and not is_of_cause(letter.cause, selection.causes):
        return False
    if selection.groups and letter.group not in selection.groups:
        return False
    if not _stands_there(letter.position, selection):
        return False
    if selection.keys and letter.record.key not in selection.keys:
        return False
    if selection.correlation_ids and letter.correlation_id not in selection.correlation_ids:
        return False
    if selection.since is not None and (letter.timestamp is None or letter.timestamp < selection.since):
        return False
    return selection.until is None or (letter.timestamp is not None and letter.timestamp < selection.until)


def _stands_there(at: Position, selection: Selection) -> bool:
    """At one of the positions or in one of the ranges, where any were given."""
    if not selection.positions and not selection.ranges:
        return True
    return at in selection.positions or any(
        range_.partition == at.home and range_.first <= at.offset < range_.end for range_ in selection.ranges
    )


class Tally:
    """Counts the letters of one topic as they are read, so that a large topic needs no memory."""

    def __init__(self, topic: str, now: datetime) -> None:
        self._topic = topic
        self._hour_ago = milliseconds(now - timedelta(hours=1))
        self._states: Counter[State] = Counter()
        self._oldest: int | None = None
        self._newest: int | None = None
        self._last_hour = 0

    def add(self, state: State, times: Sequence[int | None]) -> None:
        """Count letters of that state that were written at ``times`` (milliseconds since 1970; None: no time)."""
        self._states[state] += len(times)
        known = [time for time in times if is_time(time)]
        if known:
            self._oldest = min(known) if self._oldest is None else min(self._oldest, *known)
            self._newest = max(known) if self._newest is None else max(self._newest, *known)
            self._last_hour += sum([time > self._hour_ago for time in known])

    def counts(self, unread: str | None = None) -> TopicCounts:
        """The topic's line; a rate is unknown where there are letters and none of them has a time. ``unread``: why not
        all letters were counted."""
        rate = None if (self._states or unread) and self._newest is None else float(self._last_hour)
        oldest, newest = moment_of(self._oldest), moment_of(self._newest)
        return TopicCounts(self._topic, dict(self._states), oldest, newest, rate, unread)
