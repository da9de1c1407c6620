"""Thresholds for scripts and probes. What isn't known is never taken for fine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from eventops.lag import insight, judgement, keeping, pace, rules
from eventops.lag.model import GroupLag, LagReport, Rate, Verdict
from eventops.ports import Gap
from eventops.wording import NONE_SEEN, count, duration, plural, safe

VERDICTS: Final[dict[str, frozenset[Verdict]]] = {
    "warn": frozenset({Verdict.WARN, Verdict.INACTIVE, *judgement.ERRORS}),
    "error": judgement.ERRORS,
    **{verdict.value: judgement.FACTS | {verdict} for verdict in Verdict if verdict in judgement.ERRORS},
}
"""What a check can be told to take for a breach; ``warn`` and ``error`` are everything at least that bad. What one
snapshot shows to be worse than any rule's verdict is a breach of each: it would hide the one that is asked for.
``inactive`` is nobody there while the rules see no worse: somebody may commit without being a member."""

_UNTOLD: Final = frozenset(
    {Verdict.NOT_ENOUGH_HISTORY, Verdict.UNKNOWN, Verdict.UNSUPPORTED, Verdict.NEVER_COMMITTED, Verdict.TOPIC_DELETED}
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still fine, per group; None: not asked. ``min_retention`` (seconds that retention must still leave what
    waits), ``max_age``, ``max_eta`` and ``max_held_back`` (by one open
    transaction) are in seconds, ``verdicts`` are those that aren't fine. The time to catch up counts after ``settled``
    seconds of polls: two polls say little."""

    max_lag: int | None = None
    max_age: float | None = None
    max_eta: float | None = None
    verdicts: frozenset[Verdict] = frozenset()
    settled: float = pace.SPAN
    max_held_back: float | None = None
    min_retention: float | None = None

    @property
    def takes_polls(self) -> bool:
        """Whether one snapshot can't tell."""
        return self.max_eta is not None or self.min_retention is not None or bool(self.verdicts)


_Key = tuple[str, bool]


class Outcome(StrEnum):
    """What became of one group, or of all: the worst of them."""

    FINE = "fine"
    UNKNOWN = "unknown"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Finding:
    """One group against the limits. ``is_early``: unknown for no other reason than too few polls. ``is_of_list``: it is
    no group, but says that some may be missing."""

    group: str
    outcome: Outcome
    reason: str
    is_early: bool = False
    is_of_list: bool = False

    @property
    def key(self) -> _Key:
        """What tells it from every other: a group may be called whatever the list is."""
        return self.group, self.is_of_list


def check(
    report: LagReport, limits: Limits, watched: float = 0.0, settings: keeping.Settings = MappingProxyType({})
) -> tuple[Finding, ...]:
    """Every group against the limits, after ``watched`` seconds of polls. Groups of an unsupported kind count only
    where they were asked for by name, which leaves them alone in the report."""
    groups = [group for group in report.groups if group.verdict is not Verdict.UNSUPPORTED] or list(report.groups)
    told = {group.group for group in groups}
    missing = [gap for gap in report.coverage.gaps if gap.partition is None and _is_untold(gap, told)]
    unread = tuple(Finding(gap.place, Outcome.UNKNOWN, gap.reason, is_of_list=gap.is_of_list) for gap in missing)
    return (*(judged(group, limits, watched, settings) for group in groups), *unread)


def _is_untold(gap: Gap, told: Collection[str]) -> bool:
    return gap.is_of_list or gap.subject not in told


def judged(
    group: GroupLag, limits: Limits, watched: float = 0.0, settings: keeping.Settings = MappingProxyType({})
) -> Finding:
    """A limit is breached by what is known, even while more is unknown; it is kept only by what is fully known."""
    found = [finding for finding in _against(group, limits, watched, settings) if finding.outcome is not Outcome.FINE]
    if not found:
        return Finding(group.group, Outcome.FINE, _fine(group))
    breached = [finding for finding in found if finding.outcome is Outcome.BREACHED]
    lasting = [finding for finding in found if not finding.is_early]
    return (breached or lasting or found)[0]


def _fine(group: GroupLag) -> str:
    """What a limit doesn't ask for is told nevertheless, where it is worse than lag."""
    return _behind(group) if group.lag is not None else f"its lag isn't known: {group.reason}"


def _lost(group: GroupLag) -> int:
    """Offsets that retention took before the group came to them, as far as is known."""
    return int(insight.lost_in_all(group.partitions).value or 0)


def _behind(group: GroupLag) -> str:
    lost = _lost(group)
    at_least = "" if group.lag is not None else "at least "
    took = f", and {plural(lost, 'offset')} lost to retention" if lost else ""
    return f"{at_least}{count(group.known_lag)} behind{took}"


def _against(group: GroupLag, limits: Limits, watched: float, settings: keeping.Settings) -> Iterator[Finding]:
    if limits.max_lag is not None:
        yield _lag(group, limits.max_lag)
    if limits.max_age is not None:
        yield _age(group, limits.max_age)
    if limits.max_eta is not None:
        yield _eta(group, limits.max_eta, is_early=watched < limits.settled)
    if limits.max_held_back is not None:
        yield _held_back(group, limits.max_held_back)
    if limits.min_retention is not None:
        is_early = watched < limits.settled
        yield _retention(group, limits.min_retention, keeping.until_lost(group, settings), is_early=is_early)
    if limits.verdicts:
        yield _verdict(group, limits.verdicts)


def _lag(group: GroupLag, most: int) -> Finding:
    """What was lost counts, as it does in Kafka's own tool: else an alarm would end at the moment of the loss."""
    if group.known_lag + _lost(group) > most:
        return Finding(group.group, Outcome.BREACHED, f"{_behind(group)}, over {count(most)}")
    if group.lag is None:
        return Finding(group.group, Outcome.UNKNOWN, f"lag unknown: {group.reason}")
    return Finding(group.group, Outcome.FINE, "")


def _age(group: GroupLag, most: float) -> Finding:
    """Records that were lost had waited for longer than they were kept: no younger one makes up for them."""
    oldest = group.known_age
    if lost := _lost(group):
        why = f"what waited was lost: retention took {plural(lost, 'offset')} before the group came to them"
        return Finding(group.group, Outcome.BREACHED, why)
    if oldest is not None and oldest > most:
        why = f"the oldest record waits for {duration(oldest)}, over {duration(most)}"
        return Finding(group.group, Outcome.BREACHED, why)
    if group.age.seconds is None:
        return Finding(group.group, Outcome.UNKNOWN, f"age unknown: {group.age.reason}")
    return Finding(group.group, Outcome.FINE, "")


def _eta(group: GroupLag, most: float, *, is_early: bool) -> Finding:
    eta = (group.pace or pace.UNKNOWN).eta
    if lost := _lost(group):
        why = f"retention took {plural(lost, 'offset')} before the group came to them: nothing catches up with those"
        return Finding(group.group, Outcome.BREACHED, why)
    if eta.value == 0:
        return Finding(group.group, Outcome.FINE, "")
    if is_early and group.lag is not None:
        return Finding(group.group, Outcome.UNKNOWN, "time to catch up unknown: it takes more polls", is_early=True)
    if eta.value is not None and eta.value > most:
        why = f"{count(group.lag)} behind, caught up in {duration(eta.value)}, over {duration(most)}"
        return Finding(group.group, Outcome.BREACHED, why)
    if eta.is_never:
        return Finding(group.group, Outcome.BREACHED, f"{count(group.lag)} behind, caught up {eta.reason}")
    if eta.value is None:
        return Finding(group.group, Outcome.UNKNOWN, f"time to catch up unknown: {eta.reason}")
    return Finding(group.group, Outcome.FINE, "")


def _held_back(group: GroupLag, most: float) -> Finding:
    held = rules.longest_held_back(group.partitions)
    if held is None and (unread := _why_not_held_back(group)):
        return Finding(group.group, Outcome.UNKNOWN, f"open transactions unknown: {unread}")
    if held is None:
        return Finding(group.group, Outcome.FINE, "")
    if held.seconds is None:
        return Finding(group.group, Outcome.UNKNOWN, f"a transaction is open, since when is unknown: {held.reason}")
    if held.seconds > most:
        why = f"a transaction open for {duration(held.seconds)} holds records back, over {duration(most)}"
        return Finding(group.group, Outcome.BREACHED, why)
    return Finding(group.group, Outcome.FINE, "")


def _retention(group: GroupLag, least: float, left: Rate, *, is_early: bool) -> Finding:
    if lost := _lost(group):
        why = f"retention took {plural(lost, 'offset')} before the group came to them"
        return Finding(group.group, Outcome.BREACHED, why)
    if left.value is not None and left.value < least:
        why = f"{count(group.known_lag)} behind, and retention may take the first of it in {duration(left.value)}"
        return Finding(group.group, Outcome.BREACHED, f"{why}, under {duration(least)}")
    if left.reason is not None and not left.is_never:
        return Finding(group.group, Outcome.UNKNOWN, f"the next loss is unknown: {left.reason}", is_early=is_early)
    return Finding(group.group, Outcome.FINE, "")


def _why_not_held_back(group: GroupLag) -> str | None:
    if not group.partitions:
        return group.reason or "no partition is known"
    return next((one.reason for one in group.partitions if one.offsets.held_back is None), None)


def _verdict(group: GroupLag, wrong: frozenset[Verdict]) -> Finding:
    """The group's verdict is its worst partition's; one that isn't asked for may hide another that is."""
    judgements = {one.verdict: one for one in map(judgement.of, group.partitions)}
    whole = judgement.of(group)
    found = next((one for verdict, one in sorted(judgements.items(), key=_severity) if verdict in wrong), None)
    if whole.verdict in wrong:
        found = whole
    if found is not None:
        return Finding(group.group, Outcome.BREACHED, f"{found.verdict.value.replace('_', ' ')}: {found.evidence}")
    untold = next((one for verdict, one in judgements.items() if verdict in _UNTOLD), None)
    if untold is None and whole.verdict in _UNTOLD:
        untold = whole
    if untold is None:
        return Finding(group.group, Outcome.FINE, "")
    is_early = all(verdict is Verdict.NOT_ENOUGH_HISTORY for verdict in judgements if verdict in _UNTOLD)
    why = f"verdict unknown: {untold.evidence}"
    return Finding(group.group, Outcome.UNKNOWN, why, is_early=is_early and bool(judgements))


def _severity(item: tuple[Verdict, object]) -> int:
    return judgement.SEVERITY[item[0]]


@dataclass
class Hold:
    """A check over several polls: a breach counts when it held for ``seconds``, from when it was first known.

    A group that was fine once is fine: the breach didn't hold. One that isn't known breaks nothing.
    """

    seconds: float
    _since: dict[_Key, float] = field(default_factory=dict)
    _fine: dict[_Key, Finding] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def add(self, findings: Sequence[Finding], at: float) -> bool:
        """One more poll at ``at`` (seconds); whether everything is decided."""
        for finding in findings:
            if finding.outcome is Outcome.BREACHED:
                self._since.setdefault(finding.key, at)
            elif finding.outcome is Outcome.FINE:
                self._fine.setdefault(finding.key, finding)
        self.findings = tuple(self._told(finding, at) for finding in findings)
        return not any(self._is_open(finding, at) for finding in findings)

    def _is_open(self, finding: Finding, at: float) -> bool:
        if finding.key in self._fine:
            return False
        if finding.outcome is Outcome.BREACHED:
            return at - self._since[finding.key] < self.seconds
        return finding.is_early or finding.key in self._since

    def _told(self, finding: Finding, at: float) -> Finding:
        if finding.key in self._fine:
            return self._fine[finding.key]
        since = self._since.get(finding.key)
        if finding.outcome is not Outcome.BREACHED or since is None or not self.seconds:
            return finding
        held = at - since >= self.seconds
        why = f"{finding.reason}, for {duration(at - since)}{'' if held else ' only'}"
        return Finding(finding.group, Outcome.BREACHED if held else Outcome.FINE, why)


def worst(findings: Sequence[Finding]) -> Outcome:
    """
    >>> worst((Finding("a", Outcome.FINE, ""), Finding("b", Outcome.UNKNOWN, ""))).value
    'unknown'
    """
    found = {finding.outcome for finding in findings} or {Outcome.UNKNOWN}  # a check of nothing has found nothing fine
    return next((outcome for outcome in (Outcome.BREACHED, Outcome.UNKNOWN) if outcome in found), Outcome.FINE)


def summary(findings: Sequence[Finding]) -> str:
    """One line that says why.

    >>> summary((Finding("a", Outcome.FINE, "3 behind"), Finding("b", Outcome.BREACHED, "9 behind, over 5")))
    'breached: b: 9 behind, over 5; of 2 groups 1 breached, 0 unknown'
    >>> summary((Finding("a", Outcome.FINE, "3 behind"),))
    'fine: a: 3 behind'
    >>> summary((Finding("a", Outcome.FINE, ""), Finding("b", Outcome.FINE, "")))
    'fine: 2 groups'
    """
    if not findings:
        return f"unknown: {NONE_SEEN}: nothing was checked"
    outcome = worst(findings)
    first = next(finding for finding in findings if finding.outcome is outcome)
    if outcome is Outcome.FINE and len(findings) > 1:
        return f"fine: {plural(len(findings), 'group')}"
    why = f"{outcome.value}: {safe(first.group)}: {safe(first.reason)}"
    if len(findings) == 1:
        return why
    groups = [finding.outcome for finding in findings if not finding.is_of_list]
    breached, unknown = groups.count(Outcome.BREACHED), groups.count(Outcome.UNKNOWN)
    some = "" if len(groups) == len(findings) else "; some groups may be missing"
    return f"{why}; of {plural(len(groups), 'group')} {breached} breached, {unknown} unknown{some}"
