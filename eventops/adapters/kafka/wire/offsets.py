"""Committed offsets of many groups a request, and log bounds from each partition's own leader."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError
from kafka.protocol.consumer import ListOffsetsRequest, OffsetFetchRequest

from eventops.adapters.kafka.failures import GONE, PASSING, reason
from eventops.adapters.kafka.wire import messages
from eventops.adapters.kafka.wire.client import Node, Wire
from eventops.adapters.kafka.wire.coordinators import PAUSE, Coordinators
from eventops.adapters.kafka.wire.metadata import Leaders, leaders
from eventops.events import Partition
from eventops.ports import Bounds, Committed, Gap, LogBounds, ShareProgress
from eventops.ports.attention import breathe

GROUPS_AT_ONCE: Final = 100
CHUNK: Final = 2_000
"""Partitions a request for log bounds."""

_EARLIEST: Final = -2
_LATEST: Final = -1
_QUESTIONS: Final = {"start": (_EARLIEST, 0), "watermark": (_LATEST, 0), "stable": (_LATEST, 1)}
"""Kafka's timestamp for "the earliest" and "the latest", and whether only stable records count. A broker answers in
this order: what comes between the last two is never taken for something that an open transaction holds back."""

_MOVED: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
"""What a broker answers while leaders move to another."""

_Group = OffsetFetchRequest.OffsetFetchRequestGroup
_Topic = ListOffsetsRequest.ListOffsetsTopic
_Wanted = _Topic.ListOffsetsPartition
_Shared = messages.DescribeShareGroupOffsetsRequest.AskedGroup


def committed_offsets(wire: Wire, coordinators: Coordinators, groups: Collection[str]) -> Committed:
    """Committed offsets a group; a group or partition that failed becomes a gap."""
    seen = _Reading()
    deadline = time.monotonic() + coordinators.patience
    waiting = sorted(set(groups))
    while waiting:
        answers, missed = _asked(wire, coordinators, waiting, _fetch)
        seen.gaps += [Gap(group, None, why) for group, why in missed.items()]
        waiting = []
        for told in answers:
            if told.error_code in PASSING and time.monotonic() < deadline:
                waiting.append(told.group_id)
            else:
                seen.take(told)
        coordinators.forget(waiting)
        if waiting:
            time.sleep(PAUSE)
    return Committed(seen.offsets, tuple(seen.gaps), seen.epochs)


def share_progress(wire: Wire, coordinators: Coordinators, groups: Collection[str]) -> Committed:
    """Start offsets of share groups, and what is left to be delivered where the broker counts it."""
    offsets: dict[str, dict[Partition, int]] = {}
    progress: dict[str, dict[Partition, ShareProgress]] = {}
    answers, missed = _asked(wire, coordinators, sorted(set(groups)), _describe_shares)
    gaps = [Gap(group, None, why) for group, why in missed.items()]
    for told in answers:
        if told.error_code:
            gaps.append(Gap(told.group_id, None, reason(KafkaError(told.error_code))))
            continue
        mine: dict[Partition, ShareProgress] = {}
        for topic in told.topics:
            for one in topic.partitions:
                if one.error_code:
                    why = reason(KafkaError(one.error_code))
                    gaps.append(Gap(topic.topic_name, one.partition_index, f"{told.group_id}: {why}"))
                elif one.start_offset >= 0:
                    left = one.lag if one.lag is not None and one.lag >= 0 else None
                    mine[Partition(topic.topic_name, one.partition_index)] = ShareProgress(one.start_offset, left)
        progress[told.group_id] = mine
        offsets[told.group_id] = {partition: one.start for partition, one in mine.items()}
    return Committed(offsets, tuple(gaps), shares=progress)


def log_bounds(
    wire: Wire, partitions: Collection[Partition], patience: float, nodes: dict[Partition, Node] | None = None
) -> Bounds:
    """Start, last stable offset and high watermark; a partition without any of the three becomes a gap. Who leads the
    partitions is left in ``nodes``."""
    deadline = time.monotonic() + patience
    asked = set(partitions)
    found: dict[Partition, dict[str, int]] = {partition: {} for partition in asked}
    known = leaders(wire, {partition.topic for partition in asked})
    failures = {partition: why for partition in asked if (why := known.why_not(partition)) is not None}
    moved: set[Partition] = set()
    while True:
        rest = [p for p in (moved or asked) if p not in failures]
        moved = _read_bounds(wire, known, rest, found, failures)
        if not moved or time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
        known = leaders(wire, {partition.topic for partition in moved})
    if nodes is not None:
        nodes.update(known.nodes)
    failures |= dict.fromkeys(moved, "its leader is moving to another broker")
    bounds = {
        p: _consistent(told, known.epochs.get(p)) for p, told in found.items() if p not in failures and len(told) == 3
    }
    gaps = tuple(Gap(p.topic, p.partition, why) for p, why in sorted(failures.items()))
    gone = frozenset(p for p, why in failures.items() if why == GONE)
    return Bounds(bounds, gaps, gone, known.topic_ids)


def _read_bounds(
    wire: Wire,
    known: Leaders,
    partitions: Sequence[Partition],
    found: Mapping[Partition, dict[str, int]],
    failures: dict[Partition, str],
) -> set[Partition]:
    """Fill in ``found`` and ``failures``; says which partitions have another leader by now."""
    questions = dict(_list_offsets(known, partitions))
    answers, silences = wire.ask({key: question for key, (question, _) in questions.items()})
    for key, silence in silences.items():
        failures.update(dict.fromkeys(questions[key][1], silence.reason))
    moved: set[Partition] = set()
    for (name, _, _), told in answers.items():
        for topic in told.topics:
            breathe()
            for one in topic.partitions:
                if not one.error_code:
                    found[topic.name, one.partition_index][name] = one.offset  # type: ignore[index]  # the same key
                elif one.error_code in _MOVED:
                    moved.add(Partition(topic.name, one.partition_index))
                else:
                    failures[Partition(topic.name, one.partition_index)] = reason(KafkaError(one.error_code))
    return moved


def _list_offsets(
    known: Leaders, partitions: Sequence[Partition]
) -> Iterator[tuple[tuple[str, Node, int], tuple[tuple[Node, Any], list[Partition]]]]:
    together: dict[Node, list[Partition]] = defaultdict(list)
    for partition in partitions:
        together[known.nodes[partition]].append(partition)
    for node, of_node in together.items():
        for start in range(0, len(of_node), CHUNK):
            chunk = of_node[start : start + CHUNK]
            topics: dict[str, list[int]] = defaultdict(list)
            for partition in chunk:
                topics[partition.topic].append(partition.partition)
            wanted = {timestamp: _wanted(topics, timestamp) for timestamp in (_EARLIEST, _LATEST)}
            breathe()
            for name, (timestamp, isolation) in _QUESTIONS.items():
                yield (name, node, start), ((node, _question(wanted[timestamp], isolation)), chunk)


def _wanted(topics: Mapping[str, Sequence[int]], timestamp: int) -> list[Any]:
    """What is asked of the partition 3 is the same in every topic, and one object: making it takes longer than writing
    it."""
    every = {number for numbers in topics.values() for number in numbers}
    of = {number: _Wanted(partition_index=number, current_leader_epoch=-1, timestamp=timestamp) for number in every}
    return [_Topic(name=topic, partitions=[of[number] for number in numbers]) for topic, numbers in topics.items()]


def _question(wanted: list[Any], isolation: int) -> Any:
    return ListOffsetsRequest(replica_id=-1, isolation_level=isolation, timeout_ms=5000, topics=wanted)


def _consistent(told: Mapping[str, int], epoch: int | None) -> LogBounds:
    """Three answers of slightly different moments; each was reached at its own, so the larger one holds."""
    stable = max(told["start"], told["stable"])
    return LogBounds(told["start"], max(stable, told["watermark"]), stable, epoch)


class _Reading:
    """What was committed, as it comes in. Partitions that many groups read are one value, not thousands."""

    def __init__(self) -> None:
        self.offsets: dict[str, dict[Partition, int]] = {}
        self.epochs: dict[str, dict[Partition, int]] = {}
        self.gaps: list[Gap] = []
        self._partitions: dict[tuple[str, int], Partition] = {}

    def take(self, told: Any) -> None:
        """One group's answer. A leader's epoch is kept where it can tell anything: the first one never can."""
        breathe()
        if told.error_code:
            self.gaps.append(Gap(told.group_id, None, reason(KafkaError(told.error_code))))
            return
        mine: dict[Partition, int] = {}
        epochs: dict[Partition, int] = {}
        for topic in told.topics:
            for one in topic.partitions:
                if one.error_code:
                    why = f"{told.group_id}: {reason(KafkaError(one.error_code))}"
                    self.gaps.append(Gap(topic.name, one.partition_index, why))
                elif one.committed_offset >= 0:
                    partition = self._partition(topic.name, one.partition_index)
                    mine[partition] = one.committed_offset
                    if one.committed_leader_epoch > 0:
                        epochs[partition] = one.committed_leader_epoch
        self.offsets[told.group_id] = mine
        if epochs:
            self.epochs[told.group_id] = epochs

    def _partition(self, topic: str, number: int) -> Partition:
        found = self._partitions.get((topic, number))
        if found is None:
            found = self._partitions[topic, number] = Partition(topic, number)
        return found


def _asked(
    wire: Wire, coordinators: Coordinators, groups: Sequence[str], question: Callable[[list[str]], Any]
) -> tuple[Iterator[Any], dict[str, str]]:
    """Each group's answer, and why the others have none."""
    by_node, missed = coordinators.of(groups)
    chunks = {
        (node, start): names[start : start + GROUPS_AT_ONCE]
        for node, names in by_node.items()
        for start in range(0, len(names), GROUPS_AT_ONCE)
    }
    answers, silences = wire.ask({key: (key[0], question(names)) for key, names in chunks.items()})
    for key, silence in silences.items():
        missed |= dict.fromkeys(chunks[key], f"its coordinator, {silence.reason}")
    return (one for told in answers.values() for one in told.groups), missed


def _fetch(groups: list[str]) -> Any:
    wanted = [_Group(group_id=group, topics=None, member_id=None, member_epoch=-1) for group in groups]
    return OffsetFetchRequest(groups=wanted, require_stable=False, min_version=8, max_version=9)


def _describe_shares(groups: list[str]) -> Any:
    return messages.DescribeShareGroupOffsetsRequest(groups=[_Shared(group_id=g, topics=None) for g in groups])
