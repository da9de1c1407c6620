"""Committed offsets and log bounds: many small questions asked at once, each answer or failure kept apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from confluent_kafka import (
    OFFSET_INVALID,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import ListOffsetsResultInfo, OffsetSpec

from eventops.adapters.kafka.connection import Connection
from eventops.adapters.kafka.failures import is_gone, reason
from eventops.events import Partition
from eventops.ports import Bounds, Committed, Gap, LogBounds

Item = TypeVar("Item")

CHUNK: Final = 2_000
"""Partitions a ``list_offsets`` request: faster than 500 or 10,000 on a large cluster."""

GROUPS_AT_ONCE: Final = 200
"""Groups asked at the same time; the client takes one group a call."""

_UNCOMMITTED: Final = IsolationLevel.READ_UNCOMMITTED
_COMMITTED: Final = IsolationLevel.READ_COMMITTED
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_STALE: Final = frozenset(
    {
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    }
)
"""What a broker answers to who knows of an earlier or later leader; and what it comes to where the client gives no
offset and no error either, because the leader left meanwhile."""

_Asked = dict[Partition, "Future[ListOffsetsResultInfo]"]


def committed_offsets(connection: Connection, groups: Collection[str]) -> Committed:
    """Committed offsets a group; a group or partition that failed becomes a gap."""
    offsets: dict[str, Mapping[Partition, int]] = {}
    gaps: list[Gap] = []
    failures: dict[str, KafkaError] = {}
    for chunk in _chunks(sorted(set(groups)), GROUPS_AT_ONCE):
        answers, failed = connection.answers({group: _asked_for(connection, group) for group in chunk})
        failures |= failed
        gaps += [Gap(group, None, reason(error)) for group, error in failed.items()]
        for group, answer in answers.items():
            partitions = answer.topic_partitions or []
            offsets[group] = {Partition(p.topic, p.partition): p.offset for p in partitions if p.offset >= 0}
            gaps += [Gap(p.topic, p.partition, f"{group}: {reason(p.error)}") for p in partitions if p.error]
        connection.raise_if_nobody_answered(len(offsets), failures.values(), failures)
    return Committed(offsets, tuple(gaps))


def log_bounds(
    connection: Connection, partitions: Collection[Partition], timeout: float | None = None, *, may_retry: bool = True
) -> Bounds:
    """Start, last stable offset and high watermark; a partition without any of the three becomes a gap. Where leaders
    have changed since this client last heard of them, it learns of them and asks once more (``may_retry``)."""
    asked = sorted(set(partitions))
    starts = _ask(connection, asked, OffsetSpec.earliest(), _UNCOMMITTED, timeout)
    watermarks = _ask(connection, asked, OffsetSpec.latest(), _UNCOMMITTED, timeout)
    stables = _ask(connection, asked, OffsetSpec.latest(), _COMMITTED, timeout)  # last: see wire.offsets
    start, start_failed = _gathered(connection, starts, timeout)
    stable, stable_failed = _gathered(connection, stables, timeout)
    watermark, watermark_failed = _gathered(connection, watermarks, timeout)
    failed = start_failed | stable_failed | watermark_failed
    if may_retry and _refreshed(connection, [p for p, error in failed.items() if error.code() in _STALE], timeout):
        return log_bounds(connection, asked, timeout, may_retry=False)
    bounds = {p: _consistent(start[p], stable[p], watermark[p]) for p in asked if p not in failed}
    connection.raise_if_nobody_answered(len(bounds), failed.values(), (p.topic for p in failed))
    gaps = tuple(Gap(p.topic, p.partition, reason(error)) for p, error in sorted(failed.items()))
    return Bounds(bounds, gaps, frozenset(p for p, error in failed.items() if is_gone(error)))


def offsets_at(connection: Connection, partitions: Collection[Partition], moment: datetime) -> dict[Partition, int]:
    """The high watermark is taken first: a record appended meanwhile can only make a reader read more, never less."""
    asked = sorted(set(partitions))
    watermark, failed = _gathered(connection, _ask(connection, asked, OffsetSpec.latest(), _UNCOMMITTED))
    if _refreshed(connection, [p for p, error in failed.items() if error.code() in _STALE]):
        watermark, failed = _gathered(connection, _ask(connection, asked, OffsetSpec.latest(), _UNCOMMITTED))
    milliseconds = max(0, -((_EPOCH - moment) // _MILLISECOND))
    spec = OffsetSpec.for_timestamp(milliseconds)
    found, failed_later = _gathered(connection, _ask(connection, sorted(watermark), spec, _UNCOMMITTED))
    failed |= failed_later
    connection.raise_if_nobody_answered(len(found), failed.values(), (p.topic for p in failed))
    return {p: offset if offset >= 0 else watermark[p] for p, offset in found.items()}


def _refreshed(connection: Connection, stale: Collection[Partition], timeout: float | None = None) -> bool:
    """Have the client learn who leads those partitions now, and since when: it asks with the leader's epoch that it
    knows, and does so until the metadata that it keeps are replaced. False where nothing was to be learned."""
    learned = False
    for topic in sorted({partition.topic for partition in stale}):
        try:
            connection.admin().list_topics(topic, timeout=timeout or connection.timeout)
            learned = True
        except KafkaException:
            continue  # it stays a gap, with what the broker answered
    return learned


def _asked_for(connection: Connection, group: str) -> Future[ConsumerGroupTopicPartitions]:
    asked = [ConsumerGroupTopicPartitions(group)]
    return connection.admin().list_consumer_group_offsets(asked, request_timeout=connection.timeout)[group]


def _ask(
    connection: Connection,
    partitions: Sequence[Partition],
    spec: OffsetSpec,
    isolation: IsolationLevel,
    timeout: float | None = None,
) -> _Asked:
    admin = connection.admin()
    asked: _Asked = {}
    for chunk in _chunks(partitions, CHUNK):
        futures = admin.list_offsets(
            {TopicPartition(p.topic, p.partition): spec for p in chunk},
            isolation_level=isolation,
            request_timeout=timeout or connection.timeout,
        )
        asked.update({Partition(tp.topic, tp.partition): future for tp, future in futures.items()})
    return asked


def _gathered(
    connection: Connection, asked: _Asked, timeout: float | None = None
) -> tuple[dict[Partition, int], dict[Partition, KafkaError]]:
    answers, failures = connection.answers(asked, timeout)
    untold = {partition for partition, answer in answers.items() if answer.offset == OFFSET_INVALID}
    lost = {partition: KafkaError(KafkaError.LEADER_NOT_AVAILABLE) for partition in untold}
    found = {partition: answer.offset for partition, answer in answers.items() if partition not in untold}
    return found, {**failures, **lost}


def _consistent(start: int, stable: int, watermark: int) -> LogBounds:
    """Three answers of slightly different moments; each was reached at its own, so the larger one holds.

    >>> _consistent(start=0, stable=12, watermark=11)
    LogBounds(start=0, high_watermark=12, last_stable=12, leader_epoch=None)
    """
    stable = max(start, stable)
    return LogBounds(start=start, high_watermark=max(stable, watermark), last_stable=stable)


def _chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """
    >>> list(_chunks("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
