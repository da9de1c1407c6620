"""How letters are put back: the command's own options as rows that can be changed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from eventops.dlq.pace import (
    LEAST_RATE,
    LONGEST_WAIT,
    MOST_A_CHUNK,
    MOST_ATTEMPTS,
    MOST_RATE,
    SHORTEST_WAIT,
    Pace,
    Ramp,
)
from eventops.dlq.replay_model import MAX_ATTEMPTS, Action, Plan, Source, Wishes


@dataclass(frozen=True, slots=True)
class Manner:
    """What an operator asked for. Other ``wishes`` make another plan; pace and reason don't."""

    wishes: Wishes = field(default_factory=Wishes)
    pace: Pace = field(default_factory=Pace)
    reason: str | None = None
    run: str | None = None
    """A run that was ended early, and is gone on with."""

    @classmethod
    def of(cls, plan: Plan) -> Manner:
        """As a plan was made."""
        return cls(plan.wishes, reason=plan.reason)

    def plans_as(self, other: Manner) -> bool:
        """Both make the same plan."""
        return (self.wishes, self.run) == (other.wishes, other.run)


Change = Callable[[Manner, str], Manner]
"""Takes what was typed.

Raises:
    ValueError: it makes no sense; the message says what would.
"""


@dataclass(frozen=True, slots=True)
class Option:
    """One of them. ``turn`` changes it without words, where there are few values; else ``change`` takes what is typed,
    ``hint`` says what that may be, and ``text`` is what would have to be typed for the value that it has; empty: it
    has none. ``copies``: it is only the command's, which is copied with these words."""

    name: str
    what: str
    value: Callable[[Manner], str]
    turn: Callable[[Manner], Manner] | None = None
    change: Change | None = None
    hint: str = ""
    text: Callable[[Manner], str] = lambda _: ""
    copies: tuple[str, ...] | None = None


def _on(is_on: bool) -> str:
    return "on" if is_on else "off"


def _wished(manner: Manner, **changes: Any) -> Manner:
    return replace(manner, wishes=replace(manner.wishes, **changes))


def _turn(name: str) -> Callable[[Manner], Manner]:
    return lambda manner: _wished(manner, **{name: not getattr(manner.wishes, name)})


def turn_ramp(manner: Manner) -> Manner:
    """In stages, or all at once."""
    return replace(manner, pace=replace(manner.pace, ramp=None if manner.pace.ramp else Ramp()))


def _turn_source(manner: Manner) -> Manner:
    order = list(Source)
    following = order[(order.index(manner.wishes.source) + 1) % len(order)]
    return _wished(manner, source=following)


def _number(text: str, what: str, least: float, most: float) -> float:
    try:
        found = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None
    if not least <= found <= most:
        raise ValueError(f"{text} won't do: {what}, from {least:g} to {most:,.0f}")
    return found


def _whole(text: str, what: str, most: int) -> int:
    found = _number(text, what, 1, most)
    if not found.is_integer():
        raise ValueError(f"{text} won't do: {what}, a whole number from 1 to {most:,}")
    return int(found)


def _seconds(text: str) -> float:
    """
    >>> _seconds("0"), _seconds("2.5")
    (0.0, 2.5)
    >>> _seconds("1e-300")
    Traceback (most recent call last):
    ValueError: 1e-300 won't do: seconds, 0 or from 0.001 to 86,400
    """
    found = _number(text, "seconds", 0.0, LONGEST_WAIT)
    if 0 < found < SHORTEST_WAIT:
        raise ValueError(f"{text} won't do: seconds, 0 or from {SHORTEST_WAIT:g} to {LONGEST_WAIT:,.0f}")
    return found


def set_rate(manner: Manner, text: str) -> Manner:
    """Letters a second; nothing: as fast as can be.

    >>> set_rate(Manner(), "50").pace.rate, set_rate(Manner(), "").pace.rate
    (50.0, None)
    """
    if not text:
        return replace(manner, pace=replace(manner.pace, rate=None))
    try:
        rate = _number(text, "letters a second", LEAST_RATE, MOST_RATE)
    except ValueError as error:
        raise ValueError(f"{error}; leave it empty for no limit") from None
    return replace(manner, pace=replace(manner.pace, rate=rate))


def _set_wait(manner: Manner, text: str) -> Manner:
    ramp = replace(manner.pace.ramp or Ramp(), wait=_seconds(text) if text else Ramp().wait)
    return replace(manner, pace=replace(manner.pace, ramp=ramp))


def _set_settle(manner: Manner, text: str) -> Manner:
    ramp = replace(manner.pace.ramp or Ramp(), settle=_seconds(text) if text else Ramp().settle)
    return replace(manner, pace=replace(manner.pace, ramp=ramp))


def _set_attempts(manner: Manner, text: str) -> Manner:
    return _wished(manner, max_attempts=_whole(text or str(MAX_ATTEMPTS), "attempts", MOST_ATTEMPTS))


def _set_chunk(manner: Manner, text: str) -> Manner:
    found = _whole(text, "letters a transaction", MOST_A_CHUNK) if text else Pace().chunk
    return replace(manner, pace=replace(manner.pace, chunk=found))


def _set_to(manner: Manner, text: str) -> Manner:
    return _wished(manner, to=text or None)


def _set_transform(manner: Manner, text: str) -> Manner:
    return _wished(manner, transform=text or None)


def _set_dropped(manner: Manner, text: str) -> Manner:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return _wished(manner, drop_headers=names)


def _set_edited(manner: Manner, text: str) -> Manner:
    return _wished(manner, edited=text or None)


def _set_run(manner: Manner, text: str) -> Manner:
    return replace(manner, run=text or None)


def set_reason(manner: Manner, text: str) -> Manner:
    """For the ledger; nothing: none."""
    return replace(manner, reason=text or None)


def _set_needed_reason(manner: Manner, text: str) -> Manner:
    if not text:
        raise ValueError("a reason is needed: why are they written off?")
    return set_reason(manner, text)


def _figure(number: float) -> str:
    """As it would be typed.

    >>> [_figure(one) for one in (50.0, 0.5, 1_234_567.0)]
    ['50', '0.5', '1234567']
    """
    return str(int(number)) if number == int(number) else repr(number)


_REASON: Final = Option(
    "reason",
    "kept in the ledger with your name",
    lambda one: one.reason or "-",
    change=set_reason,
    hint="why; empty: none",
    text=lambda one: one.reason or "",
)
_NEEDED_REASON: Final = replace(_REASON, change=_set_needed_reason, hint="why; it has to say something")
_RAMP: Final = Option(
    "ramp",
    "1 letter, then 10, 100, …: on when the group has read a stage and none of it failed again",
    lambda one: _on(one.pace.ramp is not None),
    turn=turn_ramp,
)
_RATE: Final = Option(
    "rate",
    "letters a second at most",
    lambda one: "as fast as can be" if one.pace.rate is None else f"{one.pace.rate:,g} a second",
    change=set_rate,
    hint="letters a second; empty: as fast as can be",
    text=lambda one: "" if one.pace.rate is None else _figure(one.pace.rate),
)
_TAKE_OVER: Final = Option(
    "take-over",
    "though another operator seems to be at it: they are fenced, and told so",
    lambda one: _on(one.pace.take_over),
    turn=lambda one: replace(one, pace=replace(one.pace, take_over=not one.pace.take_over)),
)
_OTHERS: Final = (
    Option(
        "to",
        "a topic, instead of where each letter came from",
        lambda one: one.wishes.to or "where each came from",
        change=_set_to,
        hint="a topic; empty: where each letter came from",
        text=lambda one: one.wishes.to or "",
    ),
    Option(
        "source",
        "the record at the letter's origin, or the letter itself; auto: the origin where it is the same event",
        lambda one: one.wishes.source.value,
        turn=_turn_source,
    ),
    Option("by-key", "the key chooses the partition", lambda one: _on(one.wishes.by_key), turn=_turn("by_key")),
    Option(
        "drop-header",
        "headers that are left out",
        lambda one: ", ".join(one.wishes.drop_headers) or "-",
        change=_set_dropped,
        hint="names of headers, with commas between; empty: none",
        text=lambda one: ", ".join(one.wishes.drop_headers),
    ),
    Option(
        "transform",
        "a jq expression, applied to what is put back",
        lambda one: one.wishes.transform or "-",
        change=_set_transform,
        hint="jq, as in .value.email |= ascii_downcase; empty: none",
        text=lambda one: one.wishes.transform or "",
    ),
    Option(
        "edit",
        "in $EDITOR, as JSON: Enter copies the command, and the file that it keeps goes into the next line",
        lambda _one: "by the command",
        copies=("--edit",),
    ),
    Option(
        "edited",
        "what an edit left is put back: a file",
        lambda one: one.wishes.edited or "-",
        change=_set_edited,
        hint="the file that the command's --edit kept; empty: none",
        text=lambda one: one.wishes.edited or "",
    ),
    Option("new-id", "another event, caused by the failed one", lambda one: _on(one.wishes.new_ids), _turn("new_ids")),
    Option(
        "max-attempts",
        "events that were put back so often, and failed again, are left alone",
        lambda one: str(one.wishes.max_attempts),
        change=_set_attempts,
        hint=f"a whole number up to {MOST_ATTEMPTS:,}; empty: {MAX_ATTEMPTS}",
        text=lambda one: str(one.wishes.max_attempts),
    ),
    Option("again", "what was replayed before as well: a deliberate second time", lambda one: _on(one.wishes.again),
           _turn("again")),
    Option("run", "a run that was ended early is gone on with: what it put back counts as done, with again too",
           lambda one: one.run or "another one", change=_set_run, hint="its whole id, as the history has it",
           text=lambda one: one.run or ""),
    Option("at-least-once", "without transactions: killed, it may double what was in hand",
           lambda one: _on(one.wishes.at_least_once), _turn("at_least_once")),
    Option("chunk", "letters a transaction at most", lambda one: f"{one.pace.chunk:,}", change=_set_chunk,
           hint=f"a whole number up to {MOST_A_CHUNK:,}; empty: {Pace().chunk:,}",
           text=lambda one: str(one.pace.chunk)),
    Option("which", "fewer by --where, --since, --until, --key, --correlation-id, --limit: Enter copies the command",
           lambda _one: "by the command", copies=()),
)  # fmt: skip
_STAGES: Final = (
    Option(
        "ramp-wait",
        "seconds that the failed group may take to read a stage",
        lambda one: f"{one.pace.ramp.wait:g} s" if one.pace.ramp else "-",
        change=_set_wait,
        hint=f"seconds; empty: {Ramp().wait:g}",
        text=lambda one: _figure(one.pace.ramp.wait) if one.pace.ramp else "",
    ),
    Option(
        "ramp-settle",
        "seconds that letters may take to come back once a stage is read",
        lambda one: f"{one.pace.ramp.settle:g} s" if one.pace.ramp else "-",
        change=_set_settle,
        hint=f"seconds; empty: {Ramp().settle:g}",
        text=lambda one: _figure(one.pace.ramp.settle) if one.pace.ramp else "",
    ),
)


def options(action: Action, manner: Manner) -> Sequence[Option]:
    """Those that mean something for the deed, the most useful first.

    >>> [one.name for one in options(Action.DISCARD, Manner())]
    ['reason', 'take-over']
    >>> [one.name for one in options(Action.REPLAY, turn_ramp(Manner()))][:4]
    ['ramp', 'ramp-wait', 'ramp-settle', 'rate']
    """
    if action is not Action.REPLAY:
        return (_NEEDED_REASON if action is Action.DISCARD else _REASON, _TAKE_OVER)
    return (_RAMP, *(_STAGES if manner.pace.ramp else ()), _RATE, _REASON, _TAKE_OVER, *_OTHERS)
