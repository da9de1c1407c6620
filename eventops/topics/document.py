"""The topics report as JSON: one document for both faces."""

from __future__ import annotations

from typing import Any

from eventops.events import rfc3339
from eventops.topics.model import PartitionSpan, TopicsReport, TopicSummary


def document(report: TopicsReport) -> dict[str, Any]:
    """``{as_of, topics: [...], coverage}``."""
    return {
        "as_of": rfc3339(report.as_of),
        "topics": [_topic(topic) for topic in report.topics],
        "coverage": report.coverage.document(),
    }


def _topic(topic: TopicSummary) -> dict[str, Any]:
    return {
        "topic": topic.name,
        "topic_id": topic.topic_id,
        "internal": topic.internal,
        "offsets": topic.span,
        "cleanup_policy": topic.cleanup_policy,
        "retention_seconds": topic.retention_seconds,
        "retention_bytes": topic.retention_bytes,
        "retention_reason": topic.retention_reason,
        "groups": list(topic.groups),
        "partitions": [_partition(partition) for partition in topic.partitions],
    }


def _partition(partition: PartitionSpan) -> dict[str, Any]:
    return {
        "partition": partition.partition,
        "start": partition.start,
        "end": partition.end,
        "offsets": partition.span,
        "open_transactions": partition.open_transactions,
        "reason": partition.reason,
    }
