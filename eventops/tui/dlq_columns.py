"""What the tables of dead letters show: topics, causes, letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rich.text import Text

from eventops.dlq.model import CauseGroup, Letter, State, TopicCounts
from eventops.tui.letter_marks import state, verdict
from eventops.tui.palette import BAD, FAINT, WARN
from eventops.tui.questions import open_of
from eventops.tui.record_text import content
from eventops.tui.widgets.table import Column
from eventops.wording import UNKNOWN, count, duration, safe


def open_letters(number: int) -> Text:
    """What nobody dealt with."""
    return Text(count(number), f"bold {WARN}" if number else FAINT)


def quiet(number: int) -> Text:
    """A figure that asks for nothing."""
    return Text(count(number), "" if number else FAINT)


def ago(now: Callable[[], datetime], moment: datetime | None) -> Text:
    """How long ago, which is what one wants to know at night."""
    return Text(UNKNOWN, FAINT) if moment is None else Text(f"{_coarse((now() - moment).total_seconds())} ago")


def most_open(row: TopicCounts) -> tuple[float, int, str]:
    """What a list of topics is ordered by; what couldn't be read may be anything, and stands before what is 0."""
    return (-0.5 if row.is_unknown else -row.open, -row.total, row.topic)


def of_them_again(rows: Iterable[TopicCounts | CauseGroup] | None, *, is_low: bool) -> str:
    """Beside the number of rows: what the open letters count as well, where there is any of it, and on terminals that
    aren't low (``is_low``): these have no line for it.

    >>> of_them_again(None, is_low=False)
    ''
    """
    number = 0 if is_low else sum(row.counts.get(State.FAILED_AGAIN, 0) for row in rows or ())
    return f"{count(number)} of the open letters failed again" if number else ""


def _counts(*, from_width: int) -> Iterator[Column[Any]]:
    for one in (State.FAILED_AGAIN, State.REPLAYED, State.DISCARDED, State.PARKED):
        yield Column(
            one.value.replace("_", " "), _count_of(one), right=True, from_width=from_width, order=_number_of(one)
        )


def _count_of(one: State) -> Callable[[Any], Text]:
    def cell(row: TopicCounts | CauseGroup) -> Text:
        if isinstance(row, TopicCounts) and row.is_unknown:
            return Text(UNKNOWN, FAINT)
        number = row.counts.get(one, 0)
        return Text(count(number), BAD) if number and one is State.FAILED_AGAIN else quiet(number)

    return cell


def _number_of(one: State) -> Callable[[Any], int]:
    return lambda row: row.counts.get(one, 0)


def topic_columns(now: Callable[[], datetime]) -> Sequence[Column[TopicCounts]]:
    """A dead-letter topic in figures."""
    return (
        Column("topic", lambda row: row.topic, is_flexible=True),
        Column("open", _open, right=True, order=lambda row: None if row.is_unknown else row.open),
        *_counts(from_width=104),
        Column("total", _total, right=True, order=lambda row: None if row.is_unknown else row.total),
        Column(
            "last hour",
            lambda row: _per_hour(None if row.is_unknown else row.per_hour),
            right=True,
            from_width=70,
            order=lambda row: row.per_hour,
        ),
        Column(
            "newest",
            lambda row: ago(now, row.newest) if row.total or row.is_unknown else Text("-", FAINT),
            right=True,
            from_width=60,
            order=lambda row: row.newest,
        ),
        Column("", _unread, is_flexible=True, from_width=120, at_most=120),
    )


def _open(row: TopicCounts) -> Text:
    """At least so many, where not all was read; never 0 where nothing was."""
    if row.is_unknown:
        return Text(UNKNOWN, f"bold {WARN}")
    return Text(f"≥ {count(row.open)}", f"bold {WARN}") if row.unread is not None else open_letters(row.open)


def _total(row: TopicCounts) -> Text:
    if row.is_unknown:
        return Text(UNKNOWN, FAINT)
    return Text(f"≥ {count(row.total)}") if row.unread is not None else quiet(row.total)


def _unread(row: TopicCounts) -> Text:
    """Why not all of it was read."""
    return Text(safe(row.unread or "", 120), WARN)


def cause_columns(now: Callable[[], datetime], *, with_topic: bool = False) -> Sequence[Column[CauseGroup]]:
    """A cause in figures; ``with_topic``: beside other tables, in few words."""
    last = (
        Column[CauseGroup](
            "newest", lambda row: ago(now, row.newest), right=True, from_width=60, order=lambda row: row.newest
        ),
    )
    opened = Column[CauseGroup]("open", lambda row: open_letters(open_of(row)), right=True, order=open_of)
    named = Column[CauseGroup]("cause", lambda row: last_segment(row.cause_key), is_flexible=True)
    group = Column[CauseGroup]("group", lambda row: row.group or UNKNOWN, is_flexible=True, from_width=70)
    keys = Column[CauseGroup]("keys", _keys, right=True, from_width=100, order=lambda row: row.distinct_keys)
    if with_topic:
        topic = Column[CauseGroup]("topic", lambda row: row.topic, from_width=66, is_flexible=True)
        return (named, group, topic, opened, keys, *last)
    return (
        named,
        Column("at", lambda row: _last_two(row.cause.frame), is_flexible=True, from_width=110, at_most=40),
        Column("message", lambda row: row.cause.pattern or UNKNOWN, is_flexible=True, from_width=36, at_most=90),
        replace(group, from_width=36),
        opened,
        *_counts(from_width=150),
        Column("all", lambda row: quiet(_all(row)), right=True, from_width=76, order=_all),
        keys,
        Column("verdict", verdict, from_width=120),
        Column("trend", lambda row: Text(row.trend.value, FAINT), from_width=132),
        *last,
    )


def _keys(row: CauseGroup) -> Text:
    return quiet(row.distinct_keys) if row.keys_exact else Text(f"~{count(row.distinct_keys)}")


def _all(row: CauseGroup) -> int:
    return sum(row.counts.values())


def _last_two(frame: str | None) -> str:
    """A frame without its package.

    >>> _last_two("com.acme.orders.Cart.add"), _last_two(None)
    ('Cart.add', '-')
    """
    return "-" if frame is None else ".".join(frame.rsplit(".", 2)[-2:])


def _per_hour(rate: float | None) -> Text:
    return Text(UNKNOWN, FAINT) if rate is None else quiet(int(rate))


def letter_columns(now: Callable[[], datetime]) -> Sequence[Column[Letter]]:
    """A letter in a line."""
    return (
        Column("letter", lambda row: f"{row.position.partition}/{row.position.offset}", order=lambda row: row.position),
        Column("state", lambda row: state(row.state)),
        Column("when", lambda row: ago(now, row.timestamp), right=True, order=lambda row: row.timestamp),
        Column("event", lambda row: row.event.ids.event_type or UNKNOWN, is_flexible=True),
        Column("correlation id", lambda row: row.event.ids.correlation_id or UNKNOWN, is_flexible=True, from_width=80),
        Column("key", lambda row: content(row.event.record.key), is_flexible=True, from_width=110, at_most=40),
        Column("tries", _tries, right=True, from_width=96, order=lambda row: row.attempts),
        Column("message", lambda row: row.failure.message or UNKNOWN, is_flexible=True, from_width=120, at_most=100),
    )


def _tries(row: Letter) -> Text:
    return Text(UNKNOWN, FAINT) if row.attempts is None else quiet(row.attempts)


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
