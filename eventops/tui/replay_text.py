"""What a replay (a discard, a restore) says of itself: its plan, how far it is, what it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from eventops.dlq import telling
from eventops.dlq.model import Selection
from eventops.dlq.pace import Ramp
from eventops.dlq.ramp import caution, unasked
from eventops.dlq.replay_document import plan_document, replay_document
from eventops.dlq.replay_model import AT_LEAST_ONCE, Action, Plan, ReplayReport, Step
from eventops.dlq.telling import Counted
from eventops.tui.confirming import Phase
from eventops.tui.palette import ACCENT, BAD, FAINT, GOOD, WARN
from eventops.wording import count, duration, plural, safe

_SLIM: Final = 60
_ROOMY: Final = 100
"""Columns from which on a sign is told in more words."""
_DOING: Final = {Action.REPLAY: "replaying", Action.DISCARD: "discarding", Action.RESTORE: "restoring"}
NAMES: Final = {Action.REPLAY: "Replay", Action.DISCARD: "Discard", Action.RESTORE: "Restore"}


@dataclass(frozen=True, slots=True)
class Told:
    """Counted in a worker, for there may be a million letters."""

    figures: tuple[Counted, ...]
    promise: str
    unasked: int = 0
    """Letters that don't tell which group had failed."""


def of_plan(plan: Plan) -> Told:
    """What would be done."""
    document = replay_document(ReplayReport(plan, executed=False), planned=plan_document(plan, diffs=0))
    return Told(((plan.selected, "selected"), *telling.plan(document)), telling.promise(document), unasked(plan))


def of_report(report: ReplayReport) -> Told:
    """What was done."""
    document = replay_document(report, planned=plan_document(report.plan, diffs=0))
    return Told((*telling.outcome(document), (report.remaining, "remaining")), "")


def plan(text: Text, found: Plan, told: Told, phase: Phase, ramp: Ramp | None) -> None:
    """The plan in figures, what is promised, then what speaks against it (or the ``ramp``): the title counts that, for
    the lowest terminals show no more."""
    warned = caution(told.unasked, ramp)
    warnings = found.warnings if warned is None else (*found.warnings, warned)
    _title(text, found, phase.value, FAINT, len(warnings))
    _figures(text, told.figures)
    if not found.refused:
        _figures(text, [(0, "refused")])
    text.append(f"\n  {told.promise}\n")
    if found.reason:
        text.append(f"  reason: {safe(found.reason, 200)}\n")
    text.append("\n" if warnings else "")
    for warning in warnings:
        text.append(f"  ▲ {safe(warning)}\n", WARN)


def progress(
    text: Text, found: Plan, step: Step | None, rate: float | None, phase: Phase, silent: float | None = None
) -> None:
    """How far it is, how fast (letters a second, None: not known yet), and what it waits for; ``silent``: seconds
    without a step, where that is longer than usual: nobody knows then how long it will take."""
    word = phase.value
    if phase is Phase.STOPPING and not is_idle(step):
        word = f"stopping: {in_hand(is_atomic=found.guarantee != AT_LEAST_ONCE)} finished first …"
    _title(text, found, word, ACCENT if phase is Phase.RUNNING else WARN)
    done, total = (step.done, step.total) if step is not None else (0, len(found.planned))
    text.append(f"  {count(done)}", "bold").append(f" of {count(total)} letters", FAINT)
    if step is None:
        text.append("   it takes over, and reads the ledger first", FAINT)
    elif silent is not None:
        text.append(f"   nothing was committed for {duration(float(int(silent))).replace('.0 s', ' s')}", WARN)
    elif rate:
        text.append(f"   {rate:,.0f} a second" if rate >= 10 else f"   {rate:,.1f} a second")
        is_held = step.told is not None
        text.append("" if is_held else f"   {duration((total - done) / rate)} left", FAINT)
    text.append("\n")
    if step is not None and step.parked:
        text.append(f"  ▲ {count(step.parked)} of them parked, the last one: {safe(step.refusal or '', 200)}\n", WARN)
    if step is not None and step.told and phase is Phase.RUNNING:
        text.append(f"  {safe(step.told, 200)}\n", WARN)


def is_idle(step: Step | None) -> bool:
    """Nothing is in hand now; ``step`` None: nothing was begun."""
    return step is None or step.is_idle


def in_hand(*, is_atomic: bool) -> str:
    """What is being written; ``is_atomic``: as a whole or not at all."""
    return "the transaction in hand is" if is_atomic else "the letters in hand are"


def ending(step: Step | None, action: Action, *, is_atomic: bool) -> str:
    """How a run that is asked to stop after that step ends.

    >>> ending(None, Action.REPLAY, is_atomic=True)
    'no letter was touched yet: the replay ends before it begins'
    >>> ending(Step(1, 9, told="waiting"), Action.REPLAY, is_atomic=True)
    'no transaction is in hand: the replay ends now, with 1 of 9 letters done'
    >>> ending(Step(0, 9), Action.DISCARD, is_atomic=True)
    'the discard ends once the transaction in hand is finished'
    """
    name = action.value
    if step is None:
        return f"no letter was touched yet: the {name} ends before it begins"
    if step.is_idle:
        what = "no transaction is in hand" if is_atomic else "no letter is in hand"
        return f"{what}: the {name} ends now, with {count(step.done)} of {plural(step.total, 'letter')} done"
    return f"the {name} ends once {in_hand(is_atomic=is_atomic)} finished"


def result(text: Text, report: ReplayReport, told: Told, seconds: float) -> None:
    """What was done, and what is left to do."""
    _title(text, report.plan, *ended(report))
    _figures(text, told.figures)
    if seconds > 0:
        text.append(f"  {'':>7}  in {duration(seconds)}\n", FAINT)
    if report.stopped:
        text.append(f"\n  ▲ {safe(report.stopped)}\n", BAD)
    if report.resume_command:
        text.append("\n  to go on: ", FAINT).append(f"{safe(report.resume_command)}\n")
    if report.parked:
        text.append("\n  R", f"bold {ACCENT}").append(
            "  on the letters plans parked ones anew (changed, or when their target takes them); U makes them open\n",
            FAINT,
        )
    if report.replayed:
        text.append("\n  h", f"bold {ACCENT}").append(
            "  whether the group has got past them, or they failed again\n", FAINT
        )


def ended(report: ReplayReport) -> tuple[str, str]:
    """How, and in which style."""
    if report.interrupted:
        return "interrupted", WARN
    if report.stopped:
        return "stopped", BAD
    return (f"done, {count(len(report.parked))} parked", WARN) if report.parked else ("done", GOOD)


def in_a_line(report: ReplayReport, told: Told) -> str:
    """What was done, where there is no screen for it."""
    done = ", ".join(f"{count(number)} {safe(what)}" for number, what in told.figures if number)
    return f"{name(report.plan.action, report.plan.selection)}: {done or 'nothing'}"


def name(action: Action, selection: Selection) -> str:
    """The deed, and of which topic."""
    return f"{NAMES[action]} of {safe(selection.topic, 80)}"


def sign(step: Step | None, planned: int, action: Action, phase: Phase, width: int) -> Text:
    """How far it is, in the head of other screens that are so many columns wide.

    >>> sign(Step(1204, 20_000), 20_000, Action.REPLAY, Phase.RUNNING, 120).plain
    '▸ replaying 1,204 of 20,000 (6 %)'
    >>> [sign(None, 3, Action.DISCARD, Phase.STOPPING, width).plain for width in (120, 80, 40)]
    ['▸ stopping 0 of 3 (0 %)', '▸ 0 of 3 (0 %)', '▸ 0 %']
    >>> sign(Step(1, 3, told="waiting until 1 letter of this stage is read"), 3, Action.REPLAY, Phase.RUNNING, 80).plain
    '▸ 1 of 3 (33 %), waiting'
    """
    done, total = (step.done, step.total) if step is not None else (0, planned)
    is_held = phase is not Phase.STOPPING and step is not None and step.told is not None
    verb = "stopping" if phase is Phase.STOPPING else _DOING[action]
    share = f"{100 * done // max(total, 1)} %"
    told = share if width < _SLIM else f"{count(done)} of {count(total)} ({share}){', waiting' if is_held else ''}"
    line = f"▸ {verb} {told}" if width >= _ROOMY else f"▸ {told}"
    return Text(line, f"bold {WARN if is_held or phase is Phase.STOPPING else ACCENT}")


def _title(text: Text, found: Plan, word: str, style: str, warnings: int = 0) -> None:
    text.append(name(found.action, found.selection), "bold")
    narrowed = _narrowed(found)
    text.append(f"   {narrowed}" if narrowed else "", FAINT).append(f"   {word}", style)
    text.append(f"   ▲ {plural(warnings, 'warning')}" if warnings else "", WARN).append("\n\n")


def _narrowed(found: Plan) -> str:
    chosen = found.selection
    if chosen.positions:
        return ", ".join(f"{at.partition}/{at.offset}" for at in chosen.positions[:5]) + (
            f" and {len(chosen.positions) - 5:,} more" if len(chosen.positions) > 5 else ""
        )
    return safe(", ".join((*chosen.causes[:4], *chosen.groups[:4])), 80)


def _figures(text: Text, counted: Iterable[Counted] | Sequence[Counted]) -> None:
    for number, what in counted:
        text.append(f"  {number:>7,}  ", "bold" if number else FAINT).append(f"{safe(what)}\n", "" if number else FAINT)
