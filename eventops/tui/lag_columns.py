"""How lag looks in a table: groups, their partitions, their members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from eventops.events import Partition
from eventops.lag import judgement
from eventops.lag.model import GroupLag, LagAge, MemberLag, Pace, PartitionLag, Rate, Standing, Verdict
from eventops.lag.pace import UNKNOWN as NO_PACE
from eventops.tui.history import TREND, sparkline
from eventops.tui.palette import FAINT, VERDICTS, WARN
from eventops.tui.widgets.columns import Column
from eventops.wording import UNKNOWN, count, duration, safe


@dataclass(frozen=True)
class Paced:
    """A group and how fast it moved over the last polls."""

    group: GroupLag
    trend: tuple[int | None, ...] = ()
    """Its lag over the last polls, the oldest first."""

    @property
    def pace(self) -> Pace:
        """Its rates."""
        return self.group.pace or NO_PACE


def worst_first(groups: Iterable[GroupLag], trends: Mapping[str, Sequence[int | None]]) -> list[Paced]:
    """By verdict, then by what waits: where somebody should look first stands first."""
    return [Paced(group, tuple(trends.get(group.group, ()))) for group in judgement.worst_first(groups)]


def verdict(judged: Verdict | Standing) -> Text:
    """The mark and the word."""
    mark, style = VERDICTS[judged]
    return Text(f"{mark} {judged.value.replace('_', ' ')}", style)


def judged(one: GroupLag | PartitionLag) -> Text:
    """Its verdict; where that takes longer, where it stands meanwhile."""
    found = judgement.of(one)
    if found.verdict is not Verdict.NOT_ENOUGH_HISTORY:
        return verdict(found.verdict)
    return verdict(one.verdict if isinstance(one, GroupLag) else one.standing)


def judged_in(group: GroupLag | None, one: PartitionLag) -> Text:
    """A partition's verdict beside its group's: what waits where nobody is in the group doesn't just lag behind."""
    return verdict(Verdict.INACTIVE) if _waits_for_nobody(group, one) else judged(one)


def severity_in(group: GroupLag | None, one: PartitionLag) -> int:
    """The order of :func:`judged_in`; 0 is the worst."""
    inactive = judgement.SEVERITY[Verdict.INACTIVE]
    return inactive if _waits_for_nobody(group, one) else judgement.severity(one)


def _waits_for_nobody(group: GroupLag | None, one: PartitionLag) -> bool:
    if group is None or group.verdict is not Verdict.INACTIVE or one.standing is not Standing.BEHIND:
        return False
    return judgement.severity(one) > judgement.SEVERITY[Verdict.INACTIVE]


def lag(figure: int | None, known: int = 0) -> Text:
    """The figure; where a part isn't known, at least what is."""
    if figure is not None:
        return Text(count(figure), FAINT if figure == 0 else "bold")
    return Text(f"≥ {count(known)}" if known else UNKNOWN, "bold")


def waits(age: LagAge, known: float | None = None) -> Text:
    """How long the oldest record has waited."""
    if age.seconds is None:
        return Text(f"≥ {duration(known)}" if known else UNKNOWN)
    return Text("-", FAINT) if age.seconds == 0 else Text(duration(age.seconds))


def rate(found: Rate) -> Text:
    """Records a second."""
    return Text(UNKNOWN, FAINT) if found.value is None else Text(f"{found.value:,.1f}")


def eta(paced: Paced) -> Text:
    """When it will have caught up."""
    found = paced.pace.eta
    if found.value is None:
        return Text("never" if found.is_never else UNKNOWN, FAINT)
    return Text("-", FAINT) if found.value == 0 else Text(duration(found.value))


def trend(paced: Paced) -> Text:
    """Its lag over the last polls: whether it rises is seen before it is read."""
    known = [figure for figure in paced.trend if figure is not None]
    style = FAINT if not known or known[-1] <= known[0] else WARN
    return Text(sparkline(paced.trend, TREND) if any(known) else "", style)


def _why(one: GroupLag | PartitionLag) -> Text:
    """What is missing, else what the verdict rests on."""
    return Text(safe(one.reason or one.age.reason or judgement.of(one).evidence, 120), FAINT)


GROUPS: Final[Sequence[Column[Paced]]] = (
    Column("group", lambda row: row.group.group, is_flexible=True),
    Column("verdict", lambda row: judged(row.group), order=lambda row: judgement.severity(row.group)),
    Column("lag", lambda row: lag(row.group.lag, row.group.known_lag), right=True, order=lambda row: row.group.lag),
    Column(
        "oldest waits",
        lambda row: waits(row.group.age, row.group.known_age),
        right=True,
        order=lambda row: row.group.age.seconds,
    ),
    Column(
        "in/s", lambda row: rate(row.pace.rate_in), right=True, from_width=66, order=lambda row: row.pace.rate_in.value
    ),
    Column(
        "out/s",
        lambda row: rate(row.pace.rate_out),
        right=True,
        from_width=66,
        order=lambda row: row.pace.rate_out.value,
    ),
    Column("trend", trend, from_width=76, order=lambda row: row.trend[-1] if row.trend else None),
    Column("caught up in", eta, right=True, from_width=92, order=lambda row: row.pace.eta.value),
    Column(
        "members",
        lambda row: count(len(row.group.members)),
        right=True,
        from_width=110,
        order=lambda row: len(row.group.members),
    ),
    Column("state", lambda row: row.group.state.replace("_", " "), from_width=120),
    Column("", lambda row: _why(row.group), from_width=120, is_flexible=True, at_most=120),
)

_PARTITIONS: Final[Sequence[Column[PartitionLag]]] = (
    Column("topic", lambda row: row.partition.topic, is_flexible=True),
    Column("p", lambda row: str(row.partition.partition), right=True, order=lambda row: row.partition.partition),
    Column("verdict", judged, order=judgement.severity),
    Column("lag", lambda row: lag(row.lag), right=True, order=lambda row: row.lag),
    Column("oldest waits", lambda row: waits(row.age), right=True, from_width=70, order=lambda row: row.age.seconds),
    Column(
        "start",
        lambda row: _offset(row.offsets.log_start),
        right=True,
        from_width=110,
        order=lambda row: row.offsets.log_start,
    ),
    Column(
        "committed",
        lambda row: _offset(row.offsets.committed),
        right=True,
        from_width=90,
        order=lambda row: row.offsets.committed,
    ),
    Column(
        "end",
        lambda row: _offset(row.offsets.log_end),
        right=True,
        from_width=90,
        order=lambda row: row.offsets.log_end,
    ),
    Column("member", lambda row: row.member or "nobody", from_width=120, is_flexible=True),
    Column("", _why, from_width=120, is_flexible=True, at_most=120),
)


def partition_columns(group: Callable[[], GroupLag | None]) -> Sequence[Column[PartitionLag]]:
    """A partition in figures; ``group`` says whose it is, None while that isn't known."""
    told = Column[PartitionLag](
        "verdict", lambda row: judged_in(group(), row), order=lambda row: severity_in(group(), row)
    )
    return tuple(told if column.title == "verdict" else column for column in _PARTITIONS)


MEMBERS: Final[Sequence[Column[MemberLag]]] = (
    Column("client", lambda row: row.client_id, is_flexible=True),
    Column("host", lambda row: row.host, is_flexible=True),
    Column("partitions", lambda row: count(len(row.partitions)), right=True, order=lambda row: len(row.partitions)),
    Column("lag", lambda row: lag(row.lag), right=True, order=lambda row: row.lag),
    Column("assigned", lambda row: assignment(row.partitions), is_flexible=True, from_width=80, at_most=120),
    Column("", lambda row: Text(safe(row.reason or "", 120), FAINT), is_flexible=True, from_width=120, at_most=120),
)


def assignment(partitions: Sequence[Partition]) -> str:
    """Topic by topic, as `--topic` takes them.

    >>> assignment((Partition("orders", 0), Partition("orders", 2), Partition("users", 1)))
    'orders:0,2 users:1'
    """
    by_topic: dict[str, list[str]] = {}
    for one in partitions:
        by_topic.setdefault(one.topic, []).append(str(one.partition))
    return " ".join(f"{topic}:{','.join(numbers)}" for topic, numbers in by_topic.items())


def _offset(offset: int | None) -> str:
    return "-" if offset is None else count(offset)
