"""A plan as the command line that carries it out. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

from eventops.dlq.model import LOG_END, Selection
from eventops.dlq.pace import Pace, Ramp
from eventops.dlq.replay_model import MAX_ATTEMPTS, Action, Plan, Source, Wishes
from eventops.events import rfc3339
from eventops.ports import Range
from eventops.wording import shell_words


def of_plan(plan: Plan, program: str, pace: Pace | None = None) -> str:
    """For a shell: what carries the plan out."""
    return _line(plan, program, pace or Pace(), plan.selection.limit, [])


def of_wishes(action: Action, selection: Selection, wishes: Wishes, pace: Pace, reason: str | None) -> list[str]:
    """The words after the program of what plans that, before there is a plan."""
    return ["dlq", action.value, *_words(selection, selection.limit, wishes, pace, reason)]


def that_goes_on(plan: Plan, program: str, pace: Pace, left: int) -> str:
    """What does the rest of a run that was ended: ``left`` letters. The ledger tells what is done; where letters are
    put back on purpose once more, it has to be asked what that very run did."""
    limit = None if plan.selection.limit is None else left
    return _line(plan, program, replace(pace, take_over=False), limit, ["--run", plan.run_id] * plan.wishes.again)


def _line(plan: Plan, program: str, pace: Pace, limit: int | None, more: Sequence[str]) -> str:
    words = _words(plan.selection, limit, plan.wishes, pace, plan.reason)
    return shell_words([*shlex.split(program), "dlq", plan.action.value, *words, *more, "--execute"])


def _words(selection: Selection, limit: int | None, wishes: Wishes, pace: Pace, reason: str | None) -> Iterator[str]:
    yield selection.topic
    yield from _selection(selection)
    if limit is not None:
        yield from ("--limit", str(limit))
    yield from _wishes(wishes)
    yield from _pace(pace)
    if reason is not None:
        yield from ("--reason", reason)


def _selection(selection: Selection) -> Iterator[str]:
    for option, values in (
        ("--cause", selection.causes),
        ("--group", selection.groups),
        ("--offset", [f"{at.partition}/{at.offset}" for at in selection.positions]),
        ("--offset", [_range(one) for one in selection.ranges]),
        ("--key", [key.decode("utf-8", "surrogateescape") for key in selection.keys]),
        ("--correlation-id", selection.correlation_ids),
        ("--since", [rfc3339(moment) for moment in (selection.since,) if moment is not None]),
        ("--until", [rfc3339(moment) for moment in (selection.until,) if moment is not None]),
        ("--where", [where.text for where in (selection.where,) if where is not None]),
    ):
        for value in values:
            yield from (option, value)
    if selection.is_everything:
        yield "--all"


def _range(offsets: Range) -> str:
    last = "" if offsets.end >= LOG_END else offsets.end - 1
    return f"{offsets.partition.partition}/{offsets.first}-{last}"


def _wishes(wishes: Wishes) -> Iterator[str]:
    if wishes.to is not None:
        yield from ("--to", wishes.to)
    if wishes.source is not Source.AUTO:
        yield from ("--source", wishes.source.value)
    if wishes.transform is not None:
        yield from ("--transform", wishes.transform)
    if wishes.edited is not None:
        yield from ("--edited", wishes.edited)
    for name in wishes.drop_headers:
        yield from ("--drop-header", name)
    if wishes.max_attempts != MAX_ATTEMPTS:
        yield from ("--max-attempts", str(wishes.max_attempts))
    flags = {
        "--new-id": wishes.new_ids,
        "--again": wishes.again,
        "--by-key": wishes.by_key,
        "--at-least-once": wishes.at_least_once,
    }
    yield from (flag for flag, is_set in flags.items() if is_set)


def _pace(pace: Pace) -> Iterator[str]:
    usual = Pace()
    if pace.chunk != usual.chunk:
        yield from ("--chunk", str(pace.chunk))
    if pace.rate is not None:
        yield from ("--rate", _number(pace.rate))
    if pace.ramp is not None:
        yield "--ramp"
        for option, given, default in (
            ("--ramp-wait", pace.ramp.wait, Ramp().wait),
            ("--ramp-settle", pace.ramp.settle, Ramp().settle),
        ):
            if given != default:
                yield from (option, _number(given))
    if pace.take_over:
        yield "--take-over"


def _number(value: float) -> str:
    """
    >>> _number(20.0), _number(1234567.5), _number(0.1)
    ('20', '1234567.5', '0.1')
    """
    return str(int(value)) if float(value).is_integer() else repr(value)
