"""What the tables of dead letters show: topics, causes, letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from rich.text import Text

from eventops.dlq.model import CauseGroup, Letter, State, TopicCounts
from eventops.tui.palette import BAD, FAINT, GOOD, ODD, WARN
from eventops.tui.questions import open_of
from eventops.tui.record_text import content
from eventops.tui.widgets.table import Column
from eventops.wording import UNKNOWN, count, duration

STATES: Final[dict[State, tuple[str, str]]] = {
    State.OPEN: ("✗", WARN),
    State.FAILED_AGAIN: ("✗", BAD),
    State.REPLAYED: ("↻", GOOD),
    State.DISCARDED: ("-", FAINT),
    State.PARKED: ("▲", ODD),
}


def open_letters(number: int) -> Text:
    """What nobody dealt with."""
    return Text(count(number), f"bold {WARN}" if number else FAINT)


def quiet(number: int) -> Text:
    """A figure that asks for nothing."""
    return Text(count(number), "" if number else FAINT)


def state(found: State) -> Text:
    """The mark and the word."""
    mark, style = STATES[found]
    return Text(f"{mark} {found.value.replace('_', ' ')}", style)


def ago(now: Callable[[], datetime], moment: datetime | None) -> Text:
    """How long ago, which is what one wants to know at night."""
    return Text(UNKNOWN, FAINT) if moment is None else Text(f"{_coarse((now() - moment).total_seconds())} ago")


def _counts(*, from_width: int) -> Iterator[Column[Any]]:
    for one in (State.FAILED_AGAIN, State.REPLAYED, State.DISCARDED, State.PARKED):
        yield Column(
            one.value.replace("_", " "), _count_of(one), right=True, from_width=from_width, order=_number_of(one)
        )


def _count_of(one: State) -> Callable[[Any], Text]:
    def cell(row: TopicCounts | CauseGroup) -> Text:
        number = row.counts.get(one, 0)
        return Text(count(number), BAD) if number and one is State.FAILED_AGAIN else quiet(number)

    return cell


def _number_of(one: State) -> Callable[[Any], int]:
    return lambda row: row.counts.get(one, 0)


def topic_columns(now: Callable[[], datetime]) -> Sequence[Column[TopicCounts]]:
    """A dead-letter topic in figures."""
    return (
        Column("topic", lambda row: row.topic, is_flexible=True),
        Column("open", lambda row: open_letters(row.open), right=True, order=lambda row: row.open),
        *_counts(from_width=104),
        Column("total", lambda row: quiet(row.total), right=True, order=lambda row: row.total),
        Column(
            "last hour",
            lambda row: _per_hour(row.per_hour),
            right=True,
            from_width=70,
            order=lambda row: row.per_hour,
        ),
        Column(
            "newest",
            lambda row: ago(now, row.newest) if row.total else Text("-", FAINT),
            right=True,
            from_width=60,
            order=lambda row: row.newest,
        ),
    )


def cause_columns(now: Callable[[], datetime], *, with_topic: bool = False) -> Sequence[Column[CauseGroup]]:
    """A cause in figures."""
    topic: list[Column[CauseGroup]] = [Column("topic", lambda row: row.topic, from_width=78, is_flexible=True)]
    return (
        Column("cause", lambda row: last_segment(row.cause_key) if with_topic else row.cause_key, is_flexible=True),
        Column("group", lambda row: row.group or UNKNOWN, is_flexible=True, from_width=70),
        *(topic if with_topic else ()),
        Column("open", lambda row: open_letters(open_of(row)), right=True, order=open_of),
        *(() if with_topic else _counts(from_width=130)),
        Column(
            "keys",
            lambda row: quiet(row.distinct_keys),
            right=True,
            from_width=100,
            order=lambda row: row.distinct_keys,
        ),
        Column("newest", lambda row: ago(now, row.newest), right=True, from_width=60, order=lambda row: row.newest),
    )


def _per_hour(rate: float | None) -> Text:
    return Text(UNKNOWN, FAINT) if rate is None else quiet(int(rate))


def letter_columns(now: Callable[[], datetime]) -> Sequence[Column[Letter]]:
    return (
        Column("letter", lambda row: f"{row.position.partition}/{row.position.offset}", order=lambda row: row.position),
        Column("state", lambda row: state(row.state)),
        Column("when", lambda row: ago(now, row.timestamp), right=True, order=lambda row: row.timestamp),
        Column("event", lambda row: row.event.ids.event_type or UNKNOWN, is_flexible=True),
        Column("correlation id", lambda row: row.event.ids.correlation_id or UNKNOWN, is_flexible=True, from_width=80),
        Column("key", lambda row: content(row.event.record.key), is_flexible=True, from_width=110),
        Column("message", lambda row: row.failure.message or UNKNOWN, is_flexible=True, from_width=150, at_most=100),
    )


def _coarse(seconds: float) -> str:
    """The larger unit alone, and no fractions: it shan't flicker.

    >>> [_coarse(one) for one in (3.4, 247, 200000)]
    ['3 s', '4 m', '2 d']
    """
    number, unit = duration(max(float(int(seconds)), 1.0)).split()[:2]
    return f"{number.partition('.')[0]} {unit}"


def last_segment(cause: str) -> str:
    """A class without its package: what tells causes apart, and what ``--cause`` takes.

    >>> last_segment("smtplib.SMTPRecipientsRefused"), last_segment("unknown")
    ('SMTPRecipientsRefused', 'unknown')
    """
    return cause.rpartition(".")[2] or cause
