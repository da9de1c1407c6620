"""What happened during a demo, asked of the broker itself through the desk that every face uses."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from eventops.demo.model import DemoReport, EventCount, GroupLag, LetterCount, Mails, Telemetry
from eventops.dlq.model import Selection, State
from eventops.errors import StoreUnavailable
from eventops.events import Partition, read_event, rfc3339
from eventops.lag.model import GroupSelection
from eventops.ports import Isolation, Range
from eventops.trace.model import Question

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.demo.service import RunningDemo

TOPICS: Final = ("user-events", "order-events", "notification-events")
DEEP_ENOUGH: Final = 3


def gather(desk: Desk, requests: Mapping[str, Any], demo: RunningDemo) -> DemoReport:
    """The report of a demo whose traffic has ended."""
    now = desk.now()
    candidates = requests.get("example_correlation_ids", [])
    example = _example(desk, candidates)
    seen = in_jaeger(desk, [example] if example else [], demo.started_at)
    return DemoReport(
        bootstrap_servers=str(desk.context.bootstrap_servers),
        cluster_id=desk.broker.cluster().cluster_id,
        started_at=demo.started_at,
        seconds=(now - demo.started_at).total_seconds(),
        requests={key: value for key, value in requests.items() if key != "example_correlation_ids"},
        events=_events(desk, demo.before),
        letters=_letters(desk),
        lag=tuple(GroupLag(g.group, g.lag, g.verdict.value) for g in _lag(desk)),
        mails=_mails(demo.http["mail-server"]),
        example_correlation_id=example,
        example_url=seen[1] if seen else None,
        telemetry=_with_losses(demo.telemetry, demo.stage.losses),
        logs=demo.stage.log_files,
    )


def document(report: DemoReport) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "bootstrap_servers": report.bootstrap_servers,
        "cluster_id": report.cluster_id,
        "started_at": rfc3339(report.started_at),
        "seconds": report.seconds,
        "requests": dict(report.requests),
        "events": [{"topic": e.topic, "event_type": e.event_type, "count": e.count} for e in report.events],
        "letters": [
            {"topic": c.topic, "cause": c.cause, "group": c.group, "open": c.open, "total": c.total}
            for c in report.letters
        ],
        "lag": [{"group": g.group, "lag": g.lag, "verdict": g.verdict} for g in report.lag],
        "mails": report.mails and {"accepted": report.mails.accepted, "distinct": report.mails.distinct},
        "example_correlation_id": report.example_correlation_id,
        "example_url": report.example_url,
        "telemetry": _telemetry(report.telemetry),
        "logs": {name: str(path) for name, path in report.logs.items()},
    }


def in_jaeger(desk: Desk, candidates: Sequence[str], since: datetime) -> tuple[str, str] | None:
    """The first of these requests that the trace store holds with all hops, and the page of its largest trace."""
    store = desk.trace_store
    if store is None:
        return None
    for correlation_id in candidates:
        try:
            spans = store.search(correlation_id, since, desk.now())
        except StoreUnavailable:
            return None
        handled = Counter(span.trace_id for span in spans if span.operation == "process")
        for trace_id, hops in handled.most_common(1):
            if hops >= DEEP_ENOUGH and (url := store.url(trace_id)):
                return correlation_id, url
    return None


def ends(desk: Desk) -> dict[Partition, int]:
    """Where the demo's topics end now; those that don't exist yet are left out."""
    partitions = [Partition(topic.name, n) for topic in desk.broker.topics(TOPICS) for n in topic.partitions]
    return {partition: log.high_watermark for partition, log in desk.broker.log_bounds(partitions).bounds.items()}


def is_anyone_busy(desk: Desk, *, patient_with: str) -> bool:
    """Whether a group other than the slow one still has records to read."""
    return any(group.lag != 0 for group in _lag(desk) if group.group != patient_with)


def _telemetry(told: Telemetry | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {"endpoint": told.endpoint, "jaeger": told.jaeger, "metrics": told.metrics, "note": told.note}


def _with_losses(told: Telemetry | None, losses: Sequence[str]) -> Telemetry | None:
    return replace(told, note="; ".join(losses)) if told is not None and losses else told


def _lag(desk: Desk) -> Any:
    return desk.lag.snapshot(GroupSelection(()), now=desk.now()).groups


def _events(desk: Desk, before: Mapping[Partition, int]) -> tuple[EventCount, ...]:
    ranges = [Range(partition, before.get(partition, 0), end) for partition, end in ends(desk).items()]
    counts: Counter[tuple[str, str | None]] = Counter()
    for batch in desk.broker.scan(ranges, Isolation.READ_COMMITTED):
        counts.update((record.position.topic, read_event(record).ids.event_type) for record in batch.records)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return tuple(EventCount(topic, event_type, number) for (topic, event_type), number in ordered)


def _letters(desk: Desk) -> tuple[LetterCount, ...]:
    now = desk.now()
    causes = (
        cause for topic in desk.dlq.list(now).topics for cause in desk.dlq.causes(Selection(topic.topic), now).causes
    )
    return tuple(
        LetterCount(c.topic, c.cause_key, c.group, c.counts.get(State.OPEN, 0), sum(c.counts.values())) for c in causes
    )


def _mails(address: str) -> Mails | None:
    with urllib.request.urlopen(f"{address}/mails", timeout=10) as answer:  # noqa: S310 - our own server
        mails = json.load(answer)
    return Mails(len(mails), len({mail["message_id"] for mail in mails}))


def _example(desk: Desk, candidates: list[str]) -> str | None:
    """The first request whose chain is deep enough to be worth a look."""
    for correlation_id in candidates:
        found = desk.trace.trace(Question(correlation_id, topics=TOPICS), desk.now())
        if found.depth >= DEEP_ENOUGH:
            return correlation_id
    return None
