"""What Jaeger holds of the demo's chain against what Kafka's log holds of it: event by event, delivery by delivery."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise

import pytest

from eventops.events import TRACEPARENT, Event, Position, bytes_as_text
from eventops.ports import StoredSpan
from tests.telemetry.flow import CUSTOMERS, LETTERS, SERVICES, Flow, correlation

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

Ids = tuple[Position | None, str | None, str | None]
"""Where a message stands, its id and its correlation id."""


def ids_of_event(event: Event) -> Ids:
    return event.position, event.ids.event_id, event.ids.correlation_id


def ids_of_span(span: StoredSpan) -> Ids:
    return span.position, span.message_id, span.conversation_id


def test_every_event_was_sent_by_one_span_and_no_span_sent_anything_else(flow: Flow) -> None:
    assert len(flow.sent) == 8 * CUSTOMERS + 3, "with a registration that failed, its letter, and the mail after all"
    assert Counter(map(ids_of_span, flow.named("send"))) == Counter(map(ids_of_event, flow.sent))


def test_every_delivery_was_handled_in_one_span_and_nothing_else_was(flow: Flow) -> None:
    expected = Counter((ids_of_event(event), group) for event, group in flow.deliveries)
    assert len(expected) == 2 * (4 * CUSTOMERS + 2), "the replayed event was delivered to both groups again"
    assert Counter((ids_of_span(span), span.group) for span in flow.named("process")) == expected


def test_every_handling_is_a_child_of_the_span_that_its_header_names_and_linked_to_it(flow: Flow) -> None:
    named = {event.position: _named_by_its_header(event) for event in flow.events}
    for span in flow.named("process"):
        assert span.position is not None
        trace_id, span_id = named[span.position]
        assert (span.trace_id, span.parent_id) == (trace_id, span_id)
        assert [(link.trace_id, link.span_id) for link in span.links] == [(trace_id, span_id)]
    for event in flow.sent:
        (send,) = (span for span in flow.named("send") if span.position == event.position)
        assert (send.trace_id, send.span_id) == _named_by_its_header(event), "the event names the span that sent it"


def test_jaeger_keeps_the_order_of_the_messages(flow: Flow) -> None:
    for operation in ("send", "process"):
        of_one_reader: dict[tuple[str, int, str | None], list[tuple[datetime, int]]] = {}
        for span in flow.named(operation):
            assert span.position is not None
            reader = (span.position.topic, span.position.partition, span.group)
            of_one_reader.setdefault(reader, []).append((span.start, span.position.offset))
        assert any(len(told) > 3 for told in of_one_reader.values()), "there is an order to keep"
        for reader, told in of_one_reader.items():
            offsets = [offset for _, offset in sorted(told)]
            assert offsets == sorted(offsets), f"{operation} of {reader}"


def test_a_cause_begins_before_its_effect(flow: Flow) -> None:
    """A handling may begin before the broker's word about the send is heard: the starts are compared."""
    by_id = {(span.trace_id, span.span_id): span for span in flow.spans}
    children = [(by_id[parent], s) for s in flow.spans if (parent := (s.trace_id, s.parent_id or "")) in by_id]
    assert len(children) > len(flow.sent)
    assert [(above.name, below.name) for above, below in children if above.start > below.start] == []


@pytest.mark.parametrize("number", range(CUSTOMERS))
def test_one_trace_from_the_http_request_to_the_last_mail(flow: Flow, number: int) -> None:
    of_request = [span for span in flow.spans if span.conversation_id == correlation(number)]
    last_mail = max((span for span in of_request if span.name == "smtp send"), key=lambda span: span.start)
    assert [f"{span.service}: {_without(span.name, flow.prefix)}" for span in _path(flow, last_mail)] == [
        "order-service: POST /orders/{order_id}/pay",
        "order-service: send order-events",
        "order-service: process order-events",
        "order-service: send order-events",
        "notification-service: process order-events",
        "notification-service: smtp send",
    ]


def test_no_span_stands_alone_and_every_span_carries_the_correlation_id(flow: Flow) -> None:
    """The database's and the mail server's too: baggage carries it."""
    known = {(span.trace_id, span.span_id) for span in flow.spans}
    roots = [span for span in flow.spans if span.parent_id is None]
    assert {span.name.split()[0] for span in roots} == {"POST"}, "all work begins with a request"
    orphans = [s.name for s in flow.spans if s.parent_id is not None and (s.trace_id, s.parent_id) not in known]
    assert orphans == []
    assert {"INSERT", "SELECT", "UPDATE"} & {span.name for span in flow.spans}
    expected = {correlation(number) for number in range(CUSTOMERS + 1)}
    assert {span.conversation_id for span in flow.spans} == expected


def test_the_letter_and_its_replay_stand_below_the_failure(flow: Flow) -> None:
    (letter,) = flow.letters
    again = [s for s in flow.named("process") if s.message_id == letter.ids.event_id and s.trace_id]
    failed = [span for span in again if span.error]
    assert [span.error for span in failed] == ["SMTPRecipientsRefused"]
    replayed = [s for s in again if s.parent_id == _named_by_its_header(letter)[1]]
    assert {s.group for s in replayed} == {flow.prefix + name for name in ("notification-group", "order-group")}
    (mail,) = (s for s in flow.named("send") if s.trace_id == failed[0].trace_id and "notification" in s.name)
    names = [_without(span.name, flow.prefix) for span in _path(flow, mail)]
    assert names == [
        "POST /users",
        "send user-events",
        "process user-events",
        f"send {LETTERS}",
        "process user-events",
        "send notification-events",
    ]


def test_attributes_have_the_conventions_types_in_jaeger(flow: Flow) -> None:
    types: dict[str, set[str]] = {}
    for resource in (found for service in SERVICES for found in flow.sky.raw(service)):
        for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
            for attribute in span["attributes"]:
                types.setdefault(attribute["key"], set()).update(attribute["value"])
    integers = {"messaging.kafka.offset", "server.port", "http.response.status_code"}
    texts = {"messaging.destination.partition.id", "messaging.kafka.message.key", "messaging.message.id"}
    assert {name: types[name] for name in integers} == {name: {"intValue"} for name in integers}
    assert {name: types[name] for name in texts} == {name: {"stringValue"} for name in texts}


def test_every_mail_is_told_of_once(flow: Flow) -> None:
    taken = [span for span in flow.spans if span.name == "smtp send" and not span.error]
    assert len(taken) == len(flow.mails) == 4 * CUSTOMERS + 1
    assert Counter(s.conversation_id for s in taken) == Counter(mail["correlation_id"] for mail in flow.mails)


def _named_by_its_header(event: Event) -> tuple[str, str]:
    """Trace and span."""
    _, trace_id, span_id, _ = bytes_as_text(event.record.header(TRACEPARENT) or b"").split("-")
    return trace_id, span_id


def _path(flow: Flow, last: StoredSpan) -> list[StoredSpan]:
    """From the trace's first span down to this one."""
    by_id = {span.span_id: span for span in flow.spans if span.trace_id == last.trace_id}
    path = [last]
    while (parent := path[0].parent_id) is not None:
        path.insert(0, by_id[parent])
    assert all(above.start <= below.start for above, below in pairwise(path))
    return path


def _without(name: str, prefix: str) -> str:
    return name.replace(prefix, "")
