"""A plan as the command line that carries it out. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from eventops.dlq.model import LOG_END, Selection
from eventops.dlq.pace import Pace
from eventops.dlq.replay_model import MAX_ATTEMPTS, Plan, Source, Wishes
from eventops.events import rfc3339
from eventops.ports import Range


def of_plan(plan: Plan, program: str, pace: Pace | None = None, left: int | None = None) -> str:
    """For a shell; ``left`` replaces the plan's limit when part of it is done."""
    words = [*shlex.split(program), "dlq", plan.action.value, plan.selection.topic]
    words += _selection(plan.selection, left)
    words += _wishes(plan.wishes)
    words += _pace(pace or Pace())
    if plan.reason is not None:
        words += ["--reason", plan.reason]
    return shlex.join([*words, "--execute"])


def _selection(selection: Selection, left: int | None) -> Iterator[str]:
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
    if selection.limit is not None:
        yield from ("--limit", str(selection.limit if left is None else left))


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
        yield from ("--rate", f"{pace.rate:g}")
    if pace.ramp is not None:
        yield "--ramp"
