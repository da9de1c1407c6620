"""The topics report as JSON: one document for both faces."""

from __future__ import annotations

from typing import Any

from eventops.events import rfc3339
from eventops.topics.model import PartitionSpan, Reader, TopicReport, TopicsReport, TopicSummary


def document(report: TopicsReport) -> dict[str, Any]:
    """``{as_of, topics: [...], coverage}``."""
    return {
        "as_of": rfc3339(report.as_of),
        "topics": [_topic(topic) for topic in report.topics],
        "coverage": report.coverage.document(),
    }


def show_document(report: TopicReport) -> dict[str, Any]:
    """One topic in full; ``first_at`` and ``last_at`` are null where no record was found near the log's ends."""
    topic = _topic(report.topic)
    for partition in topic["partitions"]:
        partition["first_at"] = rfc3339(report.ages.first.get(partition["partition"]))
        partition["last_at"] = rfc3339(report.ages.last.get(partition["partition"]))
    return {
        "as_of": rfc3339(report.as_of),
        **topic,
        "config": None if report.config is None else dict(sorted(report.config.items())),
        **({"config_reason": report.topic.retention_reason} if report.config is None else {}),
        "readers": [_reader(reader) for reader in report.readers],
        "coverage": report.coverage.document(),
    }


def _reader(reader: Reader) -> dict[str, Any]:
    return {
        "group": reader.group.group_id,
        "type": reader.group.type,
        "state": reader.group.state,
        "members": reader.members,
        "lag": reader.lag,
        **({"lag_reason": reader.reason} if reader.lag is None else {}),
    }


def _topic(topic: TopicSummary) -> dict[str, Any]:
    return {
        "topic": topic.name,
        "topic_id": topic.topic_id,
        "internal": topic.internal,
        "replication_factor": topic.replication_factor,
        "under_replicated": list(topic.under_replicated),
        "offline": list(topic.offline),
        "offsets": topic.span,
        "cleanup_policy": topic.cleanup_policy,
        "retention_seconds": topic.retention_seconds,
        "retention_bytes": topic.retention_bytes,
        "retention_reason": topic.retention_reason,
        "groups": list(topic.groups),
        "partitions": [_partition(partition) for partition in topic.partitions],
    }


def _partition(partition: PartitionSpan) -> dict[str, Any]:
    at = partition.placement
    return {
        "partition": partition.partition,
        "leader": at.leader if at else None,
        "replicas": list(at.replicas) if at else [],
        "in_sync": list(at.in_sync) if at else [],
        "start": partition.start,
        "end": partition.end,
        "offsets": partition.span,
        "open_transactions": partition.open_transactions,
        "reason": partition.reason,
    }
