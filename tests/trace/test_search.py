"""The search on a real Apache Kafka: what is found, what isn't, and in which order the groups are asked."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from eventops.dlq.model import Selection
from eventops.dlq.service import DeadLetterService
from eventops.errors import UsageError
from eventops.events import Places, read_event
from eventops.ports import Outgoing
from eventops.trace.model import News, Question, TraceReport
from eventops.trace.service import TraceService
from tests.brokers.lab import KafkaLab, eventually
from tests.trace.requests import Request, envelope, request_on

pytestmark = pytest.mark.broker


@pytest.fixture
def request_(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[Request]:
    lab = KafkaLab(bootstrap_servers, unique)
    with request_on(lab) as found:
        yield found
    lab.close()


def now() -> datetime:
    return datetime.now(UTC)


def service(request: Request) -> TraceService:
    return TraceService(request.lab.broker, DeadLetterService(request.lab.broker, operator="test"))


def traced(request: Request, identifier: str | None = None) -> TraceReport:
    return service(request).trace(Question(identifier or request.correlation), now())


def narrow(request: Request, question: Question) -> TraceReport:
    return service(request).trace(replace(question, topics=request.topics), now())


def statuses(report: TraceReport) -> list[dict[str, str]]:
    return [{one.group.rsplit("-", 1)[0]: one.status.value for one in hop.deliveries} for hop in report.events]


def test_a_request_is_told_whole(request_: Request) -> None:
    report = traced(request_)
    assert [(hop.depth, hop.event.ids.event_type) for hop in report.events] == [
        (1, "order.placed"),
        (2, "user.pointsAwarded"),
        (3, "mail.requested"),
    ]
    assert statuses(report) == [{"shipper": "pending"}, {"mailer": "consumed"}, {"mailer": "dead_lettered"}]
    assert [hop.hop_seconds for hop in report.events] == [None, 0.12, 0.58]
    assert report.anomalies == ()
    assert [letter.cause_key for letter in report.events[2].dead_letters] == ["SMTPRecipientsRefused"]


def test_an_event_id_leads_to_the_whole_chain(request_: Request) -> None:
    report = traced(request_, request_.events["points"].event_id)
    assert report.correlation_id == request_.correlation
    assert report.events == traced(request_).events


def test_an_event_without_a_correlation_id_brings_what_it_caused(request_: Request) -> None:
    request_.append(request_.orders, b'{"eventId":"lonely-%s"}' % request_.correlation.encode())
    request_.append(request_.orders, b'{"eventId":"x","causationId":"lonely-%s"}' % request_.correlation.encode())
    report = traced(request_, f"lonely-{request_.correlation}")
    assert [(hop.depth, hop.event.reference) for hop in report.events] == [
        (1, f"lonely-{request_.correlation}"),
        (2, "x"),
    ]


def test_an_event_that_is_gone_is_found_by_what_it_caused(request_: Request) -> None:
    request_.lab.cut(request_.places["order"].home, before=1)
    report = narrow(request_, Question(request_.events["order"].event_id))
    assert report.correlation_id == request_.correlation
    assert [hop.event.ids.event_type for hop in report.events] == ["user.pointsAwarded", "mail.requested"]


def test_raw_bytes_in_a_header_of_a_tombstone_are_found(request_: Request) -> None:
    correlation = uuid.uuid4()
    at = request_.append(request_.users, None, (("kafka_correlationId", correlation.bytes),))
    (hop,) = traced(request_, str(correlation)).events
    assert hop.event.position == at


def test_what_was_never_committed_is_not_told(request_: Request) -> None:
    """An aborted transaction, then an open one: the search ends before it and doesn't wait for it."""
    correlation = request_.name("hidden")
    producer = request_.lab.broker.transactional_producer(request_.name("tx"))
    event = envelope("order.placed", correlation)
    for end in (producer.abort, lambda: None):
        producer.begin()
        producer.append([Outgoing(request_.orders, None, event.to_json(), (), 0)])
        end()
    try:
        report = narrow(request_, Question(correlation))
        assert (report.events, report.coverage.complete) == ((), True)
        assert [f"{request_.orders}/0 (1 offset)" in note for note in report.notes if "open transactions" in note] == [
            True
        ]
        producer.commit()
        eventually(lambda: len(narrow(request_, Question(correlation)).events) == 1)
    finally:
        producer.close()


def test_a_failure_during_the_search_is_not_taken_for_success(request_: Request) -> None:
    """The consumer gives up after the log's end was fixed: its commit is seen, so its letter must be seen as well."""
    search = service(request_).search(Question(request_.correlation), now())
    next(search)
    request_.fail("order", request_.name("shipper"))
    *_, last = search
    assert last.report is not None
    assert statuses(last.report)[0] == {"shipper": "dead_lettered"}


def test_a_topic_that_goes_away_during_the_search_is_a_gap(request_: Request) -> None:
    search = service(request_).search(Question(request_.correlation, request_.topics), now())
    next(search)
    request_.lab.delete(request_.letters)
    *_, last = search
    assert last.report is not None
    assert not last.report.coverage.complete
    assert [gap.subject for gap in last.report.coverage.gaps] == [request_.letters]
    assert last.report.coverage.partitions_complete == 4


def test_a_replay_is_followed_to_its_consumer(request_: Request) -> None:
    letters = DeadLetterService(request_.lab.broker, operator="test")
    plan = letters.plan(Selection(request_.letters), now(), run_id=request_.name("run"))
    *_, done = letters.execute(plan)
    assert done.report is not None
    (target,) = (one.target for one in done.report.replayed)
    assert statuses(traced(request_))[2] == {"mailer": "replayed"}
    request_.commit(request_.name("mailer"), {target.home: target.offset + 1})
    hop = traced(request_).events[2]
    assert [(copy.position, copy.deliveries[0].status.value) for copy in hop.copies] == [(target, "consumed")]
    assert hop.deliveries[0].evidence.endswith(f"put back; {target} is consumed")


def test_since_leaves_out_what_was_before_and_blames_nobody(request_: Request) -> None:
    report = narrow(request_, Question(request_.correlation, since=now() - timedelta(milliseconds=1)))
    assert (report.events, report.coverage.records) == ((), 0)
    assert report.coverage.complete
    recent = narrow(request_, Question(request_.correlation, since=now() - timedelta(hours=1)))
    assert len(recent.events) == 3


def test_one_topic_alone_says_what_it_cannot_know(request_: Request) -> None:
    report = service(request_).trace(Question(request_.correlation, (request_.users,)), now())
    assert [hop.depth for hop in report.events] == [1, 2]
    assert [one.detail for one in report.anomalies] == [
        f"{request_.events['order'].event_id} caused it: it wasn't found in the topics and times that were searched"
    ]
    assert report.events[1].deliveries[0].evidence == "committed 2 > offset 1; its dead letters weren't looked for"


def test_a_log_that_was_cut_is_noted_and_a_letter_speaks_for_its_event(request_: Request) -> None:
    request_.lab.cut(request_.places["mail"].home, before=2)
    report = narrow(request_, Question(request_.correlation))
    assert f"1 topic already cut by retention: {request_.users}" in report.notes
    assert [(hop.event.ids.event_type, [one.kind for one in hop.anomalies]) for hop in report.events] == [
        ("order.placed", []),
        ("mail.requested", ["missing_cause", "original_gone"]),
    ]


def test_causation_is_followed_beyond_the_correlation_id(request_: Request) -> None:
    """Both ways, in one further reading, and only where it was asked for."""
    first = envelope("cart.abandoned", request_.name("cart"))
    order = envelope("order.retried", request_.name("retry"), first)
    bill = envelope("bill.sent", request_.name("bill"), order)
    for name, event in (("bill", bill), ("cart", first), ("retry", order)):
        request_.put(name, request_.users, event)
    (alone,) = narrow(request_, Question(order.correlation_id)).events
    assert [one.kind for one in alone.anomalies] == ["missing_cause"]
    report = narrow(request_, Question(order.correlation_id, follow_causation=True))
    assert [(hop.event.ids.event_type, [one.kind for one in hop.anomalies]) for hop in report.events] == [
        ("cart.abandoned", []),
        ("order.retried", ["other_correlation"]),
        ("bill.sent", ["other_correlation"]),
    ]
    assert report.correlation_id == order.correlation_id


def test_an_event_whose_only_id_is_its_trace_is_found(request_: Request) -> None:
    trace_id = uuid.uuid4().hex
    parent = f"00-{trace_id}-b7ad6b7169203331-01"
    at = request_.append(request_.users, b"\xff\x00", (("traceparent", parent.encode()),))
    for asked in (trace_id, parent):
        (hop,) = narrow(request_, Question(asked)).events
        assert (hop.event.position, hop.event.reference) == (at, str(at))


def test_places_that_a_context_names_are_searched(request_: Request) -> None:
    number = request_.name("no")
    at = request_.append(request_.users, b'{"meta":{"request":"%s"}}' % number.encode())
    letters = DeadLetterService(request_.lab.broker, operator="test")
    read = Places.of({"ids.correlation": "/meta/request"}).reader
    for reader, found in ((read, [at]), (read_event, [])):
        trace = TraceService(request_.lab.broker, letters, reader)
        report = trace.trace(Question(number, request_.topics), now())
        assert [hop.event.position for hop in report.events] == found


@pytest.mark.parametrize(
    ("since", "until", "says"), [(3600, None, "lies in the future"), (-60, -120, "isn't before --until")]
)
def test_a_window_that_holds_no_time_is_refused(
    request_: Request, since: float, until: float | None, says: str
) -> None:
    end = None if until is None else now() + timedelta(seconds=until)
    with pytest.raises(UsageError, match=says):
        narrow(request_, Question("x", since=now() + timedelta(seconds=since), until=end))


def test_what_eventops_wrote_is_no_event(request_: Request) -> None:
    ours = request_.lab.topic("eventops-notes")
    request_.append(ours, envelope("note", request_.correlation).to_json())
    assert len(traced(request_).events) == 3


def test_progress_ends_with_the_report(request_: Request) -> None:
    *before, last = service(request_).search(Question(request_.correlation), now())
    assert before
    assert all(found.report is None and found.records <= found.expected for found in before)
    assert last.report is not None
    assert last.records == last.expected
    assert last.events == 3


def test_what_comes_later_can_be_followed(request_: Request) -> None:
    trace = service(request_)
    following = trace.follow(trace.trace(Question(request_.correlation, request_.topics), now()))
    next(following)
    request_.put("paid", request_.orders, envelope("order.paid", request_.correlation, request_.events["order"]))
    request_.put("other", request_.orders, envelope("order.paid", "another"))
    request_.fail("paid", request_.name("shipper"))
    seen: list[News] = []
    for news in islice(following, 30):  # something or nothing at least once a second
        seen += news
        if len(seen) == 2:
            break
    following.close()
    assert {(str(one.event.position), one.letter is not None) for one in seen} == {
        (str(request_.places["paid"]), False),
        (f"{request_.letters}/0/1", True),
    }


@pytest.mark.parametrize(("topic", "identifier"), [("no-such-topic", "req-1"), (None, "")])
def test_a_question_that_makes_no_sense_is_refused(request_: Request, topic: str | None, identifier: str) -> None:
    with pytest.raises(UsageError):
        service(request_).trace(Question(identifier, (topic,) if topic else ()), now())
