"""What the tables of topics show: topics, their partitions, and how far each group that reads one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from eventops.lag import judgement, rules
from eventops.lag.model import GroupLag, LagAge, LagReport, PartitionLag
from eventops.topics.model import PartitionSpan, TopicSummary
from eventops.tui.lag_columns import judged, lag, waits
from eventops.tui.palette import BAD, FAINT, WARN
from eventops.tui.widgets.table import Column
from eventops.wording import UNKNOWN, count, duration, safe


def kept(topic: TopicSummary) -> Text:
    """For how long records stay."""
    if topic.retention_reason is not None:
        return Text(UNKNOWN, FAINT)
    if topic.cleanup_policy == "compact":
        return Text("compacted")
    return Text("for ever") if topic.retention_seconds is None else Text(duration(topic.retention_seconds))


def readers(topic: TopicSummary) -> Text:
    """The groups; a topic that nobody reads is worth a look."""
    return Text(safe(", ".join(topic.groups), 120)) if topic.groups else Text("nobody", FAINT)


def open_transactions(row: PartitionSpan) -> Text:
    """Offsets that readers of committed records can't pass."""
    number = row.open_transactions
    return Text(count(number), WARN if number else FAINT)


def health(topic: TopicSummary) -> Text:
    """How often each partition is there, and how many of them lack a replica or can't be read at all."""
    lacking, offline = len(topic.under_replicated), len(topic.offline)
    told = Text(f"x{count(topic.replication_factor)}", FAINT if not lacking else "")
    told.append(f", {lacking} under" if lacking else "", WARN)
    return told.append(f", {offline} offline" if offline else "", BAD)


def _trouble_of(topic: TopicSummary) -> tuple[int, int, int]:
    return len(topic.offline), len(topic.under_replicated), -(topic.replication_factor or 0)


def leader(row: PartitionSpan) -> Text:
    """Which broker leads it."""
    if row.placement is None:
        return Text(UNKNOWN, FAINT)
    return Text("none", BAD) if row.placement.leader is None else Text(str(row.placement.leader))


def in_sync(row: PartitionSpan) -> Text:
    """The replicas that have all of it, and those that lack something."""
    if row.placement is None:
        return Text(UNKNOWN, FAINT)
    told = Text(",".join(map(str, row.placement.in_sync)) or "-")
    lacking = ",".join(map(str, row.placement.lacking))
    return told.append(f" not {lacking}" if lacking else "", WARN)


TOPICS: Final[Sequence[Column[TopicSummary]]] = (
    Column("topic", lambda row: row.name, is_flexible=True),
    Column("partitions", lambda row: count(len(row.partitions)), right=True, order=lambda row: len(row.partitions)),
    Column("replicas", health, from_width=90, order=_trouble_of),
    Column("offsets kept", lambda row: count(row.span), right=True, order=lambda row: row.span),
    Column("kept for", kept, right=True, from_width=70, order=lambda row: row.retention_seconds),
    Column("read by", readers, is_flexible=True, from_width=60, at_most=120),
)

PARTITIONS: Final[Sequence[Column[PartitionSpan]]] = (
    Column("partition", lambda row: str(row.partition), right=True, order=lambda row: row.partition),
    Column("leader", leader, right=True, from_width=80, order=lambda row: row.placement and row.placement.leader),
    Column("in sync", in_sync, from_width=80, order=lambda row: row.placement and -len(row.placement.lacking)),
    Column("start", lambda row: count(row.start), right=True, order=lambda row: row.start),
    Column("end", lambda row: count(row.end), right=True, order=lambda row: row.end),
    Column("offsets kept", lambda row: count(row.span), right=True, order=lambda row: row.span),
    Column("in open transactions", open_transactions, right=True, from_width=70),
    Column("", lambda row: row.reason or "", is_flexible=True, at_most=120),
)


@dataclass(frozen=True)
class Reader:
    """A group on one topic. ``lag`` None: it isn't known, with the ``reason``; ``known`` is what is known of it."""

    group: str
    partitions: tuple[PartitionLag, ...] = ()
    lag: int | None = None
    reason: str | None = None
    members: int | None = None
    whole: GroupLag | None = None
    """The group, which may read other topics too: its verdict is the same on every screen."""

    @property
    def known(self) -> int:
        """What waits on the partitions that tell."""
        return sum(one.lag or 0 for one in self.partitions)

    @property
    def age(self) -> LagAge:
        """How long its oldest record on the topic waits."""
        return rules.oldest(self.partitions)


def readers_of(topic: TopicSummary, report: LagReport | None) -> tuple[Reader, ...]:
    """The groups that read a topic, by the last poll of the lag: the furthest behind first, then what isn't known."""
    if report is None:
        return tuple(Reader(name, reason="the lag wasn't told yet") for name in topic.groups)
    groups = {group.group: group for group in report.groups}
    found = [_reader(name, groups.get(name), topic.name) for name in topic.groups]
    return tuple(sorted(found, key=lambda one: (-(0.5 if one.lag is None else one.lag), one.group)))


def _reader(name: str, group: GroupLag | None, topic: str) -> Reader:
    mine = tuple(one for one in group.partitions if one.partition.topic == topic) if group is not None else ()
    if group is None or not mine:
        reason = group.reason if group is not None else "the last poll of the lag has no such group"
        return Reader(name, reason=reason or "it has no offset and no member on the topic any more")
    total, reason = rules.total(mine)
    members = sum(any(one.topic == topic for one in member.partitions) for member in group.members)
    return Reader(name, mine, total, reason, members, group)


def _verdict(row: Reader) -> Text:
    return Text(UNKNOWN, FAINT) if row.whole is None else judged(row.whole)


def _waits(row: Reader) -> Text:
    return Text(UNKNOWN) if not row.partitions else waits(row.age)


READERS: Final[Sequence[Column[Reader]]] = (
    Column("group", lambda row: row.group, is_flexible=True),
    Column("verdict", _verdict, order=lambda row: None if row.whole is None else judgement.severity(row.whole)),
    Column("lag", lambda row: lag(row.lag, row.known), right=True, order=lambda row: row.lag),
    Column("oldest waits", _waits, right=True, from_width=60, order=lambda row: row.age.seconds),
    Column("members", lambda row: count(row.members), right=True, from_width=80, order=lambda row: row.members),
    Column("", lambda row: Text(safe(row.reason or "", 120), FAINT), is_flexible=True, from_width=100, at_most=120),
)
