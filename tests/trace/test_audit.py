"""The audit's rules: a table of chains with a fault each, and which service is to be mended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import Event, Position, Record, read_event
from eventops.ports import SpanLink, StoredSpan
from eventops.trace.audit import SETTLING, Audit, Evidence, audit, is_unsampled, strays
from eventops.trace.model import Copy, Delivery, Hop, Status
from eventops.trace.spans import joined
from tests.trace.scene import CORRELATION, NOON, letter

TRACE, OTHER = "a" * 32, "b" * 32
LATER = NOON + timedelta(minutes=5)


def event(
    name: str,
    at: str,
    cause: str | None = None,
    source: str = "orders",
    correlation: str | None = CORRELATION,
    trace: str | None = TRACE,
    flags: str = "01",
) -> Event:
    """An event in the log, with the trace context that its producer wrote."""
    body = {
        "eventId": name,
        "eventType": "thing",
        "source": source,
        "metadata": {"correlationId": correlation, "causationId": cause},
    }
    headers = (("traceparent", f"00-{trace}-{'1' * 16}-{flags}".encode()),) if trace else ()
    return read_event(Record(Position.parse(at), NOON, None, json.dumps(body).encode(), headers))


def hop(of: Event, **deliveries: Status) -> Hop:
    """The event, and what became of it by group."""
    return Hop(of, 1, None, (), tuple(Delivery(group, status, None, "") for group, status in deliveries.items()))


def span(
    operation: str,
    message: str | None,
    at: str | None,
    service: str,
    trace: str = TRACE,
    parent: str | None = "2" * 16,
    group: str | None = None,
    error: str | None = None,
    links: tuple[SpanLink, ...] = (),
    number: int = 0,
) -> StoredSpan:
    """What a store holds."""
    where = Position.parse(at) if at else None
    name = f"{operation} {where.topic if where else '?'}"
    span_id = f"{abs(hash((operation, message, at, service, trace, group, number))) % 16**16:016x}"
    return StoredSpan(
        trace, span_id, parent, service, name, NOON, 0.1, error, operation, group, message, CORRELATION, where, links
    )


def sent(name: str, at: str, service: str = "orders", trace: str = TRACE, parent: str | None = "2" * 16) -> StoredSpan:
    return span("send", name, at, service, trace, parent)


def handled(name: str, at: str, group: str = "mail", service: str = "mailer", trace: str = TRACE) -> StoredSpan:
    return span("process", name, at, service, trace, group=group)


ORDER = event("order", "orders/0/1")
MAIL = event("mailed", "mails/0/1", cause="order", source="mailer")
WHOLE = (sent("order", "orders/0/1"), handled("order", "orders/0/1"), sent("mailed", "mails/0/1", "mailer"))
HOPS = (hop(ORDER, mail=Status.CONSUMED), hop(MAIL))


@dataclass(frozen=True)
class Scene:
    """A chain, its spans, and the findings it must lead to: kind and service to mend."""

    why: str
    hops: tuple[Hop, ...] = HOPS
    spans: tuple[StoredSpan, ...] = WHOLE
    findings: tuple[tuple[str, str | None], ...] = ()
    strays: Mapping[Position, Event | None] = field(default_factory=dict)


def without(operation: str, name: str) -> tuple[StoredSpan, ...]:
    return tuple(one for one in WHOLE if (one.operation, one.message_id) != (operation, name))


def with_(*more: StoredSpan) -> tuple[StoredSpan, ...]:
    return (*WHOLE, *more)


LOST = event("lost", "mails/0/7", cause="order", source="mailer", correlation=None)
CHANGED = event("changed", "mails/0/7", cause="order", source="mailer", correlation="req-2")
UNRELATED = event("else", "mails/0/7", cause="e-9", source="mailer", correlation="req-2")
DOUBLED = replace(
    ORDER,
    record=replace(
        ORDER.record, headers=(*ORDER.record.headers, ("Traceparent", f"00-{OTHER}-{'3' * 16}-01".encode()))
    ),
)
AT_7 = Position.parse("mails/0/7")

SCENES = [
    Scene("every event was sent by a span, every delivery handled in one: nothing to mend"),
    Scene("its send span was dropped", spans=without("send", "order"), findings=(("event_without_span", "orders"),)),
    Scene(
        "nothing of the mailer arrives at all: its events and its deliveries have no spans, and nobody says who reads",
        spans=(WHOLE[0],),
        findings=(("event_without_span", "mailer"), ("delivery_without_span", None)),
    ),
    Scene(
        "one delivery isn't told of; another span of the group names the service",
        (hop(ORDER, mail=Status.CONSUMED), hop(MAIL, mail=Status.DEAD_LETTERED)),
        findings=(("delivery_without_span", "mailer"),),
    ),
    Scene("what waits has no handling yet", (hop(ORDER, mail=Status.CONSUMED, late=Status.PENDING), hop(MAIL))),
    Scene("nobody knows whether it was handled", (hop(ORDER, mail=Status.CONSUMED, x=Status.UNKNOWN), hop(MAIL))),
    Scene(
        "the span of another group's handling doesn't count",
        (hop(ORDER, mail=Status.CONSUMED, points=Status.CONSUMED), hop(MAIL)),
        findings=(("delivery_without_span", None),),
    ),
    Scene(
        "a replay is a delivery of its own, and eventops sends without spans",
        (replace(HOPS[0], copies=(Copy(event("order", "orders/0/9"), "run-1", HOPS[0].deliveries),)), HOPS[1]),
        findings=(("delivery_without_span", "mailer"),),
    ),
    Scene(
        "the replay was handled, in a span of its own",
        (replace(HOPS[0], copies=(Copy(event("order", "orders/0/9"), "run-1", HOPS[0].deliveries),)), HOPS[1]),
        with_(handled("order", "orders/0/9")),
    ),
    Scene(
        "a dead letter's send span is about the letter, and the letter is known",
        (replace(HOPS[0], dead_letters=(letter("order", "orders/0/1"),)), HOPS[1]),
        with_(sent("order", "orders-dlt/0/0", "mailer")),
    ),
    Scene(
        "nothing stands where a span says that something was sent",
        spans=with_(sent("ghost", "mails/0/7", "mailer")),
        findings=(("span_without_event", "mailer"),),
        strays={AT_7: None},
    ),
    Scene(
        "a handling of something that isn't there",
        spans=with_(handled("ghost", "mails/0/7")),
        findings=(("span_without_event", "mailer"),),
        strays={AT_7: None},
    ),
    Scene(
        "a span that names a message and no place, and no such event was found",
        spans=with_(span("send", "ghost", None, "mailer")),
        findings=(("span_without_event", "mailer"),),
    ),
    Scene(
        "a send that failed never came to the log",
        spans=with_(span("send", "ghost", None, "mailer", error="_MSG_TIMED_OUT")),
    ),
    Scene("a place that couldn't be read says nothing", spans=with_(sent("ghost", "mails/0/7", "mailer"))),
    Scene(
        "the record at a span's place has no correlation id, so the search by it couldn't find it",
        spans=with_(sent("lost", "mails/0/7", "mailer")),
        findings=(("correlation_dropped", "mailer"),),
        strays={AT_7: LOST},
    ),
    Scene(
        "the record at a span's place names an event of the chain as its cause, under another correlation id",
        spans=with_(sent("changed", "mails/0/7", "mailer")),
        findings=(("correlation_changed", "mailer"),),
        strays={AT_7: CHANGED},
    ),
    Scene(
        "another request's event in the same trace is no fault of this one",
        spans=with_(sent("else", "mails/0/7", "mailer")),
        strays={AT_7: UNRELATED},
    ),
    Scene(
        "found by its cause: its producer dropped the correlation id",
        (*HOPS, hop(LOST)),
        with_(sent("lost", "mails/0/7", "mailer")),
        (("correlation_dropped", "mailer"),),
    ),
    Scene(
        "found by its cause: its producer made an id of its own",
        (*HOPS, hop(CHANGED)),
        with_(sent("changed", "mails/0/7", "mailer")),
        (("correlation_changed", "mailer"),),
    ),
    Scene(
        "an event without traceparent can't be joined by anyone, and no span can be asked of it",
        (hop(event("order", "orders/0/1", trace=None)), HOPS[1]),
        without("send", "order"),
        (("no_trace_context", "orders"),),
    ),
    Scene(
        "two traceparents: no consumer can know its parent, so the one that began anew isn't to blame",
        (hop(DOUBLED, mail=Status.CONSUMED), HOPS[1]),
        (WHOLE[0], handled("order", "orders/0/1", trace=OTHER), sent("mailed", "mails/0/1", "mailer", OTHER)),
        findings=(("no_trace_context", "orders"),),
    ),
    Scene(
        "a traceparent that can't be read is none",
        (hop(event("order", "orders/0/1", trace="z" * 32)), HOPS[1]),
        findings=(("no_trace_context", "orders"),),
    ),
    Scene(
        "the consumer handled the event in a trace of its own, without parent or link",
        spans=(WHOLE[0], handled("order", "orders/0/1", trace=OTHER), WHOLE[2]),
        findings=(("new_trace", "mailer"),),
    ),
    Scene(
        "a trace of its own with a link to the event's is the way of long-lived chains",
        spans=(
            WHOLE[0],
            replace(handled("order", "orders/0/1", trace=OTHER), links=(SpanLink(TRACE, "3" * 16),)),
            WHOLE[2],
        ),
    ),
    Scene(
        "the send is the first span of a trace, though it was caused by a handling: the producer lost the context",
        (HOPS[0], hop(event("mailed", "mails/0/1", "order", "mailer", trace=OTHER))),
        (WHOLE[0], WHOLE[1], sent("mailed", "mails/0/1", "mailer", OTHER, parent=None)),
        (("new_trace", "mailer"),),
    ),
    Scene(
        "a request of its own above the send: a person paid the order later, in another trace",
        (HOPS[0], hop(event("paid", "orders/0/2", "order", trace=OTHER))),
        (WHOLE[0], WHOLE[1], sent("paid", "orders/0/2", trace=OTHER, parent="4" * 16)),
    ),
    Scene(
        "what its producer chose not to sample can't be compared",
        (hop(event("order", "orders/0/1", flags="00"), mail=Status.CONSUMED), HOPS[1]),
        (WHOLE[2],),
    ),
    Scene(
        "an event of which only the letter is left says nothing about its sending",
        (replace(hop(event("order", "orders-dlt/0/0")), dead_letters=(letter("order", at="orders-dlt/0/0"),)), HOPS[1]),
        (WHOLE[2],),
    ),
]


def judge(scene: Scene) -> Audit:
    return audit(Evidence(CORRELATION, joined(scene.hops, scene.spans), scene.spans, scene.strays, LATER))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.why)
def test_each_fault_is_found_and_names_the_service_to_mend(scene: Scene) -> None:
    assert sorted(((f.kind, f.service) for f in judge(scene).findings), key=str) == sorted(scene.findings, key=str)


def test_what_is_compared_is_counted() -> None:
    found = judge(SCENES[0])
    assert (found.events, found.sent, found.deliveries, found.handled, found.spans) == (2, 2, 1, 1, 3)
    mailer = judge(SCENES[2])
    assert (mailer.sent, mailer.handled) == (1, 0)
    assert mailer.services == {None: 1, "mailer": 1}
    (dropped,) = judge(SCENES[1]).findings
    assert (dropped.event_id, dropped.trace_id, str(dropped.position)) == ("order", TRACE, "orders/0/1")


def test_young_events_are_not_judged() -> None:
    evidence = Evidence(CORRELATION, HOPS, WHOLE[:1], {}, NOON + SETTLING - timedelta(seconds=1))
    assert (audit(evidence).findings, audit(evidence).settling) == ((), 2)
    assert audit(replace(evidence, now=NOON + SETTLING)).findings


@pytest.mark.parametrize(
    ("flags", "unsampled"), [("00", True), ("01", False), ("02", True), ("zz", False), ("", False)]
)
def test_the_flags_say_whether_it_was_sampled(flags: str, unsampled: bool) -> None:
    assert is_unsampled(event("e", "t/0/0", flags=flags)) is unsampled


@given(st.sets(st.sampled_from(WHOLE)), st.sets(st.sampled_from(HOPS)))
def test_spans_that_are_missing_are_found_and_none_is_made_up(spans: set[StoredSpan], hops: set[Hop]) -> None:
    """Each event without its span is one finding, where there are any spans; a span is a stray exactly where its event
    isn't there."""
    kept = tuple(sorted(spans, key=lambda one: one.span_id))
    found = audit(Evidence(CORRELATION, joined(hops, kept), kept, {}, LATER))
    kinds = [finding.kind for finding in found.findings]
    assert kinds.count("event_without_span") == (found.events - found.sent if spans else 0)
    assert kinds.count("delivery_without_span") == (found.deliveries - found.handled if spans else 0)
    held = {one.event.ids.event_id for one in hops}
    assert {one.message_id for one in strays(hops, kept)} == {one.message_id for one in kept} - held


def test_a_store_that_holds_nothing_of_the_chain_blames_nobody() -> None:
    """What the log alone tells is told all the same."""
    chain = (hop(event("e1", "t/0/0"), g=Status.CONSUMED), hop(event("e2", "t/0/1", "e1", trace=None)))
    found = audit(Evidence(CORRELATION, chain, (), now=LATER))
    assert (found.events, found.sent, found.spans) == (2, 0, 0)
    assert [(one.kind, one.event_id) for one in found.findings] == [("no_trace_context", "e2")]
