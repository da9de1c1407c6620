"""One report, seen by group, topic, member or partition: which rows, in which order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Final

from eventops.events import rfc3339
from eventops.lag import insight, judgement, rules
from eventops.lag.document import figure, group_document, partition_document
from eventops.lag.model import GroupLag, LagReport, MemberLag, PartitionLag, Verdict
from eventops.wording import plural

Row = dict[str, Any]


class By(StrEnum):
    """What a row is."""

    GROUP = "group"
    TOPIC = "topic"
    MEMBER = "member"
    PARTITION = "partition"


class Sort(StrEnum):
    """What comes first: the worst verdict, the largest figure, or the first name."""

    VERDICT = "verdict"
    LAG = "lag"
    AGE = "age"
    ETA = "eta"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class View:
    """``top`` None: all rows. ``only_lagging`` keeps what waits, and what isn't known to be caught up."""

    by: By = By.GROUP
    sort: Sort = Sort.VERDICT
    top: int | None = None
    only_lagging: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that are shown, of ``found`` that there were."""

    rows: tuple[Row, ...]
    found: int


def rows(report: LagReport, view: View) -> Rows:
    """The rows of a view."""
    made = [row for row in _MAKERS[view.by](report.groups) if not view.only_lagging or _may_lag(row)]
    made.sort(key=_ORDERS[view.sort])
    return Rows(tuple(made[: view.top]), len(made))


def view_document(report: LagReport, view: View, shown: Rows) -> dict[str, Any]:
    """The report's JSON: its ``groups``, ``topics``, ``members`` or ``partitions``."""
    return {
        "as_of": rfc3339(report.as_of),
        "cluster_id": report.cluster_id,
        f"{view.by}s": list(shown.rows),
        "coverage": report.coverage.document(),
    }


def _groups(groups: Iterable[GroupLag]) -> list[Row]:
    return [group_document(group) for group in groups]


def _partitions(groups: Iterable[GroupLag]) -> list[Row]:
    return [{"group": group.group, **partition_document(one)} for group in groups for one in group.partitions]


def _topics(groups: Iterable[GroupLag]) -> list[Row]:
    read: dict[str, list[tuple[GroupLag, PartitionLag]]] = {}
    for group in groups:
        for one in group.partitions:
            read.setdefault(one.partition.topic, []).append((group, one))
    found = []
    for topic, pairs in sorted(read.items()):
        names = sorted({group.group for group, _ in pairs})
        partitions = len({one.partition for _, one in pairs})
        found.append({"topic": topic, "partitions": partitions, "groups": names, **_sums(pairs)})
    return found


def _members(groups: Iterable[GroupLag]) -> list[Row]:
    """A row for each member, and one of nobody for what no member holds."""
    found = []
    for group in groups:
        for member in group.members:
            held = set(member.partitions)
            mine = [(group, one) for one in group.partitions if one.partition in held]
            found.append(_member(group, member, mine))
        orphans = [(group, one) for one in group.partitions if one.member is None]
        if orphans:
            found.append(_member(group, None, orphans))
    return found


def _member(group: GroupLag, member: MemberLag | None, held: Sequence[tuple[GroupLag, PartitionLag]]) -> Row:
    return {
        "group": group.group,
        "client_id": member.client_id if member else None,
        "member_id": member.member_id if member else None,
        "host": member.host if member else None,
        "partitions": len(held),
        **(_sums(held) if held else _IDLE),
    }


def _sums(pairs: Sequence[tuple[GroupLag, PartitionLag]]) -> Row:
    partitions = [one for _, one in pairs]
    is_of_several = len({group.group for group, _ in pairs}) > 1
    total, reason = rules.total(partitions, "position" if is_of_several else "partition")
    age, lost = rules.oldest(partitions), insight.lost_in_all(partitions)
    group, worst = min(pairs, key=lambda pair: judgement.severity(pair[1]))
    judged = judgement.of(worst)
    place = f"{group.group} on {worst.partition.topic}/{worst.partition.partition}: " if len(pairs) > 1 else ""
    return {
        **figure("lag", total, reason),
        **figure("lag_age_seconds", age.seconds, age.reason),
        "lag_age_method": age.method.value,
        "standing": worst.standing.value,
        "verdict": judged.verdict.value,
        "evidence": place + judged.evidence,
        **figure("lost", lost.value, lost.reason),
    }


_IDLE: Final[Row] = {
    "lag": 0,
    "lag_age_seconds": 0.0,
    "lag_age_method": "message",
    "standing": "caught_up",
    "verdict": "caught_up",
    "evidence": "no partition was given to it",
    "lost": 0,
}

_MAKERS: Final[dict[By, Callable[[Iterable[GroupLag]], list[Row]]]] = {
    By.GROUP: _groups,
    By.TOPIC: _topics,
    By.MEMBER: _members,
    By.PARTITION: _partitions,
}


def _may_lag(row: Row) -> bool:
    """Not known to be caught up, or known to have lost records. A group without offsets and partitions has nothing to
    wait for."""
    holds_nothing = row["standing"] == Verdict.NEVER_COMMITTED and row.get("partitions") == []
    return (row["lag"] != 0 or row["lost"] != 0) and not holds_nothing


def _name(row: Row) -> tuple[str, str, int, str]:
    number = row.get("partition", 0)
    return (row.get("group", ""), row.get("topic", ""), number, row.get("client_id") or "")


def _largest(name: str) -> Callable[[Row], tuple[float, Any]]:
    """The largest first; what isn't known may be anything, and stands before what is 0."""

    def order(row: Row) -> tuple[float, Any]:
        value = row.get(name)
        if value is None:
            value = inf if name == "eta_seconds" and row["eta_is_never"] else 0.5
        return (-float(value), _name(row))

    return order


def _worst(row: Row) -> tuple[int, float, Any]:
    shown = row["standing"] if row["verdict"] == Verdict.NOT_ENOUGH_HISTORY else row["verdict"]
    return (judgement.SEVERITY[Verdict(shown)], *_largest("lag")(row))


_ORDERS: Final[dict[Sort, Callable[[Row], Any]]] = {
    Sort.VERDICT: _worst,
    Sort.LAG: _largest("lag"),
    Sort.AGE: _largest("lag_age_seconds"),
    Sort.ETA: _largest("eta_seconds"),
    Sort.NAME: _name,
}


def told(shown: Rows, by: By) -> str | None:
    """What was left out, for people; None where nothing was.

    >>> told(Rows(({},), 3), By.GROUP)
    '1 of 3 groups shown'
    """
    if len(shown.rows) == shown.found:
        return None
    return f"{len(shown.rows)} of {plural(shown.found, by.value)} shown"
