"""Thresholds for scripts and probes. What isn't known is never taken for fine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from eventops.lag.model import GroupLag, LagReport, Verdict
from eventops.wording import count, duration, plural


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still fine, per group; None: not asked. ``max_age`` is in seconds."""

    max_lag: int | None = None
    max_age: float | None = None


class Outcome(StrEnum):
    """What became of one group, or of all: the worst of them."""

    FINE = "fine"
    UNKNOWN = "unknown"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Finding:
    """One group against the limits."""

    group: str
    outcome: Outcome
    reason: str


def check(report: LagReport, limits: Limits) -> tuple[Finding, ...]:
    """Every group against the limits. Groups of an unsupported kind count only where they were asked for by name, which
    leaves them alone in the report."""
    groups = [group for group in report.groups if group.verdict is not Verdict.UNSUPPORTED] or list(report.groups)
    unread = tuple(
        Finding(gap.subject, Outcome.UNKNOWN, gap.reason) for gap in report.coverage.gaps if gap.partition is None
    )
    return (*(judged(group, limits) for group in groups), *unread)


def judged(group: GroupLag, limits: Limits) -> Finding:
    """A limit is breached by what is known, even while more is unknown; it is kept only by what is fully known."""
    if limits.max_lag is not None and group.known_lag > limits.max_lag:
        return Finding(group.group, Outcome.BREACHED, f"{count(group.known_lag)} behind, over {count(limits.max_lag)}")
    oldest = group.known_age
    if limits.max_age is not None and oldest is not None and oldest > limits.max_age:
        why = f"the oldest record waits for {duration(oldest)}, over {duration(limits.max_age)}"
        return Finding(group.group, Outcome.BREACHED, why)
    if limits.max_lag is not None and group.lag is None:
        return Finding(group.group, Outcome.UNKNOWN, f"lag unknown: {group.reason}")
    if limits.max_age is not None and group.age.seconds is None:
        return Finding(group.group, Outcome.UNKNOWN, f"age unknown: {group.age.reason}")
    return Finding(group.group, Outcome.FINE, f"{count(group.lag)} behind")


def worst(findings: tuple[Finding, ...]) -> Outcome:
    """
    >>> worst((Finding("a", Outcome.FINE, ""), Finding("b", Outcome.UNKNOWN, ""))).value
    'unknown'
    """
    found = {finding.outcome for finding in findings}
    return next((outcome for outcome in (Outcome.BREACHED, Outcome.UNKNOWN) if outcome in found), Outcome.FINE)


def summary(findings: tuple[Finding, ...]) -> str:
    """One line for people.

    >>> summary((Finding("a", Outcome.FINE, ""), Finding("b", Outcome.UNKNOWN, "")))
    '2 groups: 0 breached, 1 unknown'
    """
    outcomes = [finding.outcome for finding in findings]
    breached, unknown = outcomes.count(Outcome.BREACHED), outcomes.count(Outcome.UNKNOWN)
    return f"{plural(len(findings), 'group')}: {breached} breached, {unknown} unknown"
