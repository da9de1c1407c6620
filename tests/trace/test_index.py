"""A trace store beside a real Apache Kafka: it says where, the log says what."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from eventops.dlq.service import DeadLetterService
from eventops.errors import StoreUnavailable, UsageError
from eventops.events import Position
from eventops.ports import StoredSpan, TraceStore
from eventops.trace.model import Question, TraceReport
from eventops.trace.service import TraceService
from tests.brokers.lab import KafkaLab
from tests.trace.requests import Request, request_on

pytestmark = pytest.mark.broker
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Kept:
    """A trace store that holds some spans, or doesn't answer."""

    name = "the store"

    def __init__(self, *spans: StoredSpan, trouble: str | None = None) -> None:
        self.spans = spans
        self.trouble = trouble

    def search(self, identifier: str, since: datetime, until: datetime) -> tuple[StoredSpan, ...]:
        if self.trouble:
            raise StoreUnavailable(self.trouble)
        hits = {s.trace_id for s in self.spans if identifier in (s.conversation_id, s.message_id)}
        return tuple(s for s in self.spans if s.trace_id in hits and since <= s.start <= until)

    def get(self, trace_id: str) -> tuple[StoredSpan, ...]:
        return tuple(span for span in self.spans if span.trace_id == trace_id)

    def url(self, trace_id: str) -> str | None:
        return f"http://store/{trace_id}"


@pytest.fixture(scope="module")
def request_(bootstrap_servers: str) -> Iterator[Request]:
    run = f"{datetime.now(UTC):%H%M%S%f}"
    lab = KafkaLab(bootstrap_servers, lambda stem: f"{stem}-{run}")
    with request_on(lab) as found:
        yield found
    lab.close()


def span(request: Request, name: str, operation: str, error: str | None = None) -> StoredSpan:
    at, event = request.places[name], request.events[name]
    return StoredSpan(
        TRACE,
        f"{name}-{operation}",
        None,
        "a-service",
        f"{operation} it",
        datetime.now(UTC),
        0.25,
        error,
        operation,
        "mailer",
        event.event_id,
        event.correlation_id,
        at,
    )


def told(request: Request, store: TraceStore | None, question: Question) -> TraceReport:
    letters = DeadLetterService(request.lab.broker, operator="test")
    return TraceService(request.lab.broker, letters, store=store).trace(question, datetime.now(UTC))


def test_an_index_says_where_and_the_log_says_what(request_: Request) -> None:
    store = Kept(*(span(request_, name, "send") for name in ("order", "points", "mail")))
    whole = told(request_, None, Question(request_.correlation))
    for identifier in (request_.correlation, request_.events["points"].event_id):
        began = time.perf_counter()
        report = told(request_, store, Question(identifier, engine="index"))
        assert time.perf_counter() - began < 5
        assert [hop.event for hop in report.events] == [hop.event for hop in whole.events]
        assert report.correlation_id == request_.correlation
        assert (report.coverage.records, report.coverage.complete) == (3, True)
        assert report.notes[0] == "the store named 3 records; the rest of the log wasn't read"
    assert report.events[2].deliveries[0].evidence.endswith("its dead letters weren't looked for")
    assert [(link.trace_id, link.url, link.spans) for link in report.traces] == [(TRACE, f"http://store/{TRACE}", 3)]


def test_a_record_that_the_log_no_longer_holds_is_a_gap(request_: Request) -> None:
    order = span(request_, "order", "send")
    beyond = StoredSpan(
        TRACE,
        "x",
        None,
        "s",
        "send",
        datetime.now(UTC),
        0,
        conversation_id=request_.correlation,
        position=Position(request_.name("gone"), 0, 7),
    )
    later = replace(beyond, span_id="y", position=Position(request_.orders, 1, 77))
    began = time.perf_counter()
    report = told(request_, Kept(order, beyond, later), Question(request_.correlation, engine="index"))
    assert time.perf_counter() - began < 8, "what isn't there isn't waited for"
    assert [hop.event.ids.event_type for hop in report.events] == ["order.placed"]
    assert {(gap.subject, gap.partition) for gap in report.coverage.gaps} == {
        (request_.name("gone"), 0),
        (request_.orders, 1),
    }
    assert any(gap.reason == "offset 77, which the index names: the log holds 0 to 0" for gap in report.coverage.gaps)


def test_spans_join_the_tree(request_: Request) -> None:
    spans = (span(request_, "order", "send"), span(request_, "mail", "process", "SMTPRefused"))
    report = told(request_, Kept(*spans), Question(request_.correlation, request_.topics))
    assert [[one.span_id for one in hop.spans] for hop in report.events] == [["order-send"], [], ["mail-process"]]
    assert [one.error for one in report.events[2].handlings] == ["SMTPRefused"]


def test_a_store_that_does_not_answer_is_a_note(request_: Request) -> None:
    store = Kept(trouble="the store is down")
    for engine in ("auto", "index"):
        report = told(request_, store, Question(request_.correlation, request_.topics, engine=engine))
        assert len(report.events) == 3
        assert report.coverage.complete
        assert "the store is down" in report.notes


def test_what_the_index_does_not_know_is_not_found(request_: Request) -> None:
    old = datetime.now(UTC) - timedelta(days=30)
    forgotten = StoredSpan(TRACE, "x", None, "s", "send", old, 0, conversation_id=request_.correlation)
    report = told(request_, Kept(forgotten), Question(request_.correlation, engine="index"))
    assert report.events == ()
    assert report.notes == ("the store named 0 records; the rest of the log wasn't read",)


@pytest.mark.parametrize(
    ("store", "identifier", "says"), [(None, "x", "there is no index to ask"), (Kept(), " ", "no id")]
)
def test_a_question_to_no_index_is_refused(
    request_: Request, store: TraceStore | None, identifier: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        told(request_, store, Question(identifier, engine="index"))
