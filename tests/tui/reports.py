"""Reports as values, frozen at one moment: what the screens show, without a cluster behind it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from eventops.dlq import grouping
from eventops.dlq.causes import Causes
from eventops.dlq.failure import Failure
from eventops.dlq.failure import Hop as FailureHop
from eventops.dlq.following import Fate
from eventops.dlq.following import Outcome as OutcomeOf
from eventops.dlq.model import (
    Letter,
    LetterId,
    LettersReport,
    ListReport,
    Origin,
    Selection,
    State,
    TopicCounts,
)
from eventops.dlq.replay_model import Plan, Planned, Refused, Replayed, ReplayReport, Told
from eventops.dlq.rows import Row
from eventops.events import Event, Headers, Ids, Partition, Position, Record
from eventops.groups.model import Kind, Move, PeekReport, Place, Refusal, ResetPlan, Surroundings, Target
from eventops.lag import rules as lag_rules
from eventops.lag.model import AgeMethod, GroupLag, LagAge, LagReport, PartitionLag, PartitionOffsets
from eventops.ports import Cluster, Coverage, Gap, Group, LogBounds, Member, Outgoing, Placement
from eventops.topics.model import PartitionSpan, TopicsReport, TopicSummary
from eventops.trace.model import Anomaly, Delivery, Found, Hop, Status, TraceReport
from eventops.tui.letter_text import Deeds

NOW: Final = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
FULL: Final = Coverage(3, 3)
CLUSTER: Final = Cluster("9wvWbQg4TTm-j0-ooh5E_A", ("kafka-1:9092",))


def ago(seconds: float) -> datetime:
    """Before the moment that all reports are of."""
    return NOW - timedelta(seconds=seconds)


def partition(
    topic: str, number: int, committed: int | None, end: int | None, waits: float | None = None
) -> PartitionLag:
    """One partition of a group."""
    offsets = PartitionOffsets(Partition(topic, number), 0, committed, end)
    age = None if waits is None else LagAge(waits, AgeMethod.MESSAGE)
    return lag_rules.partition_lag(offsets, age, "worker-1")


def group(name: str, *partitions: PartitionLag, members: int = 1, state: str = "stable") -> GroupLag:
    """One group, judged by the room's own rules."""
    there = tuple(
        Member(f"m-{number}", f"worker-{number}", "10.0.0.7", tuple(one.partition for one in partitions))
        for number in range(1, members + 1)
    )
    return lag_rules.group_lag(Group(name, "consumer", state, there), partitions)


def lag(*groups: GroupLag, coverage: Coverage = FULL) -> LagReport:
    """A snapshot."""
    return LagReport(NOW, CLUSTER.cluster_id, groups, coverage)


def healthy_lag() -> LagReport:
    """Everybody has caught up."""
    return lag(
        group("billing-group", partition("orders", 0, 120, 120), partition("orders", 1, 98, 98)),
        group("mail-group", partition("users", 0, 41, 41)),
    )


def sick_lag() -> LagReport:
    """One is far behind, one has no members, one lost records, of one something isn't known."""
    return lag(
        group("billing-group", partition("orders", 0, 120, 5420, 247.0), partition("orders", 1, 98, 98)),
        group("audit-group", partition("orders", 0, 10, 5420, 7260.0), members=0, state="empty"),
        group("mail-group", partition("users", 0, 50, 41)),
        group("new-group", partition("users", 0, None, 41), partition("users", 1, 3, None)),
        coverage=Coverage(5, 4, gaps=(Gap("users", 1, "no leader"),)),
    )


def peek(name: str = "billing-group") -> PeekReport:
    """Two records before the committed offset and three from it on."""
    place = Place(Partition("orders", 0), 120, 0, 5420, 5420, Member("m-1", "worker-1", "10.0.0.7"))
    found = [order(number) for number in range(118, 123)]
    around = Surroundings(place, tuple(found[:2]), tuple(found[2:]), ("1 marker of a transaction stands between",))
    return PeekReport(NOW, Group(name, "consumer", "stable"), (around,), FULL)


def order(offset: int) -> Record:
    """A record of the orders."""
    body = {
        "eventId": f"e-{offset}",
        "eventType": "order.placed",
        "source": "order-service",
        "data": {"orderId": f"o-{offset}", "total": 12.5},
        "metadata": {"correlationId": f"req-{offset}"},
    }
    return Record(Position("orders", 0, offset), ago(300 - offset), b"user-7", json.dumps(body).encode(), ())


def reset_plan(
    name: str = "audit-group", *, after: int = 5420, members: int = 0, refused: Sequence[Refusal] = ()
) -> ResetPlan:
    """One partition's offset goes from 10 to ``after``."""
    bounds = LogBounds(0, 5420, 5420)
    note = None if after < 5420 else "5500 is beyond the end of the log: moved down to 5420"
    moves = (Move(Partition("orders", 0), 10, after, bounds, note, None, "the end of the log"),)
    there = tuple(Member(f"m-{number}", "worker-1", "10.0.0.7") for number in range(members))
    target = Target(Kind.OFFSET, f"offset:{after}", number=after)
    return ResetPlan(NOW, Group(name, "classic", "empty", there), target, moves, tuple(refused), (), FULL)


def letter(
    offset: int,
    *,
    cause: str | None = "smtplib.SMTPRecipientsRefused",
    group: str | None = "mail-group",
    message: str = "{'ada@refused.example': (550, b'5.1.1 no such mailbox here')}",
    correlation_id: str | None = None,
    state: State = State.OPEN,
    value: bytes | None = None,
    key: bytes = b"user-7",
    topic: str = "users-dlt",
    event_type: str = "user.registered",
    headers: Headers = (("kafka_dlt-original-topic", b"users"),),
    stack: str = 'Traceback (most recent call last):\n  File "mail.py", line 12, in send',
) -> Letter:
    """One dead letter."""
    name = correlation_id or f"req-{offset:04}"
    body = json.dumps({"eventId": f"e-{offset}", "eventType": event_type, "metadata": {"correlationId": name}})
    at = Position(topic, 0, offset)
    record = Record(at, ago(60.0 * (offset + 1)), key, body.encode() if value is None else value, headers)
    ids = Ids(f"e-{offset}", event_type, "user-service", name)
    origin = Origin(Position("users", 0, offset * 3), ago(61.0 * (offset + 1)))
    failure = Failure(cause, cause, message, stack)
    why = Causes().cause(failure)
    return Letter(Event(record, ids), "spring", origin, group, failure, attempts=3, state=state, cause=why)


def letters(*found: Letter, topic: str = "users-dlt") -> LettersReport:
    """One dead-letter topic, its letters in the order they came."""
    found = tuple(sorted(found, key=lambda one: one.timestamp or NOW))
    return LettersReport(NOW, topic, found, grouping.group_by_cause(topic, found, NOW), FULL)


def some_letters() -> LettersReport:
    """Three causes, some of them dealt with."""
    return letters(
        *(letter(number) for number in range(4)),
        letter(4, state=State.REPLAYED),
        letter(5, cause="eventops.events.MalformedEvent", message="no eventType"),
        letter(6, cause="builtins.ConnectionRefusedError", message="connection refused", state=State.FAILED_AGAIN),
    )


JAVA: Final = (
    "org.springframework.kafka.listener.ListenerExecutionFailedException: Listener failed\n"
    "\tat org.springframework.kafka.listener.Container.run(Container.java:2890)\n"
    "\tat java.base/java.lang.Thread.run(Thread.java:840)\n"
    "Caused by: com.acme.NoStockException: no stock of sku-{}\n"
    "\tat com.acme.orders.{}(Cart.java:88)\n"
    "\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)"
)


def no_stock(offset: int, frame: str, **more: Any) -> Letter:
    """A letter of one class, thrown at different places."""
    stack, message = JAVA.format(offset, frame), f"no stock of sku-{offset}"
    return letter(offset, cause="com.acme.NoStockException", message=message, stack=stack, **more)


def several_causes() -> LettersReport:
    """Some of one class, thrown at different places."""
    found = (no_stock(number, "Cart.reserve", key=f"user-{number}".encode()) for number in range(7, 19))
    others = (no_stock(number, "Returns.refund", group="returns-group") for number in (20, 21))
    return letters(*some_letters().letters, *found, *others)


def whole_letter() -> Letter:
    """One with hops, headers that aren't text, a stack trace of several languages' frameworks."""
    path = (
        FailureHop("orders", Position("orders", 0, 6), None, "billing-group", 3, "com.acme.Timeout", "too slow"),
        FailureHop("orders-retry", Position("orders-retry", 1, 2), None, "billing-group", 2,
                   "com.acme.NoStockException", "no stock of sku-2"),
    )  # fmt: skip
    headers: Headers = (
        ("ce_type", b"order.placed"),
        ("kafka_dlt-original-topic", b"orders"),
        ("kafka_dlt-original-offset", (6).to_bytes(8, "big")),
        ("kafka_dlt-exception-stacktrace", JAVA.format(2, "Cart.reserve").encode()),
    )
    found = no_stock(2, "Cart.reserve", state=State.FAILED_AGAIN, headers=headers, event_type="order.placed")
    return replace(found, path=path, hops=2, replay_of=Position("users-dlt", 0, 1))


def ledger() -> Deeds:
    """What was done: one failed again, one passed, one waits, one was written off."""

    def row(offset: int, state: State, seconds: float, reason: str | None = None) -> Row:
        target = Position("users", 0, 900 + offset) if state is State.REPLAYED else None
        at = LetterId(CLUSTER.cluster_id, "t-1", 0, offset)
        return Row(at, "users-dlt", state, "hash", "users" if target else "", target, "ada@desk", ago(seconds), "run-1",
                   reason=reason, group="mail-group")  # fmt: skip

    rows = (
        (row(2, State.REPLAYED, 60, "sku-2 is back"), Fate(OutcomeOf.FAILED_AGAIN, "letter users-dlt/0/9")),
        (row(4, State.REPLAYED, 300), Fate(OutcomeOf.PASSED, "mail-group has committed 905")),
        (row(5, State.REPLAYED, 300), Fate(OutcomeOf.PENDING, "mail-group has committed 905")),
        (row(6, State.DISCARDED, 7200, "test data, never meant for production"), None),
    )
    return Deeds(rows)


def topic_counts(topic: str, **counts: int) -> TopicCounts:
    """One line of the list."""
    by_state = {State(name): number for name, number in counts.items()}
    return TopicCounts(
        topic, by_state, ago(7200), ago(4) if sum(counts.values()) else None, float(sum(counts.values()))
    )


def listed(*topics: TopicCounts) -> ListReport:
    """All dead-letter topics."""
    return ListReport(NOW, topics, FULL)


def some_topics() -> ListReport:
    """Two with open letters, one without."""
    return listed(
        topic_counts("users-dlt", open=5, failed_again=1, replayed=1),
        topic_counts("orders-dlt", open=1200, discarded=3, parked=1),
        topic_counts("notes-dlt"),
    )


def unreadable_topics() -> ListReport:
    """One whose letters nobody may read, and one of which a partition couldn't be read."""
    why, lost = "kafka-1:9092 forbids it: READ on the topic", "no leader"
    hidden = TopicCounts("hidden-dlt", {}, None, None, None, unread=why)
    part = replace(topic_counts("part-dlt", open=3), unread=lost)
    gaps = (Gap("hidden-dlt", None, why), Gap("part-dlt", 1, lost))
    return ListReport(NOW, (topic_counts("empty-dlt"), hidden, part), Coverage(3, 1, gaps=gaps))


def plan(count: int = 3, *, warnings: Sequence[str] = (), refused: int = 0, topic: str = "users-dlt") -> Plan:
    """What a replay would do."""
    found = [letter(number, topic=topic) for number in range(count + refused)]
    planned = tuple(_planned(one) for one in found[:count])
    turned_down = tuple(Refused(one, "the topic users is gone") for one in found[count:])
    return Plan(
        "run-1", Selection(topic), "exactly_once", count + refused, planned, (), turned_down, tuple(warnings), FULL, NOW
    )


def _planned(one: Letter) -> Planned:
    record = one.event.record
    source = LetterId(CLUSTER.cluster_id, "t-1", 0, one.position.offset)
    outgoing = Outgoing("users", record.key, record.value, (), 0)
    told = Told("users", 1, one.group, one.cause.kind)
    return Planned(one, outgoing, told, "origin", f"replay-{one.position.offset}", source, "hash")


def outcome(made: Plan, *, interrupted: bool = False) -> ReplayReport:
    """What it did."""
    done = made.planned[:1] if interrupted else made.planned
    put = tuple(Replayed(one.letter.position, Position("users", 0, 900 + at)) for at, one in enumerate(done))
    resume = f"eventops dlq replay {made.selection.topic} --all --execute" if interrupted else None
    return ReplayReport(made, executed=True, replayed=put, interrupted=interrupted, resume_command=resume)


def event(name: str, event_type: str, source: str, at: Position, seconds: float, cause: str | None = None) -> Event:
    """One event of a chain."""
    record = Record(at, ago(seconds), b"k", b"{}", ())
    return Event(record, Ids(name, event_type, source, "req-1", cause, ago(seconds)))


def trace() -> TraceReport:
    """Three events, three hops deep; one failed, one waits."""
    registered = event("e-1", "user.registered", "user-service", Position("users", 0, 7), 30)
    placed = event("e-2", "order.placed", "order-service", Position("orders", 1, 3), 29, "e-1")
    points = event("e-3", "loyalty.pointsEarned", "order-service", Position("orders", 1, 9), 27, "e-2")
    refused = letter(2, correlation_id="req-1")
    return TraceReport(
        "req-1",
        (
            Hop(
                registered,
                1,
                None,
                ("e-2",),
                (_did("mail-group", Status.DEAD_LETTERED, "letter users-dlt/0/2"),),
                (refused,),
            ),
            Hop(placed, 2, 1.0, ("e-3",), (_did("billing-group", Status.CONSUMED, "committed 12 > offset 3"),)),
            Hop(
                points,
                3,
                2.0,
                (),
                (_did("billing-group", Status.PENDING, "committed 9 <= offset 9"),),
                anomalies=(Anomaly("clock_skew", "e-3", "300 ms before its cause"),),
            ),
        ),
        ("e-1",),
        (Anomaly("clock_skew", "e-3", "300 ms before its cause"),),
        (),
        Coverage(6, 6, records=1204, bytes=400_000),
    )


def _did(name: str, status: Status, evidence: str) -> Delivery:
    return Delivery(name, status, ago(20), evidence)


def found(report: TraceReport) -> Found:
    """The end of a search."""
    return Found(report.coverage.records, report.coverage.records, len(report.events), report)


def nothing_found() -> TraceReport:
    """No such id."""
    return TraceReport("req-9", (), (), (), (), Coverage(6, 6, records=1204, bytes=400_000))


def topic(
    name: str, *spans: PartitionSpan, groups: tuple[str, ...] = (), kept: float | None = 604800.0
) -> TopicSummary:
    """One topic."""
    return TopicSummary(name, "t-1", False, spans, "delete", kept, None, None, groups)


def healthy_topics() -> TopicsReport:
    """All replicas are there, and each topic is read."""
    placed = Placement(0, 1, (1, 2, 3), (1, 2, 3))
    names = (("orders", 5420, "billing-group"), ("users", 41, "mail-group"))
    found = tuple(topic(name, PartitionSpan(0, 0, end, 0, None, placed), groups=(by,)) for name, end, by in names)
    return TopicsReport(NOW, found, Coverage(2, 2))


def topics() -> TopicsReport:
    """One that is read, one that isn't, one that doesn't answer."""
    return TopicsReport(
        NOW,
        (
            topic(
                "orders",
                PartitionSpan(0, 0, 5420, 0, None, Placement(0, 1, (1, 2, 3), (1, 2, 3))),
                PartitionSpan(1, 10, 98, 4, None, Placement(1, 2, (2, 3, 1), (2, 1))),
                groups=("audit-group", "billing-group"),
            ),
            topic(
                "users",
                PartitionSpan(0, 0, 41, 0, None, Placement(0, 1, (1,), (1,))),
                PartitionSpan(1, None, None, None, "no leader", Placement(1, None, (3,), ())),
                kept=None,
            ),
        ),
        Coverage(4, 3, gaps=(Gap("users", 1, "no leader"),)),
    )
