"""The search on a real Apache Kafka: what is found, what isn't, and in which order the groups are asked."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import Source, Wishes
from eventops.dlq.service import DeadLetterService
from eventops.errors import UsageError
from eventops.events import Places, read_event
from eventops.ports import Outgoing
from eventops.trace.model import Question, Status, TraceReport
from eventops.trace.service import TraceService
from tests.brokers.lab import KafkaLab, eventually
from tests.trace.requests import Request, envelope, letter_headers, request_on

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


def mine(request: Request, identifier: str | None = None) -> Question:
    """In every topic of this test, also those made later: topics of others come and go, and each that goes is a gap."""
    return Question(identifier or request.correlation, (f"*{request.correlation.removeprefix('req')}*",))


def traced(request: Request, identifier: str | None = None) -> TraceReport:
    return service(request).trace(mine(request, identifier), now())


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
    search = service(request_).search(mine(request_), now())
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
    *before, last = service(request_).search(mine(request_), now())
    assert before
    assert all(found.report is None and found.records <= found.expected for found in before)
    assert last.report is not None
    assert last.records == last.expected
    assert last.events == 3


def test_a_chain_that_begins_while_it_is_searched_has_its_deliveries(request_: Request) -> None:
    correlation = request_.name("just-now")
    looking = service(request_).search(Question(correlation, request_.topics), now())
    next(looking)
    at = request_.put("new", request_.orders, envelope("order.placed", correlation), partition=1)
    request_.commit(request_.name("billing"), {at.home: at.offset + 1})
    *_, last = looking
    assert last.report is not None
    assert statuses(last.report) == [{"billing": "consumed", "shipper": "pending"}]


def watched(request: Request, question: Question) -> Iterator[TraceReport]:
    """Reports of a watch whose clock runs ten seconds at each look."""
    clock = (now() + timedelta(seconds=10 * look) for look in count())
    for found in service(request).watch(question, lambda: next(clock)):
        if found.report is not None:
            yield found.report


def test_what_comes_later_is_in_the_next_report(request_: Request) -> None:
    reports = watched(request_, Question(request_.correlation, request_.topics))
    assert len(next(reports).events) == 3
    request_.put("paid", request_.orders, envelope("order.paid", request_.correlation, request_.events["order"]))
    request_.put("other", request_.orders, envelope("order.paid", "another"))
    request_.fail("paid", request_.name("shipper"))
    report = next(one for one in islice(reports, 50) if len(one.events) == 4)
    paid = next(hop for hop in report.events if hop.event.position == request_.places["paid"])
    assert [str(one.position) for one in paid.dead_letters] == [f"{request_.letters}/0/1"]


def test_a_watch_sees_topics_that_are_made_later(request_: Request) -> None:
    reports = watched(request_, mine(request_))
    assert len(next(reports).events) == 3
    retry = request_.lab.topic("orders-retry")
    request_.put("later", retry, envelope("order.retried", request_.correlation, request_.events["order"]))
    report = next(one for one in islice(reports, 50) if len(one.events) == 4)
    assert str(request_.places["later"]) in {str(hop.event.position) for hop in report.events}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "share groups write letters without key and value by default"),
        (b"not serialisable any more", "a value that was made anew"),
    ],
)
def test_a_letter_that_holds_no_id_is_told_by_where_it_came_from(
    request_: Request, value: bytes | None, why: str
) -> None:
    group, points = request_.name("ledger"), request_.places["points"]
    at = request_.append(request_.letters, value, letter_headers(points, group, "java.lang.NullPointerException"))
    request_.append(request_.letters, value, letter_headers(points._replace(topic="another"), group))
    request_.commit(group, {points.home: points.offset + 1})
    hop = traced(request_).events[1]
    assert [one.position for one in hop.dead_letters] == [at], why
    assert {one.group: one.status for one in hop.deliveries}[group] is Status.DEAD_LETTERED, why


def test_a_letter_that_came_before_its_event_was_known_is_not_lost(request_: Request) -> None:
    """The event stands in a topic that a watch hears of a moment later."""
    correlation, group = request_.name("late"), request_.name("ledger")
    request_.put("root", request_.orders, envelope("order.placed", correlation))
    clock = iter([now(), now(), now(), *(now() + timedelta(seconds=10 * look) for look in range(1, 50))])
    looks = service(request_).watch(mine(request_, correlation), lambda: next(clock))
    reports = (found.report for found in looks if found.report is not None)
    assert len(next(reports).events) == 1
    hidden = request_.lab.topic("hidden")
    at = request_.put("later", hidden, envelope("order.hidden", correlation, request_.events["root"]))
    request_.append(request_.letters, None, letter_headers(at, group))
    request_.commit(group, {at.home: at.offset + 1})
    report = next(one for one in islice(reports, 40) if len(one.events) == 2)
    (delivery,) = report.events[1].deliveries
    assert delivery.status is Status.DEAD_LETTERED


def test_a_watch_follows_causation_of_what_comes_later(request_: Request) -> None:
    first, second = request_.name("first"), request_.name("second")
    cause, effect = envelope("a", first), envelope("b", second)
    reports = watched(request_, Question(first, request_.topics, follow_causation=True))
    assert not next(reports).events
    request_.put("a", request_.orders, cause)
    assert [len(next(reports).events) for _ in range(2)][-1] == 1
    caused = replace(effect, causation_id=cause.event_id)
    request_.put("b", request_.orders, caused)
    report = next(one for one in islice(reports, 50) if len(one.events) == 2)
    assert [hop.event.ids.correlation_id for hop in report.events] == [first, second]


def test_consumed_is_doubted_where_a_letter_may_stand_in_what_was_not_read(request_: Request) -> None:
    for _ in range(40):
        request_.append(request_.letters, b"x" * 100_000)
    lines = narrow(request_, Question(request_.correlation)).events[1].deliveries
    assert [one.evidence for one in lines] == ["committed 2 > offset 0; its dead letters weren't looked for"]
    report = service(request_).trace(Question(request_.correlation, max_bytes=200_000), now())
    doubted = [one.evidence for hop in report.events for one in hop.deliveries if one.status is Status.CONSUMED]
    assert doubted
    assert all(evidence.endswith("; its dead letter may stand in what wasn't read") for evidence in doubted)


def test_what_became_of_a_letter_without_ids_is_followed(request_: Request) -> None:
    """Put back as it is it has no id either, and its second letter is about where it was put."""
    points, group = request_.places["points"], request_.name("ledger")
    at = request_.append(request_.letters, b"", letter_headers(points, group))
    letters = DeadLetterService(request_.lab.broker, operator="test")
    selection = Selection(request_.letters, positions=(at,))
    plan = letters.plan(selection, now(), request_.name("run"), Wishes(source=Source.LETTER))
    *_, done = letters.execute(plan)
    assert done.report is not None
    (target,) = (one.target for one in done.report.replayed)
    again = request_.append(request_.letters, b"", letter_headers(target, group))
    hop = traced(request_).events[1]
    assert [copy.position for copy in hop.copies] == [target]
    assert [one.position for one in hop.dead_letters] == [at, again]
    assert {one.group: one.status for one in hop.copies[0].deliveries}[group] is Status.DEAD_LETTERED


def test_an_event_id_leads_to_its_chain_and_says_so(request_: Request) -> None:
    mail = request_.events["mail"]
    report = traced(request_, mail.event_id)
    assert report.correlation_id == request_.correlation
    said = f"{mail.event_id} leads to {request_.places['mail']}: this is the chain of its correlation id"
    assert f"{said} {request_.correlation}" in report.notes


def test_an_id_where_none_is_read_is_told_of(request_: Request) -> None:
    at = request_.append(request_.orders, b'{"meta":{"requestId":"' + request_.name("elsewhere").encode() + b'"}}')
    report = traced(request_, request_.name("elsewhere"))
    assert not report.events
    assert any(f"1 record where no id is read, such as {at}" in note for note in report.notes)


@pytest.mark.parametrize(("topic", "identifier"), [("no-such-topic", "req-1"), (None, "")])
def test_a_question_that_makes_no_sense_is_refused(request_: Request, topic: str | None, identifier: str) -> None:
    with pytest.raises(UsageError):
        service(request_).trace(Question(identifier, (topic,) if topic else ()), now())
